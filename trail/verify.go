package trail

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"kenshin/facility"
	"kenshin/i18n"
	"kenshin/store"
)

// Problem is a kind of damage that Verify tells apart.
type Problem string

const (
	Edited  Problem = "edited"  // an entry does not say what it said when it was written
	Deleted Problem = "deleted" // an entry is missing in the middle
	Moved   Problem = "moved"   // an entry stands in another place than where it was written
	Added   Problem = "added"   // an entry stands behind the log's end
	Hashes  Problem = "hashes"  // the tree's hashes do not fit each other
	Cut     Problem = "cut"     // the log's end is missing
	Fork    Problem = "fork"    // the log is not the one that the checkpoint was made of: history was rewritten
	Foreign Problem = "foreign" // the checkpoint is not signed by this log, or is another facility's
)

// Finding is one thing that is wrong, with the place and a sentence.
type Finding struct {
	Problem Problem
	Seq     int64 // first entry concerned
	To      int64 // last entry concerned, Seq where it is one
	Says    i18n.Text
}

const maxFindings = 100 // of these the sentence is written; more are counted

// Report is what Verify found.
type Report struct {
	Facility   facility.ID
	Entries    int64 // entries read
	Size       int64 // entries that the log says it has
	Root       tlog.Hash
	Checkpoint *Head // the one compared with, nil when none was given or it could not be trusted
	Findings   []Finding
	More       int // findings beyond the first 100
}

// OK reports whether nothing is wrong.
func (r *Report) OK() bool { return len(r.Findings) == 0 }

func (r *Report) add(p Problem, from, to int64, ja, en string, args ...any) {
	if len(r.Findings) >= maxFindings {
		r.More++
		return
	}
	r.Findings = append(r.Findings, Finding{Problem: p, Seq: from, To: to, Says: i18n.Text{Ja: fmt.Sprintf(ja, args...),
		En: fmt.Sprintf(en, args...)}})
}

// compactTree builds a tree leaf by leaf; it keeps one hash a level.
type compactTree struct {
	n     int64
	stack []tlog.Hash // roots of the full subtrees, largest first
}

// push adds a leaf's hash. node is told every inner hash that this completes, with its level, and returns the one to go on with.
func (t *compactTree) push(h tlog.Hash, node func(level int, h tlog.Hash) tlog.Hash) {
	level := 0
	for n := t.n; n&1 == 1; n >>= 1 {
		level++
		h = node(level, tlog.NodeHash(t.stack[len(t.stack)-1], h))
		t.stack = t.stack[:len(t.stack)-1]
	}
	t.stack = append(t.stack, h)
	t.n++
}

func (t *compactTree) root() tlog.Hash {
	if t.n == 0 {
		h, _ := tlog.TreeHash(0, nil) // the hash of nothing, RFC 6962 section 2.1
		return h
	}
	h := t.stack[len(t.stack)-1]
	for i := len(t.stack) - 2; i >= 0; i-- {
		h = tlog.NodeHash(t.stack[i], h)
	}
	return h
}

// row is an entry as it lies in the database.
type row struct {
	shown Entry // from the columns
	leaf  []byte
}

const verifyPage = 500

// Verify reads a facility's whole log and tells every damage apart. With a checkpoint that was exported earlier (nil: without) it also
// finds a cut end and a rewritten history, which a log alone cannot show. It reads page by page beside running appends.
func Verify(ctx context.Context, db *store.DB, f facility.ID, checkpoint []byte) (Report, error) {
	r := Report{Facility: f}
	var key string
	err := db.Read(ctx, f, func(tx *store.Tx) (err error) {
		if r.Size, err = size(ctx, tx); err != nil {
			return err
		}
		err = tx.Row(ctx, "SELECT public FROM trail_keys WHERE facility_id = $1").Scan(&key)
		if errors.Is(err, sql.ErrNoRows) {
			err = nil
		}
		return err
	})
	if err != nil {
		return r, fmt.Errorf("read the trail: %w", err)
	}
	mark, err := r.trust(checkpoint, key)
	if err != nil {
		return r, err
	}
	var tree compactTree
	var at tlog.Hash // the root at the checkpoint's size
	check := func() {
		if mark != nil && tree.n == mark.Size {
			at = tree.root()
		}
	}
	check()
	for from := int64(0); from < r.Size; from += verifyPage {
		to := min(from+verifyPage, r.Size)
		rows, hashes, err := page(ctx, db, f, from, to)
		if err != nil {
			return r, err
		}
		for seq := from; seq < to; seq++ {
			r.one(f, seq, rows, hashes, &tree)
			check()
		}
	}
	r.Root = tree.root()
	if err := r.behind(ctx, db, f); err != nil {
		return r, err
	}
	r.compare(mark, at)
	return r, nil
}

// trust reads the checkpoint; one that is not this log's becomes a finding and is not compared with.
func (r *Report) trust(checkpoint []byte, key string) (*Head, error) {
	if checkpoint == nil {
		return nil, nil
	}
	if key == "" { // nothing was ever signed here: whatever this is, it is not of this log
		if _, err := findNote(checkpoint); err != nil {
			return nil, err
		}
		r.foreign()
		return nil, nil
	}
	h, err := parseCheckpoint(checkpoint, key)
	if errors.Is(err, errForeign) || (err == nil && h.Facility != r.Facility) {
		r.foreign()
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	r.Checkpoint = &h
	return &h, nil
}

func (r *Report) foreign() {
	r.add(Foreign, 0, 0, "封(チェックポイント)の署名が、この施設の記録の鍵と合いません。別の施設のものか、書き換えられたものか、記録の鍵が差し替えられています。",
		"The checkpoint's signature does not fit this facility's key: it is another facility's, it was altered, or the log's key was replaced.")
}

// one checks an entry against its stored hash, and the stored hashes against each other.
func (r *Report) one(f facility.ID, seq int64, rows map[int64]row, hashes map[int64]tlog.Hash, tree *compactTree) {
	stored, known := hashes[tlog.StoredHashIndex(0, seq)]
	x, there := rows[seq]
	use := stored
	switch {
	case !there:
		r.missing(seq)
	default:
		r.Entries++
		use = tlog.RecordHash(x.leaf)
		if known && use != stored {
			r.differs(f, seq, x, hashes)
			use = stored // go on with what was written first, so that one damage is told once
		} else if !known {
			r.add(Hashes, seq, seq, "%d番の記録の照合値がありません。", "The hash of entry %d is missing.", seq)
		} else {
			r.columns(f, seq, x)
		}
	}
	tree.push(use, func(level int, h tlog.Hash) tlog.Hash {
		got, ok := hashes[tlog.StoredHashIndex(level, seq>>level)]
		if !known || (ok && got == h) {
			return h
		}
		first := (seq >> level) << level
		if !ok {
			r.add(Hashes, first, seq, "%d番から%d番までの記録をまとめた照合値がありません。", "The hash over entries %d to %d is missing.", first, seq)
			return h
		}
		r.add(Hashes, first, seq, "%d番から%d番までの記録のどれかが、照合値ごと書き換えられています。",
			"One of the entries %d to %d was rewritten together with its hash.", first, seq)
		return got // what was written first: higher hashes do not repeat the finding
	})
}

func (r *Report) missing(seq int64) {
	if n := len(r.Findings); n > 0 && r.Findings[n-1].Problem == Deleted && r.Findings[n-1].To == seq-1 {
		last := &r.Findings[n-1]
		last.To = seq
		last.Says = i18n.Text{Ja: fmt.Sprintf("%d番から%d番までの記録が消されています。", last.Seq, seq),
			En: fmt.Sprintf("Entries %d to %d were deleted.", last.Seq, seq)}
		return
	}
	r.add(Deleted, seq, seq, "%d番の記録が消されています。", "Entry %d was deleted.", seq)
}

// differs tells an entry that was moved from one that was edited: a moved one still fits the hash of the place where it was written.
func (r *Report) differs(f facility.ID, seq int64, x row, hashes map[int64]tlog.Hash) {
	l, _, err := decode(x.leaf)
	if err == nil && l.Facility == f && l.Seq != seq {
		// The place may lie outside this page; then the number inside the entry alone tells.
		if h, ok := hashes[tlog.StoredHashIndex(0, l.Seq)]; !ok || h == tlog.RecordHash(x.leaf) {
			r.add(Moved, seq, seq, "%d番の場所に、%d番の記録が入っています(並べ替え)。", "At place %d stands entry %d (reordered).", seq, l.Seq)
			return
		}
	}
	r.add(Edited, seq, seq, "%d番の記録が書き換えられています。", "Entry %d was edited.", seq)
}

// columns checks that pages show what was hashed.
func (r *Report) columns(f facility.ID, seq int64, x row) {
	l, e, err := decode(x.leaf)
	if err != nil || l.Facility != f || l.Seq != seq {
		r.add(Edited, seq, seq, "%d番の記録の中身が、この施設のこの番号のものではありません。", "The content of entry %d is not of this facility and number.", seq)
		return
	}
	s := x.shown
	shown, _ := compact(s.Detail)
	same := s.At.Equal(e.At) && s.Actor.Kind == e.Actor.Kind && s.Actor.ID == e.Actor.ID && s.Actor.Name == e.Actor.Name && s.Action == e.Action &&
		s.Subject == e.Subject && s.Summary == e.Summary && bytes.Equal(shown, l.Detail)
	if !same {
		r.add(Edited, seq, seq, "%d番の記録の表示内容が書き換えられています。", "What is shown of entry %d was edited.", seq)
	}
}

// behind looks for entries after the end that the log knows, and turns deletions at the end into a cut.
func (r *Report) behind(ctx context.Context, db *store.DB, f facility.ID) error {
	if n := len(r.Findings); n > 0 {
		if last := &r.Findings[n-1]; last.Problem == Deleted && last.To == r.Size-1 {
			last.Problem = Cut
			last.Says = i18n.Text{Ja: fmt.Sprintf("記録の終わり(%d番から%d番)が切り取られています。", last.Seq, last.To),
				En: fmt.Sprintf("The log's end (entries %d to %d) was cut off.", last.Seq, last.To)}
		}
	}
	var first sql.NullInt64
	var now int64
	err := db.Read(ctx, f, func(tx *store.Tx) (err error) {
		if now, err = size(ctx, tx); err != nil { // entries appended while we read are no finding
			return err
		}
		return tx.Row(ctx, "SELECT min(seq) FROM trail_entries WHERE facility_id = $1 AND seq >= $2", now).Scan(&first)
	})
	if err != nil {
		return fmt.Errorf("read the trail's end: %w", err)
	}
	if first.Valid {
		r.add(Added, first.Int64, first.Int64, "記録の終わり(%d件)より後ろに、%d番の記録が足されています。",
			"The log has %d entries, yet there is an entry %d.", now, first.Int64)
	}
	return nil
}

// compare tells a cut and a fork from the checkpoint.
func (r *Report) compare(mark *Head, at tlog.Hash) {
	if mark == nil {
		return
	}
	when := mark.At.Format(time.RFC3339)
	switch {
	case mark.Size > r.Size:
		r.add(Cut, r.Size, mark.Size-1, "%sの封(チェックポイント)の時点で%d件あった記録が、今は%d件しかありません。%d番からの記録が切り取られています。",
			"At the checkpoint of %s there were %d entries, now there are %d. The entries from %d on were cut off.", when, mark.Size, r.Size, r.Size)
	case at != mark.Hash:
		r.add(Fork, 0, max(mark.Size-1, 0), "%sの封(チェックポイント)までの%d件が、その時の記録と一致しません。0番から%d番までのどこかが、照合値ごと作り直されています。",
			"The %[2]d entries up to the checkpoint of %[1]s are not the ones that it was made of: somewhere between entry 0 and %[3]d the log was rewritten with its hashes.",
			when, mark.Size, max(mark.Size-1, 0))
	}
}

// page reads the entries and stored hashes of [from, to).
func page(ctx context.Context, db *store.DB, f facility.ID, from, to int64) (map[int64]row, map[int64]tlog.Hash, error) {
	rows, hashes := map[int64]row{}, map[int64]tlog.Hash{}
	err := db.Read(ctx, f, func(tx *store.Tx) error {
		err := store.Each(ctx, tx, func(r *sql.Rows) error {
			x, err := scanRow(r)
			rows[x.shown.Seq] = x
			return err
		}, selectRows+" AND seq >= $2 AND seq < $3", from, to)
		if err != nil {
			return err
		}
		return store.Each(ctx, tx, func(r *sql.Rows) error {
			n, h, err := scanHash(r)
			hashes[n] = h
			return err
		}, "SELECT n, hash FROM trail_hashes WHERE facility_id = $1 AND n >= $2 AND n < $3", tlog.StoredHashIndex(0, from), tlog.StoredHashIndex(0, to))
	})
	if err != nil {
		return nil, nil, fmt.Errorf("read the trail from entry %d: %w", from, err)
	}
	return rows, hashes, nil
}
