package page

import (
	"context"
	"strconv"
	"time"

	"github.com/a-h/templ"

	"kenshin/i18n"
)

// ImportsView is where an import begins: a file, and the imports so far. POST PathImport: file (multipart).
type ImportsView struct {
	Past     []ImportRow
	MaxBytes int64
	Errors   Errors
}

// ImportRow is one import. State is mapping, preview, applying, done, undone or failed.
type ImportRow struct {
	ID, File, State, By string
	At                  time.Time
	New, Changed        int
}

// ImportsPage is the first step of the wizard.
func ImportsPage(s Shell, v ImportsView) templ.Component {
	return within(s, SectionLedger, i18n.Text{Ja: "台帳を取り込む", En: "Import"}, imports(v))
}

// SheetView chooses the sheet and the row of the column names. POST ImportPath(id, "sheet"): sheet, header (1-based; two header rows: the
// lower one, merged cells are joined).
type SheetView struct {
	ID, File string
	Sheets   []SheetChoice
	Sheet    string
	Header   int
	Rows     [][]string // the first rows of the chosen sheet, at most 12 by 12
	Encoding string     // of a CSV: UTF-8, CP932
	Warnings []string
	Errors   Errors
}

// SheetChoice is one sheet of a workbook.
type SheetChoice struct {
	Name string
	Rows int
}

// SheetPage is the second step.
func SheetPage(s Shell, v SheetView) templ.Component {
	return within(s, SectionLedger, i18n.Text{Ja: "表を選ぶ", En: "Choose the sheet"}, importSheet(v))
}

// ColumnsView ties the sheet's columns to the ledger's fields. POST ImportPath(id, "columns"): col.N for each column by number.
type ColumnsView struct {
	ID, File string
	Columns  []ImportColumn
	Fields   []Option // the ledger's fields; "" leaves a column out, "extra" keeps it under its own name
	Key      string   // how rows find their device, in plain words
	Errors   Errors
}

// ImportColumn is one column of the sheet.
type ImportColumn struct {
	Number  int
	Header  string
	Samples []string // at most three
	Field   string
	Sure    float64 // of the guess; 0 when a person chose
	Empty   bool
}

// ColumnsPage is the third step.
func ColumnsPage(s Shell, v ColumnsView) templ.Component {
	return within(s, SectionLedger, i18n.Text{Ja: "列を合わせる", En: "Match columns"}, importColumns(v))
}

// PreviewView is what an import would do. POST ImportPath(id, "apply"): conflict (person|sheet). POST .../discard.
type PreviewView struct {
	ID, File                             string
	New, Changed, Same, Conflict, Failed int
	Show                                 string // new, changed, same, conflict, error or "" for all
	Rows                                 []PreviewRow
	Pager                                Pager
	Errors                               Errors
}

// PreviewRow is one row of the sheet. What is new, changed, same, conflict or error.
type PreviewRow struct {
	Row    int // in the sheet, from 1
	What   string
	Name   string
	Device Link
	Fields []FieldChange
	Error  string
}

// FieldChange is one field that would change.
type FieldChange struct {
	Field, Old, New string
}

// PreviewPage is the fourth step.
func PreviewPage(s Shell, v PreviewView) templ.Component {
	return within(s, SectionLedger, i18n.Text{Ja: "取り込みの下見", En: "Preview"}, importPreview(v))
}

// ApplyView is the last step: the work goes on, or is done and can be undone.
type ApplyView struct {
	ImportRow
	Percent   int
	Done, All int
	Failed    []PreviewRow
	CanUndo   bool
	Says      string
}

// ApplyPage is the last step; its live part is fetched again each second from ImportPath(id, "live") and is ApplyLive.
func ApplyPage(s Shell, v ApplyView) templ.Component {
	return within(s, SectionLedger, i18n.Text{Ja: "取り込み", En: "Import"}, importApply(v))
}

// ApplyLive is the part that changes.
func ApplyLive(s Shell, v ApplyView) templ.Component { return part(s, importLive(v)) }

func importSteps(ctx context.Context) []string {
	return []string{t(ctx, "ファイル", "File"), t(ctx, "表と見出し", "Sheet"), t(ctx, "列を合わせる", "Columns"), t(ctx, "下見", "Preview"), t(ctx, "取り込む", "Import")}
}

func previewWord(ctx context.Context, what string) (Mark, string) {
	switch what {
	case "new":
		return MarkOK, t(ctx, "新しい", "New")
	case "changed":
		return MarkInfo, t(ctx, "変わる", "Changed")
	case "conflict":
		return MarkWarn, t(ctx, "食い違い", "Conflict")
	case "error":
		return MarkBad, t(ctx, "読めない", "Error")
	}
	return MarkQuiet, t(ctx, "同じ", "Same")
}

func (v PreviewView) chips(ctx context.Context) []Chip {
	all := v.New + v.Changed + v.Same + v.Conflict + v.Failed
	out := []Chip{{Text: t(ctx, "すべて", "All"), Count: all, URL: ImportPath(v.ID, "apply"), On: v.Show == ""}}
	for _, c := range []struct {
		key   string
		count int
	}{{"new", v.New}, {"changed", v.Changed}, {"same", v.Same}, {"conflict", v.Conflict}, {"error", v.Failed}} {
		_, word := previewWord(ctx, c.key)
		out = append(out, Chip{Key: c.key, Text: word, Count: c.count, URL: ImportPath(v.ID, "apply") + "?show=" + c.key, On: v.Show == c.key})
	}
	return out
}

func (v SheetView) headers() []Option {
	var out []Option
	for i := 1; i <= max(len(v.Rows), 1); i++ {
		out = append(out, Option{Value: strconv.Itoa(i), Text: strconv.Itoa(i)})
	}
	return out
}

func importState(ctx context.Context, state string) string {
	switch state {
	case "mapping":
		return t(ctx, "列を合わせる途中", "Matching columns")
	case "preview":
		return t(ctx, "下見の途中", "Previewing")
	case "applying":
		return t(ctx, "取り込んでいます", "Importing")
	case "undone":
		return t(ctx, "元に戻した", "Undone")
	case "failed":
		return t(ctx, "できなかった", "Failed")
	}
	return t(ctx, "取り込みました", "Imported")
}

func sheetOptions(ctx context.Context, list []SheetChoice) []Option {
	var out []Option
	for _, s := range list {
		out = append(out, Option{Value: s.Name, Text: t(ctx, "%s(%s行)", "%s (%s rows)", s.Name, n(s.Rows))})
	}
	return out
}
