package page

import (
	"context"
	"fmt"
	"io"
	"iter"

	"github.com/a-h/templ"

	"kenshin/i18n"
	"kenshin/ledger"
	"kenshin/ledger/sheet"
)

// LedgerPrintView is the whole ledger for A4 paper, as it is filtered. Devices are read while the page is written: a large ledger is
// never in memory as a whole.
type LedgerPrintView struct {
	Query   LedgerQuery
	Segment string // name of the segment that the list is filtered by
	Total   int
	Devices iter.Seq2[*ledger.Device, error]
}

// LedgerPrintPage is the ledger in the columns that the checklist's manual asks for, several in one cell so that they fit on A4 landscape.
func LedgerPrintPage(s Shell, v LedgerPrintView) templ.Component {
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		ctx = context.WithValue(ctx, shellKey{}, s)
		return ledgerPrint(s, v, printCells()).Render(ctx, w)
	})
}

// printCells groups the columns into the cells of a line. A column that no group names gets a cell of its own.
func printCells() [][]sheet.Col {
	groups := [][]string{{"number", "name"}, {"kind", "medical"}, {"place", "department", "owner"}, {"in_use", "impact"}, {"maker", "model", "serial"}, {"os"},
		{"ip", "mac"}, {"vendor", "remote"}, {"purchased", "support_end"}, {"state", "seen", "findings"}}
	where := map[string]int{}
	for i, g := range groups {
		for _, key := range g {
			where[key] = i
		}
	}
	cells := make([][]sheet.Col, len(groups))
	for _, c := range sheet.Columns() {
		i, known := where[c.Key]
		if !known {
			i, cells = len(cells), append(cells, nil)
		}
		cells[i] = append(cells[i], c)
	}
	return cells
}

// rows writes a line for each device and counts them.
func (v LedgerPrintView) rows(cells [][]sheet.Col, count *int) templ.Component {
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		for d, err := range v.Devices {
			if err != nil {
				return fmt.Errorf("print the ledger after %d devices: %w", *count, err)
			}
			*count++
			if err := printRow(*count, d, cells).Render(ctx, w); err != nil {
				return err
			}
		}
		return nil
	})
}

// filter says in words which devices the paper holds.
func (v LedgerPrintView) filter(ctx context.Context) string {
	q := v.Query
	out := ""
	if q.Q != "" {
		out = join(out, t(ctx, "「%s」を含む", "with “%s”", q.Q))
	}
	for _, c := range chipWords() {
		if c.key != "" && c.key == q.Chip {
			out = join(out, c.For(ctx))
		}
	}
	if q.State != "" {
		out = join(out, t(ctx, "状態 %s", "state %s", StateText(ledger.State(q.State)).For(ctx)))
	}
	if q.Kind != "" {
		out = join(out, t(ctx, "種類 %s", "kind %s", KindText(q.Kind).For(ctx)))
	}
	if q.Department != "" {
		out = join(out, t(ctx, "部門 %s", "department %s", q.Department))
	}
	if q.Segment != "" {
		out = join(out, t(ctx, "区画 %s", "segment %s", first(v.Segment, q.Segment)))
	}
	if q.State == "" && q.Chip != "retired" {
		out = join(out, t(ctx, "廃棄した機器を除く", "without retired devices"))
	}
	return out
}

// printCell is one value on paper: the mark says that nobody entered it.
func printCell(ctx context.Context, c sheet.Col, d *ledger.Device) string {
	text, measured := c.Value(d, i18n.From(ctx), shell(ctx).Now.Location())
	if measured {
		return text + measuredSign
	}
	return or(text)
}

const measuredSign = "\u00a0※"
