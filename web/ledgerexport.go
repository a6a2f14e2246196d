package web

import (
	"context"
	"fmt"
	"iter"
	"net/http"

	"kenshin/blob"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/ledger"
	"kenshin/ledger/sheet"
	"kenshin/store"
	"kenshin/trail"
	"kenshin/web/page"
)

// A workbook of more devices than this is made as a job; the other formats are written as they are read.
const exportAtOnce = 3000

// ExportFile is what the run of an export leaves: the file that can be fetched.
type ExportFile struct {
	Blob    string `json:"blob"`
	Name    string `json:"name"`
	Devices int    `json:"devices"`
}

// Chosen gives the devices that a list's question chooses, page by page, for sheet.Export.
func Chosen(ctx context.Context, l *ledger.Ledger, f facility.ID, q ledger.Query) sheet.Each {
	return func(yield func(*ledger.Device, error) bool) {
		q.Cursor, q.Offset, q.Limit = "", 0, 500
		for {
			p, err := l.List(ctx, f, q)
			if err != nil {
				yield(nil, err)
				return
			}
			for _, d := range p.Devices {
				if !yield(d, nil) {
					return
				}
			}
			if q.Cursor = p.Next; q.Cursor == "" {
				return
			}
		}
	}
}

var exportTypes = map[sheet.Format]string{sheet.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
	sheet.CSV: "text/csv; charset=utf-8", sheet.JSON: "application/json"}

// ledgerExport sends the ledger as it is filtered. The file holds the hospital's map of weaknesses, so that who took it out is remembered.
func (v *visit) ledgerExport() error {
	format := sheet.Format(v.r.URL.Query().Get("format"))
	if exportTypes[format] == "" {
		return fault.Newf(fault.Invalid, "「%.20s」の形式では書き出せません(xlsx, csv, json)。", "The format %.20q is not known (xlsx, csv, json).", string(format))
	}
	q, err := ledgerQuery(page.ReadLedgerQuery(v.r.URL.Query()))
	if err != nil {
		return err
	}
	total, err := v.takenOut(q, string(format))
	if err != nil {
		return err
	}
	if format == sheet.XLSX && total > exportAtOnce {
		run, err := v.s.Work.StartExport(v.ctx, v.facility, q)
		if err != nil {
			return err
		}
		v.redirect(page.JobPath(string(run), ""))
		return nil
	}
	h := v.w.Header()
	h.Set("Content-Type", exportTypes[format])
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Disposition", download(ExportName(v.now().Format("2006-01-02"), format)))
	if err := sheet.Export(v.w, format, Chosen(v.ctx, v.s.Ledger, v.facility, q)); err != nil {
		v.s.Log.Error("the export broke off", "request", requestOf(v.ctx), "error", err)
		panic(http.ErrAbortHandler) // a cut connection says that the file is not whole; an error page inside it would not
	}
	return nil
}

// takenOut counts what leaves the house and remembers who took it.
func (v *visit) takenOut(q ledger.Query, format string) (int, error) {
	q.Cursor, q.Offset, q.Limit = "", 0, 1
	p, err := v.s.Ledger.List(v.ctx, v.facility, q)
	if err != nil {
		return 0, err
	}
	return p.Total, v.remember(trail.Entry{Action: "ledger.export", Subject: trail.Subject{Kind: "ledger"}, Summary: i18n.Text{
		Ja: fmt.Sprintf("台帳の%d台を書き出しました(%s)", p.Total, format), En: fmt.Sprintf("Exported %d devices of the ledger (%s)", p.Total, format)},
		Detail: map[string]any{"format": format, "devices": p.Total, "filter": v.r.URL.RawQuery}})
}

// ledgerPrint shows all devices of the filtered ledger for A4. Lines leave as they are read.
func (v *visit) ledgerPrint() error {
	view := page.LedgerPrintView{Query: page.ReadLedgerQuery(v.r.URL.Query())}
	view.Query.Cursor = ""
	q, err := ledgerQuery(view.Query)
	if err != nil {
		return err
	}
	if view.Query.Segment != "" {
		names, err := v.segmentNames()
		if err != nil {
			return err
		}
		view.Segment = names[view.Query.Segment]
	}
	if view.Total, err = v.takenOut(q, "A4"); err != nil {
		return err
	}
	view.Devices = iter.Seq2[*ledger.Device, error](Chosen(v.ctx, v.s.Ledger, v.facility, q))
	h := v.w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	if err := page.LedgerPrintPage(v.shell(), view).Render(v.ctx, v.w); err != nil {
		v.s.Log.Error("the print broke off", "request", requestOf(v.ctx), "error", err)
		panic(http.ErrAbortHandler) // half a ledger must not look like a whole one
	}
	return nil
}

// ExportName is the name under which an export is saved.
func ExportName(day string, f sheet.Format) string { return "台帳-" + day + "." + string(f) }

// download is the Content-Disposition of a file that a browser saves and never shows (RFC 6266).
func download(name string) string { return blob.File{Name: name}.Download() }

// do does a deed and records it, both or neither: what the packages write with the context given to deed joins one transaction.
func (v *visit) do(deed func(context.Context) (trail.Entry, error)) error {
	return trail.Do(v.ctx, v.s.DB, v.facility, func(ctx context.Context) (trail.Entry, error) {
		e, err := deed(ctx)
		e.At = v.s.Now()
		return e, err
	})
}

// remember writes into the facility's trail what leaves the house, before it does.
func (v *visit) remember(e trail.Entry) error {
	e.At = v.s.Now()
	return v.s.DB.Write(v.ctx, v.facility, func(tx *store.Tx) error {
		_, err := trail.Append(v.ctx, tx, e)
		return err
	})
}

func langOf(v *visit) i18n.Lang { return i18n.From(v.ctx) }
