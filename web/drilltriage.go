package web

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"kenshin/actor"
	"kenshin/drill"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/web/page"
)

// reportFilters are the chips of the list of reports, by the address's "show". Those that name recipients of a drill are the trainer's alone.
var reportFilters = []struct {
	key   string
	text  i18n.Text
	of    drill.ReportFilter
	names bool
}{
	{"", i18n.Text{Ja: "確認待ち", En: "To be looked at"}, drill.ReportFilter{Kinds: triaged, States: []drill.ReportState{drill.ReportNew}}, false},
	{"answered", i18n.Text{Ja: "返事をした", En: "Answered"}, drill.ReportFilter{Kinds: triaged, States: []drill.ReportState{drill.ReportAnswered}}, false},
	{"closed", i18n.Text{Ja: "終わり", En: "Closed"}, drill.ReportFilter{Kinds: triaged, States: []drill.ReportState{drill.ReportClosed}}, false},
	{"drill", i18n.Text{Ja: "訓練のメール", En: "Drills"}, drill.ReportFilter{Kinds: []drill.ReportKind{drill.ReportDrill}}, true},
	{"reply", i18n.Text{Ja: "訓練への返信", En: "Answers"}, drill.ReportFilter{Kinds: []drill.ReportKind{drill.ReportReply}}, true},
	{"other", i18n.Text{Ja: "自動の返事・不達", En: "Automatic"}, drill.ReportFilter{Kinds: []drill.ReportKind{drill.ReportAuto, drill.ReportBounce}}, true},
}

var triaged = []drill.ReportKind{drill.ReportReal, drill.ReportUnclear}

const reportsOnPage = 50

func (v *visit) reported() error {
	q := v.r.URL.Query()
	show := q.Get("show")
	at, _ := strconv.Atoi(q.Get("page"))
	at = min(max(at, 0), 1_000_000)
	var view page.ReportedView
	known := false
	for _, x := range reportFilters {
		if x.names && !v.actor.Role.May(actor.SeeDrillNames) {
			continue
		}
		f := x.of
		f.Limit = 1
		if x.key == show {
			known, f.Offset, f.Limit = true, at*reportsOnPage, reportsOnPage
		}
		p, err := v.s.Drills.Reports(v.ctx, v.facility, f)
		if err != nil {
			return err
		}
		view.Chips = append(view.Chips, page.Chip{Key: x.key, Text: x.text.For(v.ctx), Count: p.Total, URL: reportedPath(x.key, 0), On: x.key == show})
		if x.key != show {
			continue
		}
		view.Rows = p.Reports
		view.Pager = page.Pager{From: min(f.Offset+1, p.Total), To: f.Offset + len(p.Reports), Total: p.Total}
		if at > 0 {
			view.Pager.Prev = reportedPath(show, at-1)
		}
		if view.Pager.To < p.Total {
			view.Pager.Next = reportedPath(show, at+1)
		}
	}
	if !known {
		return fault.New(fault.Invalid, "この絞り込みはありません。", "There is no such filter.")
	}
	h, err := v.s.Drills.MailboxHealth(v.ctx, v.facility)
	if err != nil {
		return err
	}
	if h.Connected.IsZero() {
		view.Deaf = h.Error.For(v.ctx)
	}
	v.show(page.ReportedPage(v.shell(), view))
	return nil
}

func reportedPath(show string, at int) string {
	q := url.Values{}
	if show != "" {
		q.Set("show", show)
	}
	if at > 0 {
		q.Set("page", strconv.Itoa(at))
	}
	if len(q) == 0 {
		return page.PathReported
	}
	return page.PathReported + "?" + q.Encode()
}

// oneReport reads the report of the address. What recipients of a drill did is the trainer's alone.
func (v *visit) oneReport() (drill.Incoming, error) {
	in, err := v.s.Drills.Report(v.ctx, v.facility, v.r.PathValue("id"))
	if err == nil && !slices.Contains(triaged, in.Kind) && !v.actor.Role.May(actor.SeeDrillNames) {
		return drill.Incoming{}, fault.New(fault.NotFound, "この報告はありません。", "There is no such report.")
	}
	return in, err
}

func (v *visit) reportedOne() error {
	in, err := v.oneReport()
	if err != nil {
		return err
	}
	return v.showReport(page.ReportedOneView{Incoming: in})
}

func (v *visit) showReport(view page.ReportedOneView) error {
	scene, err := v.s.Drills.Scene(v.ctx, drill.Landed{Facility: v.facility})
	if err != nil {
		return err
	}
	for _, r := range []drill.Ruling{drill.Dangerous, drill.Harmless, drill.OurDrill} {
		view.Texts = append(view.Texts, page.Option{Value: string(r), Text: r.Label().For(v.ctx), Says: drill.AnswerText(r, scene)})
	}
	v.show(page.ReportedOnePage(v.shell(), view))
	return nil
}

func (v *visit) reportedAnswer() error {
	form, err := v.form()
	if err != nil {
		return err
	}
	in, err := v.oneReport()
	if err != nil {
		return err
	}
	out, err := v.s.Drills.Answer(v.ctx, v.facility, in.ID, drill.Ruling(form.Get("ruling")), form.Get("text"))
	if k := fault.KindOf(err); err != nil && (k == fault.Invalid || k == fault.TooLarge) {
		field := "ruling"
		if k == fault.TooLarge {
			field = "text"
		}
		v.status(http.StatusUnprocessableEntity)
		return v.showReport(page.ReportedOneView{Incoming: in, Ruling: form.Get("ruling"), Text: form.Get("text"), Errors: page.Errors{field: v.says(err)}})
	}
	if err != nil {
		return err
	}
	if out.Mailed {
		v.said("返事を送ります。", "The answer is on its way.")
	} else {
		v.said("判断を記録しました。院内と確認できていない宛先なので、メールは送りません。", "Recorded. No mail goes out: the address is not known to be the hospital's own.")
	}
	v.redirect(page.ReportedPath(in.ID, ""))
	return nil
}

func (v *visit) reportedClose() error {
	form, err := v.form()
	if err != nil {
		return err
	}
	in, err := v.oneReport()
	if err != nil {
		return err
	}
	if err := v.s.Drills.CloseReport(v.ctx, v.facility, in.ID, form.Get("why")); err != nil {
		return err
	}
	v.said("終わりにしました。", "Closed.")
	v.redirect(page.PathReported)
	return nil
}

// phoneForm finds who called among the recipients of a drill.
func (v *visit) phoneForm() error {
	return v.showPhone(page.PhoneView{Query: v.r.URL.Query().Get("q")})
}

func (v *visit) showPhone(view page.PhoneView) error {
	d, err := v.s.Drills.Get(v.ctx, v.facility, v.r.PathValue("id"))
	if err != nil {
		return err
	}
	view.Drill, view.Name = d.ID, d.Name
	if view.Query != "" {
		p, err := v.s.Drills.Targets(v.ctx, v.facility, d.ID, drill.TargetFilter{Query: view.Query, Limit: 20})
		if err != nil {
			return err
		}
		view.Found = p.Targets
	}
	v.show(page.PhonePage(v.shell(), view))
	return nil
}

func (v *visit) phone() error {
	form, err := v.form()
	if err != nil {
		return err
	}
	id := v.r.PathValue("id")
	in, err := v.s.Drills.ReportByPhone(v.ctx, v.facility, id, form.Get("who"), form.Get("note"), form.Get("opened") == "true")
	switch {
	case err != nil:
		return err
	case in.Fresh:
		v.said("%sさんの報告を記録しました。", "Wrote down the report of %s.", in.Name)
	default:
		v.said("%sさんの電話は、もう記録してあります。", "The call of %s was written down before.", in.Name)
	}
	v.redirect(page.PhonePath(id))
	return nil
}
