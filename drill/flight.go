package drill

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	"kenshin/actor"
	"kenshin/drill/hit"
	"kenshin/drill/letter"
	"kenshin/drill/preflight"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/store"
)

// QuietWatch is how long nobody may touch the test mails: what opens them then is a machine.
const QuietWatch = 15 * time.Minute

// kindTest marks a drill's real mail to a test mailbox, sent before anything is approved.
const kindTest = "test"

// Flight is a drill's preflight: the checks, what became of its test mails, and what a person waived.
type Flight struct {
	ID       string                `json:"-"`
	At       time.Time             `json:"-"`
	Print    string                `json:"print"` // fingerprint of the mail and of how it is sent; a preflight counts for exactly this
	Outcomes []preflight.Outcome   `json:"outcomes"`
	Waivers  []preflight.Waiver    `json:"waivers,omitempty"`
	Tests    map[string]FlightTest `json:"tests,omitempty"` // by mailbox
	Watch    preflight.Watch       `json:"watch,omitzero"`
	Report   preflight.Report      `json:"-"`
	Stale    bool                  `json:"-"` // the mail or the way changed since
	Mails    map[string]Delivery   `json:"-"` // what became of the test mails on our side
}

// FlightTest is what became of one test mail, as somebody saw it.
type FlightTest struct {
	Place      preflight.Place       `json:"place,omitempty"`
	Reading    *preflight.Reading    `json:"reading,omitempty"`
	Difference *preflight.Difference `json:"difference,omitempty"`
}

// mailPrint is the fingerprint of the mail and of how it is sent.
func mailPrint(d *Drill, s Settings) (string, error) {
	h := sha256.New()
	err := hashJSON(h, []any{d.Mail, s.Domain, s.Base, s.Relay.Kind, s.Relay.Host, s.DKIM.Selector})
	return hex.EncodeToString(h.Sum(nil)), err
}

// flightOK refuses a drill without a preflight of exactly its mail that is green or knowingly waived. A course rehearses nothing: it needs none.
func (b *Book) flightOK(ctx context.Context, tx *store.Tx, d *Drill, s Settings) error {
	if d.Mode == Course {
		return nil
	}
	want, err := mailPrint(d, s)
	if err != nil {
		return err
	}
	p, err := lastFlight(ctx, tx, d.ID)
	if err != nil {
		return err
	}
	switch {
	case p.ID == "":
		return fault.New(fault.Invalid, "送る前の点検がまだです。点検をしてから承認を頼んでください。", "There was no preflight yet. Make one, then submit.")
	case p.Print != want:
		return fault.New(fault.Invalid, "送る前の点検のあとで、メールか送り方が変わりました。もう一度点検してください。", "The mail or the relay changed since the preflight. Make it again.")
	case p.unmarked(d.ID, s.Relay.Kind):
		return fault.Newf(fault.Invalid, "届いた試しのメールで、訓練の印(%[1]s)を確かめられません。試しのメールのヘッダーを貼り付けてください。印が消えているなら、消している機器や送り方を変えてください。見送りはできません。",
			"The drill's marker (%[1]s) was not found in the delivered test mail. Paste the test mail's headers; if the marker is gone, change what removes it. This cannot be waived.", letter.MarkerField)
	case !preflight.Judge(p.Outcomes, p.Waivers, b.now()).Green:
		return fault.New(fault.Invalid, "送る前の点検に、まだ直っていない項目があります。直すか、理由を書いて見送ってください。", "The preflight is not green. Mend what it names, or waive it with a reason.")
	}
	return nil
}

// unmarked reports whether a delivered test mail is known to lack the marker, or, where somebody else's program makes the mail anew from ours, is not known
// to have it.
func (p Flight) unmarked(drill, kind string) bool {
	read := false
	for _, t := range p.Tests {
		if t.Reading == nil {
			continue
		}
		if !strings.Contains(t.Reading.Marker, drill) {
			return true
		}
		read = true
	}
	return !read && (kind == "graph" || kind == "gmail")
}

func lastFlight(ctx context.Context, tx *store.Tx, drill string) (p Flight, err error) {
	var text, id string
	var at int64
	err = tx.Row(ctx, "SELECT p.id, p.at, p.content FROM drill_preflights p WHERE p.facility_id = $1 AND p.drill_id = $2 ORDER BY p.at DESC, p.id DESC LIMIT 1", drill).
		Scan(&id, &at, &text)
	if errors.Is(err, sql.ErrNoRows) {
		return Flight{}, nil
	}
	if err != nil {
		return p, err
	}
	err = unmarshal(text, &p)
	p.ID, p.At = id, store.Time(at)
	return p, err
}

func (b *Book) putFlight(ctx context.Context, tx *store.Tx, drill string, p *Flight) error {
	r := preflight.Judge(p.Outcomes, p.Waivers, b.now())
	state := "red"
	switch {
	case r.Green && len(r.Waived) > 0:
		state = "waived"
	case r.Green:
		state = "green"
	}
	text, err := marshal(p)
	if err != nil {
		return err
	}
	if p.ID == "" {
		p.ID, p.At = store.NewID(), b.stamp()
	}
	_, err = tx.Exec(ctx, `INSERT INTO drill_preflights (facility_id, id, drill_id, at, state, content) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (facility_id, id) DO UPDATE SET state = excluded.state, content = excluded.content`, p.ID, drill, store.Micros(p.At), state, text)
	return err
}

// Flight returns a drill's last preflight as it counts now; an empty one when there was none.
func (b *Book) Flight(ctx context.Context, f facility.ID, id string) (p Flight, err error) {
	d, s, err := b.drillAndSettings(ctx, f, id)
	if err != nil {
		return p, err
	}
	err = b.db.Read(ctx, f, func(tx *store.Tx) error {
		if p, err = lastFlight(ctx, tx, id); err != nil {
			return err
		}
		p.Mails = map[string]Delivery{}
		return store.Each(ctx, tx, func(r *sql.Rows) error {
			t, err := scanTarget(r)
			p.Mails[t.Address] = t.Mail
			return err
		}, "SELECT "+targetColumns+" FROM drill_targets t WHERE t.facility_id = $1 AND t.drill_id = $2 AND t.role = 'test'", id)
	})
	if err != nil {
		return p, err
	}
	print, err := mailPrint(&d, s)
	p.Stale = p.ID != "" && p.Print != print
	p.Report = preflight.Judge(p.Outcomes, p.Waivers, b.now())
	return p, err
}

func (b *Book) drillAndSettings(ctx context.Context, f facility.ID, id string) (d Drill, s Settings, err error) {
	if d, err = b.Get(ctx, f, id); err == nil {
		s, err = b.Settings(ctx, f)
	}
	return d, s, err
}

// Preflight makes the checks of a drill's mail and way now; it takes up to a minute. What is known of its test mails goes on counting as long
// as the mail is the same.
func (b *Book) Preflight(ctx context.Context, f facility.ID, id string) (Flight, error) {
	d, s, err := b.drillAndSettings(ctx, f, id)
	if err != nil {
		return Flight{}, err
	}
	if err := s.Ready(); err != nil {
		return Flight{}, err
	}
	var old Flight
	if err := b.db.Read(ctx, f, func(tx *store.Tx) error { old, err = lastFlight(ctx, tx, id); return err }); err != nil {
		return Flight{}, err
	}
	p := Flight{}
	if p.Print, err = mailPrint(&d, s); err != nil {
		return p, err
	}
	if old.Print == p.Print {
		p.Tests, p.Watch, p.Waivers = old.Tests, old.Watch, old.Waivers
	}
	setup, err := b.setup(ctx, f, id, s, &p)
	if err != nil {
		return p, err
	}
	world, err := b.reach(ctx, f)
	if err != nil {
		return p, err
	}
	if world.Resolver == nil || world.Dial == nil {
		return p, fault.New(fault.Unavailable, "ここからはDNSもサーバも調べられません。", "Neither DNS nor servers can be asked from here.")
	}
	p.Outcomes = preflight.Run(ctx, world, setup)
	err = b.db.Write(ctx, f, func(tx *store.Tx) error {
		if err := b.putFlight(ctx, tx, id, &p); err != nil {
			return err
		}
		return b.trail(ctx, tx, "drill.preflight", id, i18n.Text{Ja: "訓練「" + d.Name + "」を送る前の点検をしました", En: "Made the preflight of the drill " + d.Name}, nil)
	})
	if err != nil {
		return p, err
	}
	return b.Flight(ctx, f, id)
}

// setup is what a preflight looks at.
func (b *Book) setup(ctx context.Context, f facility.ID, id string, s Settings, p *Flight) (preflight.Setup, error) {
	set := preflight.Setup{From: s.Domain, MailFrom: s.Domain, HELO: s.Relay.Helo, SendingIPs: s.Outgoing, Landing: preflight.Landing{URL: s.Base, Sign: VerifySign}}
	if pem, err := b.secret(f, dkimPurpose, s.DKIM.Sealed); err != nil {
		return set, err
	} else if pem != "" {
		key, err := letter.ParseKey([]byte(pem))
		if err != nil {
			return set, err
		}
		set.DKIM = preflight.DKIM{Domain: s.Domain, Selector: s.DKIM.Selector, Public: key.Public()}
	}
	if s.Relay.Kind == "smtp" {
		security := preflight.Security(s.Relay.Security)
		if s.Relay.Security == "none" {
			security = preflight.Plain
		}
		set.Relay = &preflight.Relay{Host: s.Relay.Host, Port: s.Relay.Port, Security: security}
	}
	domains, err := b.Domains(ctx, f)
	for _, v := range domains {
		if !v.Until().IsZero() {
			set.Recipients = append(set.Recipients, string(v.Domain))
		}
	}
	if err != nil {
		return set, err
	}
	if set.Watch, err = b.watched(ctx, f, id, p.Watch); err != nil {
		return set, err
	}
	for _, mailbox := range sortedKeys(p.Tests) {
		t := p.Tests[mailbox]
		set.Tests = append(set.Tests, preflight.Test{Mailbox: mailbox, Place: t.Place, Reading: t.Reading, Difference: t.Difference})
	}
	p.Watch = set.Watch
	return set, nil
}

// VerifySign is a text that our /verify page always holds: by it a preflight knows the page.
const VerifySign = "X-Hospital-Drill"

// watched counts what arrived at the test mails in the quiet quarter of an hour.
func (b *Book) watched(ctx context.Context, f facility.ID, id string, w preflight.Watch) (preflight.Watch, error) {
	if w.From.IsZero() {
		return w, nil
	}
	w.To = w.From.Add(QuietWatch)
	if now := b.now(); now.Before(w.To) {
		w.To = now
	}
	hits, err := b.testHits(ctx, f, id, w)
	w.Hits = len(hits)
	return w, err
}

func (b *Book) testHits(ctx context.Context, f facility.ID, id string, w preflight.Watch) (out []hit.Hit, err error) {
	err = b.db.Read(ctx, f, func(tx *store.Tx) error {
		out = nil
		return store.Each(ctx, tx, func(r *sql.Rows) error {
			e, err := scanEvent(r)
			out = append(out, hit.Hit{ID: e.ID, Recipient: e.Target, Signal: hit.Signal(e.Signal), At: e.At, Method: e.Method, Net: e.Net, Agent: e.Agent, Malformed: e.Malformed})
			return err
		}, "SELECT "+eventColumns+` FROM drill_events e JOIN drill_targets t ON t.facility_id = e.facility_id AND t.drill_id = e.drill_id AND t.id = e.target_id
			WHERE e.facility_id = $1 AND e.drill_id = $2 AND t.role = 'test' AND e.at >= $3 AND e.at <= $4 ORDER BY e.at, e.id`, id, store.Micros(w.From), store.Micros(w.To))
	})
	return out, err
}

// SendTests gives the drill's real mail to the test mailboxes, at most five, and starts the quiet time.
func (b *Book) SendTests(ctx context.Context, f facility.ID, id string) (n int, err error) {
	d, s, err := b.drillAndSettings(ctx, f, id)
	if err != nil {
		return 0, err
	}
	if d.State != Draft {
		return 0, fault.New(fault.Conflict, "試しのメールは、下書きのあいだに送ります。", "Test mails are sent while a drill is a draft.")
	}
	if err := errors.Join(s.Ready(), b.checkMail(d, s)); err != nil {
		return 0, err
	}
	page, err := b.People(ctx, f, PeopleFilter{Role: Tester})
	if err != nil {
		return 0, err
	}
	switch n = len(page.People); {
	case n == 0:
		return 0, fault.New(fault.Invalid, "試し用のメールボックスがありません。宛先の画面で1から5個登録してください。", "There is no test mailbox. Add one to five among the recipients.")
	case n > 5:
		return 0, fault.New(fault.TooLarge, "試し用のメールボックスは5個までです。", "At most five test mailboxes.")
	}
	if err := b.clearTargets(ctx, f, id); err != nil {
		return 0, err
	}
	door, err := b.Door(ctx, f)
	if err != nil {
		return 0, err
	}
	key, err := b.tokenKey(ctx, f, id)
	if err != nil {
		return 0, err
	}
	err = b.db.Write(ctx, f, func(tx *store.Tx) error {
		verified, err := verifiedDomains(ctx, tx)
		if err != nil {
			return err
		}
		for _, p := range page.People {
			if err := verified.covers(p.Address, b.now()); err != nil {
				return err
			}
			if err := stageOne(ctx, tx, &d, p, door, key, b.now()); err != nil {
				return err
			}
		}
		if _, err := tx.Exec(ctx, "UPDATE drill_outbox SET kind = $3 WHERE facility_id = $1 AND drill_id = $2 AND state = 'queued'", id, kindTest); err != nil {
			return err
		}
		fl, err := lastFlight(ctx, tx, id)
		if err != nil {
			return err
		}
		print, err := mailPrint(&d, s)
		if err != nil {
			return err
		}
		fl.ID, fl.Print, fl.Tests, fl.Watch = "", print, map[string]FlightTest{}, preflight.Watch{From: b.stamp()}
		for _, p := range page.People {
			fl.Tests[p.Address] = FlightTest{Place: preflight.PlaceUnknown}
		}
		if err := b.putFlight(ctx, tx, id, &fl); err != nil {
			return err
		}
		return b.trail(ctx, tx, "drill.test", id, i18n.Text{Ja: "訓練「" + d.Name + "」の試しのメールを送りました", En: "Sent test mails of the drill " + d.Name}, map[string]int{"mails": n})
	})
	return n, err
}

// Delivered records where a test mail landed; raw is the delivered mail or its headers as pasted, "" when only the place is known.
func (b *Book) Delivered(ctx context.Context, f facility.ID, id, mailbox string, place preflight.Place, raw []byte) error {
	if !slices.Contains([]preflight.Place{preflight.Inbox, preflight.Junk, preflight.Quarantine, preflight.Never, preflight.PlaceUnknown}, place) {
		return fault.New(fault.Invalid, "どこに届いたかを選んでください。", "Choose where it landed.")
	}
	t := FlightTest{Place: place}
	if len(raw) > 0 {
		reading, err := preflight.ReadDelivery(string(raw))
		if err != nil {
			return err
		}
		t.Reading = reading
		if sent, err := b.Rendered(ctx, f, id); err == nil {
			if diff, err := preflight.Compare(sent, raw); err == nil { // headers alone cannot be compared
				t.Difference = diff
			}
		}
	}
	return b.db.Write(ctx, f, func(tx *store.Tx) error {
		p, err := lastFlight(ctx, tx, id)
		if err != nil {
			return err
		}
		if _, ok := p.Tests[mailbox]; !ok {
			return fault.New(fault.NotFound, "このメールボックスには試しのメールを送っていません。", "No test mail went to this mailbox.")
		}
		p.Tests[mailbox] = t
		return b.putFlight(ctx, tx, id, &p)
	})
}

// WaiveCheck is a person's word that a drill may go out although a check is not green.
func (b *Book) WaiveCheck(ctx context.Context, f facility.ID, id, check, reason string) error {
	return b.db.Write(ctx, f, func(tx *store.Tx) error {
		p, err := lastFlight(ctx, tx, id)
		if err != nil {
			return err
		}
		for _, o := range preflight.Judge(p.Outcomes, p.Waivers, b.now()).Outcomes {
			if o.Check != check {
				continue
			}
			w, err := preflight.Waive(o, actor.From(ctx).Name, reason, b.stamp())
			if err != nil {
				return err
			}
			p.Waivers = append(slices.DeleteFunc(p.Waivers, func(x preflight.Waiver) bool { return x.Check == check }), w)
			if err := b.putFlight(ctx, tx, id, &p); err != nil {
				return err
			}
			return b.trail(ctx, tx, "drill.waive", id, i18n.Text{Ja: "送る前の点検の項目「" + check + "」を見送りました", En: "Waived the check " + check}, map[string]string{"reason": clip(reason, 500)})
		}
		return fault.New(fault.NotFound, "この点検項目はありません。", "There is no such check.")
	})
}

// Rendered is the drill's mail as one recipient would get it, with nobody's name in it.
func (b *Book) Rendered(ctx context.Context, f facility.ID, id string) ([]byte, error) {
	d, s, err := b.drillAndSettings(ctx, f, id)
	if err != nil {
		return nil, err
	}
	return b.Render(ctx, f, d, s)
}

// Render is Rendered for a drill that need not be stored.
func (b *Book) Render(ctx context.Context, f facility.ID, d Drill, s Settings) ([]byte, error) {
	if s.Domain == "" {
		s.Domain = "training.example"
	}
	if s.Base == "" {
		s.Base = "https://drill.example"
	}
	if s.Contact == "" {
		s.Contact = "-"
	}
	if u, err := url.Parse(s.Base); err != nil || u.Host == "" {
		return nil, fault.New(fault.Invalid, "リンクの行き先のアドレスが正しくありません。", "The address of links is wrong.")
	}
	w, err := b.newWriter(ctx, f, s, d)
	if err != nil {
		return nil, err
	}
	key := make([]byte, 32)
	draft, err := w.draft(Target{ID: "preview", Surname: "見本", Given: "花子", Department: "看護部", Address: "hanako@example.jp"}, key)
	if err != nil {
		return nil, err
	}
	return w.seal(draft, markerKey(key))
}
