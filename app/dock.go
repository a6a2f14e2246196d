package app

import (
	"context"
	"fmt"

	"kenshin/account"
	"kenshin/actor"
	"kenshin/dock"
	mailing "kenshin/notify"
	"kenshin/setting"
	"kenshin/store"
)

// docking puts the yearly check-up's documents together.
func (h *House) docking() {
	h.Docks = dock.New(h.DB, dock.Options{Box: h.Box, Houses: h.Account, Catalogues: h.catalogues, Version: h.Editions.Version, Assess: h.Assess, Evidence: h.Evidence, Findings: h.Findings,
		Ledger: h.Ledger, Suppliers: h.Suppliers, Gates: h.Gates, Registers: h.Registers, Plans: h.Plans, Inquiries: h.Inquiries, Drills: h.Drills, Now: h.Now})
}

// remindOfDock asks for a mail when the day of the yearly check-up comes, and when it has passed: to whoever sees to it, else to every administrator.
func (h *House) remindOfDock(ctx context.Context, f account.Facility) error {
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
	return h.Docks.Remind(ctx, f.ID, func(ctx context.Context, tx *store.Tx, m dock.Reminder) error {
		lang, err := setting.Language().Get(ctx, tx)
		if err != nil {
			return err
		}
		var to []string
		for _, x := range members {
			if !x.Until.IsZero() && !x.Until.After(h.Now()) || x.Person.Disabled {
				continue
			}
			if m.Owner != "" && x.Person.ID == m.Owner {
				to = []string{x.Person.Email}
				break
			}
			if x.Role == actor.Admin {
				to = append(to, x.Person.Email)
			}
		}
		_, err = h.Mailer.Enqueue(ctx, tx, mailing.Message{To: to, Subject: m.Subject.In(lang), Text: m.Text.In(lang)}, fmt.Sprintf("dock:%d:%s", m.Year, m.What))
		return err
	})
}
