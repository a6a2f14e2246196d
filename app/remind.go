package app

import (
	"context"

	"kenshin/account"
	"kenshin/actor"
	"kenshin/drill"
	mailing "kenshin/notify"
	"kenshin/setting"
	"kenshin/store"
)

// remindOfDrills asks for a mail about each planned drill that comes up or is overdue, once: to whoever is responsible, else to the trainers.
// Without a mail server nothing is noted as told; ホーム shows it all the same.
func (h *House) remindOfDrills(ctx context.Context, f account.Facility) error {
	if f.Demo {
		return nil // sends no mail
	}
	r, err := h.relay(ctx, f.ID)
	if err != nil || r.Host == "" {
		return err
	}
	members, err := h.Account.Members(ctx, f.ID)
	if err != nil {
		return err
	}
	_, err = h.Drills.Remind(ctx, f.ID, func(ctx context.Context, tx *store.Tx, m drill.Reminder) error {
		lang, err := setting.Language().Get(ctx, tx)
		if err != nil {
			return err
		}
		_, err = h.Mailer.Enqueue(ctx, tx, mailing.Message{To: h.remindWhom(members, m.Owner), Subject: m.Subject.In(lang), Text: m.Text.In(lang)}, "drill-plan:"+m.Plan+":"+string(m.What))
		return err
	})
	return err
}

// remindWhom is the owner while that person still writes drills here, else every trainer; nobody at all leaves it to the mail settings.
func (h *House) remindWhom(members []account.Member, owner actor.PersonID) (to []string) {
	for _, m := range members {
		if !m.Until.IsZero() && !m.Until.After(h.Now()) || m.Person.Disabled {
			continue
		}
		switch {
		case owner != "" && m.Person.ID == owner && m.Role.May(actor.EditDrill):
			return []string{m.Person.Email}
		case m.Role == actor.Trainer:
			to = append(to, m.Person.Email)
		}
	}
	return to
}
