package drill

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"kenshin/actor"
	"kenshin/drill/rate"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/finding"
	"kenshin/i18n"
	"kenshin/store"
)

// Findings takes what people must act on; a finding.Book is one.
type Findings interface {
	Add(ctx context.Context, tx *store.Tx, r finding.Result) (string, error)
}

// TellFindings says where mails go that a person found dangerous.
func (b *Book) TellFindings(to Findings) { b.findings = to }

// realPhish is the check under which a dangerous mail that staff reported stands among the findings.
const realPhish = "drill.real-phish"

// ReportFilter picks reports. The zero value means all of them.
type ReportFilter struct {
	Kinds  []ReportKind
	States []ReportState
	Drill  string
	Offset int
	Limit  int // 0 means 50, at most 500
}

// ReportPage is one page of reports, the newest first.
type ReportPage struct {
	Reports []Incoming
	Total   int
}

// Reports lists what came to the report mailbox.
func (b *Book) Reports(ctx context.Context, f facility.ID, q ReportFilter) (page ReportPage, err error) {
	var w store.Where
	in := func(column string, n int, at func(int) string) {
		if n == 0 {
			return
		}
		args := make([]any, n)
		for i := range args {
			args[i] = at(i)
		}
		w.And("r."+column+" IN ("+strings.TrimSuffix(strings.Repeat("?, ", n), ", ")+")", args...)
	}
	for _, k := range q.Kinds {
		if !slices.Contains(ReportKinds(), k) {
			return page, fault.New(fault.Invalid, "この絞り込みはありません。", "There is no such filter.")
		}
	}
	for _, s := range q.States {
		if s != ReportNew && s != ReportAnswered && s != ReportClosed {
			return page, fault.New(fault.Invalid, "この絞り込みはありません。", "There is no such filter.")
		}
	}
	in("kind", len(q.Kinds), func(i int) string { return string(q.Kinds[i]) })
	in("state", len(q.States), func(i int) string { return string(q.States[i]) })
	if q.Drill != "" {
		w.And("r.drill_id = ?", q.Drill)
	}
	if q.Limit <= 0 {
		q.Limit = 50
	}
	err = b.db.Read(ctx, f, func(tx *store.Tx) error {
		page = ReportPage{}
		w := w // a second run of this function starts from the same conditions
		w.Args = slices.Clip(w.Args)
		if err := tx.Row(ctx, "SELECT count(*) FROM drill_reports r WHERE r.facility_id = $1"+w.SQL(), w.Args...).Scan(&page.Total); err != nil {
			return err
		}
		limit, offset := w.Next(min(q.Limit, 500)), w.Next(max(q.Offset, 0))
		return store.Each(ctx, tx, func(r *sql.Rows) error {
			one, err := scanReport(r)
			page.Reports = append(page.Reports, one)
			return err
		}, "SELECT "+reportColumns+" FROM drill_reports r WHERE r.facility_id = $1"+w.SQL()+" ORDER BY r.at DESC, r.id DESC LIMIT "+limit+" OFFSET "+offset, w.Args...)
	})
	return page, err
}

// Report returns one report, with how many others name the same mail.
func (b *Book) Report(ctx context.Context, f facility.ID, id string) (in Incoming, err error) {
	err = b.db.Read(ctx, f, func(tx *store.Tx) error {
		if in, err = report(ctx, tx, id); err != nil || in.Mark == "" {
			return err
		}
		list, err := alike(ctx, tx, in)
		in.Same = len(list) - 1
		return err
	})
	return in, err
}

func report(ctx context.Context, tx *store.Tx, id string) (Incoming, error) {
	in, err := scanReport(tx.Row(ctx, "SELECT "+reportColumns+" FROM drill_reports r WHERE r.facility_id = $1 AND r.id = $2", id))
	if isNone(err) {
		return in, fault.New(fault.NotFound, "この報告はありません。", "There is no such report.")
	}
	return in, err
}

// alike lists the reports of the same mail within a month before and after, this one included.
func alike(ctx context.Context, tx *store.Tx, in Incoming) (out []Incoming, err error) {
	const near = 30 * 24 * time.Hour
	err = store.Each(ctx, tx, func(r *sql.Rows) error {
		one, err := scanReport(r)
		if err == nil && one.Mark == in.Mark {
			out = append(out, one)
		}
		return err
	}, "SELECT "+reportColumns+" FROM drill_reports r WHERE r.facility_id = $1 AND r.kind = $2 AND r.at BETWEEN $3 AND $4 ORDER BY r.at, r.id LIMIT 5000",
		string(in.Kind), store.Micros(in.At.Add(-near)), store.Micros(in.At.Add(near)))
	return out, err
}

// Answer keeps a person's word about a report and sends it to the reporter, if the address is the hospital's own. text "" takes the words that go with
// the ruling. What is dangerous becomes a finding for the whole facility.
func (b *Book) Answer(ctx context.Context, f facility.ID, id string, ruling Ruling, text string) (in Incoming, err error) {
	if ruling != Dangerous && ruling != Harmless && ruling != OurDrill {
		return in, fault.New(fault.Invalid, "判断は「危険」「心配なし」「訓練」のどれかを選んでください。", "Choose one of dangerous, harmless, drill.")
	}
	if text = strings.TrimSpace(text); len([]rune(text)) > maxNote {
		return in, fault.Newf(fault.TooLarge, "返事は%d文字までです。", "An answer has at most %d characters.", maxNote)
	}
	scene, err := b.Scene(ctx, Landed{Facility: f})
	if err != nil {
		return in, err
	}
	err = b.db.Write(ctx, f, func(tx *store.Tx) error {
		if in, err = report(ctx, tx, id); err != nil {
			return err
		}
		if in.Kind != ReportReal && in.Kind != ReportUnclear && in.Kind != ReportDrill {
			return fault.New(fault.Invalid, "自動で届いたメールには返事をしません。", "Mails that were written by a program are not answered.")
		}
		if text == "" {
			text = AnswerText(ruling, scene)
		}
		in.Ruling, in.Answer, in.By, in.Answered, in.State = ruling, text, actor.From(ctx).Name, b.stamp(), ReportAnswered
		if in.Mailed, err = b.answerable(ctx, tx, in); err != nil {
			return err
		}
		if in.Mailed {
			m := plainMail{To: in.Reporter, Subject: "ご報告のメールについて", Text: text + "\n\n" + scene.Facility + "\n" + scene.Contact + "\n"}
			if err := b.queueMail(ctx, tx, kindAnswer, "", "report:"+in.ID, "report:"+in.ID+"/"+store.NewID(), m, b.stamp()); err != nil {
				return err
			}
		}
		if ruling == Dangerous {
			if err := b.findPhish(ctx, tx, &in, scene); err != nil {
				return err
			}
		}
		if err := in.update(ctx, tx); err != nil {
			return err
		}
		return b.trail(ctx, tx, "drill.report-answer", in.ID, i18n.Text{Ja: "報告されたメールを「" + ruling.Label().Ja + "」と判断し、返事をしました", En: "Ruled a reported mail: " + ruling.Label().En},
			map[string]any{"ruling": ruling, "mailed": in.Mailed, "finding": in.Finding})
	})
	return in, err
}

// Label is the ruling's name.
func (r Ruling) Label() i18n.Text {
	return map[Ruling]i18n.Text{Dangerous: {Ja: "危険なメール", En: "Dangerous"}, Harmless: {Ja: "心配のないメール", En: "Harmless"}, OurDrill: {Ja: "訓練のメール", En: "A drill's mail"}}[r]
}

// AnswerText is what a reporter is told unless somebody writes other words.
func AnswerText(r Ruling, s Scene) string {
	switch r {
	case Dangerous:
		return "報告してくださったメールは、だましのメールでした。早く気づいてくださったおかげで、ほかの人を守る手を打てます。ありがとうございます。\n" +
			"メールは開かずに削除してください。もし開いた、リンクを押した、何か入力したときは、今すぐ" + whom(s.Values) + "へ電話してください。責められることはありません。"
	case Harmless:
		return "報告してくださったメールを確かめました。心配のないメールでしたので、ふだんどおり使ってかまいません。\nおかしいと思ったら知らせる、その判断が大切です。これからもお願いします。"
	}
	return "報告してくださったのは、訓練のメールでした。気づいて知らせてくださり、ありがとうございます。\n本物のときも、同じように知らせてください。"
}

// CloseReport ends the work on a report without an answer.
func (b *Book) CloseReport(ctx context.Context, f facility.ID, id, why string) error {
	return b.db.Write(ctx, f, func(tx *store.Tx) error {
		in, err := report(ctx, tx, id)
		if err != nil || in.State == ReportClosed {
			return err
		}
		in.State, in.Closing = ReportClosed, words(strings.TrimSpace(why), maxNote)
		if err := in.update(ctx, tx); err != nil {
			return err
		}
		return b.trail(ctx, tx, "drill.report-close", in.ID, i18n.Text{Ja: "報告されたメールの確認を終えました", En: "Closed a reported mail"}, map[string]string{"why": in.Closing})
	})
}

// findPhish makes a dangerous mail a finding; the same mail from many reporters is one.
func (b *Book) findPhish(ctx context.Context, tx *store.Tx, in *Incoming, scene Scene) error {
	if b.findings == nil {
		return fault.New(fault.Unavailable, "弱点の一覧につながっていません。", "There is no list of findings to write to.")
	}
	all, err := alike(ctx, tx, *in)
	if err != nil {
		return err
	}
	part, who, opened := in.Mark, map[string]bool{}, 0
	if part == "" {
		part, all = in.ID, []Incoming{*in}
	}
	for _, o := range all {
		if who[o.Reporter] = true; o.Opened {
			opened++
		}
	}
	r := finding.Result{Check: realPhish, Version: "1", Part: part, Outcome: finding.Found, Severity: finding.High, Text: phishText(*in, len(who), opened, scene)}
	if opened > 0 {
		r.Severity = finding.Critical
	}
	add := func(signal, value string) {
		if value != "" {
			r.Evidence = append(r.Evidence, finding.Evidence{Signal: signal, Value: value, At: in.At})
		}
	}
	for _, m := range in.Mails[:min(len(in.Mails), 3)] {
		add("mail.from", m.From)
		add("mail.subject", m.Subject)
		for _, h := range hostsOf(m) {
			add("mail.link", h)
		}
		for _, x := range m.Files[:min(len(m.Files), 10)] {
			add("mail.file", x.Name+" SHA-256 "+x.SHA256)
		}
	}
	add("mail.reporters", fmt.Sprint(len(who)))
	in.Finding, err = b.findings.Add(ctx, tx, r)
	return err
}

// hostsOf lists where a mail's links lead, each host once.
func hostsOf(m ReportedMail) (out []string) {
	for _, l := range m.Links {
		if u, err := url.Parse(l.URL); err == nil && u.Host != "" && !slices.Contains(out, u.Host) && len(out) < 10 {
			out = append(out, u.Host)
		}
	}
	return out
}

func phishText(in Incoming, reporters, opened int, s Scene) finding.Text {
	subject := in.Subject
	var from string
	var hosts []string
	if len(in.Mails) > 0 {
		subject, from, hosts = in.Mails[0].Subject, in.Mails[0].From, hostsOf(in.Mails[0])
	}
	t := finding.Text{
		Title: i18n.Text{Ja: "だましのメールが届いている: " + clip(subject, 60), En: "A phishing mail has come: " + clip(subject, 60)},
		Why: i18n.Text{Ja: fmt.Sprintf("職員%d人が報告し、担当が危険と判断しました。気づかずに受け取った人がほかにもいるかもしれません。", reporters),
			En: fmt.Sprintf("%d of the staff reported it, and it was found dangerous. Others may have got it without noticing.", reporters)},
		Call: i18n.Text{Ja: s.Contact, En: s.Contact},
	}
	ja := []string{"メールの中継や検査の装置で、送り主" + quoted(from) + "からのメールを止める", "同じメールをほかに誰が受け取ったかをメールサーバの記録で調べ、その人たちに知らせて削除してもらう", "院内に一言、注意を知らせる"}
	en := []string{"Block mails from the sender " + from + " at the mail filter", "Look in the mail server's log for who else got it, tell them and have it deleted", "Warn everybody in a word"}
	if len(hosts) > 0 {
		ja = slices.Insert(ja, 1, "ウェブの出口で、リンクの行き先("+strings.Join(hosts, "、")+")を止め、開いた端末がないか記録を調べる")
		en = slices.Insert(en, 1, "Block where its links lead ("+strings.Join(hosts, ", ")+") and look in the log for computers that went there")
	}
	if opened > 0 {
		t.Why.Ja += fmt.Sprintf("%d人が「開いてしまった」と知らせています。", opened)
		t.Why.En += fmt.Sprintf(" %d say that they opened it.", opened)
		ja = slices.Insert(ja, 0, "開いた人の端末をネットワークから外し、電源は切らずに調べる。パスワードを入れた人は別の端末で変える")
		en = slices.Insert(en, 0, "Take the computers of who opened it off the network, leave them switched on, and look at them; change passwords that were typed from another computer")
	}
	t.Fix = i18n.Text{Ja: strings.Join(ja, "。") + "。", En: strings.Join(en, ". ") + "."}
	return t
}

func quoted(s string) string {
	if s == "" {
		return ""
	}
	return "「" + s + "」"
}

// Speed is how fast a drill's mail was reported.
type Speed struct {
	Reported rate.Rate
	First    time.Time     // the first report; zero: none
	Fastest  time.Duration // from its own mail
	Median   i18n.Text     // how long it took, and over whom it was reckoned
	Race     rate.Race     // the first report or the first click
	Before   int           // reports before the first click
}

// Speed reckons how fast the recipients of a drill reported. What came after its end counts no more.
func (b *Book) Speed(ctx context.Context, f facility.ID, drill string) (s Speed, err error) {
	d, err := b.Get(ctx, f, drill)
	if err != nil {
		return s, err
	}
	list, err := b.moments(ctx, f, drill)
	if err != nil {
		return s, err
	}
	x := TimesOf(d, list, b.now())
	s.Reported.Of = len(list)
	for _, t := range x.Reports {
		if !t.Seen {
			continue
		}
		if s.Reported.Count++; s.Reported.Count == 1 || t.After < s.Fastest {
			s.Fastest = t.After
		}
	}
	s.First, s.Median, s.Race, s.Before = x.Race.FirstReport, rate.Median(x.Reports), x.Race, x.Race.Before
	return s, nil
}
