package page

import (
	"context"
	"net/url"
	"time"

	"github.com/a-h/templ"

	weakness "kenshin/finding"
	"kenshin/i18n"
)

// FindingRow is one weak point in a list. Texts are in the person's language.
type FindingRow struct {
	ID       string
	Title    string // whole sentence with the device's name
	Why      string // why it matters here, one or two sentences
	Severity int    // 1 low .. 4 critical
	Device   Link
	Place    string
	Meta     string    // "聞くだけ 5分", ...
	Due      time.Time // by when
	Found    time.Time
	State    string // open, waiting, accepted, fixed, gone
	Owner    string // who deals with it
	Source   string // which part of Kenshin found it
	Action   string // the button; 見る when ""
}

// FindingsView is the list of 弱点と対応.
type FindingsView struct {
	Query   FindingQuery
	Owners  []string // who can be given one
	Errors  Errors   // of a refused deed on several
	Chips   []Chip   // by state and severity, with addresses
	Rows    []FindingRow
	Pager   Pager
	Swept   bool // a check-up has been made; without one an empty list proves nothing
	Covered string
}

// OwnerNobody as an owner chooses what nobody has taken.
const OwnerNobody = "-"

// FindingQuery is the query of PathFindings and of its export.
type FindingQuery struct {
	Show, Check, Source, Owner, After string
}

// ReadFindingQuery reads a query.
func ReadFindingQuery(v url.Values) FindingQuery {
	return FindingQuery{v.Get("show"), v.Get("check"), v.Get("source"), v.Get("owner"), v.Get("after")}
}

func (q FindingQuery) at(path string) string {
	v := url.Values{}
	for name, value := range map[string]string{"show": q.Show, "check": q.Check, "source": q.Source, "owner": q.Owner, "after": q.After} {
		if value != "" {
			v.Set(name, value)
		}
	}
	return withQuery(path, v)
}

// URL is the list's address.
func (q FindingQuery) URL() string { return q.at(PathFindings) }

// Page is the address of the page after a cursor.
func (q FindingQuery) Page(cursor string) string { q.After = cursor; return q.URL() }

func (q FindingQuery) export() string { q.After = ""; return q.at(PathFindingExport) }

func sourceOptions(ctx context.Context) []Option {
	var out []Option
	for _, s := range weakness.Sources() {
		out = append(out, Option{Value: string(s), Text: s.Label().For(ctx)})
	}
	return out
}

// FindingsPage lists weak points.
func FindingsPage(s Shell, v FindingsView) templ.Component {
	return within(s, SectionFindings, i18n.Text{Ja: "弱点と対応", En: "Weak points"}, findings(v))
}

// FindingView is one weak point: what, why, how to fix, whom to call, the evidence.
type FindingView struct {
	FindingRow
	Fix      []string // steps, in plain words
	Evidence []Change // what was seen: Who is the signal, What the value
	Check    string   // id and version of the check
	Vendor   *VendorCard
	Letter   string // a text to the maker or vendor, ready to send; "" when there is none
	History  []Change
	Note     string
	Until    string // 2006-01-02, of a deferral
	Owners   []string
	Errors   Errors
}

// FindingPage shows one weak point. POST FindingPath(id, "state"): state, owner, until, note.
func FindingPage(s Shell, v FindingView) templ.Component {
	return within(s, SectionFindings, i18n.Text{Ja: "弱点と対応", En: "Weak point"}, finding(v))
}

func findingState(ctx context.Context, state string) (Mark, string) {
	mark := MarkWarn
	switch weakness.State(state) {
	case weakness.Waiting:
		mark = MarkInfo
	case weakness.Accepted:
		mark = MarkQuiet
	case weakness.Fixed, weakness.Gone:
		mark = MarkOK
	case weakness.Moot:
		mark = MarkQuiet
	default:
		state = string(weakness.Open)
	}
	return mark, weakness.State(state).Label().For(ctx)
}

func findingStates(ctx context.Context) []Option {
	var out []Option
	for _, s := range []struct{ state, ja, en string }{
		{"open", "これから取りかかります。", "Not begun."},
		{"waiting", "業者やメーカーに聞いて、答えを待っています。", "The vendor was asked."},
		{"fixed", "直しました。次の健診で本当に直ったかを確かめます。", "Fixed; the next check-up looks whether it is."},
		{"accepted", "理由があって、期限までこのままにします。期限が来たら、また出ます。", "Left as it is until a date, with a reason; then it comes back."},
	} {
		_, text := findingState(ctx, s.state)
		out = append(out, Option{Value: s.state, Text: text, Says: t(ctx, s.ja, s.en)})
	}
	return out
}

// FindingTask is a finding as a line of a to-do list; now is the facility's time.
func FindingTask(ctx context.Context, f FindingRow, now time.Time) Task {
	return f.task(context.WithValue(ctx, shellKey{}, Shell{Now: now}))
}

// overdue reports that the day by which it should be dealt with has passed.
func (f FindingRow) overdue(ctx context.Context) bool { return f.Late(shell(ctx).Now) }

// Late is overdue at a time.
func (f FindingRow) Late(now time.Time) bool {
	return !f.Due.IsZero() && f.Due.Before(now) && (f.State == "" || f.State == string(weakness.Open) || f.State == string(weakness.Waiting))
}

// task shows a finding as a line of a to-do list.
func (f FindingRow) task(ctx context.Context) Task {
	mark, word := severity(ctx, f.Severity)
	due := ""
	if !f.Due.IsZero() {
		due = t(ctx, "期限 ", "due ") + date(ctx, f.Due)
		if f.overdue(ctx) {
			due += t(ctx, "(過ぎています)", " (overdue)")
		}
	}
	sign := "!"
	if mark == MarkInfo {
		sign = "i"
	}
	return Task{Mark: mark, Sign: sign, Title: f.Title, Why: f.Why, Meta: join(word, f.Place, f.Meta, due, f.Owner),
		Action: Link{Text: first(f.Action, t(ctx, "対応する", "Deal with it")), URL: FindingPath(f.ID, "")}, Primary: f.Severity >= 3}
}
