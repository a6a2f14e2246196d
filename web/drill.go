package web

import (
	"cmp"
	"encoding/base64"
	"net/http"
	"net/mail"
	"slices"
	"strings"
	"time"

	"kenshin/actor"
	"kenshin/drill"
	"kenshin/drill/calendar"
	"kenshin/drill/lesson"
	"kenshin/drill/letter"
	"kenshin/drill/scale"
	"kenshin/drill/scenario"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/web/page"
)

func (v *visit) drills() error {
	view := page.DrillsView{All: v.r.URL.Query().Get("all") == "yes"}
	var states []drill.State
	if view.All {
		states = []drill.State{drill.Draft, drill.Waiting, drill.Approved, drill.Sending, drill.Paused, drill.Sent, drill.Closed, drill.Withdrawn}
	}
	list, err := v.s.Drills.List(v.ctx, v.facility, states...)
	if err != nil {
		return err
	}
	staff, err := v.s.Drills.People(v.ctx, v.facility, drill.PeopleFilter{})
	if err != nil {
		return err
	}
	for _, d := range list {
		row, err := v.drillRow(d, staff.People)
		if err != nil {
			return err
		}
		view.Rows = append(view.Rows, row)
	}
	if view.Lack, err = v.drillLack(); err != nil {
		return err
	}
	v.show(page.DrillsPage(v.shell(), view))
	return nil
}

// drillLack says what is missing before any drill can be sent, "" when nothing is.
func (v *visit) drillLack() (string, error) {
	s, err := v.s.Drills.Settings(v.ctx, v.facility)
	if err != nil {
		return "", err
	}
	if err := s.Ready(); err != nil {
		return v.says(err), nil
	}
	domains, err := v.s.Drills.Domains(v.ctx, v.facility)
	for _, d := range domains {
		if until := d.Until(); until.After(v.s.Now()) {
			return "", err
		}
	}
	return v.t("訓練を送ってよい宛先のドメインが、まだ確認されていません。", "No domain of recipients is verified yet."), err
}

// drillRow adds to a drill how many get it, how far it is and what comes next.
func (v *visit) drillRow(d drill.Drill, staff []drill.Person) (page.DrillRow, error) {
	row := page.DrillRow{Drill: d, Next: v.drillNext(d)}
	if d.State == drill.Draft {
		for _, p := range staff {
			if d.Audience.Has(p) {
				row.Recipients++
			}
		}
		return row, nil
	}
	mails, err := v.s.Drills.Progress(v.ctx, v.facility, d.ID)
	if err != nil {
		return row, err
	}
	row.Mails = mails
	to, err := v.s.Drills.Targets(v.ctx, v.facility, d.ID, drill.TargetFilter{Limit: 1})
	row.Recipients = to.Total
	return row, err
}

func (v *visit) drillNext(d drill.Drill) string {
	switch d.State {
	case drill.Draft:
		if d.Mode == drill.Course {
			return v.t("承認を頼む", "Ask for approval")
		}
		return v.t("点検して、承認を頼む", "Make the preflight, then ask for approval")
	case drill.Waiting:
		if d.Author.Same(v.actor) {
			return v.t("ほかの人の承認を待つ", "Wait for another person's approval")
		}
		return v.t("内容を見て、承認するか差し戻す", "Look at it; approve or send back")
	case drill.Approved:
		return v.t("時刻になると送り始めます", "Sending starts at its time")
	case drill.Sending:
		return v.t("送っています", "It is being sent")
	case drill.Paused:
		return v.t("再開するか、取り消す", "Resume or withdraw")
	case drill.Sent:
		return v.t("報告と反応を待つ", "Wait for reports")
	case drill.Closed:
		return v.t("結果を見る", "See the results")
	}
	return ""
}

func (v *visit) oneDrill() (drill.Drill, error) {
	return v.s.Drills.Get(v.ctx, v.facility, v.r.PathValue("id"))
}

func (v *visit) drill() error {
	d, err := v.oneDrill()
	if err != nil {
		return err
	}
	return v.showDrill(d, nil, "", http.StatusOK)
}

func (v *visit) showDrill(d drill.Drill, errs page.Errors, reason string, code int) error {
	view, err := v.drillView(d)
	if err != nil {
		return err
	}
	view.Errors, view.Reason = errs, reason
	if code != http.StatusOK {
		v.status(code)
	}
	v.show(page.DrillPage(v.shell(), view))
	return nil
}

func (v *visit) drillLive() error {
	d, err := v.oneDrill()
	if err != nil {
		return err
	}
	view := page.DrillView{}
	if view.DrillRow, err = v.drillRow(d, nil); err != nil {
		return err
	}
	s, err := v.s.Drills.Settings(v.ctx, v.facility)
	if err != nil {
		return err
	}
	if view.Canaries, err = v.canaries(d.ID); err != nil {
		return err
	}
	view.NextChance = v.nextChance(d, s)
	if !view.Going() { // what is to be done next has changed
		v.w.Header().Set("HX-Refresh", "true")
	}
	v.show(page.DrillLive(v.shell(), view))
	return nil
}

// canaries is how many of a drill's mails go to mailboxes that nobody opens.
func (v *visit) canaries(id string) (int, error) {
	list, err := v.s.Drills.Targets(v.ctx, v.facility, id, drill.TargetFilter{Canaries: true, Limit: 1})
	return list.Total, err
}

// nextChance is when the calendar lets mails out again, zero when it does now.
func (v *visit) nextChance(d drill.Drill, s drill.Settings) time.Time {
	now := v.now()
	if d.Schedule.Start.After(now) {
		now = d.Schedule.Start.In(now.Location())
	}
	if d.Schedule.AnyTime || !(d.State == drill.Sending || d.State == drill.Approved) {
		return time.Time{}
	}
	if ok, _ := s.Hours.Allowed(now); ok {
		return time.Time{}
	}
	return s.Hours.Next(now)
}

// drillView is one drill with all that an approver decides by.
func (v *visit) drillView(d drill.Drill) (page.DrillView, error) {
	view := page.DrillView{Mine: d.Author.Same(v.actor), Quietly: d.Schedule.NoMail, Landing: scenario.Landing(d.Mail.Landing).Name().For(v.ctx)}
	staff, err := v.s.Drills.People(v.ctx, v.facility, drill.PeopleFilter{})
	if err != nil {
		return view, err
	}
	if view.DrillRow, err = v.drillRow(d, staff.People); err != nil {
		return view, err
	}
	s, err := v.s.Drills.Settings(v.ctx, v.facility)
	if err != nil {
		return view, err
	}
	view.From, view.Base, view.Incident, view.Hours = d.Mail.FromLocal+"@"+s.Domain, s.Base, s.Incident, v.hoursText(s.Hours)
	view.NextChance = v.nextChance(d, s)
	view.Mail = v.mailView(d, s)
	problems, err := v.s.Drills.Lint(d, s)
	if err != nil {
		return view, err
	}
	for _, p := range problems {
		view.Problems = append(view.Problems, p.In(i18n.From(v.ctx)))
	}
	if view.Approvals, err = v.s.Drills.Approvals(v.ctx, v.facility, d.ID); err != nil {
		return view, err
	}
	if view.Flight, err = v.flightMark(d); err != nil {
		return view, err
	}
	if v.actor.Role.May(actor.EditDrill) {
		if view.CopyTo, err = v.copyPlaces(); err != nil {
			return view, err
		}
	}
	if d.Mode == drill.Course && !d.Started.IsZero() {
		var by []drill.Coverage
		if view.Received, by, err = v.s.Drills.Received(v.ctx, v.facility, d.ID); err != nil {
			return view, err
		}
		view.ReceivedBy = drill.Fold(by, v.t("その他", "others"))
	}
	return view, v.drillGroups(&view, staff.People)
}

// drillGroups counts the recipients by department. Who they are is shown to those who decide, while nothing has happened yet.
func (v *visit) drillGroups(view *page.DrillView, staff []drill.Person) error {
	count := map[string]int{}
	if view.State == drill.Draft {
		for _, p := range staff {
			if view.Audience.Has(p) {
				count[p.Department]++
			}
		}
	} else {
		all, err := v.s.Drills.Targets(v.ctx, v.facility, view.ID, drill.TargetFilter{Limit: 50000})
		if err != nil {
			return err
		}
		if view.Canaries, err = v.canaries(view.ID); err != nil {
			return err
		}
		for _, t := range all.Targets {
			count[t.Department]++
		}
		if r := v.actor.Role; view.State == drill.Waiting && (r.May(actor.ApproveDrill) || r.May(actor.EditDrill)) {
			view.Names = all.Targets[:min(len(all.Targets), 300)]
			view.MoreNames = all.Total - len(view.Names)
		}
	}
	for name, size := range count {
		view.Groups = append(view.Groups, drill.Group{Name: name, Size: size})
	}
	slices.SortFunc(view.Groups, func(a, b drill.Group) int { return cmp.Or(b.Size-a.Size, strings.Compare(a.Name, b.Name)) })
	return nil
}

// flightMark is the last preflight in a word.
func (v *visit) flightMark(d drill.Drill) (page.FlightMark, error) {
	fl, err := v.s.Drills.Flight(v.ctx, v.facility, d.ID)
	if err != nil {
		return page.FlightMark{}, err
	}
	switch {
	case d.Mode == drill.Course:
		return page.FlightMark{Mark: page.MarkQuiet, Text: v.t("教材には要りません", "not needed for a lesson")}, nil
	case fl.ID == "":
		return page.FlightMark{Mark: page.MarkBad, Text: v.t("まだしていません", "not made yet")}, nil
	case fl.Stale:
		return page.FlightMark{Mark: page.MarkBad, Text: v.t("点検のあとで内容が変わりました", "the mail changed since")}, nil
	case !fl.Report.Green:
		return page.FlightMark{Mark: page.MarkBad, Text: v.t("直すところが %d件あります", "%d checks to mend", len(fl.Report.Open))}, nil
	case len(fl.Report.Waived) > 0:
		var says []string
		for _, w := range fl.Report.Waived {
			says = append(says, w.Says.For(v.ctx)+v.t("(見送った理由: ", " (waived: ")+w.Reason+", "+w.By+")")
		}
		return page.FlightMark{Mark: page.MarkWarn, Text: v.t("%d件を見送って通りました", "passed, %d waived", len(says)), Says: says}, nil
	}
	return page.FlightMark{Mark: page.MarkOK, Text: v.t("通りました", "passed")}, nil
}

// mailView renders a drill's mail for an example recipient, with its cues marked. It takes drafts that are not stored.
func (v *visit) mailView(d drill.Drill, s drill.Settings) page.MailView {
	view := page.MailView{Rating: rated(d.Rating)}
	if d.ID == "" {
		d.ID = "preview"
	}
	raw, err := v.s.Drills.Render(v.ctx, v.facility, d, s)
	if err != nil {
		view.Wrong = v.says(err)
		return view
	}
	seen, err := letter.Preview(raw)
	if err != nil {
		view.Wrong = v.says(err)
		return view
	}
	from, err := mail.ParseAddress(seen.From)
	if err != nil {
		from = &mail.Address{Name: d.Mail.FromName, Address: d.Mail.FromLocal + "@" + s.Domain}
	}
	m := lesson.Mail{Subject: seen.Subject, Text: seen.Text, HTML: seen.HTML, From: *from}
	if len(seen.Files) > 0 {
		m.Attachment = seen.Files[0].Name
	}
	example := letter.Fields{Surname: "見本", Given: "花子", Department: "看護部", Email: "hanako@example.jp"}
	if f, err := v.place(); err == nil {
		example.Facility = cmp.Or(s.Org, f.Name)
	}
	var cues []lesson.Cue
	for _, c := range d.Rating.Cues {
		text, err := letter.Fill(c.Text, example, false)
		if err != nil {
			text = c.Text
		}
		cues = append(cues, lesson.Cue{Cue: scale.ID(c.ID), Part: lesson.Part(c.Part), Text: text})
	}
	view.Shown, view.Bytes = lesson.Show(m, cues), seen.Bytes
	if seen.HTML != "" {
		view.Text = seen.Text
	}
	for _, f := range seen.Inline {
		view.QR = "data:image/png;base64," + base64.StdEncoding.EncodeToString(f.Body)
	}
	return view
}

// rated reckons a mail's difficulty, nil where nobody looked for cues yet.
func rated(r drill.Rating) *scale.Rating {
	if r.Difficulty == "" {
		return nil
	}
	out := r.Reckon()
	return &out
}

// hoursText says a calendar in a line.
func (v *visit) hoursText(c calendar.Calendar) string {
	names := []string{v.t("日", "Sun"), v.t("月", "Mon"), v.t("火", "Tue"), v.t("水", "Wed"), v.t("木", "Thu"), v.t("金", "Fri"), v.t("土", "Sat")}
	var days, hours []string
	for _, d := range c.Weekdays {
		days = append(days, names[d%7])
	}
	for _, w := range c.Hours {
		hours = append(hours, w.From.String()+"〜"+w.To.String())
	}
	text := strings.Join(days, v.t("", " ")) + " " + strings.Join(hours, ", ")
	if !c.Holidays {
		text += v.t("(祝日・年末年始を除く)", " (not on holidays)")
	}
	return text
}

// drillDeed is a POST that moves a drill on; what it refuses is said on the drill's own page.
func drillDeed(do func(*visit, string) error, ja, en string) func(*visit) error {
	return func(v *visit) error {
		d, err := v.oneDrill()
		if err != nil {
			return err
		}
		if err := do(v, d.ID); err != nil {
			switch fault.KindOf(err) {
			case fault.Invalid, fault.Conflict, fault.TooLarge, fault.Denied:
				code := status(err)
				if now, bad := v.oneDrill(); bad == nil {
					d = now
				}
				return v.showDrill(d, page.Errors{"": v.says(err)}, "", code)
			}
			return err
		}
		v.said(ja, en)
		v.redirect(page.DrillPath(d.ID, ""))
		return nil
	}
}

func (v *visit) drillSubmit(id string) error {
	_, err := v.s.Drills.Submit(v.ctx, v.facility, id)
	return err
}

func (v *visit) drillApprove(id string) error {
	f, err := v.form()
	if err == nil {
		_, err = v.s.Drills.Approve(v.ctx, v.facility, id, f.Get("hash"))
	}
	return err
}

func (v *visit) drillPause(id string) error  { return v.s.Drills.Pause(v.ctx, v.facility, id) }
func (v *visit) drillResume(id string) error { return v.s.Drills.Resume(v.ctx, v.facility, id) }
func (v *visit) drillWithdraw(id string) error {
	return v.s.Drills.Withdraw(v.ctx, v.facility, id)
}

func (v *visit) drillReject() error {
	d, err := v.oneDrill()
	if err != nil {
		return err
	}
	f, err := v.form()
	if err != nil {
		return err
	}
	reason := strings.TrimSpace(f.Get("reason"))
	if reason == "" {
		return v.showDrill(d, page.Errors{"reason": v.t("どこを直してほしいかを書いてください。", "Write what to change.")}, "", http.StatusUnprocessableEntity)
	}
	return drillDeed(func(v *visit, id string) error { return v.s.Drills.Reject(v.ctx, v.facility, id, reason) }, "差し戻しました。作った人が直せます。", "Sent back to its author.")(v)
}

func (v *visit) drillCopy() error {
	d, err := v.s.Drills.Copy(v.ctx, v.facility, v.r.PathValue("id"))
	if err != nil {
		return err
	}
	v.said("写しを作りました。内容と日時を確かめてください。", "Copied. Look at its text and times.")
	v.redirect(page.DrillPath(d.ID, "edit"))
	return nil
}
