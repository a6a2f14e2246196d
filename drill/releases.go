package drill

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"time"

	"kenshin/drill/hit"
	"kenshin/drill/internal/address"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/jp"
	"kenshin/paper"
	"kenshin/store"
)

const (
	maxReleases     = 50_000
	maxReleaseBytes = 10 << 20
	releaseRows     = 200 // of one short transaction
)

// release is one line of a filter's list of released mails.
type release struct {
	line    int
	address string
	at      time.Time
}

// RowError is a row that was not taken, and why.
type RowError struct {
	Line int       `json:"line"` // as the sheet counts, from 1
	Why  i18n.Text `json:"why"`
}

// Imported says what an imported list of releases changed.
type Imported struct {
	Added    int // new arrivals
	Known    int // that an earlier import brought
	Rejected []RowError
}

// ImportReleases takes in the list of mails that staff released from quarantine, as the filter exports it: a CSV or a workbook in which each row
// has an address and a time, in any columns. Rows that cannot be used are named; the others are taken. The same row twice counts once.
func (b *Book) ImportReleases(ctx context.Context, f facility.ID, id, name string, data []byte) (out Imported, err error) {
	d, err := b.Get(ctx, f, id)
	if err != nil {
		return out, err
	}
	if d.Started.IsZero() {
		return out, fault.New(fault.Conflict, "まだ送っていない訓練には、取り出しの一覧を読み込めません。", "No mail of this drill was sent yet: nothing can have been released.")
	}
	if !d.Nameless.IsZero() {
		return out, fault.New(fault.Conflict, "この訓練の名前はもう消してあるので、一覧と結びつけられません。", "The names of this drill are forgotten: the list cannot be matched.")
	}
	fac, err := b.houses.Facility(ctx, f)
	if err != nil {
		return out, err
	}
	rows, rejected, err := readReleases(name, data, fac.Location())
	if err != nil {
		return out, err
	}
	out.Rejected = rejected
	owner, err := b.owners(ctx, f, id)
	if err != nil {
		return out, err
	}
	reject := func(line int, ja, en string) {
		out.Rejected = append(out.Rejected, RowError{line, i18n.Text{Ja: ja, En: en}})
	}
	var good []release
	for _, r := range rows {
		switch {
		case owner[r.address] == "":
			reject(r.line, "この訓練の宛先にないアドレスです。", "The address is no recipient of this drill.")
		case r.at.Before(d.Started.Add(-time.Minute)):
			reject(r.line, "時刻が訓練を送り始めるより前です。", "The time lies before the drill's first mail.")
		case r.at.After(b.now().Add(5 * time.Minute)):
			reject(r.line, "時刻が今より後です。", "The time lies in the future.")
		default:
			good = append(good, r)
		}
	}
	for at := 0; at < len(good); at += releaseRows {
		some := good[at:min(at+releaseRows, len(good))]
		var added int
		err := b.db.Write(ctx, f, func(tx *store.Tx) error {
			added, err = b.addReleases(ctx, tx, id, owner, some)
			return err
		})
		if err != nil {
			return out, err
		}
		out.Added, out.Known = out.Added+added, out.Known+len(some)-added
	}
	return out, b.db.Write(ctx, f, func(tx *store.Tx) error {
		return b.trail(ctx, tx, "drill.releases", id, i18n.Text{Ja: fmt.Sprintf("訓練「%s」に隔離からの取り出し%d件を読み込みました", d.Name, out.Added),
			En: fmt.Sprintf("Read %d releases from quarantine into the drill %s", out.Added, d.Name)}, nil)
	})
}

// owners tells the recipients of a drill by address.
func (b *Book) owners(ctx context.Context, f facility.ID, id string) (map[string]string, error) {
	out := map[string]string{}
	err := b.db.Read(ctx, f, func(tx *store.Tx) error {
		list, err := targets(ctx, tx, "", id)
		for _, t := range list {
			out[strings.ToLower(t.Address)] = t.ID
		}
		return err
	})
	return out, err
}

func (b *Book) addReleases(ctx context.Context, tx *store.Tx, id string, owner map[string]string, list []release) (added int, err error) {
	// whoever else imports the same list waits here
	if _, err := tx.Exec(ctx, "UPDATE drill_drills SET dirty = dirty + 1 WHERE facility_id = $1 AND id = $2", id); err != nil {
		return 0, err
	}
	for _, r := range list {
		var n int
		err := tx.Row(ctx, "SELECT count(*) FROM drill_events e WHERE e.facility_id = $1 AND e.drill_id = $2 AND e.target_id = $3 AND e.at = $4 AND e.signal = 'release'",
			id, owner[r.address], store.Micros(r.at)).Scan(&n)
		if err != nil {
			return 0, err
		}
		if n > 0 {
			continue
		}
		added++
		if err := b.addEvent(ctx, tx, Event{Drill: id, Target: owner[r.address], Signal: Released, At: r.at, Method: hit.ByList}); err != nil {
			return 0, err
		}
	}
	return added, nil
}

// readReleases finds in each row the cell that is an address and the one that is a time.
func readReleases(name string, data []byte, zone *time.Location) (out []release, rejected []RowError, err error) {
	if len(data) > maxReleaseBytes {
		return nil, nil, fault.Newf(fault.TooLarge, "ファイルは%dMBまでです。", "The file may have at most %d MB.", maxReleaseBytes>>20)
	}
	book, err := paper.Open(bytes.NewReader(data), int64(len(data)), name)
	if err != nil {
		return nil, nil, err
	}
	if len(book.Sheets()) == 0 {
		return nil, nil, fault.New(fault.Invalid, "ファイルに表がありません。", "The file has no table.")
	}
	first := true
	err = book.Sheets()[0].Rows(func(r paper.Row) error {
		if len(out)+len(rejected) >= maxReleases {
			return fault.Newf(fault.TooLarge, "一度に読み込めるのは%d行までです。", "At most %d rows at once.", maxReleases)
		}
		one, why := readRelease(r, zone)
		head := first && one.address == ""
		first = false
		switch {
		case head: // the names of the columns
		case why.Ja != "":
			rejected = append(rejected, RowError{r.Number, why})
		default:
			out = append(out, one)
		}
		return nil
	})
	return out, rejected, err
}

func readRelease(r paper.Row, zone *time.Location) (one release, why i18n.Text) {
	one.line = r.Number
	for _, c := range r.Cells {
		if one.address == "" && strings.ContainsAny(c.Text, "@＠") {
			a, err := address.Parse(c.Text)
			if err != nil {
				return one, i18n.Text{Ja: fault.Sentence(err, "ja"), En: fault.Sentence(err, "en")}
			}
			one.address = a.Key()
			continue
		}
		if one.at.IsZero() {
			one.at = releaseTime(c.Text, zone)
		}
	}
	switch {
	case one.address == "":
		return one, i18n.Text{Ja: "メールアドレスがありません。", En: "There is no mail address."}
	case one.at.IsZero():
		return one, i18n.Text{Ja: "時刻がありません。2027/04/01 9:30 のように書いてください。", En: "There is no time. Write it as 2027/04/01 9:30."}
	}
	return one, why
}

// releaseTime reads a day with a time of day; a time without a zone is the hospital's.
func releaseTime(s string, zone *time.Location) time.Time {
	s = strings.TrimSpace(jp.Narrow(s))
	if len(s) > 40 {
		return time.Time{}
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-1-2 15:04:05", "2006-1-2 15:04", "2006/1/2 15:04:05", "2006/1/2 15:04", "2006-1-2T15:04:05", "2006-1-2T15:04", "2006年1月2日 15:04", "2006年1月2日 15時4分"} {
		if t, err := time.ParseInLocation(layout, s, zone); err == nil {
			return t.UTC().Truncate(time.Microsecond)
		}
	}
	return time.Time{}
}
