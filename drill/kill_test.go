package drill

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"kenshin/drill/relay"
	"kenshin/facility"
	"kenshin/internal/dbtest"
	"kenshin/internal/mailtest"
	"kenshin/seal"
	"kenshin/store"
)

// clock lets a test reach the time of the next try without waiting for it.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time          { return time.Now().Add(time.Duration(c.ahead.Load())) }
func (c *clock) forward(d time.Duration) { c.ahead.Add(int64(d)) }

// untilSent lets one sender work as its job does: after an error it comes back soon, otherwise when the book says so.
func (r *rig) untilSent(c *clock, id string) Drill {
	r.t.Helper()
	for end := time.Now().Add(90 * time.Second); time.Now().Before(end); {
		again, err := r.Send(r.t.Context(), r.f, r.OpenLine, time.Now().Add(20*time.Second))
		d, e := r.Get(r.t.Context(), r.f, id)
		r.must(e)
		switch {
		case d.State.Over():
			return d
		case err != nil:
			time.Sleep(200 * time.Millisecond) // the job's pause
		case again.IsZero():
			r.t.Fatalf("nobody looks after the drill any more: %s", d.State)
		default:
			c.forward(max(0, again.Sub(c.now())))
		}
	}
	r.t.Fatal("the drill was never sent")
	return Drill{}
}

// honest compares what the book says with what the mail server has: an accepted mail is there once, an unknown one at most once, any other is not
// there. It returns how many there are of each.
func (r *rig) honest(id string) map[Delivery]int {
	r.t.Helper()
	page, err := r.Targets(r.t.Context(), r.f, id, TargetFilter{Limit: 50_000})
	r.must(err)
	there := r.sink.ByRecipient()
	n := map[Delivery]int{}
	for _, to := range page.Targets {
		n[to.Mail]++
		got := len(there[to.Address])
		if got > 1 || to.Mail == Accepted && got != 1 || to.Mail != Accepted && to.Mail != UnknownMail && got != 0 {
			r.t.Errorf("%s is said to be %s and got %d mails", to.Address, to.Mail, got)
		}
	}
	return n
}

func TestSendingSurvivesTheRelay(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		const staff = 90
		at := func(n int) string { return fmt.Sprintf("staff%05d@hospital.example.jp", n) }
		middle := make(chan struct{})
		var once sync.Once
		r := newRig(t, db, staff,
			func(m mailtest.Moment) (mailtest.Act, bool) {
				if m.Stage == mailtest.From && m.Nth == staff/2 {
					once.Do(func() { close(middle) })
				}
				return mailtest.Act{}, false
			},
			mailtest.Nth(mailtest.From, 20, mailtest.Act{Reply: "421 4.3.2 the server is going down", Cut: true}),
			func(m mailtest.Moment) (mailtest.Act, bool) {
				return mailtest.Act{Reply: "451 4.7.1 greylisted, come back in 300 seconds"}, m.Stage == mailtest.To && m.To == at(3) && m.Tries <= 2
			},
			func(m mailtest.Moment) (mailtest.Act, bool) {
				return mailtest.Act{Reply: "451 4.3.0 out of space for a moment"}, m.Stage == mailtest.Dot && m.To == at(4) && m.Tries == 1
			},
			mailtest.For(at(5), mailtest.Dot, mailtest.Act{Reply: "552 5.2.2 mailbox full"}),
			mailtest.For(at(6), mailtest.Dot, mailtest.Act{Keep: true, Cut: true}), // taken, the 250 is lost
			mailtest.For(at(7), mailtest.Dot, mailtest.Act{Cut: true}))             // not taken, and nobody says so
		var c clock
		r.Book.now = c.now
		d := r.approved(1000)
		back := make(chan error, 1)
		go func() {
			<-middle
			r.sink.Down()
			time.Sleep(3 * time.Second) // this long the relay is away
			back <- r.sink.Up()
		}()
		if d = r.untilSent(&c, d.ID); d.State != Sent {
			t.Fatal(d.State)
		}
		r.must(<-back)
		n := r.honest(d.ID)
		// the relay's fall may take the answer of one more mail with it
		if n[Refused] != 1 || n[UnknownMail] < 2 || n[UnknownMail] > 3 || n[Accepted] != staff-1-n[UnknownMail] {
			t.Errorf("%v", n)
		}
		for to, want := range map[int]Delivery{3: Accepted, 4: Accepted, 5: Refused, 6: UnknownMail, 7: UnknownMail} {
			page, err := r.Targets(t.Context(), r.f, d.ID, TargetFilter{Query: at(to)})
			r.must(err)
			if page.Targets[0].Mail != want {
				t.Errorf("%s is %s, not %s", at(to), page.Targets[0].Mail, want)
			}
		}
		before := r.sink.Count()
		c.forward(30 * 24 * time.Hour)
		if _, err := r.Send(t.Context(), r.f, r.OpenLine, time.Now().Add(5*time.Second)); err != nil || r.sink.Count() != before {
			t.Errorf("%d mails went out again by themselves, %v", r.sink.Count()-before, err)
		}
	})
}

func TestTwoSendersShareADrill(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		const staff = 150
		r := newRig(t, db, staff)
		d := r.approved(1000)
		other := New(db, r.box, houses{}, time.Now, slog.New(slog.DiscardHandler))
		var wg sync.WaitGroup
		for _, b := range []*Book{r.Book, other, other} {
			wg.Go(func() {
				for end := time.Now().Add(60 * time.Second); time.Now().Before(end); {
					if _, err := b.Send(t.Context(), r.f, b.OpenLine, time.Now().Add(5*time.Second)); err != nil {
						t.Log(err) // both may begin at once: one is told to come back
					}
					if d, err := b.Get(t.Context(), r.f, d.ID); err == nil && d.State == Sent {
						return
					}
					time.Sleep(20 * time.Millisecond)
				}
				t.Error("the drill was never sent")
			})
		}
		wg.Wait()
		if n := r.honest(d.ID); n[Accepted] != staff || r.sink.Count() != staff {
			t.Errorf("%v, %d mails", n, r.sink.Count())
		}
	})
}

// deadLine is a way whose sender dies: the moment is before the mail was begun, or after. To the book both look as if nothing came back.
type deadLine struct {
	line  Line
	after bool
	given bool // the server got the mail
	die   func()
}

func (l deadLine) Send(ctx context.Context, e relay.Envelope, begun func() error) relay.Result {
	if l.after {
		if l.given {
			_ = l.line.Send(context.WithoutCancel(ctx), e, begun)
		} else {
			_ = begun()
		}
	}
	l.die()
	select {} // nothing is written down any more
}

func (l deadLine) Close() { l.line.Close() }

func TestASenderDiesWithAMailInItsHands(t *testing.T) {
	for _, k := range []struct {
		name         string
		after, given bool
		want         Delivery
	}{{"before it was begun", false, false, Accepted}, {"after, not given", true, false, UnknownMail}, {"after, given", true, true, UnknownMail}} {
		t.Run(k.name, func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, db *store.DB) {
				r := newRig(t, db, 3)
				var c clock
				r.Book.now = c.now
				d := r.approved(1000)
				dead := make(chan struct{})
				go func() { // it never returns: it holds its mails like a process that is gone
					_, _ = r.Send(context.Background(), r.f, func(ctx context.Context, f facility.ID, s Settings) (Line, error) {
						l, err := r.OpenLine(ctx, f, s)
						return deadLine{line: l, after: k.after, given: k.given, die: func() { close(dead) }}, err
					}, time.Now().Add(time.Hour))
				}()
				select {
				case <-dead:
				case <-time.After(20 * time.Second):
					t.Fatal("no mail was taken in hand")
				}
				if _, err := r.Send(t.Context(), r.f, r.OpenLine, time.Now().Add(5*time.Second)); err != nil {
					t.Fatal(err)
				}
				if n, err := r.Progress(t.Context(), r.f, d.ID); err != nil || n[Accepted] != 0 {
					t.Errorf("mails in other hands were sent: %v %v", n, err)
				}
				r.untilSent(&c, d.ID)
				n := r.honest(d.ID)
				if lost := n[UnknownMail]; n[Accepted]+lost != 3 || (lost == 1) != (k.want == UnknownMail) {
					t.Errorf("%v", n)
				}
			})
		})
	}
}

// TestSenderProcess is no test: it is the sender that TestKilledSenders kills.
func TestSenderProcess(t *testing.T) {
	dir := os.Getenv("KENSHIN_SENDER_DIR")
	if dir == "" {
		t.Skip("only as a process that another test kills")
	}
	ahead, err := strconv.ParseInt(os.Getenv("KENSHIN_SENDER_AHEAD"), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(t.Context(), store.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	box, err := seal.Load(filepath.Join(dir, "test.key"))
	if err != nil {
		t.Fatal(err)
	}
	var c clock
	c.ahead.Store(ahead)
	b := New(db, box, houses{}, c.now, slog.New(slog.DiscardHandler))
	fmt.Println("sending")
	_, err = b.Send(t.Context(), dbtest.Facility, b.OpenLine, time.Now().Add(time.Minute))
	t.Log(err)
}

func TestKilledSenders(t *testing.T) {
	if testing.Short() {
		t.Skip("kills processes")
	}
	const staff, kills = 640, 60
	dir := dbtest.SQLiteDir(t)
	open := func() *store.DB {
		db, err := store.Open(t.Context(), store.Options{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		return db
	}
	db := open()
	r := newRig(t, db, staff)
	box, err := seal.LoadOrCreate(filepath.Join(dir, "test.key"))
	r.must(err)
	r.box = box
	d := r.approved(1000)
	r.must(db.Close())
	var c clock
	for kill := range kills {
		enough := r.sink.Count() + 1 + kill*7%17                                                        // at another mail, and elsewhere in a batch, each time
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestSenderProcess$", "-test.v") //nolint:gosec // this very test
		cmd.Env = append(os.Environ(), "KENSHIN_SENDER_DIR="+dir, fmt.Sprintf("KENSHIN_SENDER_AHEAD=%d", c.ahead.Load()))
		out, err := cmd.StdoutPipe()
		r.must(err)
		r.must(cmd.Start())
		go func() {
			for s := bufio.NewScanner(out); s.Scan(); {
			}
		}()
		for end := time.Now().Add(60 * time.Second); r.sink.Count() < enough; time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatal("the sender sends nothing")
			}
		}
		r.must(cmd.Process.Kill())
		_ = cmd.Wait()
		c.forward(2 * lease)
	}
	db = open()
	defer db.Close()
	r.Book = New(db, box, houses{}, c.now, slog.New(slog.DiscardHandler))
	r.untilSent(&c, d.ID)
	if n := r.honest(d.ID); n[UnknownMail] > kills || n[Accepted]+n[UnknownMail] != staff {
		t.Errorf("%v", n)
	} else {
		t.Logf("%v after %d kills", n, kills)
	}
}
