package web

import (
	"net/url"
	"slices"

	"kenshin/drill"
	"kenshin/web/page"
)

const (
	foundAtOnce  = 20  // matches of a search
	shownPersons = 300 // chosen people with a tick of their own
)

// personsOf are the single people of a form: those who are chosen, and with a search those who fit it.
func (v *visit) personsOf(chosen []string, query string, staff []drill.Person) (view page.DrillPersons, err error) {
	view.Query = query
	byID := map[string]drill.Person{}
	for _, p := range staff {
		byID[p.ID] = p
	}
	for _, id := range slices.Compact(slices.Sorted(slices.Values(chosen))) {
		p, here := byID[id]
		if !here {
			p = drill.Person{ID: id}
		}
		view.Chosen = append(view.Chosen, p)
	}
	order := map[string]int{}
	for i, p := range staff {
		order[p.ID] = i + 1
	}
	slices.SortStableFunc(view.Chosen, func(a, b drill.Person) int { return order[a.ID] - order[b.ID] })
	if len(view.Chosen) > shownPersons {
		view.Chosen, view.Rest = view.Chosen[:shownPersons], view.Chosen[shownPersons:]
	}
	if query == "" {
		return view, nil
	}
	found, err := v.s.Drills.People(v.ctx, v.facility, drill.PeopleFilter{Query: query})
	if err != nil {
		return view, err
	}
	view.Searched = true
	free := slices.DeleteFunc(found.People, func(p drill.Person) bool { return slices.Contains(chosen, p.ID) })
	view.Found = free[:min(len(free), foundAtOnce)]
	view.More = len(free) - len(view.Found)
	return view, nil
}

// drillPersons answers a search for single recipients; who is ticked stays.
func (v *visit) drillPersons() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	staff, err := v.s.Drills.People(v.ctx, v.facility, drill.PeopleFilter{})
	if err != nil {
		return err
	}
	view, err := v.personsOf(f["person"], cut(f.Get("who"), 100), staff.People)
	if err != nil {
		return err
	}
	v.show(page.DrillPersonsPart(v.shell(), view))
	return nil
}

func cut(s string, n int) string {
	r := []rune(s)
	return string(r[:min(len(r), n)])
}

// audienceTyped reads who gets the mail.
func (v *visit) audienceTyped(f url.Values, errs page.Errors) drill.Audience {
	switch f.Get("whom") {
	case "some":
		if len(f["department"])+len(f["job"]) == 0 {
			errs["whom"] = v.t("部署か職種を1つ以上選ぶか、「全員」にしてください。", "Tick a department or a job, or choose everybody.")
		}
		return drill.Audience{Departments: f["department"], Jobs: f["job"]}
	case "people":
		if len(f["person"]) == 0 {
			errs["whom"] = v.t("名前かアドレスで探して、1人以上に印を付けてください。", "Search by name or address and tick somebody.")
			return drill.Audience{People: []string{"-"}} // nobody: an empty list would mean everybody
		}
		return drill.Audience{People: f["person"]}
	}
	return drill.Audience{}
}

// whomOf is the choice that a stored audience stands for.
func whomOf(a drill.Audience) string {
	switch {
	case len(a.People) > 0:
		return "people"
	case len(a.Departments)+len(a.Jobs) > 0:
		return "some"
	}
	return "all"
}
