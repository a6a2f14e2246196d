package inquiry

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"kenshin/actor"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/finding"
	"kenshin/i18n"
	"kenshin/store"
)

// refusalCheck is the finding that a refused form becomes.
const refusalCheck = "vendor-refused"

// Remind makes a further link to a form that waits, with a letter; due may be zero, which keeps the day where it lies ahead.
func (b *Book) Remind(ctx context.Context, f facility.ID, id string, due time.Time) (l Letter, err error) {
	now, house, err := b.local(ctx, f)
	if err != nil {
		return l, err
	}
	err = b.db.Write(ctx, f, func(tx *store.Tx) error {
		i, err := get(ctx, tx, id)
		if err != nil {
			return err
		}
		if i.State != Waiting {
			return fault.Newf(fault.Conflict, "「%[1]s」は催促できません(%[2]s)。", "%[1]s cannot be reminded of (%[2]s).", i.SubjectName, i.State.Label().Ja)
		}
		s, err := SettingsKey().Get(ctx, tx)
		if err != nil {
			return err
		}
		if !due.IsZero() || i.Due.Before(now) {
			day, err := dueDay(due, now, s)
			if err != nil {
				return err
			}
			i.Due = day.UTC()
		}
		token, err := b.link(ctx, tx, &i, life(b.Now(), i.Due, s))
		if err != nil {
			return err
		}
		i.Reminded = b.stamp()
		l = Letter{Name: i.addressee(), To: i.To, Links: []Link{{Inquiry: i, Address: address(s, token)}}}
		return b.deliver(ctx, tx, house, s, &l, "inquiry.remind", i18n.Text{Ja: "回答を催促しました", En: "Sent a reminder"})
	})
	return l, err
}

func (i Inquiry) addressee() string {
	if i.Kind == Survey {
		return i.SubjectName
	}
	return i.VendorName
}

// RemindDue sends the reminders that the settings ask for: each once. It says how many went out; without a mail server or address none does.
func (b *Book) RemindDue(ctx context.Context, f facility.ID) (sent int, err error) {
	if b.Post == nil {
		return 0, nil
	}
	s, err := b.Settings(ctx, f)
	if err != nil || s.Base == "" {
		return 0, err
	}
	now, house, err := b.local(ctx, f)
	if err != nil {
		return 0, err
	}
	waiting, _, err := b.List(ctx, f, Filter{State: Waiting})
	if err != nil {
		return 0, err
	}
	for _, i := range waiting {
		key, ok := reminderOf(i, s, now)
		if !ok || len(i.To) == 0 {
			continue
		}
		mailed := false
		err := b.db.Write(ctx, f, func(tx *store.Tx) error {
			one, err := get(ctx, tx, i.ID)
			if err != nil || one.State != Waiting || slices.Contains(one.Reminders, key) {
				return err
			}
			token, err := b.link(ctx, tx, &one, life(b.Now(), one.Due, s))
			if err != nil {
				return err
			}
			one.Reminded, one.Reminders = b.stamp(), append(one.Reminders, key)
			l := Letter{Name: one.addressee(), To: one.To, Links: []Link{{Inquiry: one, Address: address(s, token)}}}
			if err := b.deliver(ctx, tx, house, s, &l, "inquiry.remind", i18n.Text{Ja: "回答を自動で催促しました", En: "Sent a reminder by itself"}); err != nil {
				return err
			}
			if mailed = l.Mailed; !mailed {
				return errNoMail // nothing is kept: another link would be nobody's
			}
			return nil
		})
		switch {
		case errors.Is(err, errNoMail):
			return sent, nil
		case err != nil:
			return sent, err
		case mailed:
			sent++
		}
	}
	return sent, nil
}

var errNoMail = errors.New("no mail server")

// reminderOf is which reminder is due today; each belongs to its due day, so that a new day is reminded of again. Only the newest that is due counts.
func reminderOf(i Inquiry, s Settings, now time.Time) (key string, ok bool) {
	due := i.Due.In(now.Location())
	left := int(due.Sub(now).Hours() / 24)
	if now.After(due) {
		return "", false
	}
	ahead := slices.Clone(s.Remind)
	slices.Sort(ahead)
	for _, n := range ahead {
		if left <= n {
			if !i.Created.Before(due.AddDate(0, 0, -n)) { // asked later than the reminder would have come
				return "", false
			}
			key = due.Format(time.DateOnly) + "/" + strconv.Itoa(n)
			return key, !slices.Contains(i.Reminders, key)
		}
	}
	return "", false
}

// Revoke takes an inquiry back: its links end. What was filled in stays.
func (b *Book) Revoke(ctx context.Context, f facility.ID, id, reason string) error {
	return b.move(ctx, f, id, func(ctx context.Context, tx *store.Tx, i *Inquiry) (what string, says i18n.Text, err error) {
		if i.State == Taken || i.State == Revoked {
			return "", says, fault.New(fault.Conflict, "取り込んだ回答と取り消した依頼は、取り消せません。", "What was taken in or revoked cannot be revoked.")
		}
		i.State, i.Reason = Revoked, words(reason)
		return "revoked", i18n.Text{Ja: "回答の依頼を取り消しました", En: "Revoked an inquiry"}, b.end(ctx, tx, i.ID)
	})
}

// GiveBack opens an answered form again, for a reason that the addressee reads. Links that have not run out open again.
func (b *Book) GiveBack(ctx context.Context, f facility.ID, id, reason string) error {
	if reason = words(reason); reason == "" || len([]rune(reason)) > maxReason {
		return fault.Newf(fault.Invalid, "直してほしいところを%d文字までで書いてください。", "Say what to correct, in at most %d characters.", maxReason)
	}
	return b.move(ctx, f, id, func(ctx context.Context, tx *store.Tx, i *Inquiry) (string, i18n.Text, error) {
		if i.State != Answered && i.State != Refused {
			return "", i18n.Text{}, fault.New(fault.Conflict, "差し戻せるのは、回答があって取り込む前のものだけです。", "Only an answer that was not taken in can be given back.")
		}
		s, err := sheet(ctx, tx, i.ID, mainSheet)
		if err != nil {
			return "", i18n.Text{}, err
		}
		if s.Revision > 0 {
			s.State = Draft
			if err := s.put(ctx, tx, b.stamp()); err != nil {
				return "", i18n.Text{}, err
			}
		}
		was := i.State
		i.State, i.Reason, i.Answered = Waiting, reason, time.Time{}
		says := i18n.Text{Ja: "回答を差し戻しました", En: "Gave an answer back"}
		if was != Refused || i.Kind != Vendor || b.Findings == nil {
			return "returned", says, nil
		}
		if err := i.put(ctx, tx); err != nil {
			return "", says, err
		}
		return "returned", says, b.judgeRefusals(ctx, tx)
	})
}

// Refuse records that the addressee will not answer, as the hospital was told. It becomes a finding of the whole facility.
func (b *Book) Refuse(ctx context.Context, f facility.ID, id, reason string) error {
	return b.move(ctx, f, id, func(ctx context.Context, tx *store.Tx, i *Inquiry) (string, i18n.Text, error) {
		return "refused", i18n.Text{Ja: "業者が回答を断ったことを記録しました", En: "Recorded that a vendor refused"}, b.refused(ctx, tx, i, reason)
	})
}

func (b *Book) refused(ctx context.Context, tx *store.Tx, i *Inquiry, reason string) error {
	if reason = words(reason); reason == "" || len([]rune(reason)) > maxReason {
		return fault.Newf(fault.Invalid, "断る理由を%d文字までで書いてください。", "Give the reason in at most %d characters.", maxReason)
	}
	if i.State != Waiting && i.State != Answered {
		return fault.New(fault.Conflict, "この依頼は、もう終わっています。", "This inquiry is over already.")
	}
	i.State, i.Reason, i.Answered = Refused, reason, b.stamp()
	if i.Kind != Vendor || b.Findings == nil {
		return nil
	}
	if err := i.put(ctx, tx); err != nil { // first, as the finding is made of what is stored
		return err
	}
	return b.judgeRefusals(ctx, tx)
}

// judgeRefusals makes the findings of all forms that stand refused; those that no longer do are closed.
func (b *Book) judgeRefusals(ctx context.Context, tx *store.Tx) error {
	all, _, err := list(ctx, tx, Filter{Kind: Vendor})
	if err != nil {
		return err
	}
	var results []finding.Result
	seen := map[string]bool{}
	for _, i := range all { // the newest first
		if key := i.Catalogue + i.Subject; seen[key] {
			continue
		} else {
			seen[key] = true
		}
		if i.State == Refused {
			results = append(results, i.risk())
		}
	}
	if len(results) == 0 {
		results = []finding.Result{{Check: refusalCheck, Version: "1", Outcome: finding.Clear}}
	}
	if _, err := b.Findings.Record(ctx, tx, results); err != nil {
		return fmt.Errorf("keep refusals as risks: %w", err)
	}
	return nil
}

// risk is what a refused form says of responsibilities.
func (i Inquiry) risk() finding.Result {
	return finding.Result{Check: refusalCheck, Version: "1", Part: i.Subject, Severity: finding.Medium, Text: finding.Text{
		Title: i18n.Text{Ja: "業者が安全の点検表に回答しません: " + i.SubjectName + "（" + i.VendorName + "）", En: "A vendor does not answer the checklist: " + i.SubjectName + " (" + i.VendorName + ")"},
		Why: i18n.Text{Ja: "責任の分かれ目が決まらないままです。障害や侵入のときに、どちらが何をするか分かりません。断られた理由: " + i.Reason,
			En: "Who is responsible for what stays open: after a failure or an attack nobody knows who does what. Their reason: " + i.Reason},
		Fix:  i18n.Text{Ja: "契約と役割分担表で責任の範囲を書面にし、次の更新で回答を契約の条件にします。", En: "Write down who is responsible for what, and make answering a condition of the next contract."},
		Call: i18n.Text{Ja: i.VendorName + " と、契約の担当", En: i.VendorName + " and whoever keeps the contract"}},
		Evidence: []finding.Evidence{{Signal: "inquiry", Value: i.SubjectName + ": " + i.Reason, At: i.Answered}}}
}

// TakeIn makes an answered form count as the facility's claims for the system. revision is that of the inquiry on the screen. over replaces answers that
// somebody gave otherwise.
func (b *Book) TakeIn(ctx context.Context, f facility.ID, id string, revision int64, over bool) error {
	return b.move(ctx, f, id, func(ctx context.Context, tx *store.Tx, i *Inquiry) (string, i18n.Text, error) {
		says := i18n.Text{Ja: "業者の回答を取り込みました", En: "Took a vendor's answers in"}
		if i.State != Answered || i.Kind != Vendor {
			return "", says, fault.New(fault.Conflict, "取り込めるのは、回答が届いた業者の点検表だけです。", "Only an answered vendor form can be taken in.")
		}
		if i.Revision != revision {
			return "", says, stale()
		}
		s, err := sheet(ctx, tx, i.ID, mainSheet)
		if err != nil {
			return "", says, err
		}
		if b.Claims != nil {
			if err := b.Claims(store.Within(ctx, tx), f, *i, s.Answers, s.Company+" "+s.By, over); err != nil {
				return "", says, err
			}
		}
		i.State, i.Taken, i.TakenBy = Taken, b.stamp(), actor.From(ctx).Name
		return "taken", says, nil
	})
}

// move changes an inquiry, with its history and trail, in one transaction.
func (b *Book) move(ctx context.Context, f facility.ID, id string, change func(context.Context, *store.Tx, *Inquiry) (what string, says i18n.Text, err error)) error {
	return b.db.Write(ctx, f, func(tx *store.Tx) error {
		i, err := get(ctx, tx, id)
		if err != nil {
			return err
		}
		what, says, err := change(ctx, tx, &i)
		if err != nil {
			return err
		}
		if err := i.put(ctx, tx); err != nil {
			return err
		}
		if err := b.note(ctx, tx, i.ID, what, actor.From(ctx).Name, i.Reason, nil); err != nil {
			return err
		}
		name := i.addressee() + "・" + i.SubjectName
		return b.trail(ctx, tx, "inquiry."+what, i.ID, i18n.Text{Ja: says.Ja + "（" + name + "）", En: says.En + " (" + name + ")"})
	})
}
