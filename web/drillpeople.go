package web

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"kenshin/blob"
	"kenshin/drill"
	"kenshin/drill/roster"
	"kenshin/fault"
	"kenshin/web/page"
)

const peoplePage = 100

func (v *visit) drillPeople() error {
	return v.showMailboxes(page.DrillPeopleView{}, http.StatusOK)
}

func (v *visit) showMailboxes(view page.DrillPeopleView, code int) error {
	q := v.r.URL.Query()
	view.Q, view.Within = q.Get("q"), q.Get("department")
	all, err := v.s.Drills.People(v.ctx, v.facility, drill.PeopleFilter{Query: view.Q, Department: view.Within})
	if err != nil {
		return err
	}
	from, err := strconv.Atoi("0" + q.Get("from"))
	if err != nil || from > len(all.People) {
		from = 0
	}
	view.Staff = all.People[from:min(from+peoplePage, len(all.People))]
	at := func(n int) string {
		return page.PathDrillPeople + "?" + url.Values{"q": {view.Q}, "department": {view.Within}, "from": {strconv.Itoa(n)}}.Encode()
	}
	view.Pager = page.Pager{From: min(from+1, len(all.People)), To: from + len(view.Staff), Total: len(all.People)}
	if from > 0 {
		view.Pager.Prev = at(max(from-peoplePage, 0))
	}
	if from+peoplePage < len(all.People) {
		view.Pager.Next = at(from + peoplePage)
	}
	for role, to := range map[drill.PersonRole]*[]drill.Person{drill.Canary: &view.Canaries, drill.Tester: &view.Tests} {
		some, err := v.s.Drills.People(v.ctx, v.facility, drill.PeopleFilter{Role: role})
		if err != nil {
			return err
		}
		*to = some.People
	}
	if view.Departments, err = v.s.Drills.Departments(v.ctx, v.facility); err != nil {
		return err
	}
	domains, err := v.s.Drills.Domains(v.ctx, v.facility)
	if err != nil {
		return err
	}
	for _, d := range domains {
		if d.Until().After(v.s.Now()) {
			view.Domains = append(view.Domains, d.Domain.Unicode())
		}
	}
	if code != http.StatusOK {
		v.status(code)
	}
	v.show(page.DrillPeoplePage(v.shell(), view))
	return nil
}

// drillPersonSave adds a mailbox, or changes the one of the same address.
func (v *visit) drillPersonSave() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	get := func(name string) string { return strings.Join(strings.Fields(f.Get(name)), " ") }
	p := drill.Person{Address: get("address"), Surname: get("surname"), Given: get("given"), Reading: get("reading"), Department: get("department"), Job: get("job"), Role: drill.PersonRole(f.Get("role"))}
	errs := page.Errors{}
	if !slices.Contains([]drill.PersonRole{drill.Staff, drill.Canary, drill.Tester}, p.Role) {
		errs["role"] = v.t("何に使うかを選んでください。", "Choose what it is for.")
	}
	for _, text := range []string{p.Surname, p.Given, p.Reading, p.Department, p.Job} {
		if len([]rune(text)) > roster.MaxValue {
			errs[""] = v.t("名前や部署は%d文字までです。", "Names and departments take at most %d characters.", roster.MaxValue)
		}
	}
	address, why, err := v.ownAddress(p.Address)
	if err != nil {
		return err
	}
	if why != "" {
		errs["address"] = why
	}
	if len(errs) > 0 {
		return v.showMailboxes(page.DrillPeopleView{One: p, Errors: errs}, http.StatusUnprocessableEntity)
	}
	p.Address = address
	if _, _, err := v.s.Drills.SavePeople(v.ctx, v.facility, []drill.Person{p}, false); err != nil {
		return err
	}
	v.said("「%s」を登録しました。", "Saved %s.", p.Address)
	v.redirect(page.PathDrillPeople)
	return nil
}

// ownAddress reads one typed address as the list's reader does; why says what is wrong with it.
func (v *visit) ownAddress(typed string) (address, why string, err error) {
	own, err := v.s.Drills.Owned(v.ctx, v.facility)
	if err != nil {
		return "", "", err
	}
	file, err := roster.Pasted(typed)
	if err != nil {
		return "", v.says(err), nil
	}
	list, err := file.Read(roster.Mapping{}, own)
	switch {
	case err != nil:
		return "", v.says(err), nil
	case len(list.Rejected) > 0:
		return "", list.Rejected[0].Why.For(v.ctx), nil
	case len(list.Recipients) != 1:
		return "", v.t("アドレスを1つだけ入れてください。", "Enter one address."), nil
	}
	return list.Recipients[0].Email, "", nil
}

func (v *visit) drillPersonRemove() error {
	if err := v.s.Drills.RemovePerson(v.ctx, v.facility, v.r.PathValue("id")); err != nil {
		return err
	}
	v.said("宛先から外しました。これまでの訓練の記録は残ります。", "Taken off the list; past drills keep what happened.")
	v.redirect(page.PathDrillPeople)
	return nil
}

func (v *visit) drillImportFile() error {
	p, err := v.upload("file")
	if err != nil {
		return v.peopleRefused(err, "file", "")
	}
	return v.keepRoster(p.FileName(), p, "file", "")
}

func (v *visit) drillImportPaste() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	text := f.Get("paste")
	if strings.TrimSpace(text) == "" {
		return v.peopleRefused(fault.New(fault.Invalid, "何も貼り付けられていません。", "Nothing was pasted."), "paste", "")
	}
	return v.keepRoster("paste.txt", strings.NewReader(text), "paste", text)
}

// keepRoster stores a list and shows what was read of it; a list that cannot be read at all is not kept.
func (v *visit) keepRoster(name string, r io.Reader, field, text string) error {
	file, err := blob.Put(v.ctx, v.s.DB, v.facility, roster.Stored+name, r)
	if err != nil {
		return v.peopleRefused(err, field, text)
	}
	if _, _, err := v.roster(file.ID); err != nil {
		v.note(v.dropFile(file.ID), "an unreadable list")
		return v.peopleRefused(err, field, text)
	}
	v.redirect(page.DrillImportPath(file.ID, ""))
	return nil
}

func (v *visit) peopleRefused(err error, field, text string) error {
	switch fault.KindOf(err) {
	case fault.Invalid, fault.TooLarge:
		return v.showMailboxes(page.DrillPeopleView{Paste: text, Errors: page.Errors{field: v.says(err)}}, status(err))
	}
	return err
}

// roster opens a stored list and guesses what its columns mean.
func (v *visit) roster(id string) (*roster.File, roster.Mapping, error) {
	r, err := blob.Open(v.ctx, v.s.DB, v.facility, id)
	if err != nil {
		return nil, roster.Mapping{}, err
	}
	name, ours := strings.CutPrefix(r.Name, roster.Stored)
	if !ours {
		return nil, roster.Mapping{}, fault.New(fault.NotFound, "この一覧はもうありません。もう一度読み込んでください。", "This list is gone. Read it again.")
	}
	content, err := io.ReadAll(io.LimitReader(r, roster.MaxFile+1))
	if err != nil {
		return nil, roster.Mapping{}, err
	}
	var file *roster.File
	if name == "paste.txt" {
		file, err = roster.Pasted(string(content))
	} else {
		file, err = roster.Open(bytes.NewReader(content), int64(len(content)), name)
	}
	if err != nil || file.Plain() {
		return file, roster.Mapping{}, err
	}
	m, err := file.Guess()
	return file, m, err
}

// readRoster reads a stored list as the form says.
func (v *visit) readRoster(id string, typed url.Values) (page.DrillImportView, error) {
	view := page.DrillImportView{ID: id, Role: string(drill.Staff)}
	file, m, err := v.roster(id)
	if err != nil {
		return view, err
	}
	for i, c := range m.Columns {
		if name := "col" + strconv.Itoa(c.Index); typed.Has(name) {
			m.Columns[i].Field = roster.Field(typed.Get(name))
		}
	}
	view.Mapping, view.Plain = m, file.Plain()
	own, err := v.s.Drills.Owned(v.ctx, v.facility)
	if err != nil {
		return view, err
	}
	if view.List, err = file.Read(m, own); err != nil && fault.KindOf(err) == fault.Invalid {
		view.Wrong, err = v.says(err), nil
	}
	return view, err
}

func (v *visit) drillImport() error {
	view, err := v.readRoster(v.r.PathValue("id"), v.r.URL.Query())
	if err != nil {
		return err
	}
	v.show(page.DrillImportPage(v.shell(), view))
	return nil
}

func (v *visit) drillImportApply() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	view, err := v.readRoster(v.r.PathValue("id"), f)
	if err != nil {
		return err
	}
	view.Role, view.Leave = f.Get("role"), f.Get("leave") == "yes"
	var added, changed int
	if view.Wrong == "" {
		added, changed, err = v.s.Drills.TakeRoster(v.ctx, v.facility, view.List, drill.PersonRole(view.Role), view.Leave)
		if fault.KindOf(err) == fault.Invalid {
			view.Wrong, err = v.says(err), nil
		}
	}
	if err != nil {
		return err
	}
	if view.Wrong != "" {
		v.status(http.StatusUnprocessableEntity)
		v.show(page.DrillImportPage(v.shell(), view))
		return nil
	}
	v.note(v.dropFile(view.ID), "a list that was taken over")
	v.said("新しい %d人を登録し、%d人を更新しました(登録できない行 %d)。", "Added %d people and renewed %d (%d rows not taken).", added, changed, len(view.List.Rejected))
	v.redirect(page.PathDrillPeople)
	return nil
}
