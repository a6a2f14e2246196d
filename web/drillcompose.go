package web

import (
	"cmp"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"kenshin/drill"
	"kenshin/drill/lesson"
	"kenshin/drill/letter"
	"kenshin/drill/scale"
	"kenshin/drill/scenario"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/web/page"
)

// drillNew offers what a drill can be made of, or opens the form with a scenario, a lesson or an empty mail.
func (v *visit) drillNew() error {
	q := v.r.URL.Query()
	d := drill.Drill{Mode: drill.Standard}
	switch {
	case q.Get("scenario") != "":
		m, r, err := v.s.Drills.FromScenario(v.ctx, v.facility, q.Get("scenario"), scenario.Level(q.Get("level")))
		if err != nil {
			return err
		}
		d.Mail, d.Rating = m, r
		if all, err := v.s.Drills.Scenarios(v.ctx, v.facility); err == nil {
			if s, ok := all.Find(m.Scenario); ok {
				d.Name = s.Title.For(v.ctx) + v.t("(%s)", " (%s)", scenario.Level(m.Level).Name().For(v.ctx))
			}
		}
	case q.Get("course") != "":
		var err error
		if d, err = v.s.Drills.Course(v.ctx, v.facility, q.Get("course")); err != nil {
			return err
		}
	case q.Get("own") != "yes":
		return v.drillChoices()
	default:
		d.Mail.Link, d.Mail.Landing = true, string(scenario.Bulletin)
		d.Mail.Text = v.t("{{氏名}} 様\n\n\n{{リンク}}\n", "Dear {{name}},\n\n\n{{link}}\n")
	}
	d.Mail.Charset = string(letter.UTF8)
	return v.showCompose(d, url.Values{}, nil, http.StatusOK)
}

func (v *visit) drillChoices() error {
	all, err := v.s.Drills.Scenarios(v.ctx, v.facility)
	if err != nil {
		return err
	}
	shipped, err := scenario.Load()
	if err != nil {
		return err
	}
	book, err := lesson.Load()
	if err != nil {
		return err
	}
	own := map[string]bool{}
	for _, s := range all.Scenarios[len(shipped.Scenarios):] {
		own[s.ID] = true
	}
	v.show(page.DrillNewPage(v.shell(), page.DrillNewView{Scenarios: all.Scenarios, Own: own, Sets: book.Sets, Month: int(v.now().Month())}))
	return nil
}

func (v *visit) drillEdit() error {
	d, err := v.oneDrill()
	if err != nil {
		return err
	}
	return v.showCompose(d, url.Values{}, nil, http.StatusOK)
}

// showCompose shows the form of a drill; typed holds the fields as they came, so that nothing that was typed is lost.
func (v *visit) showCompose(d drill.Drill, typed url.Values, errs page.Errors, code int) error {
	staff, err := v.s.Drills.People(v.ctx, v.facility, drill.PeopleFilter{})
	if err != nil {
		return err
	}
	book, err := lesson.Load()
	if err != nil {
		return err
	}
	form := page.DrillForm{Drill: d, Whom: typed.Get("whom"), Start: typed.Get("start"), Until: typed.Get("until"), Rate: typed.Get("rate"), Sets: book.Sets, People: len(staff.People), Errors: errs}
	if len(typed) == 0 {
		loc := v.now().Location()
		form.Start, form.Until = localTime(d.Schedule.Start, loc), localTime(d.Schedule.Until, loc)
		if d.Schedule.Rate > 0 {
			form.Rate = strconv.FormatFloat(d.Schedule.Rate, 'f', -1, 64)
		}
		form.Whom = whomOf(d.Audience)
	}
	chosen := d.Audience.People
	if len(typed) > 0 {
		chosen = typed["person"]
	}
	if form.Persons, err = v.personsOf(chosen, "", staff.People); err != nil {
		return err
	}
	form.Departments = groupsOf(staff.People, func(p drill.Person) string { return p.Department })
	form.Jobs = slices.DeleteFunc(groupsOf(staff.People, func(p drill.Person) string { return p.Job }), func(g drill.Group) bool { return g.Name == "" })
	if form.Shown, err = v.previewOf(d, typed, staff.People); err != nil {
		return err
	}
	if code != http.StatusOK {
		v.status(code)
	}
	v.show(page.DrillComposePage(v.shell(), form))
	return nil
}

func localTime(at time.Time, loc *time.Location) string {
	if at.IsZero() {
		return ""
	}
	return at.In(loc).Format("2006-01-02T15:04")
}

func groupsOf(staff []drill.Person, of func(drill.Person) string) (out []drill.Group) {
	count := map[string]int{}
	for _, p := range staff {
		count[of(p)]++
	}
	for name, size := range count {
		out = append(out, drill.Group{Name: name, Size: size})
	}
	slices.SortFunc(out, func(a, b drill.Group) int { return cmp.Or(b.Size-a.Size, strings.Compare(a.Name, b.Name)) })
	return out
}

// previewOf is the mail as it would arrive, what the lint says of it, and the cues that it offers.
func (v *visit) previewOf(d drill.Drill, typed url.Values, staff []drill.Person) (page.DrillPreview, error) {
	var view page.DrillPreview
	s, err := v.s.Drills.Settings(v.ctx, v.facility)
	if err != nil {
		return view, err
	}
	view.Add, view.AddError = v.cueTyped(&d, s, typed)
	view.Cues = offered(v, d, s, typed)
	d.Rating.Cues = nil
	for _, c := range view.Cues {
		if c.On {
			d.Rating.Cues = append(d.Rating.Cues, c.Cue)
		}
	}
	d.Rating.Difficulty = difficulty(d.Rating)
	view.Mail, view.Doubtful = v.mailView(d, s), d.Mail.Doubtful()
	for _, p := range staff {
		if d.Audience.Has(p) {
			view.Chosen++
		}
	}
	problems, err := v.s.Drills.Lint(d, s)
	for _, p := range problems {
		view.Problems = append(view.Problems, p.In(i18n.From(v.ctx)))
	}
	return view, err
}

// cuesOf reads cues as the form carries them, at most 100.
func cuesOf(texts []string) (out []drill.Cue) {
	for _, text := range texts {
		var c drill.Cue
		if json.Unmarshal([]byte(text), &c) != nil || len(out) >= 100 {
			continue
		}
		if _, known := scale.Find(scale.ID(c.ID)); known {
			out = append(out, c)
		}
	}
	return out
}

func difficulty(r drill.Rating) string {
	r.Difficulty = "?" // anything: it is reckoned anew
	return string(rated(r).Difficulty)
}

func (v *visit) drillPreview() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	d, _ := v.drillTyped(drill.Drill{}, f)
	staff, err := v.s.Drills.People(v.ctx, v.facility, drill.PeopleFilter{})
	if err != nil {
		return err
	}
	view, err := v.previewOf(d, f, staff.People)
	if err != nil {
		return err
	}
	v.show(page.DrillPreviewPart(v.shell(), view))
	return nil
}

// drillSave stores the form as a draft.
func (v *visit) drillSave() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	var d drill.Drill
	if v.r.PathValue("id") != "" {
		if d, err = v.oneDrill(); err != nil {
			return err
		}
		d.Revision, _ = strconv.ParseInt(f.Get("revision"), 10, 64)
	}
	d, errs := v.drillTyped(d, f)
	if f.Get("do") == "preview" {
		return v.showCompose(d, f, nil, http.StatusOK)
	}
	if len(errs) > 0 {
		return v.showCompose(d, f, errs, http.StatusUnprocessableEntity)
	}
	saved, err := v.s.Drills.Save(v.ctx, v.facility, d)
	if err != nil {
		switch fault.KindOf(err) {
		case fault.Invalid, fault.Conflict, fault.TooLarge:
			return v.showCompose(d, f, page.Errors{"": v.says(err)}, status(err))
		}
		return err
	}
	v.said("下書きを保存しました。まだだれにも送っていません。", "Saved the draft. Nothing was sent.")
	v.redirect(page.DrillPath(saved.ID, ""))
	return nil
}

// drillTyped reads the compose form into a drill. What is wrong is said by field; the store has the last word.
func (v *visit) drillTyped(d drill.Drill, f url.Values) (drill.Drill, page.Errors) {
	errs := page.Errors{}
	lines := func(name string) string { return strings.ReplaceAll(f.Get(name), "\r\n", "\n") }
	d.Name, d.Mode = strings.TrimSpace(f.Get("name")), drill.Mode(f.Get("mode"))
	d.Mail = drill.Mail{FromName: f.Get("from_name"), FromLocal: strings.TrimSpace(f.Get("from_local")), Subject: f.Get("subject"), Text: lines("text"), HTML: lines("html"), Charset: cmp.Or(f.Get("charset"), d.Mail.Charset),
		Link: f.Get("link") == "yes", QR: f.Get("qr") == "yes", Attachment: f.Get("attachment"), FileName: strings.TrimSpace(f.Get("file_name")), Landing: f.Get("landing"), Lesson: f.Get("lesson"),
		Scenario: f.Get("scenario"), Level: f.Get("level")}
	must := func(name, ja, en string) {
		if strings.TrimSpace(f.Get(name)) == "" {
			errs[name] = v.t(ja, en)
		}
	}
	must("name", "訓練の名前を入れてください。", "Give the drill a name.")
	must("subject", "件名を入れてください。", "Enter a subject.")
	must("text", "本文を入れてください。文字だけで読む人にも届きます。", "Enter the text; some people read plain text only.")
	must("from_name", "差出人の名前を入れてください。", "Enter the sender's name.")
	must("from_local", "@より前を、英数字で入れてください。", "Enter the part before @.")
	if d.Mail.Attachment != "" && d.Mail.FileName == "" {
		errs["file_name"] = v.t("添付のファイル名を入れてください。", "Give the attachment a file name.")
	}
	d.Audience = v.audienceTyped(f, errs)
	v.scheduleTyped(&d, f, errs)
	d.Rating = drill.Rating{}
	for i := range d.Rating.Premise {
		n, err := strconv.Atoi(cmp.Or(f.Get("premise"+strconv.Itoa(i)), "0"))
		if err != nil || n < 0 || n > 8 || n%2 != 0 {
			errs["premise"+strconv.Itoa(i)] = v.t("0、2、4、6、8 から選んでください。", "Choose 0, 2, 4, 6 or 8.")
			continue
		}
		d.Rating.Premise[i] = n
	}
	d.Rating.Cues = cuesOf(f["cue"])
	d.Rating.Difficulty = difficulty(d.Rating)
	return d, errs
}

func (v *visit) scheduleTyped(d *drill.Drill, f url.Values, errs page.Errors) {
	loc := v.now().Location()
	at := func(name string) time.Time {
		text := f.Get(name)
		if text == "" {
			return time.Time{}
		}
		t, err := time.ParseInLocation("2006-01-02T15:04", text, loc)
		if err != nil {
			errs[name] = v.t("日時を選び直してください。", "Choose a date and time.")
		}
		return t
	}
	d.Schedule = drill.Schedule{Start: at("start"), Until: at("until"), AnyTime: f.Get("any_time") == "yes", NoMail: f.Get("no_mail") == "yes", Close: d.Schedule.Close}
	if !d.Schedule.Until.IsZero() && (d.Schedule.Start.IsZero() || !d.Schedule.Until.After(d.Schedule.Start)) {
		errs["until"] = v.t("送り終わりは、送り始めよりあとの時刻にしてください(送り始めも入れます)。", "The end comes after the start; give both.")
	}
	if text := strings.TrimSpace(f.Get("rate")); text != "" {
		r, err := strconv.ParseFloat(text, 64)
		if err != nil || !(r > 0 && r <= 1000) {
			errs["rate"] = v.t("0より大きく1000までの数で入れてください。", "Enter a number above 0, up to 1000.")
			return
		}
		d.Schedule.Rate = r
	}
}
