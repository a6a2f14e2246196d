package drill

import (
	"context"
	"database/sql"
	"errors"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"kenshin/drill/internal/token"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/store"
)

// Arrival is one request at the door of the drills, as it came.
type Arrival struct {
	Token     string // 32 characters, as they stood in the link
	Signal    Signal // "" takes the token's own; a page's buttons send Confirm, Touched, Lesson, Read or Reported
	Malformed bool   // junk stood behind the token
	Method    string
	Net       netip.Addr
	Agent     string
	Detail    string
}

// Landed is where an arrival belongs.
type Landed struct {
	Facility facility.ID
	Drill    string
	Target   string
	Signal   Signal // what was recorded
	Of       Signal // what the token is for
}

const (
	arrivalBatch = 256 // arrivals that share one transaction
	arrivalQueue = 4096
	maxAgent     = 300
	maxDetail    = 500
)

// Counter writes arrivals down, many in one transaction: each waits until it is on the disk, none waits for a disk of its own.
type Counter struct {
	book  *Book
	queue chan *waiting
	done  chan struct{}
	once  sync.Once
}

type waiting struct {
	Arrival
	at     time.Time
	house  facility.ID
	hash   string
	landed Landed
	known  bool
	err    error
	ready  chan struct{}
}

// Counter starts the writer; Close ends it after what it holds is written.
func (b *Book) Counter() *Counter {
	c := &Counter{book: b, queue: make(chan *waiting, arrivalQueue), done: make(chan struct{})}
	go c.run()
	return c
}

// Close writes what is waiting and ends the writer. No Arrive may follow.
func (c *Counter) Close() {
	c.once.Do(func() { close(c.queue) })
	<-c.done
}

// Arrive records an arrival and returns when it is durable. known is false where the token is nobody's: nothing is recorded then.
func (c *Counter) Arrive(ctx context.Context, a Arrival) (at Landed, known bool, err error) {
	t, ok := token.Parse(a.Token)
	if !ok {
		return Landed{}, false, nil
	}
	house, ok, err := c.book.house(ctx, t.Door)
	if err != nil || !ok {
		return Landed{}, false, err
	}
	w := &waiting{Arrival: a, at: c.book.stamp(), house: house, hash: t.Hash(), ready: make(chan struct{})}
	select {
	case c.queue <- w:
	case <-ctx.Done():
		return Landed{}, false, ctx.Err()
	default:
		return Landed{}, false, fault.New(fault.Busy, "混み合っています。少し待って、もう一度開いてください。", "Too busy. Wait a moment and open it again.")
	}
	<-w.ready // even when the visitor has gone: what came is written
	return w.landed, w.known, w.err
}

func (c *Counter) run() {
	defer close(c.done)
	for first := range c.queue {
		batch := []*waiting{first}
		for len(batch) < arrivalBatch {
			w, ok := c.more()
			if !ok {
				break
			}
			batch = append(batch, w)
		}
		c.write(batch)
	}
}

func (c *Counter) more() (*waiting, bool) {
	select {
	case w, ok := <-c.queue:
		return w, ok
	default:
		return nil, false
	}
}

func (c *Counter) write(batch []*waiting) {
	byHouse := map[facility.ID][]*waiting{}
	for _, w := range batch {
		byHouse[w.house] = append(byHouse[w.house], w)
	}
	for house, list := range byHouse {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		err := c.book.db.Write(ctx, house, func(tx *store.Tx) error { return c.book.record(ctx, tx, list) })
		cancel()
		for _, w := range list {
			if w.err = err; err != nil {
				w.known, w.landed = false, Landed{}
			}
			close(w.ready)
		}
	}
}

// record writes arrivals down; a statement may be made again when the engine asks to, so nothing is counted in memory.
func (b *Book) record(ctx context.Context, tx *store.Tx, list []*waiting) error {
	moved := map[string]int{}
	for _, w := range list {
		w.known, w.landed = false, Landed{Facility: tx.Facility()}
		err := tx.Row(ctx, "SELECT t.drill_id, t.target_id, t.signal FROM drill_tokens t WHERE t.facility_id = $1 AND t.hash = $2", w.hash).
			Scan(&w.landed.Drill, &w.landed.Target, &w.landed.Of)
		if errors.Is(err, sql.ErrNoRows) {
			continue
		}
		if err != nil {
			return err
		}
		w.known, w.landed.Signal = true, w.landed.Of
		switch {
		case w.Signal != "":
			w.landed.Signal = w.Signal
		case w.landed.Of == Lesson || w.landed.Of == Reported: // whoever fetches the page has neither learned nor told anybody: a mail scanner fetches it, too
			w.landed.Signal = Looked
		}
		e := Event{Drill: w.landed.Drill, Target: w.landed.Target, Signal: w.landed.Signal, At: w.at, Method: w.Method, Net: w.Net, Agent: w.Agent,
			Malformed: w.Malformed, Detail: w.Detail}
		if w.landed.Of != w.landed.Signal {
			e.Of = w.landed.Of
		}
		if err := b.addEvent(ctx, tx, e); err != nil {
			return err
		}
		moved[e.Drill]++
	}
	for _, drill := range sortedKeys(moved) {
		if _, err := tx.Exec(ctx, "UPDATE drill_drills SET dirty = dirty + $3 WHERE facility_id = $1 AND id = $2", drill, moved[drill]); err != nil {
			return err
		}
	}
	return nil
}

// firstColumn is where a target keeps the first arrival of a signal.
var firstColumn = map[Signal]string{Opened: "open_at", Visited: "url_at", Scanned: "qr_at", Attached: "attach_at", Reported: "report_at", Replied: "reply_at",
	Lesson: "lesson_at", Read: "lesson_at", Released: "release_at"}

// addEvent writes one event and, if it is the first of its kind, its time on the target. An earlier arrival is never overwritten.
func (b *Book) addEvent(ctx context.Context, tx *store.Tx, e Event) error {
	text, err := marshal(eventContent{Malformed: e.Malformed, Of: e.Of, Detail: clip(e.Detail, maxDetail)})
	if err != nil {
		return err
	}
	net := ""
	if e.Net.IsValid() {
		net = e.Net.String()
	}
	_, err = tx.Exec(ctx, `INSERT INTO drill_events (facility_id, id, drill_id, target_id, signal, at, method, net, agent, content)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		store.NewID(), e.Drill, e.Target, string(e.Signal), store.Micros(e.At), clip(e.Method, 20), net, printable(clip(e.Agent, maxAgent)), text)
	if err != nil {
		return err
	}
	column, ok := firstColumn[e.Signal]
	if !ok {
		return nil
	}
	_, err = tx.Exec(ctx, "UPDATE drill_targets SET "+column+" = $4 WHERE facility_id = $1 AND drill_id = $2 AND id = $3 AND ("+column+" = 0 OR "+column+" > $4)",
		e.Drill, e.Target, store.Micros(e.At))
	return err
}

type eventContent struct {
	Malformed bool   `json:"malformed,omitempty"`
	Of        Signal `json:"of,omitempty"`
	Detail    string `json:"detail,omitempty"`
}

// printable keeps a header's text from breaking a page, a log or a sheet.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if strconv.IsPrint(r) {
			return r
		}
		return ' '
	}, strings.ToValidUTF8(s, "\uFFFD"))
}
