package web

import (
	"net/http"
	"slices"
	"strconv"

	"kenshin/assess"
	"kenshin/catalogue"
	"kenshin/dock"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/ledger"
	"kenshin/web/page"
)

// checklist is the newest edition of the checklist that facilities fill in.
func (v *visit) checklist() (catalogue.Catalogue, catalogue.Set, error) {
	set, err := v.s.Editions.Set(v.ctx)
	if err != nil {
		return catalogue.Catalogue{}, set, err
	}
	c, ok := set.Newest(catalogue.Checklist, catalogue.FacilityForm)
	if !ok {
		return c, set, fault.New(fault.NotFound, "点検表がありません。", "There is no checklist.")
	}
	return c, set, nil
}

// gates are the level's gates as they stand.
func (v *visit) gates() (assess.Assessment, []assess.Answered, error) {
	a, err := v.s.Assess.Assessment(v.ctx, v.facility, page.GatesID, "")
	all := make([]assess.Answered, len(a.Items))
	for n, i := range a.Items {
		all[n] = i.Answered
	}
	return a, all, err
}

func (v *visit) assessStart() error {
	c, set, err := v.checklist()
	if err != nil {
		return err
	}
	var view page.AssessView
	if view.Form, err = v.s.Assess.Assessment(v.ctx, v.facility, c.ID, ""); err != nil {
		return err
	}
	a, gates, err := v.gates()
	if err != nil {
		return err
	}
	view.Level = assess.Levels(gates, a.At)
	view.Actions = assess.NextActions(gates, c, 3, a.At)
	if view.Open, err = v.s.Assess.Questions(v.ctx, v.facility, assess.QuestionFilter{State: assess.Asked}); err != nil {
		return err
	}
	for _, o := range set.All() {
		if fillsIn(o) {
			view.Others = append(view.Others, o)
		}
	}
	docks, err := v.s.Docks.List(v.ctx, v.facility)
	if err != nil {
		return err
	}
	view.Todo = v.assessTodo(view, len(a.Items), len(docks))
	v.show(page.AssessPage(v.shell(), view))
	return nil
}

// fillsIn says whether the hospital itself fills a form in, beside the checklist.
func fillsIn(c catalogue.Catalogue) bool {
	return c.Form == catalogue.FacilityForm && c.Kind != catalogue.Checklist || c.Form == "" && c.Kind != catalogue.Checklist
}

// assessTodo is the one thing to do now.
func (v *visit) assessTodo(view page.AssessView, gates, docks int) page.Task {
	form := func(s assess.State) string { return page.FormPath(view.Form.Catalogue.ID, "", strconv.Itoa(int(s))) }
	wrong := 0
	answered := 0
	for _, i := range view.Form.Items {
		if i.State == assess.Contradicted && i.Excuse == "" {
			wrong++
		}
		if i.Revision > 0 {
			answered++
		}
	}
	switch {
	case view.Level.Missing == gates && answered == 0:
		return page.Task{Mark: page.MarkInfo, Sign: "1", Title: v.t("10分の年次健診から始めましょう", "Begin with the ten-minute check-up"), Primary: true, Meta: v.t("約10分", "about 10 min"),
			Why:    v.t("機器のデータがなくても始められます。はい・いいえで答えると、いまのレベルと、次にする3つが分かります。", "It needs no device data: a few yes/no questions give your level and the three next things to do."),
			Action: page.Link{Text: v.t("始める", "Begin"), URL: page.PathAssessStart}}
	case answered == 0 && docks == 0:
		return page.Task{Mark: page.MarkInfo, Sign: "1", Title: v.t("10分の年次健診を、最後まで進めましょう", "Finish the ten-minute check-up"), Primary: true, Meta: v.t("約5分", "about 5 min"),
			Why:    v.t("残りの質問に答えると、今日の状態を最初の年次健診として残せます。", "Answer what is left, and keep today's state as the first check-up."),
			Action: page.Link{Text: v.t("続ける", "Go on"), URL: page.PathAssessStart}}
	case wrong > 0:
		return page.Task{Mark: page.MarkBad, Title: v.t("答えと測定が食い違う項目が%dあります", "%d answers contradict the measurement", wrong), Primary: true, Meta: v.t("1件 10分", "10 min each"),
			Why:    v.t("「はい」と答えましたが、測るとできていません。直すか、「はい」のままにする理由を書きます。", "They say yes, and the measurement says no. Correct them, or give the reason."),
			Action: page.Link{Text: v.t("見る", "Look"), URL: form(assess.Contradicted)}}
	case !view.Form.First.Complete():
		return page.Task{Mark: page.MarkWarn, Sign: "1", Title: v.t("1回目：あと%d項目に答えましょう", "Round 1: %d items are left", view.Form.First.Total-view.Form.First.Ready), Primary: true, Meta: v.t("1項目 1〜10分", "1 to 10 min each"),
			Why:    v.t("分からないものは「分からない」と答え、その項目のページから業者や支援団体に質問できます。", "Answer what you don't know so; from the item's page you can ask the vendor or the support body."),
			Action: page.Link{Text: v.t("続きを答える", "Go on"), URL: form(assess.Open)}}
	case !view.Form.Second.Complete():
		return page.Task{Mark: page.MarkInfo, Sign: "2", Title: v.t("2回目：あと%d項目を「はい」にしましょう", "Round 2: %d items are not done", view.Form.Second.Total-view.Form.Second.Ready), Primary: true,
			Why:    v.t("いいえの項目を、目標日までにできるようにします。", "Do what is still no by its target date."),
			Action: page.Link{Text: v.t("いいえを見る", "See them"), URL: form(assess.NotDone)}}
	}
	return page.Task{Mark: page.MarkOK, Sign: "✓", Title: v.t("点検表がそろいました。年次健診として残しましょう", "The checklist is complete: keep it as this year's check-up"), Primary: true,
		Why: v.t("今日の状態を封をして残すと、来年くらべられます。", "Sealed today, it can be compared next year."), Action: page.Link{Text: v.t("健診結果へ", "To the results"), URL: "/dock"}}
}

// formView is a form with what can be carried over from the edition before.
func (v *visit) formView() (page.FormView, error) {
	view := page.FormView{State: v.r.URL.Query().Get("state"), Open: v.r.URL.Query().Get("open")}
	var err error
	if view.Assessment, err = v.s.Assess.Assessment(v.ctx, v.facility, v.r.PathValue("id"), v.r.URL.Query().Get("subject")); err != nil {
		return view, err
	}
	if i, ok := view.Item(view.Open); ok {
		view.Typed = page.AnswerOf(i, v.now())
	}
	carried, old, err := v.s.Assess.Carried(v.ctx, v.facility, view.Assessment)
	view.Carried, view.Previous = carried, old.Catalogue.Title.For(v.ctx)
	return view, err
}

func (v *visit) assessForm() error {
	view, err := v.formView()
	if err != nil {
		return err
	}
	if v.r.URL.Query().Get("part") == "progress" && v.partial() {
		v.show(page.FormProgress(v.shell(), view))
		return nil
	}
	v.show(page.FormPage(v.shell(), view))
	return nil
}

// assessCarry answers items as in the edition before, which a person has just confirmed.
func (v *visit) assessCarry() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	a, err := v.s.Assess.Assessment(v.ctx, v.facility, v.r.PathValue("id"), v.r.URL.Query().Get("subject"))
	if err != nil {
		return err
	}
	done, err := v.s.Assess.Carry(v.ctx, v.facility, a, f["item"])
	if err != nil {
		return err
	}
	v.said("%d項目を、昨年と同じ答えにしました。", "Answered %d items as last year.", len(done))
	v.redirect(page.FormPath(a.Catalogue.ID, a.Subject, ""))
	return nil
}

// assessQuickStart is the ten-minute check-up: the gates of the first level that is not passed by word, then where one stands.
func (v *visit) assessQuickStart() error { return v.showQuickStart(nil, http.StatusOK) }

func (v *visit) showQuickStart(errs page.Errors, status int) error {
	a, all, err := v.gates()
	if err != nil {
		return err
	}
	c, _, err := v.checklist()
	if err != nil {
		return err
	}
	view := page.StartView{Level: assess.Levels(all, a.At), Actions: assess.NextActions(all, c, 3, a.At), Checklist: c, Errors: errs, At: -1, Kind: dock.Full}
	devices, err := v.s.Ledger.List(v.ctx, v.facility, ledger.Query{Limit: 1})
	if err != nil {
		return err
	}
	if devices.Counts.All == 0 {
		view.Kind = dock.Short
	}
	for level := 0; level <= 3 && view.At < 0; level++ {
		var open []assess.Item
		passed := true
		for _, i := range a.Items {
			if i.Item.Gate != nil && i.Item.Gate.Level == level {
				if i.Revision == 0 {
					open = append(open, i)
				}
				passed = passed && (i.Claim.Reply == catalogue.Yes || i.Claim.Reply == catalogue.NotApplicable)
			}
		}
		if len(open) > 0 {
			view.At, view.Gates = level, open
			view.Title = sectionTitle(a.Catalogue, level)
		} else if !passed {
			break
		}
	}
	v.status(status)
	v.show(page.StartPage(v.shell(), view))
	return nil
}

func sectionTitle(c catalogue.Catalogue, level int) i18n.Text {
	if level < len(c.Sections) {
		return c.Sections[level].Title
	}
	return i18n.Text{}
}

// assessQuickSave keeps the replies of one level. A gate that somebody answered meanwhile is left alone.
func (v *visit) assessQuickSave() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	a, _, err := v.gates()
	if err != nil {
		return err
	}
	for _, i := range a.Items {
		reply := catalogue.Reply(f.Get(i.Item.ID))
		if reply == catalogue.Unanswered || i.Revision > 0 {
			continue
		}
		if !slices.Contains([]catalogue.Reply{catalogue.Yes, catalogue.No, catalogue.Unknown}, reply) {
			return fault.New(fault.Invalid, "「はい」「いいえ」「分からない」から選んでください。", "Choose yes, no or don't know.")
		}
		_, err := v.s.Assess.SaveClaim(v.ctx, v.facility, page.GatesID, "", i.Item.ID, 0, assess.Claim{Reply: reply, On: v.now()}, "", "")
		if err != nil && !fault.Is(err, fault.Conflict) {
			return err
		}
	}
	v.redirect(page.PathAssessStart)
	return nil
}
