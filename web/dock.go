package web

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"kenshin/actor"
	"kenshin/assess"
	"kenshin/dock"
	"kenshin/fault"
	"kenshin/jp"
	"kenshin/paper"
	"kenshin/register"
	"kenshin/trail"
	"kenshin/web/page"
)

// docks is the yearly routine with the docks so far.
func (v *visit) docks() error { return v.showDocks(nil, http.StatusOK) }

func (v *visit) showDocks(wrong page.Errors, code int) error {
	view := page.DocksView{Errors: wrong}
	var err error
	if view.Docks, err = v.s.Docks.List(v.ctx, v.facility); err != nil {
		return err
	}
	if view.Standing, err = v.s.Docks.Standing(v.ctx, v.facility); err != nil {
		return err
	}
	if view.Steps, err = v.dockSteps(view.Standing); err != nil {
		return err
	}
	view.Owners = append(view.Owners, page.Option{Text: v.t("情報担当の全員", "Every administrator")})
	members, err := v.s.Account.Members(v.ctx, v.facility)
	if err != nil {
		return err
	}
	for _, m := range members {
		if m.Role.May(actor.EditAssess) {
			view.Owners = append(view.Owners, page.Option{Value: string(m.Person.ID), Text: m.Person.Name})
		}
	}
	for m := range 12 {
		view.Months = append(view.Months, page.Option{Value: strconv.Itoa((m+3)%12 + 1), Text: v.t("%d月", "%d", (m+3)%12+1)})
	}
	if code != http.StatusOK {
		v.status(code)
	}
	v.show(page.DocksPage(v.shell(), view))
	return nil
}

// dockSteps are what is to be done this year, in order.
func (v *visit) dockSteps(s dock.Standing) ([]page.DockStep, error) {
	now, err := v.s.Docks.Forms(v.ctx, v.facility)
	if err != nil {
		return nil, err
	}
	form, ok := now.Checklist()
	if !ok {
		form = &dock.Form{}
	}
	wrong := len(now.Contradictions())
	answered, asked := 0, 0
	for _, f := range now.Vendors() {
		answered, asked = answered+f.First.Ready, asked+f.First.Total
	}
	until := v.t("年度末まで", "by the end of the fiscal year")
	if _, over := now.Over(); over {
		until = v.t("この版の期間は終わりました。次の年度の版が出たら読み込みます", "this edition has ended; load the next one when it is published")
	}
	steps := []page.DockStep{
		{Title: v.t("点検表に答える（1回目）", "Answer the checklist (round 1)"), Says: v.t("%d項目のうち%d項目", "%[2]d of %[1]d items", form.First.Total, form.First.Ready), Done: ok && form.First.Ready == form.First.Total, Link: page.Link{Text: v.t("答える", "Answer"), URL: page.FormPath(form.Catalogue, "", "")}},
		{Title: v.t("食い違いを確かめる", "Look at contradictions"), Says: v.t("「はい」と測った結果の食い違い %d件", "%d answers stand against a measurement", wrong), Done: ok && form.First.Ready == form.First.Total && wrong == 0, Link: page.Link{Text: v.t("見る", "Look"), URL: page.FormPath(form.Catalogue, "", strconv.Itoa(int(assess.Contradicted)))}},
		{Title: v.t("業者に答えてもらう", "Let the vendors answer"), Says: v.t("事業者確認用 %d項目のうち%d項目", "%[2]d of %[1]d items of the vendors' forms", asked, answered), Done: asked > 0 && answered == asked, Link: page.Link{Text: v.t("送る", "Send"), URL: "/inquiries"}},
		{Title: v.t("確定する", "Freeze"), Says: v.t("判定A〜Eと、経営者の1枚ができます", "Grades and the director's page are made"), Done: s.Done != nil},
		{Title: v.t("経営者が承認する", "The director approves"), Says: v.t("経営者の役割の人が、結果の画面で承認します", "On the result's page, in the director's role"), Done: s.Done != nil && s.Done.Approval != nil},
		{Title: v.t("点検資料を印刷する", "Print the pack"), Says: v.t("立入検査の前に", "before the inspection"), Link: page.Link{Text: v.t("作る", "Make"), URL: page.PathPack}},
		{Title: v.t("2回目：すべて「はい」か対象外にする", "Round 2: everything done"), Says: v.t("%d項目のうち%d項目。%s", "%[2]d of %[1]d items, %[3]s", form.Second.Total, form.Second.Ready, until), Done: ok && form.Second.Ready == form.Second.Total},
	}
	if s.Done != nil {
		steps[4].Link = page.Link{Text: v.t("結果を見る", "Result"), URL: page.DockPath(s.Done.ID, "")}
	}
	return steps, nil
}

func (v *visit) dockFreeze() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	want := dock.Want{Kind: dock.Full}
	if f.Get("kind") == string(dock.Short) {
		want.Kind = dock.Short
	}
	e, err := v.s.Docks.Freeze(v.ctx, v.facility, want)
	switch fault.KindOf(err) {
	case fault.Conflict, fault.TooLarge:
		return v.showDocks(page.Errors{"": v.says(err)}, status(err))
	}
	if err != nil {
		return err
	}
	v.said("第%d回の年次健診を確定しました。", "Check-up no. %d was frozen.", e.Number)
	v.redirect(page.DockPath(e.ID, ""))
	return nil
}

func (v *visit) dockRoutine() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	month, err1 := strconv.Atoi(f.Get("month"))
	day, err2 := strconv.Atoi(jp.Narrow(strings.TrimSpace(f.Get("day"))))
	if err1 != nil || err2 != nil {
		return v.showDocks(page.Errors{"day": v.t("月と日を数字で入れてください。", "Give month and day as numbers.")}, http.StatusUnprocessableEntity)
	}
	r := dock.Routine{Month: month, Day: day}
	members, err := v.s.Account.Members(v.ctx, v.facility)
	if err != nil {
		return err
	}
	for _, m := range members {
		if string(m.Person.ID) == f.Get("owner") && m.Role.May(actor.EditAssess) {
			r.Owner, r.OwnerName = m.Person.ID, m.Person.Name
		}
	}
	if err := v.s.Docks.SetRoutine(v.ctx, v.facility, r); fault.Is(err, fault.Invalid) {
		return v.showDocks(page.Errors{"day": v.says(err)}, status(err))
	} else if err != nil {
		return err
	}
	v.said("健診の日を保存しました。", "The day was saved.")
	v.redirect(page.PathDock)
	return nil
}

// dockView is a dock with the two before it.
func (v *visit) dockView() (view page.DockView, err error) {
	view.Result, err = v.s.Docks.Result(v.ctx, v.facility, v.r.PathValue("id"))
	view.MayApprove = v.actor.Role.May(actor.ApproveAssess)
	return view, err
}

func (v *visit) dock() error {
	view, err := v.dockView()
	if err != nil {
		return err
	}
	v.show(page.DockPage(v.shell(), view))
	return nil
}

func (v *visit) dockDirector() error {
	view, err := v.dockView()
	if err != nil {
		return err
	}
	v.show(page.DirectorPage(v.shell(), view))
	return nil
}

func (v *visit) dockVerify() error {
	view, err := v.dockView()
	if err != nil {
		return err
	}
	report, err := v.s.Docks.CheckKept(v.ctx, v.facility, view.ID)
	switch fault.KindOf(err) {
	case fault.Conflict, fault.Invalid:
		view.Errors = page.Errors{"": v.says(err)}
		v.show(page.DockPage(v.shell(), view))
		return nil
	}
	if err != nil {
		return err
	}
	view.Report = &report
	v.show(page.DockPage(v.shell(), view))
	return nil
}

func (v *visit) dockApprove() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	id := v.r.PathValue("id")
	err = v.s.Docks.Approve(v.ctx, v.facility, id, f.Get("note"))
	switch fault.KindOf(err) {
	case fault.Conflict, fault.TooLarge:
		v.flash(page.Flash{Mark: page.MarkWarn, Text: v.says(err)})
		v.redirect(page.DockPath(id, ""))
		return nil
	}
	if err != nil {
		return err
	}
	v.said("承認しました。", "Approved.")
	v.redirect(page.DockPath(id, ""))
	return nil
}

func (v *visit) dockFile() error {
	s, err := v.s.Docks.File(v.ctx, v.facility, v.r.PathValue("id"))
	if err != nil {
		return err
	}
	file, err := s.File()
	if err != nil {
		return err
	}
	return v.hand("kenshin-dock.json", "application/json", "", file)
}

// pack is where the pack for an inspection is fetched.
func (v *visit) pack() error { return v.showPack(nil, nil, http.StatusOK) }

func (v *visit) showPack(wrong page.Errors, typed map[string]string, code int) error {
	view := page.PackView{Chosen: v.r.URL.Query().Get("dock"), PDF: paper.HasPDF(), Remarks: wrong, Typed: typed, MayRemark: v.actor.Role.May(actor.EditAssess)}
	var err error
	if view.Docks, err = v.s.Docks.List(v.ctx, v.facility); err != nil {
		return err
	}
	if err := v.s.Docks.Ready(v.ctx, v.facility, view.Chosen); err != nil {
		if !fault.Is(err, fault.Conflict) {
			return err
		}
		view.Sentence = v.says(err)
		view.Unexplained, _ = errors.AsType[*dock.Unexplained](err)
	}
	if c, _, err := v.checklist(); err == nil && assess.Over(c, v.now()) {
		view.Over = v.t("点検表の版（%s）の期間は終わっています。資料にもそう印刷されます。", "The year of the checklist's edition (%s) has ended; the pack says so too.", c.Edition)
	}
	if code != http.StatusOK {
		v.status(code)
	}
	v.show(page.PackPage(v.shell(), view))
	return nil
}

func (v *visit) packFile() error {
	name := v.r.PathValue("file")
	if !slices.Contains([]string{"pack.html", "pack.xlsx", "pack.pdf", "pack.json"}, name) {
		return fault.New(fault.NotFound, "この番地には何もありません。", "There is nothing at this address.")
	}
	p, err := v.s.Docks.Pack(v.ctx, v.facility, v.r.URL.Query().Get("dock"))
	if fault.Is(err, fault.Conflict) {
		v.redirect(page.PackChosen(v.r.URL.Query().Get("dock")))
		return nil
	}
	if err != nil {
		return err
	}
	body, media, err := v.s.Docks.As(v.ctx, v.facility, &p, strings.TrimPrefix(name, "pack."))
	if err != nil {
		return err
	}
	if name == "pack.html" {
		v.w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src '"+dock.StyleHash()+"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		return v.hand("", media, name, body)
	}
	return v.hand("kenshin-"+p.Snapshot.Day+"-"+name, media, name, body)
}

// hand gives a file out, as a download where it has a name, and leaves that in the trail.
func (v *visit) hand(name, media, what string, body []byte) error {
	if what != "" {
		if err := v.remember(dock.Exported(what)); err != nil {
			return err
		}
	}
	h := v.w.Header()
	h.Set("Content-Type", media)
	h.Set("Cache-Control", "no-store")
	if name != "" {
		h.Set("Content-Disposition", `attachment; filename="`+name+`"`)
	}
	http.ServeContent(v.w, v.r, "", time.Time{}, bytes.NewReader(body))
	return nil
}

func (v *visit) packRemark() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	typed := map[string]string{}
	for _, key := range []string{"inspected", "inspector", "remark", "item", "by_when"} {
		typed[key] = f.Get(key)
	}
	err = v.do(func(ctx context.Context) (trail.Entry, error) {
		row, err := v.s.Docks.Remark(ctx, v.facility, typed)
		k, _ := register.KindOf("remarks") // it is a part of the program
		return k.Deed(row.ID, "add", "行を足しました", "added a row"), err
	})
	if p, ok := errors.AsType[register.Problems](err); ok {
		wrong := page.Errors{}
		for _, x := range p {
			wrong[x.Key] = x.Text.For(v.ctx)
		}
		return v.showPack(wrong, typed, http.StatusUnprocessableEntity)
	}
	if err != nil {
		return err
	}
	v.said("指摘を書きました。「弱点と対応」の仕事になっています。", "Written down: it is a task now.")
	v.redirect(page.PathPack)
	return nil
}

// dockTasks are the yearly check-up on ホーム when its day comes or has passed.
func (v *visit) dockTasks(view *page.HomeView) error {
	s, err := v.s.Docks.Standing(v.ctx, v.facility)
	if err != nil || s.Remind == "" {
		return err
	}
	task := page.Task{Mark: page.MarkInfo, Title: v.t("年次健診の日が近づいています（%s）", "The yearly check-up is due on %s", jp.Wareki(s.Due)), Why: v.t("点検表に答え、食い違いを直してから確定します。", "Answer the checklist, settle contradictions, then freeze it."),
		Meta: v.t("手順に沿って", "step by step"), Action: page.Link{Text: v.t("進める", "Go on"), URL: page.PathDock}}
	if s.Overdue() {
		task.Mark, task.Title = page.MarkWarn, v.t("年次健診の日（%s）を過ぎています", "The yearly check-up was due on %s", jp.Wareki(s.Due))
	}
	view.Tasks = append(view.Tasks, task)
	return nil
}
