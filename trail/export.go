package trail

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"kenshin/facility"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/store"
)

// maxLine bounds a line of an export that is read back: an entry's texts and its detail, escaped.
const maxLine = 1 << 20

// rows calls fn for the entries from..to-1 of the log in order, page by page.
func rows(ctx context.Context, db *store.DB, f facility.ID, fn func(row) error) error {
	var end int64
	err := db.Read(ctx, f, func(tx *store.Tx) (err error) {
		end, err = size(ctx, tx)
		return err
	})
	if err != nil {
		return fmt.Errorf("read the trail: %w", err)
	}
	for from := int64(0); from < end; from += verifyPage {
		to := min(from+verifyPage, end)
		entries, _, err := page(ctx, db, f, from, to)
		if err != nil {
			return err
		}
		for seq := from; seq < to; seq++ {
			if x, ok := entries[seq]; ok {
				if err := fn(x); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// Export writes the whole log as NDJSON: every line is an entry exactly as it was hashed. An auditor checks it without Kenshin's
// database: the leaf hash of RFC 6962 is SHA-256 over a zero byte and the line without its line break. See VerifyExport.
func Export(ctx context.Context, db *store.DB, f facility.ID, w io.Writer) error {
	b := bufio.NewWriter(w)
	err := rows(ctx, db, f, func(x row) error {
		if _, err := b.Write(x.leaf); err != nil {
			return err
		}
		return b.WriteByte('\n')
	})
	return errors.Join(err, b.Flush())
}

// ExportCSV writes the whole log for a spreadsheet (UTF-8 with byte order mark, times in loc). The last column is the entry's leaf hash.
func ExportCSV(ctx context.Context, db *store.DB, f facility.ID, loc *time.Location, lang i18n.Lang, w io.Writer) error {
	if _, err := io.WriteString(w, "\uFEFF"); err != nil { // Excel takes the file for CP932 without it
		return err
	}
	c := csv.NewWriter(w)
	title := []string{"番号", "日時", "操作した人の種類", "操作した人のID", "操作した人", "どこから", "操作", "対象の種類", "対象のID", "内容", "詳細", "照合値"}
	if lang == i18n.En {
		title = []string{"seq", "at", "actor kind", "actor id", "actor", "from", "action", "subject kind", "subject id", "summary", "detail", "leaf hash"}
	}
	err := c.Write(title)
	if err != nil {
		return err
	}
	err = rows(ctx, db, f, func(x row) error {
		e := x.shown
		detail, _ := e.Detail.(json.RawMessage)
		_, kept, _ := decode(x.leaf) // the address has no column; Verify tells a leaf that cannot be read
		line := []string{strconv.FormatInt(e.Seq, 10), e.At.In(loc).Format("2006-01-02 15:04:05"), string(e.Actor.Kind), e.Actor.ID, e.Actor.Name,
			kept.Actor.Address, e.Action, e.Subject.Kind, e.Subject.ID, e.Summary.In(lang), string(detail), tlog.RecordHash(x.leaf).String()}
		for i := 2; i < len(line)-1; i++ {
			line[i] = inert(line[i])
		}
		return c.Write(line)
	})
	c.Flush()
	return errors.Join(err, c.Error())
}

// inert keeps a spreadsheet from running a cell as a formula.
func inert(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}

// VerifyExport checks an NDJSON export against a checkpoint with the verifier key alone: no database, no secret. The export may be
// longer than the checkpoint, as the log goes on.
func VerifyExport(export io.Reader, checkpoint []byte, verifierKey string) (Report, error) {
	h, err := parseCheckpoint(checkpoint, strings.TrimSpace(verifierKey))
	if errors.Is(err, errForeign) {
		r := Report{}
		r.foreign()
		return r, nil
	}
	if err != nil {
		return Report{}, err
	}
	r := Report{Facility: h.Facility, Checkpoint: &h}
	var tree compactTree
	var at tlog.Hash
	if h.Size == 0 {
		at = tree.root()
	}
	keep := func(_ int, n tlog.Hash) tlog.Hash { return n }
	in := bufio.NewScanner(export)
	in.Buffer(make([]byte, 64<<10), maxLine)
	for in.Scan() {
		line := bytes.TrimSuffix(in.Bytes(), []byte("\r"))
		l, _, err := decode(line)
		switch {
		case err != nil:
			return r, fault.Newf(fault.Invalid, "%d行目を記録として読めません。", "Line %d cannot be read as an entry.", tree.n+1)
		case l.Facility != h.Facility:
			r.add(Foreign, tree.n, tree.n, "%d行目は別の施設の記録です。", "Line %d is another facility's.", tree.n+1)
		case l.Seq != tree.n:
			r.add(Moved, tree.n, tree.n, "%d番があるはずの場所に%d番があります(削除か並べ替え)。",
				"Where entry %d belongs stands entry %d (deleted or reordered).", tree.n, l.Seq)
		}
		tree.push(tlog.RecordHash(line), keep)
		r.Entries++
		if tree.n == h.Size {
			at = tree.root()
		}
	}
	if err := in.Err(); err != nil {
		return r, fault.Wrap(fault.Invalid, err, "エクスポートを最後まで読めません。", "The export cannot be read to its end.")
	}
	r.Size, r.Root = tree.n, tree.root()
	r.compare(&h, at)
	return r, nil
}
