package drill

import (
	"context"
	"database/sql"
	"slices"
	"strings"
	"time"

	"kenshin/drill/rate"
	"kenshin/facility"
	"kenshin/store"
)

// Totals add up what happened to some mails. Raw counts hold whatever arrived, Person counts what is taken for people; canaries are in neither.
type Totals struct {
	Day                       string `json:"day,omitempty"` // on which the drill's sending began; "" over several
	Department                string `json:"department,omitempty"`
	Drill                     string `json:"drill,omitempty"`
	Sent                      int    `json:"sent"`    // the relay took it
	Unknown                   int    `json:"unknown"` // given away, the answer was lost
	Failed                    int    `json:"failed"`  // refused, bounced or skipped
	OpenRaw, OpenPerson       int
	URLRaw, URLPerson         int
	QRRaw, QRPerson           int
	AttachRaw, AttachPerson   int
	Reported                  int
	ReportedFirst             int // before any click of their own
	Replied, Lesson, Released int
	Fell                      int  // followed the link or the QR code or opened the attachment, a person's; each recipient once
	Hidden                    bool // so few people that only the mails are counted: what they did would tell about single persons
}

// hide leaves the mails and takes away what happened to them.
func (t Totals) hide() Totals {
	return Totals{Day: t.Day, Department: t.Department, Drill: t.Drill, Sent: t.Sent, Unknown: t.Unknown, Failed: t.Failed, Hidden: true}
}

func (t *Totals) add(o Totals) {
	t.Sent, t.Unknown, t.Failed = t.Sent+o.Sent, t.Unknown+o.Unknown, t.Failed+o.Failed
	t.OpenRaw, t.OpenPerson, t.URLRaw, t.URLPerson = t.OpenRaw+o.OpenRaw, t.OpenPerson+o.OpenPerson, t.URLRaw+o.URLRaw, t.URLPerson+o.URLPerson
	t.QRRaw, t.QRPerson = t.QRRaw+o.QRRaw, t.QRPerson+o.QRPerson
	t.AttachRaw, t.AttachPerson, t.Reported, t.ReportedFirst = t.AttachRaw+o.AttachRaw, t.AttachPerson+o.AttachPerson, t.Reported+o.Reported, t.ReportedFirst+o.ReportedFirst
	t.Replied, t.Lesson, t.Released, t.Fell = t.Replied+o.Replied, t.Lesson+o.Lesson, t.Released+o.Released, t.Fell+o.Fell
}

// Reached is how many mails may have been read: the denominator of every rate.
func (t Totals) Reached() int { return t.Sent + t.Unknown }

func one(happened bool) int {
	if happened {
		return 1
	}
	return 0
}

// sumUp adds a judged drill's targets up by department. The whole drill stands under the day on which its sending began.
func sumUp(j *judged) []Totals {
	by := map[[2]string]*Totals{}
	day := ""
	if !j.drill.Started.IsZero() {
		day = j.drill.Started.In(j.zone).Format(time.DateOnly)
	}
	add := func(department string, what Totals, people int) {
		key := [2]string{day, department}
		if by[key] == nil {
			by[key] = &Totals{Day: day, Department: department, Drill: j.drill.ID}
		}
		for range people {
			by[key].add(what)
		}
	}
	for i := range j.targets {
		if t := &j.targets[i]; t.Role == Staff {
			add(t.Department, t.totals(j.drill.final()), 1)
		}
	}
	for _, q := range j.silent {
		silent := Target{Mail: q.mail}
		add(q.department, silent.totals(time.Time{}), q.people)
	}
	var out []Totals
	for _, t := range by {
		out = append(out, *t)
	}
	slices.SortFunc(out, func(a, b Totals) int { return strings.Compare(a.Day+"\x00"+a.Department, b.Day+"\x00"+b.Department) })
	return out
}

// final is when a drill's results became final; zero while they are not.
func (d Drill) final() time.Time {
	if d.State == Closed {
		return d.Ended
	}
	return time.Time{}
}

// Late reports whether something came after the results were final: it is kept, and counts no more.
func (d Drill) Late(at time.Time) bool { return !d.final().IsZero() && at.After(d.final()) }

// totals are a single recipient's, of what came until the drill's end.
func (t *Target) totals(end time.Time) (o Totals) {
	in := func(at time.Time) bool { return !at.IsZero() && (end.IsZero() || !at.After(end)) }
	has := func(s Signal) bool { return in(t.First[s]) }
	did := func(s Signal) bool { return in(t.ByPerson[s]) }
	switch t.Mail {
	case Accepted:
		o.Sent = 1
	case UnknownMail:
		o.Unknown = 1
	case Refused, Bounced, Skipped:
		o.Failed = 1
	}
	o.OpenRaw, o.OpenPerson, o.URLRaw, o.URLPerson = one(has(Opened)), one(did(Opened)), one(has(Visited)), one(did(Visited))
	o.QRRaw, o.QRPerson = one(has(Scanned)), one(did(Scanned))
	o.AttachRaw, o.AttachPerson = one(has(Attached)), one(did(Attached))
	o.Reported, o.Replied, o.Lesson, o.Released = one(has(Reported)), one(has(Replied)), one(!t.First[Lesson].IsZero()), one(has(Released)) // the feedback mail's lesson comes after the end
	o.Fell = one(did(Visited) || did(Scanned) || did(Attached))
	fell := t.Fell() // one after the end is later than any report that counts
	o.ReportedFirst = one(has(Reported) && (fell.IsZero() || t.First[Reported].Before(fell)))
	return o
}

const totalSums = `sum(t.sent), sum(t.unknown), sum(t.failed), sum(t.open_raw), sum(t.open_person), sum(t.url_raw), sum(t.url_person), sum(t.attach_raw), sum(t.attach_person),
	sum(t.reported), sum(t.first), sum(t.replied), sum(t.lesson), sum(t.released), sum(t.fell), sum(t.qr_raw), sum(t.qr_person)`

func (t *Totals) fields() []any {
	return []any{&t.Sent, &t.Unknown, &t.Failed, &t.OpenRaw, &t.OpenPerson, &t.URLRaw, &t.URLPerson, &t.AttachRaw, &t.AttachPerson, &t.Reported, &t.ReportedFirst,
		&t.Replied, &t.Lesson, &t.Released, &t.Fell, &t.QRRaw, &t.QRPerson}
}

func (t Totals) insert(ctx context.Context, tx *store.Tx, drill string) error {
	_, err := tx.Exec(ctx, `INSERT INTO drill_totals (facility_id, day, drill_id, department, sent, unknown, failed, open_raw, open_person, url_raw, url_person, attach_raw,
		attach_person, reported, first, replied, lesson, released, fell, qr_raw, qr_person) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)`,
		t.Day, drill, t.Department, t.Sent, t.Unknown, t.Failed, t.OpenRaw, t.OpenPerson, t.URLRaw, t.URLPerson, t.AttachRaw, t.AttachPerson, t.Reported, t.ReportedFirst,
		t.Replied, t.Lesson, t.Released, t.Fell, t.QRRaw, t.QRPerson)
	return err
}

// Period picks whole drills by the day on which their sending began, both days included ("2026-11-27"; "" is open), or one drill ("": all but courses).
type Period struct {
	From, To string
	Drill    string
	Brief    bool // of a Story: without what recipients are read for one by one
}

// Sums are the totals of a period. Whatever periods are chosen and subtracted from each other, what is left is made of groups of at least
// rate.Smallest people of one drill: a drill counts whole or not at all, one of fewer people in no sum, and a department only with those drills in which
// neither it nor the rest of the hospital is too small.
type Sums struct {
	All          Totals
	ByDepartment []Totals // Hidden where no drill may show the department
	ByDrill      []Totals
	ByDay        []Totals
	Few          int // drills of so few people that they are in no sum
}

// Totals adds a period up.
func (b *Book) Totals(ctx context.Context, f facility.ID, p Period) (s Sums, err error) {
	var w store.Where
	if p.From != "" {
		w.And("t.day >= ?", p.From)
	}
	if p.To != "" {
		w.And("t.day <= ?", p.To)
	}
	if p.Drill != "" {
		w.And("t.drill_id = ?", p.Drill)
	} else {
		w.And("d.mode <> ?", string(Course))
	}
	byDrill := map[string][]Totals{}
	err = b.db.Read(ctx, f, func(tx *store.Tx) error {
		clear(byDrill)
		return store.Each(ctx, tx, func(r *sql.Rows) error {
			var t Totals
			err := r.Scan(append([]any{&t.Day, &t.Drill, &t.Department}, t.fields()...)...)
			byDrill[t.Drill] = append(byDrill[t.Drill], t)
			return err
		}, "SELECT min(t.day), t.drill_id, t.department, "+totalSums+" FROM drill_totals t JOIN drill_drills d ON d.facility_id = t.facility_id AND d.id = t.drill_id "+
			"WHERE t.facility_id = $1"+w.SQL()+" GROUP BY t.drill_id, t.department ORDER BY t.drill_id, t.department", w.Args...)
	})
	return addUp(byDrill, p.Drill != ""), err
}

// addUp adds drills up, given by department; of a single one that is too small the mails are told.
func addUp(byDrill map[string][]Totals, single bool) (s Sums) {
	shown, hidden, day := map[string]*Totals{}, map[string]*Totals{}, map[string]*Totals{}
	for _, id := range sortedKeys(byDrill) {
		cells := byDrill[id]
		whole := Totals{Drill: id}
		parts := make([]rate.Rate, len(cells))
		for i, t := range cells {
			whole.add(t)
			parts[i].Of = t.Reached()
		}
		if few := whole.Reached() < rate.Smallest; few {
			whole = whole.hide()
			s.Few++
			s.ByDrill = append(s.ByDrill, whole)
			if single {
				s.All = whole
				s.All.Drill = ""
			}
			for _, t := range cells {
				into(hidden, t.Department, Totals{Department: t.Department}, t)
			}
			continue
		}
		s.All.add(whole)
		s.ByDrill = append(s.ByDrill, whole)
		into(day, cells[0].Day, Totals{Day: cells[0].Day}, whole)
		for i, hide := range rate.Hidden(parts) {
			to := shown
			if hide || parts[i].Of == 0 {
				to = hidden
			}
			into(to, cells[i].Department, Totals{Department: cells[i].Department}, cells[i])
		}
	}
	for _, name := range sortedKeys(hidden) {
		if shown[name] == nil {
			t := hidden[name].hide()
			shown[name] = &t
		}
	}
	s.ByDepartment, s.ByDay = flat(shown), flat(day)
	return s
}

func into(m map[string]*Totals, key string, fresh, t Totals) {
	if m[key] == nil {
		m[key] = &fresh
	}
	m[key].add(t)
}

func flat(m map[string]*Totals) (out []Totals) {
	for _, k := range sortedKeys(m) {
		out = append(out, *m[k])
	}
	return out
}
