package web

import (
	"slices"
	"strconv"
	"strings"

	"kenshin/actor"
	"kenshin/drill"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/register"
	"kenshin/web/page"
)

const (
	rowsPage  = 100
	soonDays  = 30
	mostTasks = 8
)

// registerKind is the register that the address names, if this person may read it.
func (v *visit) registerKind() (register.Kind, error) {
	k, err := register.KindOf(v.r.PathValue("kind"))
	if err == nil {
		err = k.Allow(v.actor.Role, false)
	}
	return k, err
}

// writable is registerKind for a deed.
func (v *visit) writable() (register.Kind, error) {
	k, err := register.KindOf(v.r.PathValue("kind"))
	if err == nil {
		err = k.Allow(v.actor.Role, true)
	}
	return k, err
}

// names are what rows of registers point to.
func (v *visit) names(kinds ...register.Kind) (register.Names, error) {
	return v.s.Assess.Names(v.ctx, v.facility, kinds...)
}

func (v *visit) registers() error {
	all, err := v.s.Registers.All(v.ctx, v.facility)
	if err != nil {
		return err
	}
	names, err := v.names(register.Kinds()...)
	if err != nil {
		return err
	}
	var view page.RegistersView
	today := v.s.Registers.Today()
	for _, g := range register.Groups() {
		group := page.RegisterGroup{Group: g}
		for _, k := range register.Kinds() {
			if k.Group != g.ID || !k.MayRead(v.actor.Role) {
				continue
			}
			row := page.RegisterRow{Kind: k, Count: len(all[k.ID])}
			for _, r := range all[k.ID] {
				switch {
				case r.Overdue(today):
					row.Overdue++
					view.Next = append(view.Next, page.RegisterTask{Due: r.Due, What: page.RowTitle(v.ctx, k, r, names.ByID), Register: k.Title.For(v.ctx),
						Owner: r.Owner, URL: page.RowPath(k.ID, r.ID, "")})
				case r.Due != "" && (row.Next == "" || r.Due < row.Next):
					row.Next = r.Due
				}
			}
			view.Rows, view.Overdue = view.Rows+row.Count, view.Overdue+row.Overdue
			if row.Count > 0 {
				view.Used++
			}
			group.Rows = append(group.Rows, row)
		}
		if len(group.Rows) > 0 {
			view.Groups = append(view.Groups, group)
		}
	}
	slices.SortStableFunc(view.Next, func(a, b page.RegisterTask) int { return strings.Compare(a.Due, b.Due) })
	view.Next = view.Next[:min(len(view.Next), mostTasks)]
	v.show(page.RegistersPage(v.shell(), view))
	return nil
}

func (v *visit) registerOne() error { return v.showRegister(nil, 0) }

func (v *visit) showRegister(errs page.Errors, code int) error {
	k, err := v.registerKind()
	if err != nil {
		return err
	}
	view, all, err := v.registerRows(k)
	if err != nil {
		return err
	}
	view.Errors = errs
	today := view.Today
	soon := v.now().AddDate(0, 0, soonDays).Format(dateForm)
	counts := map[string]int{}
	for _, r := range all {
		counts[""]++
		if r.Overdue(today) {
			counts["overdue"]++
		}
		if r.Due != "" && r.Due <= soon {
			counts["soon"]++
		}
	}
	for _, c := range []struct{ key, text string }{{"", v.t("すべて", "All")}, {"overdue", v.t("期限を過ぎた", "Overdue")}, {"soon", v.t("30日以内に期限", "Due within 30 days")}} {
		q := view.Query
		q.Due = c.key
		view.Chips = append(view.Chips, page.Chip{Key: c.key, Text: c.text, Count: counts[c.key], URL: q.URL(k.ID), On: view.Query.Due == c.key})
	}
	v.pageRows(&view)
	view.MayWrite, view.Match = k.MayWrite(v.actor.Role) && k.Sheet == "", k.ID == "leavers" || k.ID == "accounts"
	if k.ID == "training" {
		if view.Coverage, err = v.coverage(all); err != nil {
			return err
		}
	}
	removed, err := v.s.Registers.Removed(v.ctx, v.facility, k.ID)
	if err != nil {
		return err
	}
	for _, c := range removed[:min(len(removed), 20)] {
		view.Removed = append(view.Removed, page.Change{At: c.At, Who: c.By, What: v.rowChange(k, c)})
	}
	if code != 0 {
		v.status(code)
	}
	v.show(page.RegisterPage(v.shell(), view))
	return nil
}

// registerRows are the rows that the address asks for, in its order, and all rows of the register.
func (v *visit) registerRows(k register.Kind) (page.RegisterView, []register.Row, error) {
	q := v.r.URL.Query()
	desc, _ := strconv.ParseBool(q.Get("desc"))
	view := page.RegisterView{Kind: k, Today: v.s.Registers.Today(), Query: page.RegisterQuery{Q: q.Get("q"), Due: q.Get("due"), Sort: q.Get("sort"), Desc: desc}}
	if len(view.Query.Q) > 400 {
		return view, nil, fault.New(fault.Invalid, "探す言葉が長すぎます。", "The words to look for are too long.")
	}
	all, err := v.s.Registers.Rows(v.ctx, v.facility, k.ID)
	if err != nil {
		return view, nil, err
	}
	names, err := v.names(k)
	if err != nil {
		return view, nil, err
	}
	view.Names = names.ByID
	soon := v.now().AddDate(0, 0, soonDays).Format(dateForm)
	for _, r := range all {
		late := view.Query.Due == "" || view.Query.Due == "overdue" && r.Overdue(view.Today) || view.Query.Due == "soon" && r.Due != "" && r.Due <= soon
		if late && k.Mentions(r, view.Query.Q, i18n.From(v.ctx), names.ByID) {
			view.Rows = append(view.Rows, r)
		}
	}
	k.Sort(view.Rows, view.Query.Sort, view.Query.Desc, i18n.From(v.ctx), names.ByID)
	return view, all, nil
}

func (v *visit) pageRows(view *page.RegisterView) {
	from, err := strconv.Atoi("0" + v.r.URL.Query().Get("from"))
	total := len(view.Rows)
	if err != nil || from > total {
		from = 0
	}
	to := min(from+rowsPage, total)
	at := func(n int) string {
		u := view.Query.URL(view.Kind.ID)
		if strings.Contains(u, "?") {
			return u + "&from=" + strconv.Itoa(n)
		}
		return u + "?from=" + strconv.Itoa(n)
	}
	view.Pager = page.Pager{From: min(from+1, total), To: to, Total: total}
	if from > 0 {
		view.Pager.Prev = at(max(from-rowsPage, 0))
	}
	if to < total {
		view.Pager.Next = at(to)
	}
	view.Rows = view.Rows[from:to]
}

// coverage compares the training roll of the last year with the list of staff.
func (v *visit) coverage(rows []register.Row) (*page.Coverage, error) {
	since := v.now().AddDate(-1, 0, 0).Format(dateForm)
	took := map[string]bool{}
	for _, r := range rows {
		if r.Values["held"] >= since && r.Values["result"] != "absent" {
			took[register.PersonKey(r.Values["name"])] = true
		}
	}
	out := &page.Coverage{People: len(took)}
	staff, err := v.s.Drills.People(v.ctx, v.facility, drill.PeopleFilter{Role: drill.Staff})
	if err != nil {
		return nil, err
	}
	names := v.actor.Role.May(actor.EditAssess)
	for _, p := range staff.People {
		key := register.PersonKey(p.Name())
		if key == "" {
			continue
		}
		out.Staff++
		if took[key] {
			out.Reached++
		} else if names {
			out.Missing = append(out.Missing, p.Name())
		}
	}
	return out, nil
}

// oneRow is the row that the address names, if it belongs to the register.
func (v *visit) oneRow(k register.Kind) (register.Row, error) {
	r, err := v.s.Registers.Get(v.ctx, v.facility, v.r.PathValue("id"))
	if err == nil && r.Kind != k.ID {
		err = fault.New(fault.NotFound, "この行はもうありません。", "There is no such row any more.")
	}
	return r, err
}

func (v *visit) row() error { return v.showRow(nil, "", 0) }

func (v *visit) showRow(errs page.Errors, typed string, code int) error {
	k, err := v.registerKind()
	if err != nil {
		return err
	}
	r, err := v.oneRow(k)
	if err != nil {
		return err
	}
	names, err := v.names(k)
	if err != nil {
		return err
	}
	view := page.RowView{Kind: k, Row: r, Names: names.ByID, Today: v.s.Registers.Today(), Day: typed, MayWrite: k.MayWrite(v.actor.Role) && k.Sheet == "", MayRemove: k.MayWrite(v.actor.Role), Errors: errs}
	if view.Files, err = v.files(v.rowHolder()); err != nil {
		return err
	}
	history, err := v.s.Registers.History(v.ctx, v.facility, r.ID)
	if err != nil {
		return err
	}
	for _, c := range history {
		view.History = append(view.History, page.Change{At: c.At, Who: c.By, What: v.rowChange(k, c)})
	}
	if code != 0 {
		v.status(code)
	}
	v.show(page.RowPage(v.shell(), view))
	return nil
}

func (v *visit) rowChange(k register.Kind, c register.Change) string {
	switch {
	case c.Kind == "added":
		return v.t("書きました %s", "Added %s", c.Reason)
	case c.Kind == "removed":
		return v.t("消しました：%s（内容：%s）", "Removed: %s (it said: %s)", c.Reason, short(k.Was(c.Before, i18n.From(v.ctx)), 200))
	case c.Field == "attachment":
		return v.fileChange(c.Before, c.After)
	case c.Field == "checked":
		return v.t("%s に確かめました", "Confirmed on %s", c.After)
	}
	label := register.OwnerLabel().For(v.ctx)
	col, ok := k.Column(c.Field)
	if ok {
		label = col.Label.For(v.ctx)
	}
	before, after := col.Shown(c.Before, i18n.From(v.ctx), nil), col.Shown(c.After, i18n.From(v.ctx), nil)
	if c.After == "" {
		return v.t("%sを消しました（%s）", "Emptied %s (%s)", label, short(before, 80))
	}
	return v.t("%sを「%s」にしました", "Set %s to %s", label, short(after, 80))
}

func (v *visit) rowHolder() (holder, error) {
	k, err := v.registerKind()
	if err != nil {
		return holder{}, err
	}
	r, err := v.oneRow(k)
	if err == nil && v.r.Method == "POST" && !k.MayWrite(v.actor.Role) {
		_, err = v.writable()
	}
	return holder{v.s.Registers, r.ID, func(id, what string) string { return page.RowPath(k.ID, id, what) }, k.MayWrite(v.actor.Role)}, err
}

// people are names that a form proposes.
func (v *visit) colleagues() []string {
	members, err := v.s.Account.Members(v.ctx, v.facility)
	v.note(err, "people")
	var out []string
	for _, m := range members {
		out = append(out, m.Person.Name)
	}
	return out
}
