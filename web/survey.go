package web

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"kenshin/actor"
	"kenshin/assess/inquiry"
	"kenshin/fault"
	"kenshin/web/page"
)

func (v *visit) surveys() error {
	list, err := v.s.Inquiries.Surveys(v.ctx, v.facility)
	if err != nil {
		return err
	}
	var rows []page.SurveyRow
	for _, p := range list {
		row := page.SurveyRow{Poll: p}
		t, err := v.s.Inquiries.Tally(v.ctx, v.facility, p.ID)
		if err != nil && !fault.Is(err, fault.NotFound) {
			return err
		}
		row.Asked, row.Sent = len(t.Departments), t.Sent
		for _, d := range t.Departments {
			if d.Sent > 0 {
				row.Departments++
			}
		}
		rows = append(rows, row)
	}
	v.show(page.SurveysPage(v.shell(), rows, v.actor.Role.May(actor.EditAssess)))
	return nil
}

func (v *visit) surveyNew() error {
	s, err := v.s.Inquiries.Settings(v.ctx, v.facility)
	if err != nil {
		return err
	}
	f := page.SurveyForm{Poll: inquiry.Poll{Catalogue: cmp.Or(v.r.URL.Query().Get("catalogue"), "survey-departments")}, DueText: v.now().AddDate(0, 0, 7*s.Weeks).Format(time.DateOnly)}
	systems, err := v.s.Ledger.Systems(v.ctx, v.facility)
	if err != nil {
		return err
	}
	var names []string
	for _, s := range systems { // the departments that the ledger knows
		if s.Department != "" && !slices.Contains(names, s.Department) {
			names = append(names, s.Department)
		}
	}
	f.Departments = strings.Join(names, "\n")
	return v.showSurveyForm(f, http.StatusOK)
}

func (v *visit) showSurveyForm(f page.SurveyForm, code int) error {
	set, err := v.s.Editions.Set(v.ctx)
	if err != nil {
		return err
	}
	for _, c := range set.All() {
		f.Catalogues = append(f.Catalogues, page.Option{Value: c.ID, Text: c.Title.For(v.ctx) + "（" + c.Kind.Label().For(v.ctx) + "）"})
	}
	v.status(code)
	v.show(page.SurveyNewPage(v.shell(), f))
	return nil
}

func (v *visit) surveySend() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	form := page.SurveyForm{Poll: inquiry.Poll{Catalogue: f.Get("catalogue"), Title: f.Get("title"), Word: f.Get("word"), Named: f.Get("named") == "yes"}, Departments: f.Get("departments"), DueText: f.Get("due")}
	var letters []inquiry.Letter
	p := form.Poll
	departments, err := inquiry.ReadDepartments(form.Departments)
	if err == nil {
		p.Due, err = v.dueOf(form.DueText)
	}
	if err == nil {
		p, letters, err = v.s.Inquiries.StartSurvey(v.ctx, v.facility, p, departments)
	}
	if err != nil {
		if fault.KindOf(err) == fault.Internal {
			return err
		}
		form.Errors = page.Errors{"": v.says(err)}
		return v.showSurveyForm(form, status(err))
	}
	return v.letters(v.t("調査を送りました", "The survey was sent"), letters, nil, page.SurveyPath(p.ID, ""))
}

func (v *visit) survey() error {
	t, err := v.s.Inquiries.Tally(v.ctx, v.facility, v.r.PathValue("id"))
	if err != nil {
		return err
	}
	v.show(page.SurveyPage(v.shell(), t, v.actor.Role.May(actor.EditAssess)))
	return nil
}

func (v *visit) surveyClose() error {
	id := v.r.PathValue("id")
	if err := v.s.Inquiries.CloseSurvey(v.ctx, v.facility, id); err != nil {
		return err
	}
	v.said("調査を締め切りました。", "The survey is closed.")
	v.redirect(page.SurveyPath(id, ""))
	return nil
}

func (v *visit) visitSheet() error { return v.showVisit("", nil, http.StatusOK) }

// showVisit shows one department's answers beside what Kenshin measured. typed are notes that could not be kept.
func (v *visit) showVisit(wrong string, typed map[string]string, code int) error {
	i, err := v.s.Inquiries.Get(v.ctx, v.facility, v.r.PathValue("id"))
	if err != nil {
		return err
	}
	if i.Kind != inquiry.Survey {
		return fault.New(fault.NotFound, "訪問シートは、部門への調査にだけあります。", "Only surveys have a visit sheet.")
	}
	t, err := v.s.Inquiries.Tally(v.ctx, v.facility, i.Survey)
	if err != nil {
		return err
	}
	notes, err := v.s.Inquiries.Notes(v.ctx, v.facility, i.ID)
	if err != nil {
		return err
	}
	view := page.VisitView{Inquiry: i, Title: t.Poll.Title, CanEdit: v.actor.Role.May(actor.EditAssess), Error: wrong}
	if !t.Poll.Named {
		view.Hidden = v.t("匿名の調査なので、部門ごとの答えはこのシートに出しません。", "A nameless survey: this sheet shows no department's answers.")
	}
	var sheets []inquiry.Sheet
	if t.Poll.Named {
		if sheets, err = v.s.Inquiries.Sheets(v.ctx, v.facility, i.ID); err != nil {
			return err
		}
	}
	measured, err := v.s.Assess.Measured(v.ctx, v.facility)
	if err != nil {
		return err
	}
	for _, item := range t.Catalogue.Items {
		row := page.VisitRow{Item: item, Note: notes[item.ID]}
		for _, s := range sheets {
			if a, ok := s.Answers[item.ID]; ok && s.State == inquiry.Sent {
				row.Answers = append(row.Answers, strings.TrimSpace(a.Shown(item).For(v.ctx)+" "+a.Note+"（"+s.By+"）"))
			}
		}
		for _, r := range measured(item) {
			row.Evidence = append(row.Evidence, fmt.Sprintf("%s（%s %d/%d、%s）", r.Says.For(v.ctx), r.Outcome.Label().For(v.ctx), r.Measured, r.Of, r.At.In(v.now().Location()).Format(time.DateOnly)))
		}
		if text, ok := typed[item.ID]; ok {
			row.Note.Text = text
		}
		view.Rows = append(view.Rows, row)
	}
	v.status(code)
	v.show(page.VisitPage(v.shell(), view))
	return nil
}

func (v *visit) visitNotes() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	id := v.r.PathValue("id")
	have, err := v.s.Inquiries.Notes(v.ctx, v.facility, id)
	if err != nil {
		return err
	}
	var notes []inquiry.Note
	typed := map[string]string{}
	for name := range f {
		item, ok := strings.CutPrefix(name, "note.")
		if !ok {
			continue
		}
		revision, err := strconv.ParseInt(f.Get("rev."+item), 10, 64)
		text := strings.TrimSpace(strings.ReplaceAll(f.Get(name), "\r\n", "\n"))
		if typed[item] = text; err == nil && (text != have[item].Text || revision != have[item].Revision) {
			if text == have[item].Text || text == "" && revision == 0 {
				continue // another's note that this page never changed
			}
			notes = append(notes, inquiry.Note{Item: item, Text: text, Revision: revision})
		}
	}
	err = v.s.Inquiries.SaveNotes(v.ctx, v.facility, id, notes)
	switch {
	case fault.Is(err, fault.Conflict), fault.Is(err, fault.TooLarge):
		return v.showVisit(v.says(err), typed, status(err))
	case err != nil:
		return err
	}
	v.said("訪問のメモを保存しました。", "The notes were saved.")
	v.redirect(page.InquiryPath(id, "visit"))
	return nil
}
