package drill

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	"kenshin/drill/relay"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/store"
)

var errNotOurs = errors.New("the mail is in other hands")

// look is how often a sender asks whether it may go on: a stop reaches it within this time, whichever copy it was pressed on.
const look = 300 * time.Millisecond

// Line gives mails away; a relay.Line is one.
type Line interface {
	Send(ctx context.Context, e relay.Envelope, begun func() error) relay.Result
	Close()
}

// Opener opens a way for mails as the facility set it up.
type Opener func(ctx context.Context, f facility.ID, s Settings) (Line, error)

// leave is what a sender may do now.
type leave struct {
	settings Settings
	proofs   proofs
	drills   []Drill // that may be sent, in order
	again    time.Time
}

// Send gives away what is due until a time, or until there is nothing to do, and says when to come back; zero: not before somebody asks.
func (b *Book) Send(ctx context.Context, f facility.ID, open Opener, until time.Time) (again time.Time, err error) {
	l, err := b.leave(ctx, f)
	if err != nil {
		return time.Time{}, err
	}
	if l.settings.Relay.Kind == "" {
		return time.Time{}, nil
	}
	ctx, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	for _, d := range append([]Drill{{}}, l.drills...) { // mails that are no drill's own come first: answers must not wait for a drill
		if d.ID != "" {
			if err := b.start(ctx, f, d, l.settings); err != nil {
				return b.now().Add(time.Minute), err
			}
		}
		more, err := b.sendSome(ctx, f, d, open)
		if err != nil && ctx.Err() == nil {
			return time.Time{}, err
		}
		if more {
			return b.now(), nil
		}
	}
	return b.nextDue(context.WithoutCancel(ctx), f, l)
}

// leave reads what may be sent now.
func (b *Book) leave(ctx context.Context, f facility.ID) (l leave, err error) {
	err = b.db.Read(ctx, f, func(tx *store.Tx) error {
		l = leave{}
		if l.settings, err = SettingsKey().Get(ctx, tx); err != nil {
			return err
		}
		if l.proofs, err = verifiedDomains(ctx, tx); err != nil {
			return err
		}
		if l.settings.Incident {
			return nil
		}
		now := b.now()
		ok, _ := l.settings.Hours.Allowed(now)
		if !ok {
			l.again = l.settings.Hours.Next(now)
		}
		return store.Each(ctx, tx, func(r *sql.Rows) error {
			d, err := scanDrill(r)
			if err != nil {
				return err
			}
			if d.Schedule.Start.After(now) {
				l.again = earlier(l.again, d.Schedule.Start)
			} else if ok || d.Schedule.AnyTime {
				l.drills = append(l.drills, d)
			}
			return nil
		}, "SELECT "+drillColumns+" FROM drill_drills d WHERE d.facility_id = $1 AND d.state IN ('approved', 'sending') ORDER BY d.start_at, d.id")
	})
	return l, err
}

// approvalLasts is how long after the approved start the sending may still begin: nobody approved a drill for next year, and a clock that jumps ahead
// must not send what is planned for later.
const approvalLasts = 14 * 24 * time.Hour

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// start marks an approved drill as being sent, when what is there now is what was approved.
func (b *Book) start(ctx context.Context, f facility.ID, d Drill, s Settings) error {
	return b.db.Write(ctx, f, func(tx *store.Tx) error {
		now, err := contentHash(ctx, tx, &d, s)
		if err != nil {
			return err
		}
		var approved int64
		if err := tx.Row(ctx, "SELECT coalesce(max(a.at), 0) FROM drill_approvals a WHERE a.facility_id = $1 AND a.drill_id = $2 AND a.hash = $3", d.ID, now).Scan(&approved); err != nil {
			return err
		}
		late := d.Started.IsZero() && b.now().Sub(later(store.Time(approved), d.Schedule.Start)) > approvalLasts
		if now != d.Hash || approved == 0 || late {
			d.State, d.Hash = Draft, ""
			d.Note = i18n.Text{Ja: "承認のあとで内容か設定が変わったため、送りませんでした。もう一度承認を頼んでください。", En: "Not sent: the drill or its settings changed after the approval. Submit it again."}
			if late {
				d.Note = i18n.Text{Ja: "承認された送り始めの日から14日を過ぎたため、送りませんでした。もう一度承認を頼んでください。", En: "Not sent: the approved start is more than 14 days ago. Submit it again."}
			}
			if d.Started.IsZero() {
				return b.put(ctx, tx, &d)
			}
			d.State = Paused // part of it is out: it cannot become a draft again
			return b.put(ctx, tx, &d)
		}
		if d.State == Sending {
			return nil
		}
		d.State, d.Started = Sending, b.stamp()
		if err := b.put(ctx, tx, &d); err != nil {
			return err
		}
		return b.trail(ctx, tx, "drill.start", d.ID, i18n.Text{Ja: "訓練「" + d.Name + "」を送り始めました", En: "Began to send the drill " + d.Name}, nil)
	})
}

// sendSome sends what is due of one drill (the zero drill: mails that are no drill's own). more is true when time ran out first.
func (b *Book) sendSome(ctx context.Context, f facility.ID, d Drill, open Opener) (more bool, err error) {
	pool := &pool{book: b, facility: f, open: open, drill: d.ID, writers: map[string]*writer{}}
	defer pool.close()
	for ctx.Err() == nil {
		l, err := b.leave(ctx, f)
		if err != nil {
			return false, err
		}
		if d.ID != "" && !l.may(d.ID) {
			return false, nil
		}
		list, err := b.claim(ctx, f, d.ID)
		if err != nil {
			return false, err
		}
		if len(list) == 0 {
			return false, b.complete(ctx, f, d.ID)
		}
		stop, err := pool.send(ctx, list, l, d)
		if err != nil {
			return false, err
		}
		if stop { // the answer to the very last mail may be what was lost
			return false, b.complete(context.WithoutCancel(ctx), f, d.ID)
		}
	}
	return true, nil
}

func (l leave) may(drill string) bool {
	for _, d := range l.drills {
		if d.ID == drill {
			return true
		}
	}
	return false
}

// complete ends a drill's sending when every mail has its end.
func (b *Book) complete(ctx context.Context, f facility.ID, id string) error {
	if id == "" {
		return nil
	}
	return b.db.Write(ctx, f, func(tx *store.Tx) error {
		var open int
		err := tx.Row(ctx, "SELECT count(*) FROM drill_outbox o WHERE o.facility_id = $1 AND o.drill_id = $2 AND o.kind = 'drill' AND o.state IN ('queued', 'leased', 'begun')", id).Scan(&open)
		if err != nil || open > 0 {
			return err
		}
		d, err := getDrill(ctx, tx, id)
		if err != nil || d.State != Sending {
			return err
		}
		d.State = Sent
		if err := b.put(ctx, tx, &d); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, "UPDATE drill_drills SET dirty = dirty + 1 WHERE facility_id = $1 AND id = $2", id)
		if err != nil {
			return err
		}
		return b.trail(ctx, tx, "drill.sent", id, i18n.Text{Ja: "訓練「" + d.Name + "」を送り終えました", En: "Finished sending the drill " + d.Name}, nil)
	})
}

// Due reports whether something should be sent now, or looked after because a copy died.
func (b *Book) Due(ctx context.Context, f facility.ID) (bool, error) {
	l, err := b.leave(ctx, f)
	if err != nil || l.settings.Relay.Kind == "" {
		return false, err
	}
	at, err := b.nextDue(ctx, f, l)
	return !at.IsZero() && at.Sub(b.now()) <= 3*time.Second, err
}

// nextDue is when the next mail is due.
func (b *Book) nextDue(ctx context.Context, f facility.ID, l leave) (time.Time, error) {
	again := l.again
	err := b.db.Read(ctx, f, func(tx *store.Tx) error {
		var due sql.NullInt64
		now := b.now()
		err := tx.Row(ctx, "SELECT min(CASE WHEN "+fromAhead("o", "$2", "$3")+` THEN 0 ELSE o.due_at END) FROM drill_outbox o LEFT JOIN drill_drills d ON d.facility_id = o.facility_id
			AND d.id = o.drill_id WHERE o.facility_id = $1 AND o.state IN ('queued', 'leased', 'begun') AND (o.kind <> 'drill' OR d.state IN ('approved', 'sending'))`,
			store.Micros(now.Add(longWait)), store.Micros(now.Add(longRest))).Scan(&due)
		if err == nil && due.Valid {
			at := store.Time(due.Int64)
			if soon := b.now().Add(2 * time.Second); at.Before(soon) {
				at = soon
			}
			again = earlier(again, at)
		}
		if err != nil {
			return err
		}
		for _, d := range l.drills { // whoever sent the last mail died before saying so
			var ended int
			err := tx.Row(ctx, `SELECT count(*) FROM drill_drills d WHERE d.facility_id = $1 AND d.id = $2 AND d.state = 'sending' AND NOT EXISTS (SELECT 1 FROM drill_outbox o
				WHERE o.facility_id = $1 AND o.drill_id = d.id AND o.kind = 'drill' AND o.state IN ('queued', 'leased', 'begun'))`, d.ID).Scan(&ended)
			if err != nil {
				return err
			}
			if ended > 0 {
				again = earlier(again, now.Add(2*time.Second))
			}
		}
		return nil
	})
	return again, err
}

// pool is some lines that share the work of one drill.
type pool struct {
	book     *Book
	facility facility.ID
	open     Opener
	drill    string
	lines    []Line
	next     time.Time // before which no mail goes out
	mu       sync.Mutex
	writers  map[string]*writer // of test mails, by drill
}

func (p *pool) close() {
	for _, l := range p.lines {
		l.Close()
	}
	p.lines = nil
}

func (p *pool) dial(ctx context.Context, s Settings, n int) error {
	for len(p.lines) < n {
		l, err := p.open(ctx, p.facility, s)
		if err != nil {
			if len(p.lines) > 0 { // one way is enough
				return nil
			}
			return err
		}
		p.lines = append(p.lines, l)
	}
	return nil
}

// send gives some mails away over as many lines as there are. stop is true when nothing more should be tried now.
func (p *pool) send(ctx context.Context, list []parcel, l leave, d Drill) (stop bool, err error) {
	if err := p.dial(ctx, l.settings, min(l.settings.Lines, len(list))); err != nil {
		return true, errors.Join(err, p.book.release(context.WithoutCancel(ctx), p.facility, list))
	}
	writer, err := p.book.newWriter(ctx, p.facility, l.settings, d)
	if err != nil {
		return true, errors.Join(err, p.book.release(context.WithoutCancel(ctx), p.facility, list))
	}
	work := make(chan parcel)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, line := range p.lines {
		wg.Go(func() {
			for one := range work {
				pause, e := p.one(ctx, line, one, l, writer)
				if pause || e != nil {
					mu.Lock()
					stop, err = true, errors.Join(err, e)
					mu.Unlock()
					cancel()
				}
			}
		})
	}
	p.feed(ctx, list, d, work)
	close(work)
	wg.Wait()
	if stop {
		p.close()
	}
	return stop, errors.Join(err, p.book.release(context.WithoutCancel(ctx), p.facility, list))
}

// feed hands mails out at the drill's rate and stops as soon as a person stops the drill.
func (p *pool) feed(ctx context.Context, list []parcel, d Drill, work chan<- parcel) {
	rate := d.Schedule.Rate
	if rate == 0 {
		rate = DefaultRate
	}
	step := time.Duration(float64(time.Second) / rate)
	if n, ok := p.lines[0].(Nowhere); ok && n.Hurry {
		step = 0
	}
	looked := time.Now()
	for _, one := range list {
		now := time.Now()
		if p.next.Before(now) {
			p.next = now
		}
		for wait := p.next.Sub(now); wait > 0 || time.Since(looked) > look; wait = p.next.Sub(time.Now()) {
			if time.Since(looked) > look {
				if !p.stillMay(ctx) {
					return
				}
				looked = time.Now()
			}
			select {
			case <-ctx.Done():
				return
			case <-time.After(max(0, min(wait, look))):
			}
		}
		p.next = p.next.Add(step)
		select {
		case work <- one:
		case <-ctx.Done():
			return
		}
	}
}

func (p *pool) stillMay(ctx context.Context) bool {
	if p.drill == "" {
		return ctx.Err() == nil
	}
	l, err := p.book.leave(ctx, p.facility)
	return err == nil && l.may(p.drill)
}

// one gives one mail away. pause is true when the whole relay asks for a pause.
func (p *pool) one(ctx context.Context, line Line, one parcel, l leave, w *writer) (pause bool, err error) {
	b := p.book
	keep := context.WithoutCancel(ctx) // what happened is written down even when the time is up
	to, err := one.recipient()
	if err == nil && !(one.Kind == kindVerify && l.proofs.pending(to, b.now())) {
		err = l.proofs.covers(to, b.now())
	}
	if err != nil {
		return false, b.settle(keep, p.facility, one, "refused", Skipped, one.Due, 0, fault.Sentence(err, "ja"))
	}
	if one.Kind == kindTest {
		w, err = p.tester(keep, one.Drill, l.settings)
	}
	var mail []byte
	var id string
	if err == nil {
		mail, id, err = w.write(one)
	}
	if err != nil {
		return false, b.settle(keep, p.facility, one, "refused", Skipped, one.Due, 0, fault.Sentence(err, "ja"))
	}
	r := line.Send(ctx, relay.Envelope{From: w.from, To: to, Body: mail}, func() error { return b.begin(keep, p.facility, one, id) })
	if errors.Is(r.Err, errNotOurs) {
		return false, nil
	}
	if err := b.finish(keep, p.facility, one, r, one.Due); err != nil && !errors.Is(err, errNotOurs) {
		return true, err
	}
	if r.Scope == relay.Relay && r.Outcome != relay.Accepted && r.Outcome != relay.Unknown {
		if r.Err != nil {
			err = fmt.Errorf("the relay: %w", r.Err)
		}
		return true, err
	}
	return r.Outcome == relay.Unknown || r.Outcome == relay.NotTried, nil
}

// tester makes the mails of a draft's tests.
func (p *pool) tester(ctx context.Context, drill string, s Settings) (*writer, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if w := p.writers[drill]; w != nil {
		return w, nil
	}
	d, err := p.book.Get(ctx, p.facility, drill)
	if err != nil {
		return nil, err
	}
	w, err := p.book.newWriter(ctx, p.facility, s, d)
	if err == nil {
		p.writers[drill] = w
	}
	return w, err
}

func (p parcel) recipient() (string, error) {
	if p.Kind == "drill" || p.Kind == kindTest {
		return p.To.Address, nil
	}
	var m plainMail
	err := unmarshal(p.Content, &m)
	return m.To, err
}
