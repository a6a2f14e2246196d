package drill

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"kenshin/account"
	"kenshin/actor"
	"kenshin/drill/calendar"
	"kenshin/drill/domain"
	"kenshin/drill/preflight"
	"kenshin/facility"
	"kenshin/internal/dbtest"
	"kenshin/internal/mailtest"
	"kenshin/seal"
	"kenshin/store"
)

type houses struct{}

func (houses) Facility(_ context.Context, id facility.ID) (account.Facility, error) {
	return account.Facility{ID: id, Name: "見本病院", Zone: "Asia/Tokyo"}, nil
}

var (
	trainer  = actor.Actor{Kind: actor.Person, ID: "p-trainer", Name: "訓練 花子", Role: actor.Trainer}
	director = actor.Actor{Kind: actor.Person, ID: "p-director", Name: "院長 太郎", Role: actor.Director}
)

// rig is a hospital with a verified domain, a relay that keeps what it gets, and some staff.
type rig struct {
	*Book
	t    *testing.T
	sink *mailtest.Sink
	f    facility.ID
	now  time.Time
}

func as(ctx context.Context, a actor.Actor) context.Context { return actor.With(ctx, a) }

func newRig(t *testing.T, db *store.DB, staff int, rules ...mailtest.Rule) *rig {
	t.Helper()
	r := &rig{t: t, sink: mailtest.Start(t, rules...), f: dbtest.Facility}
	r.Book = New(db, seal.NewBox(), houses{}, time.Now, slog.New(slog.DiscardHandler))
	ctx := as(t.Context(), trainer)
	s := DefaultSettings()
	s.Domain, s.Base, s.Contact = "training.example.jp", "https://drill.example.jp", "情報システム室 内線1234"
	s.Hours = calendar.Calendar{Weekdays: []time.Weekday{0, 1, 2, 3, 4, 5, 6}, Hours: []calendar.Window{{From: calendar.At(0, 0), To: calendar.At(24, 0)}}, Holidays: true}
	s.Relay = RelaySettings{Kind: "smtp", Host: "127.0.0.1", Port: r.sink.Port(), Security: "none"}
	r.must(r.SaveSettings(ctx, r.f, s, Secrets{}))
	r.verify("hospital.example.jp")
	var people []Person
	for i := range staff {
		people = append(people, Person{Address: fmt.Sprintf("staff%05d@hospital.example.jp", i), Surname: "髙﨑", Given: fmt.Sprintf("花子%d", i), Department: []string{"看護部", "薬剤部", "医事課"}[i%3]})
	}
	_, _, err := r.SavePeople(ctx, r.f, people, false)
	r.must(err)
	return r
}

func (r *rig) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// verify proves a domain as its DNS record would.
func (r *rig) verify(name string) {
	r.t.Helper()
	n, err := domain.Parse(name)
	r.must(err)
	v := domain.Verification{Domain: n, Method: domain.DNS, Code: "x", Asked: r.Book.now().Add(-time.Hour), Proven: r.Book.now().Add(-time.Minute)}
	r.must(r.db.Write(r.t.Context(), r.f, func(tx *store.Tx) error { return r.putDomain(r.t.Context(), tx, v) }))
}

// green puts a preflight of exactly this mail into the book.
func (r *rig) green(d Drill) {
	r.t.Helper()
	s, err := r.Settings(r.t.Context(), r.f)
	r.must(err)
	p, err := mailPrint(&d, s)
	r.must(err)
	fl := Flight{Print: p}
	for _, c := range preflight.Checks() {
		fl.Outcomes = append(fl.Outcomes, preflight.Outcome{Check: c.ID, At: r.Book.now(), Result: preflight.Result{State: preflight.OK}})
	}
	r.must(r.db.Write(r.t.Context(), r.f, func(tx *store.Tx) error { return r.putFlight(r.t.Context(), tx, d.ID, &fl) }))
}

func mailOf() Mail {
	return Mail{FromName: "ひばり宅配便", FromLocal: "info", Subject: "お荷物のお届けについて", Text: "{{氏名}} 様\n\n{{部署}}あてのお荷物を持ち帰りました。\n{{リンク}}\n",
		HTML: `<p>{{氏名}} 様</p><p>お荷物を持ち帰りました。</p><p><a href="{{リンク}}">再配達を申し込む</a></p>`, Link: true, Landing: "parcel"}
}

// approved is a drill that two persons have let go.
func (r *rig) approved(rate float64) Drill {
	r.t.Helper()
	ctx := as(r.t.Context(), trainer)
	d, err := r.Save(ctx, r.f, Drill{Name: "秋の訓練", Mail: mailOf(), Schedule: Schedule{Rate: rate}})
	r.must(err)
	r.green(d)
	d, err = r.Submit(ctx, r.f, d.ID)
	r.must(err)
	d, err = r.Approve(as(r.t.Context(), director), r.f, d.ID, d.Hash)
	r.must(err)
	return d
}

// sendAll lets the sender work until nothing is due, or for a while.
func (r *rig) sendAll(most time.Duration) {
	r.t.Helper()
	for end := time.Now().Add(most); time.Now().Before(end); {
		again, err := r.Send(r.t.Context(), r.f, r.OpenLine, end)
		if err != nil {
			r.t.Log(err)
		}
		if again.IsZero() && err == nil {
			return
		}
		time.Sleep(min(max(0, time.Until(again)), 200*time.Millisecond))
	}
}
