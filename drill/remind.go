package drill

import (
	"context"
	"fmt"

	"kenshin/actor"
	"kenshin/facility"
	"kenshin/i18n"
	"kenshin/store"
)

// Reminder is what somebody should be told of a planned drill.
type Reminder struct {
	Plan    string
	What    Told
	Owner   actor.PersonID // "" is whoever trains
	Subject i18n.Text
	Text    i18n.Text
}

// Remind gives what is to be told now to send, each in one transaction with the note that it was told: whoever else looks, and whatever stops the
// machine, each reminder goes out once. It returns how many did.
func (b *Book) Remind(ctx context.Context, f facility.ID, send func(context.Context, *store.Tx, Reminder) error) (n int, err error) {
	fac, err := b.houses.Facility(ctx, f)
	if err != nil {
		return 0, err
	}
	due, err := b.DuePlans(ctx, f)
	if err != nil {
		return 0, err
	}
	for _, x := range due {
		told := false
		err := b.db.Write(ctx, f, func(tx *store.Tx) error {
			told = false
			now := b.now().In(fac.Location())
			list, err := planned(ctx, tx, x.Month+"-00", x.Month+"-99", now) // as it is now
			if err != nil {
				return err
			}
			for _, y := range list {
				what := y.reminder(now)
				if y.ID != x.ID || what == "" {
					continue
				}
				if err := send(ctx, tx, y.words(what, fac.Name)); err != nil {
					return err
				}
				y.Told, told = what, true
				return b.putPlan(ctx, tx, y.Plan)
			}
			return nil
		})
		if err != nil {
			return n, fmt.Errorf("remind of a planned drill: %w", err)
		}
		if told {
			n++
		}
	}
	return n, nil
}

func (x Planning) words(what Told, house string) Reminder {
	r := Reminder{Plan: x.ID, What: what, Owner: x.Owner}
	about := i18n.Text{Ja: fmt.Sprintf("%s 「%s」(%s)", x.Month, x.Title.Ja, x.Level.Name().Ja), En: fmt.Sprintf("%s “%s” (%s)", x.Month, x.Title.En, x.Level.Name().En)}
	if what == ToldLate {
		r.Subject = i18n.Text{Ja: "訓練の予定の月が過ぎました: " + about.Ja, En: "A planned drill is overdue: " + about.En}
		r.Text = i18n.Text{Ja: "予定した月が終わりましたが、この訓練はまだ送られていません。\n\n  " + about.Ja + "\n\n「メール訓練」の「年間計画」で、下書きを作って進めるか、月を変えるか、予定を外してください。",
			En: "The planned month is over and this drill was not sent.\n\n  " + about.En + "\n\nUnder Mail drills, Yearly plan: make its draft, move it or take it off."}
	} else {
		r.Subject = i18n.Text{Ja: "訓練の予定が近づきました: " + about.Ja, En: "A planned drill comes up: " + about.En}
		r.Text = i18n.Text{Ja: "次の訓練の月が近づきました。\n\n  " + about.Ja + "\n\n「メール訓練」の「年間計画」で「下書きにする」を押すと、メールができます。送るには、点検とほかの人の承認が要ります。",
			En: "The month of this drill is near.\n\n  " + about.En + "\n\nUnder Mail drills, Yearly plan: one click makes its draft. Sending takes a preflight and another person's approval."}
	}
	r.Subject.Ja, r.Subject.En = r.Subject.Ja+" "+house, r.Subject.En+", "+house
	return r
}
