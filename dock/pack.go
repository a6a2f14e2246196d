package dock

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"kenshin/assess"
	"kenshin/catalogue"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/jp"
	"kenshin/store"
	"kenshin/trail"
)

// PackSchema names the form of a pack.
const PackSchema = "kenshin.pack/1"

// Pack is what is laid before an inspector (立入検査), in Japanese: the form in its own order, what it rests on, and what belongs to it. The paper, the
// workbook and the JSON are made from the same parts, so none says anything that another does not.
type Pack struct {
	Schema   string    `json:"schema"`
	Made     time.Time `json:"made"`
	By       string    `json:"by"`
	Approved string    `json:"approved,omitempty"` // who approved the dock, and when
	Snapshot Snapshot  `json:"snapshot"`
	Parts    []Part    `json:"parts"`

	key string
}

// Part is one part of a pack: some sentences, and a table or a drawing.
type Part struct {
	ID      string     `json:"id"`
	Title   string     `json:"title"`
	Says    []string   `json:"says,omitempty"`
	Columns []Column   `json:"columns,omitempty"`
	Rows    [][]string `json:"rows,omitempty"` // a row of one cell is a heading across the table
	Empty   string     `json:"empty,omitempty"`
	Drawing string     `json:"drawing,omitempty"` // SVG
	Code    string     `json:"code,omitempty"`    // what the QR code holds
	Wide    bool       `json:"wide,omitempty"`    // on a sheet of its own, across
}

// Column is one column of a part; Width is in percent of the sheet.
type Column struct {
	Title string `json:"title"`
	Width int    `json:"width"`
}

// Unexplained is why a pack is not printed: items whose はい stands against a measurement, without a reason.
type Unexplained struct {
	Items []UnexplainedItem
}

// UnexplainedItem is where a reason has to be written.
type UnexplainedItem struct{ Catalogue, Subject, Item, Number, Title string }

func (u *Unexplained) Error() string {
	return fmt.Sprintf("%d contradictions without a reason", len(u.Items))
}

func (u *Unexplained) fault() error {
	var names []string
	for _, i := range u.Items[:min(len(u.Items), 3)] {
		names = append(names, "「"+strings.TrimSpace(i.Number+" "+i.Title)+"」")
	}
	rest, more := "", ""
	if n := len(u.Items) - 3; n > 0 {
		rest, more = fmt.Sprintf("ほか%d件", n), fmt.Sprintf(" and %d more", n)
	}
	return fault.Wrap(fault.Conflict, u, "「はい」と測った結果が食い違う項目に、理由がありません: "+strings.Join(names, "")+rest+"。項目の画面で理由を書くか、答えを直してください。理由は紙にも印刷されます。",
		"Items that are answered yes against a measurement have no reason: "+strings.Join(names, ", ")+more+". Write the reason on the item's page, or correct the answer. The reason is printed too.")
}

// unexplained finds the contradictions that nobody gave a reason for.
func (s *Snapshot) unexplained() error {
	u := &Unexplained{}
	for f := range s.Forms {
		form := &s.Forms[f]
		if form.Kind == catalogue.Gates { // not part of what is handed in
			continue
		}
		for i := range form.Items {
			item := &form.Items[i]
			if item.Asked && item.State.assess() == assess.Contradicted && strings.TrimSpace(item.Excuse) == "" {
				u.Items = append(u.Items, UnexplainedItem{form.Catalogue, form.Subject, item.ID, item.Number, item.Title.Ja})
			}
		}
	}
	if len(u.Items) == 0 {
		return nil
	}
	return u.fault()
}

// Pack puts the pack together: from a dock by its id, or from the present state where id is "". It is refused while a はい stands against a measurement
// without a reason; errors.AsType finds Unexplained then.
func (b *Book) Pack(ctx context.Context, f facility.ID, id string) (p Pack, err error) {
	p.Schema, p.Made = PackSchema, b.Now().UTC().Truncate(time.Second)
	now, err := b.Present(ctx, f, Want{})
	if err != nil {
		return p, err
	}
	p.By, p.Snapshot = now.By, now
	if id != "" {
		d, err := b.Get(ctx, f, id)
		if err != nil {
			return p, err
		}
		if p.Snapshot = d.Snapshot; d.Approval != nil {
			p.Approved = d.Approval.By + "（" + wareki(d.Approval.At.In(b.zone(ctx, f)).Format(time.DateOnly)) + "）"
		}
	}
	if err := p.Snapshot.unexplained(); err != nil {
		return p, err
	}
	if p.key, err = b.Key(ctx, f); err != nil {
		return p, err
	}
	w := &packing{Book: b, f: f, p: &p, s: &p.Snapshot, zone: b.zone(ctx, f)}
	return p, w.all(ctx)
}

// Ready says why there can be no pack from a dock, or from the present state where id is "": see Pack.
func (b *Book) Ready(ctx context.Context, f facility.ID, id string) error {
	if id == "" {
		s, err := b.Forms(ctx, f)
		if err != nil {
			return err
		}
		return s.unexplained()
	}
	d, err := b.Get(ctx, f, id)
	if err != nil {
		return err
	}
	return d.Snapshot.unexplained()
}

func (b *Book) zone(ctx context.Context, f facility.ID) *time.Location {
	fac, err := b.Houses.Facility(ctx, f)
	if err != nil {
		return time.UTC
	}
	return fac.Location()
}

// Seal signs a pack, so that Verify can tell years later that it was not altered.
func (b *Book) Seal(ctx context.Context, f facility.ID, p Pack) (Sealed, error) {
	body, hash, err := canonicalOf(p)
	if err != nil {
		return Sealed{}, err
	}
	out := Sealed{Schema: PackSchema, Body: json.RawMessage(body)}
	err = b.db.Write(ctx, f, func(tx *store.Tx) error {
		s := Seal{Pack: true, Facility: f, Number: p.Snapshot.Number, Hash: hash, Previous: p.Snapshot.Previous, At: p.Made}
		signed, key, err := trail.Sign(ctx, tx, b.Box, s.text(), p.Made)
		out.Seal, out.Key = string(signed), key
		return err
	})
	return out, err
}

// wareki writes a day "2026-11-28" as 令和8年11月28日; "" stays "".
func wareki(day string) string {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return day
	}
	return jp.Wareki(t)
}
