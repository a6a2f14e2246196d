package sheet

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"kenshin/facility"
	"kenshin/fault"
	"kenshin/ledger"
	"kenshin/netid"
	"kenshin/paper"
)

// Format is how a ledger goes out.
type Format string

const (
	XLSX Format = "xlsx" // two sheets: for people and inspectors, and all fields for taking in again
	CSV  Format = "csv"  // all fields
	JSON Format = "json"
)

// measuredMark ends the names of columns that hold what Kenshin measured; an import leaves them out (design rule 4.3).
const measuredMark = "(計測)"

// ownID heads the column of device ids in the sheet of all fields.
const ownID = "Kenshin ID"

// Each gives the devices to write, one by one.
type Each func(yield func(*ledger.Device, error) bool)

// All gives every device of a facility's ledger in the order of names, retired ones only when asked for.
func (d *Desk) All(ctx context.Context, f facility.ID, retired bool) Each {
	return func(yield func(*ledger.Device, error) bool) {
		q := ledger.Query{Sort: ledger.ByName, Limit: 500}
		if retired {
			q.States = []ledger.State{ledger.New, ledger.Registered, ledger.Excluded, ledger.Retired}
		}
		for {
			p, err := d.ledger.List(ctx, f, q)
			if err != nil {
				yield(nil, err)
				return
			}
			for _, v := range p.Devices {
				if !yield(v, nil) {
					return
				}
			}
			if q.Cursor = p.Next; q.Cursor == "" {
				return
			}
		}
	}
}

// Export writes devices. Taking the xlsx or CSV in again, here or elsewhere, loses nothing that people said.
func Export(w io.Writer, format Format, devices Each) error {
	switch format {
	case XLSX:
		return exportXLSX(w, devices)
	case CSV:
		list, extras, err := collect(devices)
		if err != nil {
			return err
		}
		t, rows := full(list, extras)
		return paper.WriteCSV(w, t, rows)
	case JSON:
		return exportJSON(w, devices)
	}
	return fault.Newf(fault.Invalid, "「%.20s」の形式では書き出せません(xlsx, csv, json)。", "The format %.20q is not known (xlsx, csv, json).", string(format))
}

func exportXLSX(w io.Writer, devices Each) error {
	list, extras, err := collect(devices)
	if err != nil {
		return err
	}
	short := paper.Table{Sheet: "台帳"}
	cols := Columns()
	for _, c := range cols {
		short.Columns = append(short.Columns, paper.Column{Header: c.Header.Ja, Width: c.Width})
	}
	t, rows := full(list, extras)
	return paper.WriteXLSX(w, paper.Part{Table: short, Rows: func(yield func([]any, error) bool) {
		for _, d := range list {
			rec := make([]any, len(cols))
			for i, c := range cols {
				v, _ := c.cell(d)
				rec[i] = ja(v)
			}
			if !yield(rec, nil) {
				return
			}
		}
	}}, paper.Part{Table: t, Rows: rows})
}

// collect holds the devices, since the further columns of all must be known before the header is written.
func collect(devices Each) (list []*ledger.Device, extras []string, err error) {
	names := map[string]bool{}
	for d, err := range devices {
		if err != nil {
			return nil, nil, err
		}
		list = append(list, d)
		for k := range d.Word.Extra {
			names[k] = true
		}
	}
	return list, slices.Sorted(maps.Keys(names)), nil
}

// full is the table of all that people said, field by field, then the further columns, then what was measured.
func full(list []*ledger.Device, extras []string) (paper.Table, paper.Records) {
	t := paper.Table{Sheet: "全項目", Columns: []paper.Column{{Header: ownID, Width: 12}}}
	fields := ledger.Fields()
	for _, f := range fields {
		t.Columns = append(t.Columns, paper.Column{Header: f.Label.Ja})
	}
	for _, k := range extras {
		t.Columns = append(t.Columns, paper.Column{Header: k})
	}
	measured := measurements()
	for _, m := range measured {
		t.Columns = append(t.Columns, paper.Column{Header: m.header + measuredMark, Width: 16})
	}
	return t, func(yield func([]any, error) bool) {
		for _, d := range list {
			rec := []any{string(d.ID)}
			for _, f := range fields {
				rec = append(rec, shown(f, d.Word.Get(f.Key)))
			}
			for _, k := range extras {
				rec = append(rec, d.Word.Extra[k])
			}
			for _, m := range measured {
				rec = append(rec, m.value(d))
			}
			if !yield(rec, nil) {
				return
			}
		}
	}
}

// shown writes a choice by its label, which an import reads back.
func shown(f ledger.Field, v string) string {
	if f.Type == ledger.YesNo && v != "" {
		return yesNo(v == "true").Ja
	}
	for _, o := range f.Options {
		if o.Value == v {
			return o.Label.Ja
		}
	}
	return v
}

type measurement struct {
	header string
	value  func(*ledger.Device) string
}

func measurements() []measurement {
	return []measurement{
		{"台帳の状態", func(d *ledger.Device) string { return stateText(d.State).Ja }},
		{"種類", func(d *ledger.Device) string { return ledger.KindLabel(d.Identity.Kind).Ja }},
		{"名前", func(d *ledger.Device) string { return d.Identity.Name }},
		{"メーカー", func(d *ledger.Device) string { return d.Identity.Maker }},
		{"型番", func(d *ledger.Device) string { return d.Identity.Model }},
		{"製造番号", func(d *ledger.Device) string { return d.Identity.Serial }},
		{"OS", func(d *ledger.Device) string { return strings.TrimSpace(d.Identity.OS + " " + d.Identity.OSVersion) }},
		{"IPアドレス", addresses},
		{"MACアドレス", macs},
		{"初回確認", func(d *ledger.Device) string { return clock(d.FirstSeen, time.Local) }},
		{"最終確認", func(d *ledger.Device) string { return clock(d.LastSeen, time.Local) }},
	}
}

// exportJSON writes {"schema":"kenshin.ledger/1","devices":[...]}, one device per line, people's words and measurements apart.
func exportJSON(w io.Writer, devices Each) error {
	if _, err := io.WriteString(w, `{"schema":"kenshin.ledger/1","devices":[`); err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	comma := "\n"
	for d, err := range devices {
		if err != nil {
			return err
		}
		b, err := json.Marshal(d)
		if err != nil {
			return fmt.Errorf("write device %s: %w", d.ID, err)
		}
		if _, err := io.WriteString(w, comma+string(b)); err != nil {
			return fmt.Errorf("write JSON: %w", err)
		}
		comma = ",\n"
	}
	if _, err := io.WriteString(w, "\n]}\n"); err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	return nil
}

func addresses(d *ledger.Device) string {
	var out []string
	for _, i := range d.Interfaces {
		for _, a := range append(slices.Clone(i.IPv4), i.IPv6...) {
			if !a.IsLinkLocalUnicast() || a.Is4() {
				out = append(out, netip.Addr.String(a))
			}
		}
	}
	return strings.Join(out, ", ")
}

func macs(d *ledger.Device) string {
	var out []string
	for _, i := range d.Interfaces {
		if m := i.MAC; m != (netid.MAC{}) {
			out = append(out, m.String())
		}
	}
	return strings.Join(out, ", ")
}

func clock(t time.Time, zone *time.Location) string {
	if t.IsZero() {
		return ""
	}
	return t.In(zone).Format("2006-01-02 15:04")
}
