package drill

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"kenshin/drill/hit"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/jp"
	"kenshin/store"
)

const targetColumns = `t.id, t.drill_id, t.person_id, t.address, t.surname, t.given, t.department, t.job, t.role, t.mail, t.begun_at, t.accepted_at,
	t.open_at, t.url_at, t.qr_at, t.attach_at, t.report_at, t.reply_at, t.lesson_at, t.release_at, t.open_person, t.url_person, t.qr_person, t.attach_person, t.machine`

func scanTarget(r interface{ Scan(...any) error }) (t Target, err error) {
	var begun, accepted, open, url, qr, attach, report, reply, lesson, release, openP, urlP, qrP, attachP int64
	err = r.Scan(&t.ID, &t.Drill, &t.Person, &t.Address, &t.Surname, &t.Given, &t.Department, &t.Job, &t.Role, &t.Mail, &begun, &accepted,
		&open, &url, &qr, &attach, &report, &reply, &lesson, &release, &openP, &urlP, &qrP, &attachP, &t.Machine)
	t.BegunAt, t.AcceptedAt = store.Time(begun), store.Time(accepted)
	t.First = happened(map[Signal]int64{Opened: open, Visited: url, Scanned: qr, Attached: attach, Reported: report, Replied: reply, Lesson: lesson, Released: release})
	t.ByPerson = happened(map[Signal]int64{Opened: openP, Visited: urlP, Scanned: qrP, Attached: attachP})
	return t, err
}

// happened keeps the times of what happened. Of most recipients of a long list nothing did, and they carry no map.
func happened(all map[Signal]int64) (out map[Signal]time.Time) {
	for s, at := range all {
		if at == 0 {
			continue
		}
		if out == nil {
			out = map[Signal]time.Time{}
		}
		out[s] = store.Time(at)
	}
	return out
}

func targets(ctx context.Context, tx *store.Tx, more string, args ...any) (out []Target, err error) {
	err = store.Each(ctx, tx, func(r *sql.Rows) error {
		t, err := scanTarget(r)
		out = append(out, t)
		return err
	}, "SELECT "+targetColumns+" FROM drill_targets t WHERE t.facility_id = $1 AND t.drill_id = $2"+more, args...)
	return out, err
}

// Shown is what a list of recipients is filtered by: what happened, or what did not.
type Shown string

const (
	ShowAll      Shown = ""
	ShowOpened   Shown = "open"
	ShowVisited  Shown = "url"
	ShowScanned  Shown = "qr"
	ShowAttached Shown = "attachment"
	ShowReported Shown = "report"
	ShowReplied  Shown = "reply"
	ShowLesson   Shown = "lesson"
	ShowReleased Shown = "release"
	ShowFell     Shown = "fell"    // followed the link or the QR code or opened the attachment, a person's
	ShowQuiet    Shown = "quiet"   // nothing is known of them: neither fell nor reported
	ShowMachine  Shown = "machine" // arrivals that are taken for a machine's
	ShowFailed   Shown = "failed"  // the mail was not delivered, or nobody knows
)

var shownWhere = map[Shown]string{
	ShowOpened: "t.open_at > 0", ShowVisited: "t.url_at > 0", ShowScanned: "t.qr_at > 0", ShowAttached: "t.attach_at > 0", ShowReported: "t.report_at > 0", ShowReplied: "t.reply_at > 0",
	ShowLesson: "t.lesson_at > 0", ShowReleased: "t.release_at > 0", ShowFell: "(t.url_person > 0 OR t.qr_person > 0 OR t.attach_person > 0)",
	ShowQuiet: "(t.url_person = 0 AND t.qr_person = 0 AND t.attach_person = 0 AND t.report_at = 0)", ShowMachine: "t.machine > 0",
	ShowFailed: "t.mail IN ('refused', 'unknown', 'bounced', 'skipped', 'deferred')",
}

// ShownKinds lists the filters in the order of screens.
func ShownKinds() []Shown {
	return []Shown{ShowAll, ShowReported, ShowFell, ShowQuiet, ShowOpened, ShowVisited, ShowScanned, ShowAttached, ShowReplied, ShowReleased, ShowLesson, ShowMachine, ShowFailed}
}

// TargetFilter picks recipients of a drill.
type TargetFilter struct {
	Show       []Shown // all of them must hold
	Department string
	Query      string // part of name or address, in any writing
	Canaries   bool   // only these; else none of these
	Offset     int
	Limit      int // 0 means 100, at most 50,000
}

// TargetPage is one page of recipients, in the order of their readings.
type TargetPage struct {
	Targets []Target
	Total   int
}

// Targets lists a drill's recipients.
func (b *Book) Targets(ctx context.Context, f facility.ID, id string, q TargetFilter) (page TargetPage, err error) {
	var w store.Where
	w.And("t.drill_id = ?", id)
	if q.Canaries {
		w.And("t.role = ?", string(Canary))
	} else {
		w.And("t.role = ?", string(Staff))
	}
	for _, s := range q.Show {
		if s == ShowAll {
			continue
		}
		cond, ok := shownWhere[s]
		if !ok {
			return page, fault.New(fault.Invalid, "この絞り込みはありません。", "There is no such filter.")
		}
		w.And(cond)
	}
	if q.Department != "" {
		w.And("t.department = ?", q.Department)
	}
	if q.Limit <= 0 || q.Limit > 50_000 {
		q.Limit = 100
	}
	err = b.db.Read(ctx, f, func(tx *store.Tx) error {
		page = TargetPage{}
		if q.Query != "" {
			return searched(ctx, tx, w, q, &page)
		}
		if err := tx.Row(ctx, "SELECT count(*) FROM drill_targets t WHERE t.facility_id = $1"+w.SQL(), w.Args...).Scan(&page.Total); err != nil {
			return err
		}
		limit, offset := w.Next(q.Limit), w.Next(max(q.Offset, 0))
		return store.Each(ctx, tx, func(r *sql.Rows) error {
			t, err := scanTarget(r)
			page.Targets = append(page.Targets, t)
			return err
		}, "SELECT "+targetColumns+" FROM drill_targets t WHERE t.facility_id = $1"+w.SQL()+" ORDER BY t.sort_key, t.id LIMIT "+limit+" OFFSET "+offset, w.Args...)
	})
	return page, err
}

// searched filters by a text in any writing, which neither engine can.
func searched(ctx context.Context, tx *store.Tx, w store.Where, q TargetFilter, page *TargetPage) error {
	return store.Each(ctx, tx, func(r *sql.Rows) error {
		t, err := scanTarget(r)
		if err != nil || !jp.Contains(t.Surname+t.Given+" "+t.Address, q.Query) {
			return err
		}
		if page.Total >= q.Offset && len(page.Targets) < q.Limit {
			page.Targets = append(page.Targets, t)
		}
		page.Total++
		return nil
	}, "SELECT "+targetColumns+" FROM drill_targets t WHERE t.facility_id = $1"+w.SQL()+" ORDER BY t.sort_key, t.id", w.Args...)
}

// Target returns one recipient with all arrivals, the oldest first.
func (b *Book) Target(ctx context.Context, f facility.ID, drill, id string) (t Target, events []Event, err error) {
	err = b.db.Read(ctx, f, func(tx *store.Tx) error {
		events = nil
		t, err = scanTarget(tx.Row(ctx, "SELECT "+targetColumns+" FROM drill_targets t WHERE t.facility_id = $1 AND t.drill_id = $2 AND t.id = $3", drill, id))
		if errors.Is(err, sql.ErrNoRows) {
			return fault.New(fault.NotFound, "この宛先はありません。", "There is no such recipient.")
		}
		if err != nil {
			return err
		}
		return store.Each(ctx, tx, func(r *sql.Rows) error {
			var reasons string
			e, err := scanEventReasons(r, &reasons)
			if err != nil {
				return err
			}
			events = append(events, e)
			return nil
		}, "SELECT "+eventColumns+", coalesce(v.verdict, ''), coalesce(v.reasons, '') FROM drill_events e LEFT JOIN drill_verdicts v ON v.facility_id = e.facility_id AND v.event_id = e.id "+
			"WHERE e.facility_id = $1 AND e.drill_id = $2 AND e.target_id = $3 ORDER BY e.at, e.id", drill, id)
	})
	return t, events, err
}

func scanEventReasons(r *sql.Rows, reasons *string) (Event, error) {
	var verdict string
	e, err := scanEvent(r, &verdict, reasons)
	if err != nil || *reasons == "" {
		return e, err
	}
	e.Verdict = verdict
	var list []hit.Reason
	if err := unmarshal(*reasons, &list); err != nil {
		return e, err
	}
	for _, x := range list {
		e.Reasons = append(e.Reasons, Reason{Rule: x.Rule, Says: x.Text()})
	}
	return e, nil
}

// History lists the drills that a person was in, the newest first.
func (b *Book) History(ctx context.Context, f facility.ID, person string) (out []Target, err error) {
	err = b.db.Read(ctx, f, func(tx *store.Tx) error {
		out = nil
		return store.Each(ctx, tx, func(r *sql.Rows) error {
			t, err := scanTarget(r)
			out = append(out, t)
			return err
		}, "SELECT "+targetColumns+" FROM drill_targets t WHERE t.facility_id = $1 AND t.person_id = $2 ORDER BY t.drill_id DESC", person)
	})
	return out, err
}

// moments returns when the recipients of a drill did what curves are drawn of, one entry for each that was reached, in no order. Nothing else is read: a page over
// 20,000 people waits for it.
func (b *Book) moments(ctx context.Context, f facility.ID, drill string) (out []Target, err error) {
	err = b.db.Read(ctx, f, func(tx *store.Tx) error {
		out = nil
		return store.Each(ctx, tx, func(r *sql.Rows) error {
			var accepted, report, url, qr, attach int64
			err := r.Scan(&accepted, &report, &url, &qr, &attach)
			t := Target{AcceptedAt: store.Time(accepted)}
			if report > 0 {
				t.First = map[Signal]time.Time{Reported: store.Time(report)}
			}
			if url > 0 || qr > 0 || attach > 0 {
				t.ByPerson = happened(map[Signal]int64{Visited: url, Scanned: qr, Attached: attach})
			}
			out = append(out, t)
			return err
		}, `SELECT t.accepted_at, t.report_at, t.url_person, t.qr_person, t.attach_person FROM drill_targets t
			WHERE t.facility_id = $1 AND t.drill_id = $2 AND t.role = 'staff' AND t.mail IN ('accepted', 'unknown')`, drill)
	})
	return out, err
}

// Progress counts a drill's mails by what became of them.
func (b *Book) Progress(ctx context.Context, f facility.ID, drill string) (map[Delivery]int, error) {
	out := map[Delivery]int{}
	err := b.db.Read(ctx, f, func(tx *store.Tx) error {
		clear(out)
		return store.Each(ctx, tx, func(r *sql.Rows) error {
			var m Delivery
			var n int
			err := r.Scan(&m, &n)
			out[m] = n
			return err
		}, "SELECT t.mail, count(*) FROM drill_targets t WHERE t.facility_id = $1 AND t.drill_id = $2 GROUP BY t.mail", drill)
	})
	return out, err
}
