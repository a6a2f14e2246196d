package drill

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"net/netip"
	"slices"
	"time"

	"kenshin/drill/hit"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/store"
)

// rules are the program's rules with the site's own.
func (b *Book) rules(ctx context.Context, tx *store.Tx, s Settings) (hit.Rules, error) {
	r, _, err := b.program()
	if err != nil {
		return r, err
	}
	site, err := scannersIn(ctx, tx)
	if err != nil {
		return r, err
	}
	limits := r.Limits
	limits.MinDelay = s.Quiet
	said, learned := site.rules()
	return r.With(&limits, said, learned)
}

// under names what a judgement follows: the rules and the hospital's own addresses.
func under(r hit.Rules, egress []netip.Prefix) string {
	h := sha256.New()
	_, _ = h.Write([]byte(r.Version()))
	for _, p := range egress {
		_, _ = h.Write([]byte(" " + p.String()))
	}
	return r.Date + "-" + hex.EncodeToString(h.Sum(nil)[:4])
}

// judged is one drill as a judgement sees it.
type judged struct {
	drill   Drill
	dirty   int64
	program string   // which rules the program carries
	targets []Target // staff of whom nothing came are only counted
	silent  []quiet
	facts   hit.Facts
	hits    []hit.Hit
	of      []Signal // what the page of each hit was reached by, "" where it is not known
	old     []string // the verdict that each hit has, with the version of the rules; "" for none
	rules   hit.Rules
	zone    *time.Location
}

// quiet is how many of a department's staff nothing has come from, by what became of their mail.
type quiet struct {
	department string
	mail       Delivery
	people     int
}

// Judge says anew of every arrival of a drill whether a person or a machine made it, and brings lists and totals up to date. Arrivals are never
// touched; judging twice changes nothing.
func (b *Book) Judge(ctx context.Context, f facility.ID, id string) error {
	j, err := b.toJudge(ctx, f, id)
	if err != nil {
		return err
	}
	return b.keepJudged(ctx, f, id, j)
}

// keepJudged judges what was read and writes it down.
func (b *Book) keepJudged(ctx context.Context, f facility.ID, id string, j *judged) error {
	verdicts := hit.Classify(j.facts, j.hits, j.rules)
	for by, i := under(j.rules, j.facts.Egress), 0; i < len(verdicts); i++ {
		verdicts[i].Rules = by
	}
	if err := b.keepVerdicts(ctx, f, id, j, verdicts); err != nil {
		return err
	}
	if err := b.keepTargets(ctx, f, id, j, verdicts); err != nil {
		return err
	}
	totals := sumUp(j)
	canary, err := marshal(hit.FalseHitRate(j.facts, j.hits, j.rules))
	if err != nil {
		return err
	}
	return b.db.Write(ctx, f, func(tx *store.Tx) error {
		if _, err := tx.Exec(ctx, "DELETE FROM drill_totals WHERE facility_id = $1 AND drill_id = $2", id); err != nil {
			return err
		}
		for _, t := range totals {
			if err := t.insert(ctx, tx, id); err != nil {
				return err
			}
		}
		if _, err := tx.Exec(ctx, "UPDATE drill_drills SET rules = $3, canary = $4 WHERE facility_id = $1 AND id = $2", id, j.program, canary); err != nil {
			return err
		}
		n, err := tx.Exec(ctx, "UPDATE drill_drills SET judged = dirty WHERE facility_id = $1 AND id = $2 AND dirty = $3", id, j.dirty)
		if err == nil && n == 0 { // somebody who saw more may have judged meanwhile, and this wrote over it: once more, from what is there now
			_, err = tx.Exec(ctx, "UPDATE drill_drills SET dirty = dirty + 1 WHERE facility_id = $1 AND id = $2", id)
		}
		return err
	})
}

// rejudged are the drills that new rules change: those with arrivals and names. Where the names are gone the figures are final.
const rejudged = `drill_drills.anonymous_at = 0 AND EXISTS (SELECT 1 FROM drill_events e WHERE e.facility_id = drill_drills.facility_id AND e.drill_id = drill_drills.id)`

// judgeAgain has all drills judged anew after their rules changed, and counts them.
func judgeAgain(ctx context.Context, tx *store.Tx) (int64, error) {
	return tx.Exec(ctx, "UPDATE drill_drills SET dirty = dirty + 1 WHERE facility_id = $1 AND "+rejudged)
}

// JudgeAnew asks for one drill to be judged anew, from its first arrival on. The next look of the program does it.
func (b *Book) JudgeAnew(ctx context.Context, f facility.ID, id string) error {
	return b.db.Write(ctx, f, func(tx *store.Tx) error {
		d, err := getDrill(ctx, tx, id)
		switch {
		case err != nil:
			return err
		case d.Started.IsZero():
			return fault.New(fault.Conflict, "まだ送っていない訓練には、判定するものがありません。", "No mail of this drill was sent yet: there is nothing to judge.")
		case !d.Nameless.IsZero():
			return fault.New(fault.Conflict, "名前を消した訓練の数字は確定しています。判定し直すことはできません。", "The names of this drill are forgotten: its figures are final.")
		}
		if _, err := tx.Exec(ctx, "UPDATE drill_drills SET dirty = dirty + 1 WHERE facility_id = $1 AND id = $2", id); err != nil {
			return err
		}
		return b.trail(ctx, tx, "drill.judge", id, i18n.Text{Ja: "訓練「" + d.Name + "」の人と機械の判定を、やり直すように頼みました", En: "Asked to judge the arrivals of the drill " + d.Name + " anew"}, nil)
	})
}

// Dirty lists the drills that must be judged: something arrived, what they are judged by changed, or the program's own rules are other ones.
func (b *Book) Dirty(ctx context.Context, f facility.ID) (out []string, err error) {
	_, program, err := b.program()
	if err != nil {
		return nil, err
	}
	err = b.db.Read(ctx, f, func(tx *store.Tx) error {
		return store.Each(ctx, tx, func(r *sql.Rows) error {
			var id string
			err := r.Scan(&id)
			out = append(out, id)
			return err
		}, "SELECT id FROM drill_drills WHERE facility_id = $1 AND (dirty > judged OR rules <> $2 AND "+rejudged+") ORDER BY id", program)
	})
	return out, err
}

func (b *Book) toJudge(ctx context.Context, f facility.ID, id string) (j *judged, err error) {
	fac, err := b.houses.Facility(ctx, f)
	if err != nil {
		return nil, err
	}
	_, program, err := b.program()
	if err != nil {
		return nil, err
	}
	err = b.db.Read(ctx, f, func(tx *store.Tx) error {
		j = &judged{zone: fac.Location(), facts: hit.Facts{Recipients: map[string]hit.Recipient{}}}
		if j.drill, err = getDrill(ctx, tx, id); err != nil {
			return err
		}
		if err := tx.Row(ctx, "SELECT d.dirty FROM drill_drills d WHERE d.facility_id = $1 AND d.id = $2", id).Scan(&j.dirty); err != nil {
			return err
		}
		s, err := SettingsKey().Get(ctx, tx)
		if err != nil {
			return err
		}
		if j.rules, err = b.rules(ctx, tx, s); err != nil {
			return err
		}
		j.facts.Egress, j.facts.Links, j.program = s.Egress, j.drill.links(), program
		if err := j.readHits(ctx, tx, id); err != nil {
			return err
		}
		return j.readTargets(ctx, tx, id)
	})
	return j, err
}

// heard is true for a recipient of whom something may have come; a decoy counts even when nothing did.
const heard = "(t.role <> 'staff' OR t.machine > 0 OR t.open_at > 0 OR t.url_at > 0 OR t.qr_at > 0 OR t.attach_at > 0 OR t.report_at > 0 OR t.reply_at > 0 OR t.lesson_at > 0 OR t.release_at > 0)"

// readTargets reads whom the arrivals are about; of the others, nearly all of a long list, it counts what the totals need.
func (j *judged) readTargets(ctx context.Context, tx *store.Tx, id string) (err error) {
	if j.targets, err = targets(ctx, tx, " AND "+heard, id); err != nil {
		return err
	}
	known := map[string]bool{}
	for i := range j.targets {
		known[j.targets[i].ID] = true
	}
	var more []string // who came by nothing but what leaves no mark, as the hidden link
	for i := range j.hits {
		if who := j.hits[i].Recipient; !known[who] {
			known[who] = true
			more = append(more, who)
		}
	}
	for some := range slices.Chunk(more, 400) {
		args := []any{id}
		for _, who := range some {
			args = append(args, who)
		}
		list, err := targets(ctx, tx, " AND t.id IN "+store.In(3, len(some)), args...)
		if err != nil {
			return err
		}
		for i := range list {
			t := &list[i]
			j.facts.Recipients[t.ID] = hit.Recipient{Begun: t.BegunAt, Accepted: t.AcceptedAt}
		}
	}
	for i := range j.targets {
		t := &j.targets[i]
		j.facts.Recipients[t.ID] = hit.Recipient{Begun: t.BegunAt, Accepted: t.AcceptedAt, Reported: t.First[Reported], Canary: t.Role == Canary}
	}
	return store.Each(ctx, tx, func(r *sql.Rows) error {
		var q quiet
		err := r.Scan(&q.department, &q.mail, &q.people)
		j.silent = append(j.silent, q)
		return err
	}, "SELECT t.department, t.mail, count(*) FROM drill_targets t WHERE t.facility_id = $1 AND t.drill_id = $2 AND NOT "+heard+" GROUP BY t.department, t.mail", id)
}

func (j *judged) readHits(ctx context.Context, tx *store.Tx, id string) error {
	seen := map[string]string{} // a few browsers and many recipients say the same again and again: one copy of each text
	one := func(s string) string {
		if kept, ok := seen[s]; ok {
			return kept
		}
		seen[s] = s
		return s
	}
	return store.Each(ctx, tx, func(r *sql.Rows) error {
		e, verdict, version, err := scanJudged(r)
		if err != nil {
			return err
		}
		j.hits = append(j.hits, hit.Hit{ID: e.ID, Recipient: one(e.Target), Signal: judgedAs(Signal(one(string(e.Signal)))), At: e.At, Method: one(e.Method), Net: e.Net, Agent: one(e.Agent), Malformed: e.Malformed})
		old := ""
		if verdict != "" {
			old = one(verdict + "/" + version)
		}
		j.old, j.of = append(j.old, old), append(j.of, Signal(one(string(e.Of))))
		return nil
	}, "SELECT "+eventColumns+", coalesce(v.verdict, ''), coalesce(v.version, '') FROM drill_events e LEFT JOIN drill_verdicts v ON v.facility_id = e.facility_id AND v.event_id = e.id "+
		"WHERE e.facility_id = $1 AND e.drill_id = $2 ORDER BY e.at, e.id", id)
}

// judgedAs is the kind of arrival that the rules know: answers and receipts are buttons of the lesson's pages, which are fetched before.
func judgedAs(s Signal) hit.Signal {
	if s == Answered || s == Read || s == Looked {
		return hit.Lesson
	}
	return hit.Signal(s)
}

// behind is what led to the page on which a recipient pressed or moved something; Confirm when nothing of the mail did, as after a feedback mail.
func (t *Target) behind() Signal {
	for _, s := range []Signal{Visited, Scanned, Attached} {
		if !t.First[s].IsZero() {
			return s
		}
	}
	return Confirm
}

// links are the signals that every mail of the drill carries.
func (d Drill) links() (out []hit.Signal) {
	if d.Mail.Link || d.Mode == Course {
		out = append(out, hit.URL)
	}
	if d.Mail.QR {
		out = append(out, hit.QR)
	}
	if d.Mail.Attachment != "" {
		out = append(out, hit.Attachment)
	}
	if d.Mail.HTML != "" && d.Mode != ReportOnly {
		out = append(out, hit.Honeypot)
	}
	return out
}

func (b *Book) keepVerdicts(ctx context.Context, f facility.ID, id string, j *judged, verdicts []hit.Verdict) error {
	var fresh []hit.Verdict
	for i, v := range verdicts {
		if j.old[i] != string(v.Kind)+"/"+v.Rules {
			fresh = append(fresh, v)
		}
	}
	for some := range slices.Chunk(fresh, 400) {
		err := b.db.Write(ctx, f, func(tx *store.Tx) error {
			for _, v := range some {
				text, err := marshal(v.Reasons)
				if err != nil {
					return err
				}
				if _, err := tx.Exec(ctx, `INSERT INTO drill_verdicts (facility_id, event_id, drill_id, verdict, version, reasons) VALUES ($1, $2, $3, $4, $5, $6)
					ON CONFLICT (facility_id, event_id) DO UPDATE SET verdict = excluded.verdict, version = excluded.version, reasons = excluded.reasons`,
					v.Hit, id, string(v.Kind), v.Rules, text); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// keepTargets brings the columns that a list filters by up to date, on the targets where they changed.
func (b *Book) keepTargets(ctx context.Context, f facility.ID, id string, j *judged, verdicts []hit.Verdict) error {
	person, machine, who := map[string]map[Signal]time.Time{}, map[string]int{}, map[string]*Target{}
	for i := range j.targets {
		who[j.targets[i].ID] = &j.targets[i]
	}
	for i, v := range verdicts {
		h := j.hits[i]
		switch v.Kind {
		case hit.Person:
			s := Signal(h.Signal)
			switch s {
			case Confirm, Touched: // only who was on the page can press there
				if of := j.of[i]; of != "" {
					s = of
				} else if t := who[h.Recipient]; t != nil {
					s = t.behind()
				}
			}
			m := person[h.Recipient]
			if m == nil {
				m = map[Signal]time.Time{}
				person[h.Recipient] = m
			}
			if at, ok := m[s]; !ok || h.At.Before(at) {
				m[s] = h.At
			}
		case hit.Machine, hit.Proxy, hit.ByReport:
			machine[h.Recipient]++
		}
	}
	var changed []*Target
	for i := range j.targets {
		t := &j.targets[i]
		p := person[t.ID]
		if t.Machine == machine[t.ID] && t.ByPerson[Opened].Equal(p[Opened]) && t.ByPerson[Visited].Equal(p[Visited]) && t.ByPerson[Scanned].Equal(p[Scanned]) && t.ByPerson[Attached].Equal(p[Attached]) {
			continue
		}
		t.Machine, t.ByPerson = machine[t.ID], map[Signal]time.Time{Opened: p[Opened], Visited: p[Visited], Scanned: p[Scanned], Attached: p[Attached]}
		changed = append(changed, t)
	}
	for some := range slices.Chunk(changed, 400) {
		err := b.db.Write(ctx, f, func(tx *store.Tx) error {
			for _, t := range some {
				if _, err := tx.Exec(ctx, "UPDATE drill_targets SET open_person = $4, url_person = $5, qr_person = $6, attach_person = $7, machine = $8 WHERE facility_id = $1 AND drill_id = $2 AND id = $3",
					id, t.ID, store.Micros(t.ByPerson[Opened]), store.Micros(t.ByPerson[Visited]), store.Micros(t.ByPerson[Scanned]), store.Micros(t.ByPerson[Attached]), t.Machine); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// FalseHits says how often the rules by which a drill was judged last would have been wrong about its canaries.
func (b *Book) FalseHits(ctx context.Context, f facility.ID, id string) (out hit.FalseHits, err error) {
	var text string
	err = b.db.Read(ctx, f, func(tx *store.Tx) error {
		return tx.Row(ctx, "SELECT d.canary FROM drill_drills d WHERE d.facility_id = $1 AND d.id = $2", id).Scan(&text)
	})
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return out, noDrill()
	case err != nil:
		return out, err
	case text != "":
		return out, unmarshal(text, &out)
	}
	j, err := b.toJudge(ctx, f, id) // never judged yet
	if err != nil {
		return out, err
	}
	return hit.FalseHitRate(j.facts, j.hits, j.rules), nil
}

const eventColumns = "e.id, e.drill_id, e.target_id, e.signal, e.at, e.method, e.net, e.agent, e.content"

func scanJudged(r *sql.Rows) (e Event, verdict, version string, err error) {
	e, err = scanEvent(r, &verdict, &version)
	return e, verdict, version, err
}

func scanEvent(r *sql.Rows, more ...any) (e Event, err error) {
	var at int64
	var net, text string
	if err := r.Scan(append([]any{&e.ID, &e.Drill, &e.Target, &e.Signal, &at, &e.Method, &net, &e.Agent, &text}, more...)...); err != nil {
		return e, err
	}
	var c eventContent
	if text != "{}" {
		if err := unmarshal(text, &c); err != nil {
			return e, err
		}
	}
	e.At, e.Malformed, e.Of, e.Detail = store.Time(at), c.Malformed, c.Of, c.Detail
	if net != "" {
		e.Net, err = netip.ParseAddr(net)
	}
	return e, err
}
