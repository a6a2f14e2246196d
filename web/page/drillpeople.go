package page

import (
	"context"

	"github.com/a-h/templ"

	"kenshin/drill"
	"kenshin/drill/roster"
	"kenshin/i18n"
)

// DrillPeopleView lists the mailboxes that drills may be sent to.
type DrillPeopleView struct {
	Staff       []drill.Person
	Canaries    []drill.Person
	Tests       []drill.Person
	Departments []drill.Group
	Q, Within   string
	Pager       Pager
	Domains     []string // verified
	One         drill.Person
	Paste       string
	Errors      Errors
}

// DrillImportView is a list that was read and not yet taken over.
type DrillImportView struct {
	ID      string
	Mapping roster.Mapping
	Plain   bool // pasted addresses without columns
	List    roster.List
	Wrong   string
	Role    string
	Leave   bool
}

// DrillPersonPath takes a mailbox off the list (POST).
func DrillPersonPath(id string) string { return at(PathDrillPeople, id, "remove") }

// DrillImportPath is a list that was read; what is "" (GET: col0, col1, ... change what columns mean) or take (POST: role, leave, and the columns).
func DrillImportPath(id, what string) string { return at(PathDrillImport, id, what) }

// DrillPeoplePage lists the mailboxes.
func DrillPeoplePage(s Shell, v DrillPeopleView) templ.Component {
	return within(s, SectionStaff, i18n.Text{Ja: "訓練の宛先", En: "Recipients"}, drillPeople(v))
}

// DrillImportPage shows what was read of a list.
func DrillImportPage(s Shell, v DrillImportView) templ.Component {
	return within(s, SectionStaff, i18n.Text{Ja: "宛先の取り込み", En: "Import of recipients"}, drillImport(v))
}

func roleOptionsOf(ctx context.Context) []Option {
	return []Option{{Value: string(drill.Staff), Text: t(ctx, "職員", "Staff"), Says: t(ctx, "訓練を受ける人です。", "takes part in drills")},
		{Value: string(drill.Canary), Text: t(ctx, "見張り用", "Canary"), Says: t(ctx, "だれも開かないメールボックスです。ここから反応があれば、機械のしわざです。", "nobody opens it: whatever reacts is a machine")},
		{Value: string(drill.Tester), Text: t(ctx, "試し用", "Test"), Says: t(ctx, "送る前の点検で、本物のメールが届くかを見ます(1〜5個)。", "takes the preflight's mails (one to five)")}}
}

func columnOptions(ctx context.Context) []Option {
	out := []Option{{Value: "", Text: t(ctx, "使わない", "leave out")}}
	for _, f := range roster.Fields() {
		out = append(out, Option{Value: string(f.Field), Text: f.Name.For(ctx)})
	}
	return out
}

func firstOf[T any](list []T, n int) []T { return list[:min(len(list), n)] }
