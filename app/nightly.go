package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"kenshin/account"
	"kenshin/actor"
	"kenshin/blob"
	"kenshin/drill/roster"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/job"
	mailing "kenshin/notify"
	"kenshin/setting"
	"kenshin/store"
	"kenshin/trail"
)

const (
	nightlyKind = "nightly"
	keepRuns    = 90 * 24 * time.Hour  // of jobs that are over
	keepSent    = 400 * 24 * time.Hour // of the counts of frames sent
	keepUpload  = 24 * time.Hour       // of files whose upload was cut off
	keepRoster  = 7 * 24 * time.Hour   // of lists of staff that somebody looked at and did not take over
)

// nightly says what is done by itself: once an hour the accounts are swept, and once a day each facility's trail is sealed and what has
// served its time is forgotten. It is called before the work starts.
func (h *House) nightly() {
	h.Mailer = mailing.New(h.Jobs, h.relay)
	h.Jobs.Handle(nightlyKind, job.Options{Title: i18n.Text{Ja: "毎日の手入れ", En: "Daily upkeep"}}, h.nightlyStep)
	h.weekly()
	h.Jobs.Periodic("account.sweep", time.Hour, h.Account.Sweep)
	h.Jobs.Periodic(nightlyKind, time.Hour, h.askNightly)
	h.Jobs.Periodic("job.adopt", time.Minute, h.adoptAll)
}

// adoptAll gives work that lost its place in the queue a new one: the clock may have been set back.
func (h *House) adoptAll(ctx context.Context) error {
	all, err := h.Account.Facilities(ctx)
	errs := []error{err}
	for _, f := range all {
		_, err := h.Jobs.Adopt(ctx, f.ID)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// askNightly asks for the daily upkeep of every facility that had none today. Looking each hour makes up for a night without power.
func (h *House) askNightly(ctx context.Context) error {
	all, err := h.Account.Facilities(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, f := range all {
		day := h.Now().In(f.Location()).Format(time.DateOnly)
		errs = append(errs, h.DB.Write(ctx, f.ID, func(tx *store.Tx) error {
			_, err := trail.DailyOf(ctx, tx, day)
			if !fault.Is(err, fault.NotFound) {
				return err
			}
			_, err = h.Jobs.Enqueue(ctx, tx, nightlyKind, nil, job.Request{UniqueKey: nightlyKind})
			return err
		}))
	}
	return errors.Join(errs...)
}

// nightlyStep seals the trail, then forgets piece by piece; every piece may run again.
func (h *House) nightlyStep(ctx context.Context, run *job.Run) (job.Next, error) {
	ctx = actor.With(ctx, actor.Actor{Kind: actor.System, ID: nightlyKind, Name: "Kenshin"})
	f, err := h.Account.Facility(ctx, run.Facility)
	if err != nil {
		return job.Next{}, err
	}
	if err := h.Assess.Recompute(ctx, f.ID); err != nil { // what expired since yesterday is told today
		return job.Next{}, err
	}
	if err := h.sealTrail(ctx, f); err != nil {
		return job.Next{}, err
	}
	if err := h.remindOfDrills(ctx, f); err != nil {
		return job.Next{}, err
	}
	if err := h.remindOfForms(ctx, f); err != nil {
		return job.Next{}, err
	}
	if err := h.Docks.TellRemarks(ctx, f.ID); err != nil {
		return job.Next{}, err
	}
	if err := h.remindOfDock(ctx, f); err != nil {
		return job.Next{}, err
	}
	if _, err := h.Findings.Lapse(ctx, f.ID); err != nil {
		return job.Next{}, err
	}
	if err := h.remindOfRegisters(ctx, f); err != nil {
		return job.Next{}, err
	}
	steady, err := h.steady(ctx, f)
	if err != nil || !steady {
		return job.Done, err
	}
	done := 0
	if err := run.Data(&done); err != nil {
		return job.Next{}, err
	}
	tasks := h.forgetting(f.ID)
	for done < len(tasks) {
		if run.Enough() {
			return job.Again(0), nil
		}
		more, err := tasks[done](ctx)
		if err != nil {
			return job.Next{}, err
		}
		if more {
			continue
		}
		done++
		if err := h.DB.Write(ctx, f.ID, func(tx *store.Tx) error { return run.Save(ctx, tx, done, done, len(tasks)) }); err != nil {
			return job.Next{}, err
		}
	}
	return job.Done, nil
}

// steady reports whether a day before today was sealed yesterday or the day before. Else the clock jumped ahead, or Kenshin was off: what looks as if
// it had served its time may be young, so nothing is forgotten before the clock has stayed for a day.
func (h *House) steady(ctx context.Context, f account.Facility) (bool, error) {
	today := h.Now().In(f.Location())
	found := false
	err := h.DB.Read(ctx, f.ID, func(tx *store.Tx) error {
		for _, back := range []int{1, 2} {
			_, err := trail.DailyOf(ctx, tx, today.AddDate(0, 0, -back).Format(time.DateOnly))
			if err != nil && !fault.Is(err, fault.NotFound) {
				return err
			}
			found = found || err == nil
		}
		return nil
	})
	return found, err
}

// forgetting lists what is dropped, each in short transactions; a task is called again while it reports more.
func (h *House) forgetting(f facility.ID) []func(context.Context) (more bool, err error) {
	before := func(ctx context.Context, k setting.Key[int]) (at time.Time, err error) {
		days := 0
		err = h.DB.Read(ctx, f, func(tx *store.Tx) (err error) {
			days, err = k.Get(ctx, tx)
			return err
		})
		return h.Now().AddDate(0, 0, -days), err
	}
	return []func(context.Context) (bool, error){
		func(ctx context.Context) (bool, error) {
			at, err := before(ctx, setting.RawDays())
			if err == nil {
				_, err = h.Seen.Forget(ctx, f, at)
			}
			return false, err
		},
		func(ctx context.Context) (bool, error) {
			at, err := before(ctx, setting.ObservationDays())
			if err != nil {
				return false, err
			}
			return h.Seen.ForgetUnseen(ctx, f, at)
		},
		func(ctx context.Context) (bool, error) {
			at, err := before(ctx, setting.EventDays())
			if err != nil {
				return false, err
			}
			return h.Events.Forget(ctx, f, at)
		},
		func(ctx context.Context) (bool, error) { return h.Gates.Prune(ctx, f, h.Now().Add(-keepSent)) },
		func(ctx context.Context) (bool, error) { return h.Drills.ForgetNames(ctx, f) },
		func(ctx context.Context) (bool, error) {
			_, err := h.Ledger.Forget(ctx, f)
			return false, err
		},
		func(ctx context.Context) (bool, error) {
			_, err := blob.Sweep(ctx, h.DB, f, h.Now().Add(-keepUpload))
			return false, err
		},
		func(ctx context.Context) (bool, error) {
			_, err := blob.Expire(ctx, h.DB, f, roster.Stored, h.Now().Add(-keepRoster))
			return false, err
		},
		func(ctx context.Context) (bool, error) {
			_, err := h.Jobs.Clean(ctx, f, keepRuns)
			return false, err
		},
	}
}

// sealTrail keeps the day's checkpoint and asks for its mail: both once a day, whoever comes first.
func (h *House) sealTrail(ctx context.Context, f account.Facility) error {
	now := h.Now().In(f.Location())
	day := now.Format(time.DateOnly)
	err := h.DB.Read(ctx, f.ID, func(tx *store.Tx) error {
		_, err := trail.DailyOf(ctx, tx, day)
		return err
	})
	if !fault.Is(err, fault.NotFound) {
		return err
	}
	text, err := trail.Daily(ctx, h.DB, h.Box, f.ID, f.Name, now)
	if err != nil {
		return fmt.Errorf("seal the trail: %w", err)
	}
	return h.DB.Write(ctx, f.ID, func(tx *store.Tx) error {
		first, err := trail.KeepDaily(ctx, tx, day, text, now)
		if err != nil || !first {
			return err
		}
		relay, err := setting.Mail().Get(ctx, tx)
		if err != nil || relay.Host == "" {
			return err
		}
		lang, err := setting.Language().Get(ctx, tx)
		if err != nil {
			return err
		}
		subject := i18n.Text{Ja: "Kenshin 操作記録の封 " + day + " " + f.Name, En: "Kenshin checkpoint of the trail " + day + " " + f.Name}.In(lang)
		_, err = h.Mailer.Enqueue(ctx, tx, mailing.Message{Subject: subject, Text: text}, "trail:"+day)
		return err
	})
}

// relay opens a facility's mail server.
func (h *House) relay(ctx context.Context, f facility.ID) (mailing.Relay, error) {
	fac, err := h.Account.Facility(ctx, f)
	if err != nil {
		return mailing.Relay{}, err
	}
	if fac.Demo {
		return mailing.Relay{}, fault.New(fault.Invalid, "見本の病院からは、メールを送りません。", "A fictitious hospital sends no mail.")
	}
	var kept setting.Relay
	err = h.DB.Read(ctx, f, func(tx *store.Tx) (err error) {
		kept, err = setting.Mail().Get(ctx, tx)
		return err
	})
	if err != nil {
		return mailing.Relay{}, err
	}
	r := mailing.Relay{Host: kept.Host, Port: kept.Port, Security: kept.Security, User: kept.User, From: kept.From, To: kept.To}
	if len(kept.Password) > 0 {
		plain, err := h.Box.Open(f, setting.RelayPurpose, kept.Password)
		if err != nil {
			return mailing.Relay{}, err
		}
		r.Password = string(plain)
	}
	return r, nil
}

// mailNow sends one mail while a person waits for the answer.
func (h *House) mailNow(ctx context.Context, f facility.ID, subject, text string) error {
	r, err := h.relay(ctx, f)
	if err != nil {
		return err
	}
	return mailing.Send(ctx, r, mailing.Message{Subject: subject, Text: text})
}
