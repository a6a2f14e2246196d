package page

import (
	"context"
	"io"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/a-h/templ"

	"kenshin/i18n"
	"kenshin/jp"
	"kenshin/register"
)

// SectionRegisters is the registers' entry of the navigation.
const SectionRegisters Section = "registers"

// Addresses of the registers.
const (
	PathRegisters = "/registers"
	PathLeavers   = "/registers/leavers/match" // GET: which leavers still have an account
)

// RegisterPath is a register; what is "", new (GET, POST: its columns, owner), many (GET, POST), import (POST: file), import/{id} (GET, POST:
// do, replace, colN), export (GET: format), print or matrix.
func RegisterPath(kind, what string) string { return at(PathRegisters, kind, what) }

// RowPath is a row; what is "", edit (GET, POST: its columns, owner, revision), confirm (POST: day), remove (POST: revision, reason) or attachments.
func RowPath(kind, id, what string) string {
	return at(PathRegisters+"/"+url.PathEscape(kind)+"/rows", id, what)
}

// RegisterQuery is what a register's list shows.
type RegisterQuery struct {
	Q    string
	Due  string // "", overdue, soon (30 days)
	Sort string // a column's key, owner, due
	Desc bool
}

func (q RegisterQuery) at(path, format string) string {
	v := url.Values{}
	for name, value := range map[string]string{"q": q.Q, "due": q.Due, "sort": q.Sort, "format": format} {
		if value != "" {
			v.Set(name, value)
		}
	}
	if q.Desc {
		v.Set("desc", "true")
	}
	return withQuery(path, v)
}

// URL is the list's address with this question.
func (q RegisterQuery) URL(kind string) string { return q.at(RegisterPath(kind, ""), "") }

func (q RegisterQuery) sorted(path, key string) string {
	q.Desc = q.Sort == key && !q.Desc
	q.Sort = key
	return q.at(path, "")
}

// RegisterRow is a register on the overview.
type RegisterRow struct {
	Kind           register.Kind
	Count, Overdue int
	Next           string // the next day on which something is due
}

// RegisterGroup is a subject of the overview.
type RegisterGroup struct {
	register.Group
	Rows []RegisterRow
}

// RegisterTask is a row that is overdue.
type RegisterTask struct{ Due, What, Register, Owner, URL string }

// RegistersView is the overview.
type RegistersView struct {
	Groups              []RegisterGroup
	Used, Rows, Overdue int
	Next                []RegisterTask
}

// RegistersPage is the overview by subject.
func RegistersPage(s Shell, v RegistersView) templ.Component {
	return within(s, SectionRegisters, i18n.Text{Ja: "記録簿", En: "Registers"}, registers(v))
}

// Coverage is who of the staff took part in a training of the last year.
type Coverage struct {
	Staff, Reached, People int
	Missing                []string
}

// RegisterView is one register.
type RegisterView struct {
	Kind     register.Kind
	Rows     []register.Row
	Names    map[string]string // of systems and vendors
	Query    RegisterQuery
	Chips    []Chip
	Pager    Pager
	Today    string
	MayWrite bool
	Match    bool // leavers and accounts
	Coverage *Coverage
	Removed  []Change
	Errors   Errors
}

// RegisterPage shows one register.
func RegisterPage(s Shell, v RegisterView) templ.Component {
	return within(s, SectionRegisters, v.Kind.Title, registerOne(v))
}

// RegisterPrintPage is a register for A4; the contact chart is one for the wall.
func RegisterPrintPage(s Shell, v RegisterView) templ.Component {
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		return registerPrint(s, v).Render(context.WithValue(ctx, shellKey{}, s), w)
	})
}

// mostColumns is how many columns a list shows; the row's page has all.
const mostColumns = 6

func (v RegisterView) columns() []register.Column {
	var out []register.Column
	for _, c := range v.Kind.Columns {
		if c.Type != register.Long && c.Type != register.File && len(out) < mostColumns {
			out = append(out, c)
		}
	}
	return out
}

func (v RegisterView) shown(ctx context.Context, c register.Column, r register.Row) string {
	return shownValue(ctx, c, r, v.Names)
}

func shownValue(ctx context.Context, c register.Column, r register.Row, names map[string]string) string {
	value := r.Values[c.Key]
	if c.Type == register.Date {
		return isoDay(ctx, value)
	}
	if c.Type == register.Number && c.Max > 10_000 {
		return grouped(value)
	}
	return c.Shown(value, i18n.From(ctx), names)
}

// grouped puts commas into large whole numbers.
func grouped(s string) string {
	if strings.Contains(s, ".") {
		return s
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// rule says in words when rows have to be confirmed.
func (v RegisterView) rule(ctx context.Context) string {
	switch {
	case v.Kind.Days == 0 || v.Kind.Sheet != "":
		return ""
	case v.Kind.Event:
		return t(ctx, "%d日ごとに行います。", "Done every %d days.", v.Kind.Days)
	}
	return t(ctx, "%d日ごとに確かめます。", "Confirmed every %d days.", v.Kind.Days)
}

func (v RegisterView) filterText(ctx context.Context) string {
	out := ""
	if v.Query.Q != "" {
		out += t(ctx, " ·「%s」を含む行", " · rows with “%s”", v.Query.Q)
	}
	if v.Query.Due != "" {
		out += t(ctx, " · 期限で絞った行", " · filtered by due day")
	}
	return out
}

// contactGroup is the part of the contact chart for one kind of people.
type contactGroup struct {
	Title string
	Rows  []register.Row
}

func (v RegisterView) contactGroups(ctx context.Context) (out []contactGroup) {
	c, _ := v.Kind.Column("group")
	for _, o := range c.Choices {
		g := contactGroup{Title: o.Label().For(ctx)}
		for _, r := range v.Rows {
			if r.Values["group"] == o.ID {
				g.Rows = append(g.Rows, r)
			}
		}
		if len(g.Rows) > 0 {
			out = append(out, g)
		}
	}
	return out
}

// isoDay shows "2026-11-21", "2026-11" or "2026" as people read it, with the era.
func isoDay(ctx context.Context, d string) string {
	if at, err := time.Parse(time.DateOnly, d); err == nil && i18n.From(ctx) == i18n.Ja {
		return jp.Wareki(at)
	}
	return or(d)
}

// RowView is one row.
type RowView struct {
	Kind      register.Kind
	Row       register.Row
	Names     map[string]string
	Today     string
	Day       string // as typed into the confirmation
	MayWrite  bool
	MayRemove bool // also where signed sheets write: rows from before
	Files     Files
	History   []Change
	Errors    Errors
}

// RowPage shows one row.
func RowPage(s Shell, v RowView) templ.Component {
	return within(s, SectionRegisters, v.Kind.Title, registerEntry(v))
}

func (v RowView) shown(ctx context.Context, c register.Column, r register.Row) string {
	return shownValue(ctx, c, r, v.Names)
}

func (v RowView) title(ctx context.Context) string { return RowTitle(ctx, v.Kind, v.Row, v.Names) }

// RowTitle is what a row is called in lists: two things that tell it from others, names before kinds, kinds before days.
func RowTitle(ctx context.Context, k register.Kind, r register.Row, names map[string]string) string {
	var parts []string
	take := func(required bool, types ...register.Type) {
		for _, c := range k.Columns {
			if len(parts) < 2 && c.Required == required && slices.Contains(types, c.Type) && r.Values[c.Key] != "" {
				parts = append(parts, short(shownValue(ctx, c, r, names), 60))
			}
		}
	}
	take(true, register.Text, register.Person, register.System, register.Vendor)
	take(true, register.Long, register.Choice)
	take(false, register.Text, register.Person, register.System, register.Vendor)
	take(true, register.Date)
	return first(strings.Join(parts, " · "), k.Title.For(ctx))
}

func short(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}

// named is the column by which a list leads to its rows.
func (v RegisterView) named() int {
	return max(0, slices.IndexFunc(v.columns(), func(c register.Column) bool {
		return c.Required && slices.Contains([]register.Type{register.Text, register.Person, register.System, register.Vendor}, c.Type)
	}))
}

// whole says that a value is short enough to stay in one line.
func whole(value string) bool { return len([]rune(value)) <= 14 }

// RowForm edits a row. POST: every column by its key, owner, revision.
type RowForm struct {
	Kind    register.Kind
	Row     register.Row
	Names   map[string]string
	Systems []string
	Vendors []string
	People  []string
	Items   []string // of a catalogue
	Theirs  []Link   // what somebody else saved meanwhile: label and value
	Errors  Errors
}

// RowEditPage edits one row; ID "" makes one.
func RowEditPage(s Shell, v RowForm) templ.Component {
	return within(s, SectionRegisters, v.Kind.Title, registerEdit(v))
}

func (v RowForm) labels(ctx context.Context) map[string]string {
	out := map[string]string{"owner": register.OwnerLabel().For(ctx), "many": t(ctx, "名前", "Names")}
	for _, c := range v.Kind.Columns {
		out[c.Key] = c.Label.For(ctx)
	}
	return out
}

func (v RowForm) options(ctx context.Context, c register.Column) []Option {
	out := []Option{{"", t(ctx, "（まだ決めていない・わからない）", "(not known)"), ""}}
	if c.Required {
		out[0].Text = t(ctx, "選んでください", "choose")
	}
	if c.Type == register.Bool {
		return append(out, Option{"yes", t(ctx, "はい", "Yes"), ""}, Option{"no", t(ctx, "いいえ", "No"), ""})
	}
	for _, o := range c.Choices {
		out = append(out, Option{o.ID, o.Label().For(ctx), ""})
	}
	return out
}

// text is a field's value as people type it: names in place of ids.
func (v RowForm) text(c register.Column) string {
	value := v.Row.Values[c.Key]
	return first(v.Names[value], value)
}

func (v RowForm) suggest(c register.Column) []string {
	switch {
	case c.Type == register.System:
		return v.Systems
	case c.Type == register.Vendor:
		return v.Vendors
	case c.Type == register.Person:
		return v.People
	case c.Suggest != "":
		return v.Items
	}
	return nil
}

func (v RowForm) hint(ctx context.Context, c register.Column) string {
	switch {
	case c.Type == register.System:
		return t(ctx, "台帳のシステムから選びます", "one of the ledger's systems")
	case c.Suggest == "checklist":
		return t(ctx, "チェックリストの項目から選びます", "an item of the checklist")
	case c.Suggest == "roles":
		return t(ctx, "役割分担表の項目から選びます", "an item of the table of roles")
	}
	return ""
}

func (v RowForm) cancel() string {
	if v.Row.ID == "" {
		return RegisterPath(v.Kind.ID, "")
	}
	return RowPath(v.Kind.ID, v.Row.ID, "")
}

func rowAction(v RowForm) string {
	if v.Row.ID == "" {
		return RegisterPath(v.Kind.ID, "new")
	}
	return RowPath(v.Kind.ID, v.Row.ID, "edit")
}

// ReadRow reads the form of RowEditPage.
func ReadRow(k register.Kind, f url.Values) register.Row {
	r := register.Row{Kind: k.ID, Owner: strings.TrimSpace(f.Get("owner")), Values: map[string]string{}}
	for _, c := range k.Columns {
		if value := strings.TrimSpace(f.Get(c.Key)); value != "" {
			r.Values[c.Key] = value
		}
	}
	return r
}

// ManyForm adds a row for each name. POST: the columns, many (lines of name, department, staff number).
type ManyForm struct {
	RowForm
	Text string
}

// ManyPage adds many rows at once.
func ManyPage(s Shell, v ManyForm) templ.Component {
	return within(s, SectionRegisters, v.Kind.Title, registerMany(v))
}

// RegisterImportView is a file as it was read.
type RegisterImportView struct {
	ID, File string
	Kind     register.Kind
	Import   register.Import
	Names    map[string]string
	Replace  bool
	Wrong    string
}

// RegisterImportPage shows what an import would do.
func RegisterImportPage(s Shell, v RegisterImportView) templ.Component {
	return within(s, SectionRegisters, v.Kind.Title, registerImport(v))
}

const previewLines = 100

func (v RegisterImportView) bad() int {
	return v.Import.Counts[register.LineWrong] + v.Import.Counts[register.LineTwice]
}

func (v RegisterImportView) good() int { return v.Import.Good() }

func (v RegisterImportView) lines(bad bool) (out []register.Line) {
	for _, l := range v.Import.Lines {
		if (len(l.Wrong) > 0) == bad && len(out) < previewLines {
			out = append(out, l)
		}
	}
	return out
}

func (v RegisterImportView) badLines() []register.Line  { return v.lines(true) }
func (v RegisterImportView) goodLines() []register.Line { return v.lines(false) }

func (v RegisterImportView) fields(ctx context.Context) []Option {
	out := []Option{{"", t(ctx, "取り込まない", "leave out"), ""}}
	for _, c := range v.Kind.Columns {
		out = append(out, Option{c.Key, c.Label.For(ctx), ""})
	}
	return append(out, Option{"owner", register.OwnerLabel().For(ctx), ""})
}

// MatrixView is a register as a table in which holes show. Rows and Columns are names (URL: a second line); Cells[row][column] lists the rows
// that stand there.
type MatrixView struct {
	Kind          register.Kind
	Corner        string
	Rows, Columns []Link
	Cells         [][][]Link
	Add           [][]string // where a hole is filled, "" where this person may not
	Holes, Fields int
}

// MatrixPage shows a register as a matrix.
func MatrixPage(s Shell, v MatrixView) templ.Component {
	return within(s, SectionRegisters, v.Kind.Title, registerMatrix(v))
}

// LeaversView is which leavers still have an account.
type LeaversView struct {
	Leavers, Accounts int
	Left              []register.Left
	Dormant           []register.Row
	Names             map[string]string
}

// LeaversPage shows which leavers still have an account.
func LeaversPage(s Shell, v LeaversView) templ.Component {
	return within(s, SectionRegisters, i18n.Text{Ja: "退職者に残っているアカウント", En: "Accounts of leavers"}, leaversMatch(v))
}
