package drill

import (
	"context"
	"database/sql"
	"net/netip"
	"slices"
	"time"

	"kenshin/drill/hit"
	"kenshin/facility"
	"kenshin/i18n"
	"kenshin/setting"
	"kenshin/store"
)

// SiteRules is what this site's own scanners look like, learned in preflights; the support body or the trainer may edit it.
func SiteRules() setting.Key[[]hit.SiteRule] {
	return setting.Key[[]hit.SiteRule]{Name: "drill.site-rules", Title: i18n.Text{Ja: "この施設のメール検査の特徴", En: "What this site's mail scanners look like"}}
}

// rules are the program's rules with the site's own.
func (b *Book) rules(ctx context.Context, tx *store.Tx, s Settings) (hit.Rules, error) {
	r, err := hit.Default()
	if err != nil {
		return r, err
	}
	site, err := SiteRules().Get(ctx, tx)
	if err != nil {
		return r, err
	}
	limits := r.Limits
	limits.MinDelay = s.Quiet
	return r.With(&limits, nil, site)
}

// judged is one drill as a judgement sees it.
type judged struct {
	drill   Drill
	dirty   int64
	targets []Target // staff of whom nothing came are only counted
	silent  []quiet
	facts   hit.Facts
	hits    []hit.Hit
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
	verdicts := hit.Classify(j.facts, j.hits, j.rules)
	if err := b.keepVerdicts(ctx, f, id, j, verdicts); err != nil {
		return err
	}
	if err := b.keepTargets(ctx, f, id, j, verdicts); err != nil {
		return err
	}
	totals := sumUp(j)
	return b.db.Write(ctx, f, func(tx *store.Tx) error {
		if _, err := tx.Exec(ctx, "DELETE FROM drill_totals WHERE facility_id = $1 AND drill_id = $2", id); err != nil {
			return err
		}
		for _, t := range totals {
			if err := t.insert(ctx, tx, id); err != nil {
				return err
			}
		}
		_, err := tx.Exec(ctx, "UPDATE drill_drills SET dirty = 0 WHERE facility_id = $1 AND id = $2 AND dirty = $3", id, j.dirty)
		return err
	})
}

// Dirty lists the drills whose arrivals were not all judged yet.
func (b *Book) Dirty(ctx context.Context, f facility.ID) (out []string, err error) {
	err = b.db.Read(ctx, f, func(tx *store.Tx) error {
		return store.Each(ctx, tx, func(r *sql.Rows) error {
			var id string
			err := r.Scan(&id)
			out = append(out, id)
			return err
		}, "SELECT d.id FROM drill_drills d WHERE d.facility_id = $1 AND d.dirty > 0 ORDER BY d.id")
	})
	return out, err
}

func (b *Book) toJudge(ctx context.Context, f facility.ID, id string) (j *judged, err error) {
	fac, err := b.houses.Facility(ctx, f)
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
		j.facts.Egress, j.facts.Links = s.Egress, j.drill.links()
		if err := j.readHits(ctx, tx, id); err != nil {
			return err
		}
		return j.readTargets(ctx, tx, id)
	})
	return j, err
}

// heard is true for a recipient of whom something may have come; a decoy counts even when nothing did.
const heard = "(t.role <> 'staff' OR t.machine > 0 OR t.open_at > 0 OR t.url_at > 0 OR t.attach_at > 0 OR t.report_at > 0 OR t.reply_at > 0 OR t.lesson_at > 0 OR t.release_at > 0)"

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
			j.facts.Recipients[t.ID] = hit.Recipient{Accepted: t.AcceptedAt}
		}
	}
	for i := range j.targets {
		t := &j.targets[i]
		j.facts.Recipients[t.ID] = hit.Recipient{Accepted: t.AcceptedAt, Reported: t.First[Reported], Canary: t.Role == Canary}
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
		j.old = append(j.old, old)
		return nil
	}, "SELECT "+eventColumns+", coalesce(v.verdict, ''), coalesce(v.version, '') FROM drill_events e LEFT JOIN drill_verdicts v ON v.facility_id = e.facility_id AND v.event_id = e.id "+
		"WHERE e.facility_id = $1 AND e.drill_id = $2 ORDER BY e.at, e.id", id)
}

// judgedAs is the kind of arrival that the rules know: answers and receipts are buttons of the lesson's pages.
func judgedAs(s Signal) hit.Signal {
	if s == Answered || s == Read {
		return hit.Lesson
	}
	return hit.Signal(s)
}

// behind is what led to the page on which a recipient pressed or moved something; Confirm when nothing of the mail did, as after a feedback mail.
func (t *Target) behind() Signal {
	for _, s := range []Signal{Visited, Attached} {
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
			case Scanned:
				s = Visited
			case Confirm, Touched: // only who was on the page can press there
				if t := who[h.Recipient]; t != nil {
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
		if t.Machine == machine[t.ID] && t.ByPerson[Opened].Equal(p[Opened]) && t.ByPerson[Visited].Equal(p[Visited]) && t.ByPerson[Attached].Equal(p[Attached]) {
			continue
		}
		t.Machine, t.ByPerson = machine[t.ID], map[Signal]time.Time{Opened: p[Opened], Visited: p[Visited], Attached: p[Attached]}
		changed = append(changed, t)
	}
	for some := range slices.Chunk(changed, 400) {
		err := b.db.Write(ctx, f, func(tx *store.Tx) error {
			for _, t := range some {
				if _, err := tx.Exec(ctx, "UPDATE drill_targets SET open_person = $4, url_person = $5, attach_person = $6, machine = $7 WHERE facility_id = $1 AND drill_id = $2 AND id = $3",
					id, t.ID, store.Micros(t.ByPerson[Opened]), store.Micros(t.ByPerson[Visited]), store.Micros(t.ByPerson[Attached]), t.Machine); err != nil {
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

// FalseHits says how often the rules would have been wrong about the canaries of a drill.
func (b *Book) FalseHits(ctx context.Context, f facility.ID, id string) (hit.FalseHits, error) {
	j, err := b.toJudge(ctx, f, id)
	if err != nil {
		return hit.FalseHits{}, err
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
	e.At, e.Malformed, e.Detail = store.Time(at), c.Malformed, c.Detail
	if net != "" {
		e.Net, err = netip.ParseAddr(net)
	}
	return e, err
}
