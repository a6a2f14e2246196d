package app

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"kenshin/account"
	"kenshin/actor"
	"kenshin/finding"
	"kenshin/i18n"
	"kenshin/job"
	mailing "kenshin/notify"
	"kenshin/setting"
	"kenshin/store"
)

const weeklyKind = "weekly"

// weekly says who writes the weekly mails. It is called before the work starts.
func (h *House) weekly() {
	h.Jobs.Handle(weeklyKind, job.Options{Title: i18n.Text{Ja: "毎週のお知らせ", En: "Weekly notice"}}, h.weeklyStep)
	h.Jobs.Periodic(weeklyKind, 10*time.Minute, h.askWeekly)
}

// askWeekly asks for the mails of every facility whose weekday and hour have come since the last ones.
func (h *House) askWeekly(ctx context.Context) error {
	all, err := h.Account.Facilities(ctx)
	errs := []error{err}
	for _, f := range all {
		errs = append(errs, h.DB.Write(ctx, f.ID, func(tx *store.Tx) error {
			w, err := setting.Weekly().Get(ctx, tx)
			if err != nil || !w.On || f.Demo {
				return err
			}
			sent, err := setting.WeeklySent().Get(ctx, tx)
			day := w.Last(h.Now().In(f.Location())).Format(time.DateOnly)
			if err != nil || day <= sent {
				return err
			}
			if sent == "" && h.Now().Sub(w.Last(h.Now().In(f.Location()))) > 24*time.Hour { // a facility that begins in mid-week waits for its first day
				_, err := setting.WeeklySent().Set(ctx, tx, day)
				return err
			}
			_, err = h.Jobs.Enqueue(ctx, tx, weeklyKind, day, job.Request{UniqueKey: weeklyKind})
			return err
		}))
	}
	return errors.Join(errs...)
}

// weeklyStep opens what was left until a day that has passed, and asks for one mail to each person who has something to do.
func (h *House) weeklyStep(ctx context.Context, run *job.Run) (job.Next, error) {
	ctx = actor.With(ctx, actor.Actor{Kind: actor.System, ID: weeklyKind, Name: "Kenshin"})
	var day string
	if err := run.Args(&day); err != nil {
		return job.Next{}, err
	}
	f, err := h.Account.Facility(ctx, run.Facility)
	if err != nil {
		return job.Next{}, err
	}
	if _, err := h.Findings.Lapse(ctx, f.ID); err != nil {
		return job.Next{}, err
	}
	r, err := h.relay(ctx, f.ID)
	if err != nil {
		return job.Next{}, err
	}
	var mails []mailing.Message
	if r.Host != "" {
		if mails, err = h.weeklyMails(ctx, f); err != nil {
			return job.Next{}, err
		}
	}
	err = h.DB.Write(ctx, f.ID, func(tx *store.Tx) error {
		for _, m := range mails {
			if _, err := h.Mailer.Enqueue(ctx, tx, m, "weekly:"+day+":"+m.To[0]); err != nil {
				return err
			}
		}
		_, err := setting.WeeklySent().Set(ctx, tx, day)
		return err
	})
	switch {
	case err != nil:
		return job.Next{}, err
	case r.Host == "":
		return job.Partly(i18n.Text{Ja: "メールサーバが設定されていないため、送りませんでした。弱点と対応の画面には出ています。", En: "Not sent: no mail server is set. The list of weak points shows it all."}), nil
	}
	run.Say(i18n.Text{Ja: fmt.Sprintf("%d人に送りました", len(mails)), En: fmt.Sprintf("Sent to %d people", len(mails))})
	return job.Done, nil
}

// weeklyMails writes to each person with an open task of their own, and to each administrator.
func (h *House) weeklyMails(ctx context.Context, f account.Facility) (out []mailing.Message, err error) {
	members, err := h.Account.Members(ctx, f.ID)
	if err != nil {
		return nil, err
	}
	open, err := h.openTasks(ctx, f)
	if err != nil {
		return nil, err
	}
	back, err := h.Findings.CameBack(ctx, f.ID, h.Now().AddDate(0, 0, -7))
	if err != nil {
		return nil, err
	}
	var lang i18n.Lang
	if err := h.DB.Read(ctx, f.ID, func(tx *store.Tx) (err error) {
		lang, err = setting.Language().Get(ctx, tx)
		return err
	}); err != nil {
		return nil, err
	}
	for _, m := range members {
		if !m.Until.IsZero() && !m.Until.After(h.Now()) || m.Person.Disabled || m.Person.Email == "" || !m.Role.May(actor.See) {
			continue
		}
		w := week{lang: lang, facility: f.Name, name: m.Person.Name, all: m.Role == actor.Admin, now: h.Now().In(f.Location()), url: h.URL, back: back}
		if msg, any := w.write(open); any {
			msg.To = []string{m.Person.Email}
			out = append(out, msg)
		}
	}
	return out, nil
}

// openTasks reads what is open or waits for a vendor, the weightiest first.
func (h *House) openTasks(ctx context.Context, f account.Facility) (out []finding.Finding, err error) {
	q := finding.Filter{States: []finding.State{finding.Open, finding.Waiting}, Limit: 500}
	for {
		p, err := h.Findings.List(ctx, f.ID, q)
		if err != nil {
			return nil, err
		}
		out = append(out, p.Findings...)
		if q.After = p.Next; q.After == "" || len(out) >= 5000 {
			return out, nil
		}
	}
}

// week is one person's mail.
type week struct {
	lang           i18n.Lang
	facility, name string
	all            bool // an administrator: everything, not only what is their own
	now            time.Time
	url            string
	back           []finding.Finding
}

const weekLines = 15 // of one part of the mail

// write returns the mail, and whether there is anything to say.
func (w week) write(open []finding.Finding) (mailing.Message, bool) {
	var late, soon, fresh, back, mine, free []finding.Finding
	for _, v := range open {
		if !w.all && v.Owner != w.name {
			continue
		}
		switch {
		case v.Due.Before(w.now):
			late = append(late, v)
		case v.Due.Before(w.now.AddDate(0, 0, 7)):
			soon = append(soon, v)
		}
		if v.FirstSeen.After(w.now.AddDate(0, 0, -7)) {
			fresh = append(fresh, v)
		}
		if v.Owner == w.name {
			mine = append(mine, v)
		}
		if v.Owner == "" {
			free = append(free, v)
		}
	}
	for _, v := range w.back {
		if w.all || v.Owner == w.name {
			back = append(back, v)
		}
	}
	if len(late)+len(soon)+len(fresh)+len(back)+len(mine) == 0 && !(w.all && len(free) > 0) {
		return mailing.Message{}, false
	}
	var b strings.Builder
	w.line(&b, "%s 様", "Dear %s,", w.name)
	w.line(&b, "\n%s の今週の宿題です。患者さんへの影響が大きい順です。", "\nThis week's tasks at %s; what touches patients most comes first.", w.facility)
	w.part(&b, "期限切れ", "Overdue", late)
	w.part(&b, "今週が期限", "Due this week", soon)
	w.part(&b, "残す期限が来て、また出たもの", "Came back: left until a day that has passed", back)
	w.part(&b, "この1週間に新しく見つかったもの", "New since last week", fresh)
	if w.all {
		w.line(&b, "\n担当が決まっていないもの: %d件", "\nWithout an owner: %d", len(free))
	} else {
		w.line(&b, "\nあなたが担当のもの: 全部で%d件", "\nYours in all: %d", len(mine))
	}
	if w.url != "" {
		w.line(&b, "\n一覧: %s", "\nThe list: %s", strings.TrimSuffix(w.url, "/")+"/findings")
	}
	w.line(&b, "\nこのメールを止める・曜日を変えるときは、Kenshinの「設定」で変えられます(情報担当)。", "\nAn administrator can stop this mail or change its day in Kenshin's settings.")
	subject := i18n.Text{Ja: fmt.Sprintf("Kenshin: 今週の宿題(期限切れ%d件、今週が期限%d件、新しく%d件)", len(late), len(soon), len(fresh)),
		En: fmt.Sprintf("Kenshin: this week's tasks (%d overdue, %d due, %d new)", len(late), len(soon), len(fresh))}
	return mailing.Message{Subject: subject.In(w.lang), Text: b.String()}, true
}

func (w week) line(b *strings.Builder, ja, en string, args ...any) {
	text := i18n.Text{Ja: fmt.Sprintf(ja, args...), En: fmt.Sprintf(en, args...)}
	b.WriteString(text.In(w.lang) + "\n")
}

func (w week) part(b *strings.Builder, ja, en string, list []finding.Finding) {
	if len(list) == 0 {
		return
	}
	w.line(b, "\n■ %s(%d件)", "\n* %s (%d)", i18n.Text{Ja: ja, En: en}.In(w.lang), len(list))
	for _, v := range list[:min(len(list), weekLines)] {
		owner := v.Owner
		if owner == "" {
			owner = i18n.Text{Ja: "担当なし", En: "no owner"}.In(w.lang)
		}
		w.line(b, "・[%s] %s(期限 %s、%s)", "- [%s] %s (due %s, %s)", v.Severity.Label().In(w.lang), v.Title.In(w.lang), v.Due.In(w.now.Location()).Format(time.DateOnly), owner)
	}
	if n := len(list) - weekLines; n > 0 {
		w.line(b, "  ほか%d件", "  and %d more", n)
	}
}
