package notify

import (
	"context"
	"time"

	"kenshin/facility"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/job"
	"kenshin/store"
)

const kind = "notify"

// tries and wait let a mail outlast a mail server that is down over a weekend: 1, 2, 4 ... 60 minutes apart, then each hour.
const tries = 72

func wait(attempt int) time.Duration { return min(time.Minute<<min(attempt-1, 6), time.Hour) }

// Mailer asks for mails and sends them as jobs.
type Mailer struct {
	jobs  *job.Queue
	relay func(ctx context.Context, f facility.ID) (Relay, error)
}

// New tells the queue how mails are sent; relay gives a facility's mail server, with Host "" where there is none.
func New(jobs *job.Queue, relay func(ctx context.Context, f facility.ID) (Relay, error)) *Mailer {
	m := &Mailer{jobs: jobs, relay: relay}
	jobs.Handle(kind, job.Options{Title: i18n.Text{Ja: "お知らせメール", En: "Mail notice"}, MaxAttempts: tries, Backoff: wait}, m.step)
	return m
}

// Enqueue asks for a mail inside the caller's transaction. key names what the mail is about: the same key is not sent twice at a time.
func (m *Mailer) Enqueue(ctx context.Context, tx *store.Tx, msg Message, key string) (job.RunID, error) {
	return m.jobs.Enqueue(ctx, tx, kind, msg, job.Request{UniqueKey: key})
}

func (m *Mailer) step(ctx context.Context, run *job.Run) (job.Next, error) {
	var msg Message
	if err := run.Args(&msg); err != nil {
		return job.Next{}, err
	}
	r, err := m.relay(ctx, run.Facility)
	if err != nil {
		return job.Next{}, err
	}
	if r.Host == "" {
		return job.Partly(i18n.Text{Ja: "メールサーバが設定されていないため、送りませんでした。", En: "Not sent: no mail server is set."}), nil
	}
	err = Send(ctx, r, msg)
	if fault.Is(err, fault.Denied) { // a person may correct the password meanwhile: worth further tries
		err = fault.Wrap(fault.Unavailable, err, fault.Sentence(err, "ja"), fault.Sentence(err, "en"))
	}
	if err != nil {
		return job.Next{}, err
	}
	return job.Done, nil
}
