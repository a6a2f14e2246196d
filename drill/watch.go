package drill

import (
	"context"
	"errors"
	"fmt"
	"time"

	"kenshin/actor"
	"kenshin/drill/mailbox"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/store"
)

// pace is how the watch over mailboxes is timed; tests are quicker.
type pace struct {
	look  time.Duration // between looks for mailboxes that nobody reads
	lease time.Duration // after which another copy takes over from one that fell silent
	again time.Duration // after a mail could not be kept
}

var ordinary = pace{look: 5 * time.Second, lease: time.Minute, again: 30 * time.Second}

// mailsAtOnce are read into memory at the same time, over all mailboxes.
const mailsAtOnce = 2

// WatchMailboxes reads the report mailboxes of all facilities until ctx ends. Of several copies one reads each mailbox; when it falls silent
// another one goes on where it was.
func (b *Book) WatchMailboxes(ctx context.Context, houses func(context.Context) ([]facility.ID, error)) error {
	return b.watchMailboxes(ctx, houses, ordinary)
}

func (b *Book) watchMailboxes(ctx context.Context, houses func(context.Context) ([]facility.ID, error), p pace) error {
	ctx = actor.With(ctx, actor.Actor{Kind: actor.System, ID: "drill", Name: "Kenshin"})
	w := &watches{book: b, pace: p, running: map[facility.ID]*watching{}, turns: make(chan struct{}, mailsAtOnce)}
	defer w.end()
	t := time.NewTimer(0)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
		}
		began := time.Now()
		list, err := houses(ctx)
		for _, f := range list {
			err = errors.Join(err, w.look(ctx, f))
		}
		if err != nil && ctx.Err() == nil {
			b.log.Warn("the report mailboxes could not be looked after", "error", err)
		}
		t.Reset(max(p.look, 5*time.Since(began)))
	}
}

// watches are the mailboxes that this copy reads.
type watches struct {
	book    *Book
	pace    pace
	running map[facility.ID]*watching
	turns   chan struct{}
}

// watching is one of them.
type watching struct {
	print  string
	stop   context.CancelFunc
	done   chan struct{}
	pauses time.Duration // before it may begin anew
	ended  time.Time
}

func (w *watching) over() bool {
	select {
	case <-w.done:
		return true
	default:
		return false
	}
}

func (w *watches) end() {
	for _, x := range w.running {
		x.stop()
	}
	for _, x := range w.running {
		<-x.done
	}
}

// look begins to read a facility's mailbox, or stops when the settings are others.
func (w *watches) look(ctx context.Context, f facility.ID) error {
	if no, err := w.book.fictitious(ctx, f); no || err != nil {
		return err
	}
	s, err := w.book.Settings(ctx, f)
	if err != nil {
		return err
	}
	print, err := s.Mailbox.print()
	if err != nil {
		return err
	}
	if x := w.running[f]; x != nil {
		if x.print == print && (!x.over() || time.Since(x.ended) < x.pauses) {
			return nil
		}
		x.stop()
		<-x.done
		delete(w.running, f)
	}
	if s.Mailbox.Host == "" {
		return nil
	}
	row, err := w.book.takeBox(ctx, f, s.Mailbox, print, w.pace.lease)
	if err != nil || row == nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	x := &watching{print: print, stop: cancel, done: make(chan struct{})}
	w.running[f] = x
	go func() {
		defer close(x.done)
		defer cancel()
		r := &boxReader{book: w.book, f: f, box: s.Mailbox, print: print, row: *row, pace: w.pace}
		if err := r.run(ctx, w.turns); err != nil && ctx.Err() == nil {
			x.pauses = w.pace.again
			w.book.log.Warn("the report mailbox is not read", "facility", f, "error", err)
		}
		x.ended = time.Now()
	}()
	return nil
}

// takeBox gives the mailbox to this copy, nil when another one has it or a person must look first.
func (b *Book) takeBox(ctx context.Context, f facility.ID, m Mailbox, print string, lease time.Duration) (*boxRow, error) {
	now := b.stamp()
	free := func(r boxRow) bool {
		resting := r.state.Stopped && r.state.Print == print && now.Sub(r.state.ErrorAt) < StoppedFor && !r.state.ErrorAt.After(now)
		return !resting && (r.lease == "" || r.until.Before(now) || r.until.After(now.Add(2*lease))) // a lease from a clock that was set back ends
	}
	row, err := b.boxOf(ctx, f, m)
	if err != nil || !free(row) {
		return nil, err
	}
	token := store.NewID()
	taken := false
	err = b.db.Write(ctx, f, func(tx *store.Tx) error {
		taken = false
		old := row.lease
		if _, err := tx.Exec(ctx, "INSERT INTO drill_mailboxes (facility_id, name, validity, uid, changed_at) VALUES ($1, $2, 0, 0, $3) ON CONFLICT DO NOTHING", m.name(), store.Micros(now)); err != nil {
			return err
		}
		n, err := tx.Exec(ctx, "UPDATE drill_mailboxes SET lease = $3, lease_until = $4 WHERE facility_id = $1 AND name = $2 AND lease = $5", m.name(), token, store.Micros(now.Add(lease)), old)
		if err != nil || n == 0 {
			return err
		}
		taken = true
		if row, err = readBox(ctx, tx, m.name()); err != nil {
			return err
		}
		if row.state.Since.IsZero() {
			row.state.Since = now.Add(-reach)
		}
		return putBoxState(ctx, tx, m.name(), row.state)
	})
	if err != nil || !taken {
		return nil, err
	}
	return &row, nil
}

// boxReader reads one mailbox for as long as it is this copy's.
type boxReader struct {
	book  *Book
	f     facility.ID
	box   Mailbox
	print string
	row   boxRow
	pace  pace
}

func (r *boxReader) run(ctx context.Context, turns chan struct{}) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer r.giveBack(context.WithoutCancel(ctx))
	renewed := make(chan struct{})
	go func() {
		defer close(renewed)
		defer cancel()
		r.renew(ctx)
	}()
	defer func() { cancel(); <-renewed }()
	secret, err := r.book.secret(r.f, mailboxPurpose, r.box.Sealed)
	if err != nil {
		return r.failed(ctx, err)
	}
	c, err := r.book.mailboxConfig(r.box, secret)
	if err != nil {
		return r.failed(ctx, err)
	}
	c.Since, c.Turns = r.row.state.Since, turns
	c.Trouble = func(err error) {
		if err := r.failed(ctx, err); err != nil && ctx.Err() == nil {
			r.book.log.Warn("the report mailbox is not reached", "facility", r.f, "error", err)
		}
	}
	err = mailbox.Watch(ctx, c, r.row.at, func(at mailbox.Cursor, m mailbox.Mail) error { return r.take(ctx, at, m) })
	if ctx.Err() != nil {
		return nil
	}
	return r.failed(ctx, err)
}

// take makes a mail durable, and then where we are. Between the two the mail may come again: it counts once.
func (r *boxReader) take(ctx context.Context, at mailbox.Cursor, m mailbox.Mail) error {
	raw := m.Raw
	if len(raw) == 0 { // larger than the server said, twice: that it came is all that is known
		raw = fmt.Appendf(nil, "Message-ID: <%d.%d@%s>\r\n\r\n", at.UIDValidity, at.UID, r.print)
	}
	if _, err := r.book.TakeReport(ctx, r.f, raw, Envelope{Via: ViaMailbox, Peer: r.box.Host, At: m.Received, Part: m.TooLarge}); err != nil {
		return err
	}
	return r.change(ctx, func(s *boxState) { s.LastMail, s.Taken = r.book.stamp(), s.Taken+1 }, &at)
}

// failed writes down why the mailbox is not read, or with nil that it is, and returns the error.
func (r *boxReader) failed(ctx context.Context, why error) error {
	if ctx.Err() != nil {
		return why
	}
	err := r.change(ctx, func(s *boxState) {
		now := r.book.stamp()
		s.Print = r.print
		if why == nil {
			s.Connected, s.Error, s.ErrorAt, s.Stopped = now, i18n.Text{}, time.Time{}, false
			return
		}
		s.Connected, s.ErrorAt = time.Time{}, now
		s.Error = i18n.Text{Ja: fault.Sentence(why, "ja"), En: fault.Sentence(why, "en")}
		s.Stopped = fault.Is(why, fault.Denied) || fault.Is(why, fault.NotFound) || fault.Is(why, fault.Invalid)
	}, nil)
	if errors.Is(err, errNotOurs) {
		err = nil
	}
	return errors.Join(why, err)
}

// change writes how it goes, while the mailbox is ours.
func (r *boxReader) change(ctx context.Context, turn func(*boxState), at *mailbox.Cursor) error {
	return r.book.db.Write(ctx, r.f, func(tx *store.Tx) error {
		row, err := readBox(ctx, tx, r.box.name())
		if err != nil {
			return err
		}
		if row.lease != r.row.lease {
			return errNotOurs
		}
		if at != nil {
			_, err := tx.Exec(ctx, "UPDATE drill_mailboxes SET validity = $3, uid = $4, changed_at = $5 WHERE facility_id = $1 AND name = $2",
				r.box.name(), int64(at.UIDValidity), int64(at.UID), store.Micros(r.book.stamp()))
			if err != nil {
				return fmt.Errorf("keep where the report mailbox stands: %w", err)
			}
		}
		turn(&row.state)
		return putBoxState(ctx, tx, r.box.name(), row.state)
	})
}

// renew keeps the mailbox ours until ctx ends, and returns when it is lost.
func (r *boxReader) renew(ctx context.Context) {
	last := time.Now()
	t := time.NewTicker(r.pace.lease / 4)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		var n int64
		began := time.Now()
		err := r.book.db.Write(ctx, r.f, func(tx *store.Tx) (err error) {
			n, err = tx.Exec(ctx, "UPDATE drill_mailboxes SET lease_until = $4 WHERE facility_id = $1 AND name = $2 AND lease = $3", r.box.name(), r.row.lease,
				store.Micros(r.book.stamp().Add(r.pace.lease)))
			return err
		})
		switch {
		case err == nil && n == 0:
			return
		case err == nil:
			last = began
		case time.Since(last) > r.pace.lease:
			return
		}
	}
}

// giveBack lets another copy go on at once.
func (r *boxReader) giveBack(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	err := r.change(ctx, func(s *boxState) { s.Connected = time.Time{} }, nil)
	if err == nil {
		err = r.book.db.Write(ctx, r.f, func(tx *store.Tx) error {
			_, err := tx.Exec(ctx, "UPDATE drill_mailboxes SET lease = '', lease_until = 0 WHERE facility_id = $1 AND name = $2 AND lease = $3", r.box.name(), r.row.lease)
			return err
		})
	}
	if err != nil && !errors.Is(err, errNotOurs) {
		r.book.log.Debug("the report mailbox was not given back", "facility", r.f, "error", err)
	}
}
