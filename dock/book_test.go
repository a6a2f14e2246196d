package dock_test

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"kenshin/account"
	"kenshin/actor"
	"kenshin/assess"
	"kenshin/assess/inquiry"
	"kenshin/assess/plan"
	"kenshin/catalogue"
	"kenshin/dock"
	"kenshin/evidence"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/finding"
	"kenshin/gate"
	"kenshin/i18n"
	"kenshin/internal/dbtest"
	"kenshin/ledger"
	"kenshin/register"
	"kenshin/seal"
	"kenshin/store"
	"kenshin/supplier"
)

type houses struct{}

func (houses) Facility(_ context.Context, id facility.ID) (account.Facility, error) {
	return account.Facility{ID: id, Name: "髙﨑①㈱記念病院", Zone: "Asia/Tokyo", Beds: 120}, nil
}

// rig is a hospital with a ledger, a checklist that can be answered, and evidence.
type rig struct {
	*dock.Book
	t        *testing.T
	db       *store.DB
	f        facility.ID
	now      time.Time
	editions *catalogue.Editions
	o        dock.Options
}

func (r *rig) ctx() context.Context {
	return actor.With(r.t.Context(), actor.Actor{Kind: actor.Person, ID: "p", Name: "髙﨑 花子", Role: actor.Admin})
}

func newRig(t *testing.T, db *store.DB) *rig {
	t.Helper()
	r := &rig{t: t, db: db, f: dbtest.Facility, now: time.Date(2025, 11, 20, 1, 0, 0, 0, time.UTC)}
	now := func() time.Time { return r.now }
	r.editions = catalogue.NewEditions(db)
	sets := func(ctx context.Context, _ facility.ID) (catalogue.Set, error) { return r.editions.Set(ctx) }
	r.o = dock.Options{Box: seal.NewBox(), Houses: houses{}, Catalogues: sets, Version: r.editions.Version, Evidence: evidence.New(db, now), Findings: finding.New(db, now),
		Ledger: ledger.Open(db, ledger.Options{Now: now}), Suppliers: supplier.New(db, now), Gates: gate.NewBook(db, seal.NewBox(), now), Registers: register.New(db, now), Now: now}
	var err error
	r.o.Assess, err = assess.NewBook(db, assess.Options{Catalogues: sets, Evidence: r.o.Evidence, Findings: r.o.Findings, Ledger: r.o.Ledger, Suppliers: r.o.Suppliers, Now: now})
	r.must(err)
	r.o.Plans = plan.New(db, plan.Options{Ledger: r.o.Ledger, Suppliers: r.o.Suppliers, Findings: r.o.Findings, Registers: r.o.Registers, Gates: r.o.Gates, Catalogues: sets, Now: now})
	r.o.Inquiries = inquiry.NewBook(inquiry.Deps{DB: db, Catalogues: r.editions.Set, Houses: houses{}, Ledger: r.o.Ledger, Suppliers: r.o.Suppliers, Findings: r.o.Findings, Now: now})
	r.Book = dock.New(db, r.o)
	return r
}

func (r *rig) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

const checklist = "checklist-r7-facility"

func (r *rig) claim(item string, reply catalogue.Reply, excuse string) {
	r.t.Helper()
	r.answer(item, reply, time.Date(2025, 11, 18, 0, 0, 0, 0, time.UTC), excuse)
}

func (r *rig) claimOn(item string, reply catalogue.Reply, on time.Time) {
	r.t.Helper()
	r.answer(item, reply, on, "")
}

func (r *rig) answer(item string, reply catalogue.Reply, on time.Time, excuse string) {
	r.t.Helper()
	a, err := r.o.Assess.Assessment(r.ctx(), r.f, checklist, "")
	r.must(err)
	x, _ := a.Item(item)
	c := assess.Claim{Reply: reply, On: on}
	if reply == catalogue.No {
		c.Target = time.Date(2026, 2, 27, 0, 0, 0, 0, time.UTC)
	}
	_, err = r.o.Assess.SaveClaim(r.ctx(), r.f, checklist, "", item, x.Revision, c, "", excuse)
	r.must(err)
}

func (r *rig) measure(check string, o evidence.Outcome, n, of int) {
	r.t.Helper()
	r.must(r.db.Write(r.ctx(), r.f, func(tx *store.Tx) error {
		_, err := r.o.Evidence.Record(r.ctx(), tx, evidence.Record{Check: check, Version: 1, Outcome: o, Measured: n, Of: of, At: r.now, Until: r.now.AddDate(0, 0, 30),
			Says: i18n.Text{Ja: "見えた460台のうち" + string(o), En: string(o)}})
		return err
	}))
}

// unclaimed is a contradiction that ended because nobody claims any more what was contradicted.
func (r *rig) unclaimed() {
	r.t.Helper()
	x := finding.Result{Check: assess.Contradiction, Version: "1", Part: "checklist-r7-facility//r7.2.1", Outcome: finding.Found, Severity: finding.High, Text: finding.Text{Title: i18n.Text{Ja: "食い違い"}}}
	r.must(r.db.Write(r.ctx(), r.f, func(tx *store.Tx) error {
		if _, err := r.o.Findings.Note(r.ctx(), tx, x, ""); err != nil {
			return err
		}
		x.Outcome = finding.Dropped
		_, err := r.o.Findings.Note(r.ctx(), tx, x, "答えが「はい」ではなくなりました")
		return err
	}))
}

func (r *rig) freeze() dock.Entry {
	r.t.Helper()
	e, err := r.Freeze(r.ctx(), r.f, dock.Want{})
	r.must(err)
	return e
}

func (r *rig) file(id string) []byte {
	r.t.Helper()
	s, err := r.File(r.ctx(), r.f, id)
	r.must(err)
	b, err := s.File()
	r.must(err)
	return b
}

func TestFreezeAndVerify(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		r := newRig(t, db)
		_, err := r.o.Ledger.SaveSystem(r.ctx(), r.f, ledger.System{Name: "電子カルテ", Vendor: "見本システム"})
		r.must(err)
		r.claim("r7.2.1", catalogue.Yes, "")
		r.claim("r7.3.3", catalogue.No, "")
		r.measure("ledger-coverage", evidence.Pass, 460, 460)
		r.measure("ledger-fresh", evidence.Fail, 460, 460)
		first := r.freeze()
		d, err := r.Get(r.ctx(), r.f, first.ID)
		r.must(err)
		list, ok := d.Snapshot.Checklist()
		if !ok || d.Number != 1 || d.Day != "2025-11-20" || d.Snapshot.Year != 2025 || len(list.Items) < 15 || len(d.Snapshot.Vendors()) != 1 || d.Snapshot.Vendors()[0].Vendor != "見本システム" {
			t.Fatalf("%+v", d.Entry)
		}
		for _, i := range list.Items {
			switch i.ID {
			case "r7.2.1":
				if i.State != "contradicted" || len(i.Proofs) != 2 || i.Measured != 460 || i.On != "2025-11-18" || i.By != "髙﨑 花子" || len(i.Line) == 0 {
					t.Errorf("%+v", i)
				}
			case "r7.3.3":
				if i.State != "not-done" || i.Target != "2026-02-27" {
					t.Errorf("%+v", i)
				}
			}
		}
		if len(d.Snapshot.Grades) != 9 || d.Snapshot.Grades[2].Evidence != dock.E && d.Snapshot.Grades[2].Evidence != dock.D {
			t.Errorf("%+v", d.Snapshot.Grades)
		}
		r.now = r.now.AddDate(0, 0, 1)
		r.claim("r7.1.1", catalogue.Yes, "")
		r.unclaimed()
		second := r.freeze()
		if d, err := r.Get(r.ctx(), r.f, second.ID); err != nil || d.Snapshot.Work.Opened != 1 || d.Snapshot.Work.Fixed != 0 || len(d.Snapshot.Work.Open) != 0 {
			t.Errorf("an answer that was taken back counts as something put right: %+v %v", d.Snapshot.Work, err)
		}

		key, err := r.Key(r.ctx(), r.f)
		r.must(err)
		v, err := dock.Verify(r.file(second.ID), key)
		r.must(err)
		if v.Previous != first.Hash || v.Number != 2 || v.Snapshot.Facility.Name != "髙﨑①㈱記念病院" {
			t.Errorf("%+v", v.Seal)
		}
		rep, err := r.Check(r.ctx(), r.f, r.file(first.ID))
		r.must(err)
		if !rep.OK() || !rep.Kept || rep.Chain != 2 || len(rep.Texts) != 3 || !rep.Texts[0].Here {
			t.Errorf("%+v", rep.Problems)
		}
		r.must(r.Approve(r.ctx(), r.f, second.ID, "承知した"))
		if err := r.Approve(r.ctx(), r.f, second.ID, "もう一度"); !fault.Is(err, fault.Conflict) {
			t.Errorf("approved twice: %v", err)
		}
		all, err := r.List(r.ctx(), r.f)
		r.must(err)
		if len(all) != 2 || all[0].Approval == nil || all[0].Approval.Note != "承知した" || all[1].Approval != nil {
			t.Errorf("%+v", all)
		}
	})
}

// What is altered on the way is found, whatever it is; what only looks different is not.
func TestTamperingIsFound(t *testing.T) {
	r := newRig(t, dbtest.SQLite(t))
	r.claim("r7.2.1", catalogue.No, "")
	r.freeze()
	r.now = r.now.AddDate(0, 0, 1)
	e := r.freeze()
	file := r.file(e.ID)
	key, err := r.Key(r.ctx(), r.f)
	r.must(err)

	var pretty bytes.Buffer
	r.must(json.Indent(&pretty, file, "", "  "))
	if _, err := dock.Verify([]byte("\uFEFF"+strings.ReplaceAll(pretty.String(), "\n", "\r\n")), key); err != nil {
		t.Errorf("white space is no tampering: %v", err)
	}
	edit := func(from, to string) []byte {
		if !bytes.Contains(file, []byte(from)) {
			t.Fatalf("the file has no %s", from)
		}
		return bytes.Replace(file, []byte(from), []byte(to), 1)
	}
	for name, bad := range map[string][]byte{
		"an answer":                   edit(`"reply":"no"`, `"reply":"yes"`),
		"a state":                     edit(`"state":"not-done"`, `"state":"proven"`),
		"one kanji":                   edit("髙﨑①", "高﨑①"),
		"the chain":                   edit(`"previous":"`, `"previous":"A`),
		"a field that stands twice":   edit(`"reply":"no"`, `"reply":"yes","reply":"no"`),
		"the seal's number":           edit(`\n2\n`, `\n3\n`),
		"the schema":                  edit(`"kenshin.dock/1","body"`, `"kenshin.pack/1","body"`),
		"a file cut off":              file[:len(file)/2],
		"no JSON":                     []byte("%PDF-1.7"),
		"another kind of note":        edit("kenshin-dock-1/", "kenshin-pack-1/"),
		"something behind the end":    append(bytes.Clone(file), '{'),
		"the body of the dock before": bytes.Replace(file, body(t, file), body(t, r.file(first(t, r))), 1),
	} {
		if _, err := dock.Verify(bad, key); err == nil || fault.Sentence(err, "ja") == "" {
			t.Errorf("%s was altered, and the file verifies", name)
		}
	}
	other := newRig(t, dbtest.SQLite(t))
	foreign, err := other.Key(other.ctx(), other.f)
	r.must(err)
	if _, err := dock.Verify(file, foreign); !fault.Is(err, fault.Conflict) {
		t.Errorf("another facility's key: %v", err)
	}
	if _, err := dock.Verify(file, "what is this"); !fault.Is(err, fault.Invalid) {
		t.Errorf("no key: %v", err)
	}
	if _, err := r.db.Writer().Exec("UPDATE dock_docks SET body = replace(body, 'not-done', 'proven')"); err == nil {
		t.Error("the database lets a dock be rewritten")
	}
	if _, err := r.db.Writer().Exec("DROP TRIGGER dock_docks_stay; DELETE FROM dock_docks WHERE number = 1"); err != nil {
		t.Fatal(err)
	}
	rep, err := r.Check(r.ctx(), r.f, file)
	r.must(err)
	if rep.OK() || !rep.Kept {
		t.Errorf("a dock is missing and nobody says so: %+v", rep.Problems)
	}
}

func first(t *testing.T, r *rig) string {
	t.Helper()
	all, err := r.List(r.ctx(), r.f)
	r.must(err)
	return all[len(all)-1].ID
}

func body(t *testing.T, file []byte) []byte {
	t.Helper()
	var s dock.Sealed
	if err := json.Unmarshal(file, &s); err != nil {
		t.Fatal(err)
	}
	return s.Body
}

// A check-up of an older edition still verifies after a later text was loaded, and says which text it was answered from.
func TestAnOlderEditionStillVerifies(t *testing.T) {
	r := newRig(t, dbtest.SQLite(t))
	r.claim("r7.2.1", catalogue.No, "")
	old := r.freeze()
	set, err := r.editions.Set(r.ctx())
	r.must(err)
	c, _ := set.Find(checklist)
	i, _ := c.Item("r7.2.1")
	a := i.Amended()
	a.Title.Ja = "サーバ、端末PC、ネットワーク機器の台帳管理を行っている（改）。"
	file, err := r.editions.Amend(r.ctx(), checklist, c.SHA256, "r7.2.1", a)
	r.must(err)
	r.must(r.editions.Keep(r.ctx(), file))
	r.now = r.now.AddDate(1, 0, 0)
	next := r.freeze()
	rep, err := r.CheckKept(r.ctx(), r.f, old.ID)
	r.must(err)
	if !rep.OK() || rep.Texts[0].SHA256 != c.SHA256 || !rep.Texts[0].Here {
		t.Errorf("%+v %+v", rep.Problems, rep.Texts)
	}
	d, err := r.Get(r.ctx(), r.f, next.ID)
	r.must(err)
	list, _ := d.Snapshot.Checklist()
	if list.SHA256 == c.SHA256 || d.Snapshot.Year != 2026 {
		t.Error("the later text is not in force")
	}
	before, err := r.Before(r.ctx(), r.f, d.Number, 3)
	r.must(err)
	for _, b := range dock.Compare(list, &before[0].Snapshot) {
		if b.Moved == dock.Fresh {
			t.Errorf("%s is compared with nothing", b.Item.ID)
		}
	}
}

func FuzzVerify(f *testing.F) {
	f.Add([]byte(`{"schema":"kenshin.dock/1","body":{"a":[1,2,{"b":null}]},"seal":"x"}`))
	f.Add([]byte(`{"schema":"kenshin.pack/1","body":{},"seal":"kenshin-pack-1/f\n1\nx\nprevious \nat 2025-01-01T00:00:00Z\n\n— k AAAA\n"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := dock.Verify(b, "kenshin-trail-x+d4c1b64a+AZwFcWjfUDRwQv7hKC9ZyX7ZLkz0vY7p8Yv3Qq3h0l3x"); err == nil {
			t.Error("verified with a key that nobody has")
		}
		c, err := dock.Canonical(b)
		if err != nil {
			return
		}
		again, err := dock.Canonical(c)
		if err != nil || !bytes.Equal(c, again) {
			t.Errorf("canonical is not canonical: %q, then %q (%v)", c, again, err)
		}
	})
}
