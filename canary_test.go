package kenshin_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"kenshin/account"
	"kenshin/actor"
	"kenshin/assess"
	"kenshin/assess/inquiry"
	"kenshin/assess/plan"
	"kenshin/blob"
	"kenshin/catalogue"
	"kenshin/checkup"
	"kenshin/dock"
	"kenshin/drill"
	"kenshin/event"
	"kenshin/evidence"
	"kenshin/facility"
	"kenshin/finding"
	"kenshin/gate"
	"kenshin/i18n"
	"kenshin/identify"
	"kenshin/internal/dbtest"
	"kenshin/job"
	"kenshin/ledger"
	"kenshin/ledger/sheet"
	"kenshin/netid"
	"kenshin/observation"
	"kenshin/paper"
	"kenshin/register"
	"kenshin/seal"
	"kenshin/store"
	"kenshin/supplier"
	"kenshin/trail"
)

const canary = "canary7f3a"

// TestCanary calls every exported method of every domain that takes a facility or its transaction, on behalf of one facility, with the ids of
// another one (the canary) as arguments: nothing of the canary may come back, and nothing of it may change.
func TestCanary(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		h := seedCanary(t, db)
		before := dump(t, db, dbtest.Canary)
		if len(before) < 12 {
			t.Fatalf("the canary lives in %d tables only: seed more of it", len(before))
		}
		ids := idsIn(before)
		called := 0
		for _, o := range h.objects {
			called += h.callAll(t, db, o, ids)
		}
		if called < 90 {
			t.Errorf("only %d methods were called: the test no longer finds them", called)
		}
		after := dump(t, db, dbtest.Canary)
		for table, rows := range before {
			if rows != after[table] {
				t.Errorf("%s: rows of another facility were changed\nbefore %.400s\nafter  %.400s", table, rows, after[table])
			}
		}
	})
}

// nest tells facilities apart by their id alone.
type nest struct{}

func (nest) Facility(_ context.Context, id facility.ID) (account.Facility, error) {
	return account.Facility{ID: id, Name: string(id), Zone: "Asia/Tokyo"}, nil
}

type aviary struct{ objects []any }

func seedCanary(t *testing.T, db *store.DB) aviary {
	t.Helper()
	ctx := actor.With(t.Context(), actor.Actor{Kind: actor.Person, ID: canary, Name: canary, Role: actor.Admin})
	f := dbtest.Canary
	rules, err := identify.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	box := seal.NewBox()
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	book := ledger.Open(db, ledger.Options{})
	findings, seen, desk := finding.New(db, time.Now), observation.New(db), sheet.New(db, book)
	jobs, err := job.New(db, job.Settings{Log: log})
	if err != nil {
		t.Fatal(err)
	}
	jobs.Handle("canary", job.Options{}, func(context.Context, *job.Run) (job.Next, error) { return job.Done, nil })
	people, err := account.New(db, box, account.Options{Cost: account.Cost{Passes: 1, Memory: 64, Threads: 1}})
	if err != nil {
		t.Fatal(err)
	}
	gates, suppliers := gate.NewBook(db, box, time.Now), supplier.New(db, time.Now)
	c := &checkup.Checkup{DB: db, Gate: gate.New(gate.Config{}), Seen: seen, Ledger: book, Findings: findings, Identify: rules, Sensor: "local", Now: time.Now, Log: log}
	t.Cleanup(func() { c.Gate.Close() })
	mac, _ := netid.ParseMAC("00:11:22:33:44:55")
	obs := []observation.Observation{}
	for signal, value := range map[observation.Signal]string{observation.ARP: "10.9.9.9", observation.SNMPName: canary, observation.TelnetBanner: canary, observation.Asked: "complete"} {
		obs = append(obs, observation.Observation{MAC: mac, IP: netip.MustParseAddr("10.9.9.9"), Signal: signal, Value: value, Raw: []byte(canary), At: time.Now()})
	}
	must := func(what string, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	owners, err := c.Ingest(ctx, f, obs)
	must("ingest", err)
	var device netid.DeviceID
	for _, id := range owners {
		device = id
	}
	second, err := book.Add(ctx, f, ledger.Word{Name: canary, Number: canary, Notes: canary}, ledger.Registered, canary)
	must("add", err)
	system, err := book.SaveSystem(ctx, f, ledger.System{Name: canary, Devices: []netid.DeviceID{device}})
	must("system", err)
	_, err = book.Merge(ctx, f, device, second.ID, canary)
	must("merge", err)
	vendor, err := suppliers.Save(ctx, f, supplier.Supplier{Name: canary})
	must("supplier", err)
	seg, err := gates.Propose(ctx, f, gate.Segment{Name: canary, Prefix: netip.MustParsePrefix("10.9.9.0/24"), Interface: "eth9", SNMP: []gate.SNMP{{Community: canary}}})
	must("segment", err)
	must("approve", gates.Approve(ctx, f, seg))
	_, err = gates.Unlock(ctx, f, gate.Unlock{HostKey: gate.HostKey{MAC: mac}, Until: time.Now().Add(time.Hour), Reason: canary}, device)
	must("unlock", err)
	_, err = gates.Say(ctx, f, gate.HostKey{MAC: mac}, device, gate.SaidNeverTouch, canary)
	must("say", err)
	must("kill", gates.Kill(ctx, f, canary))
	must("sent", gates.Record(ctx, f, []gate.SentRow{{Segment: seg, Host: netip.MustParseAddr("10.9.9.9"), Frame: gate.ARPRequest, Hour: time.Now().Truncate(time.Hour), Frames: 1}}))
	kept, err := blob.Put(ctx, db, f, canary, strings.NewReader(canary))
	must("blob", err)
	for _, owner := range []string{string(device), system.ID} {
		_, err = book.Attach(ctx, f, blob.Attachment{Owner: owner, File: kept.ID, Name: canary})
		must("attach", err)
	}
	_, err = suppliers.Attach(ctx, f, blob.Attachment{Owner: vendor.ID, File: kept.ID, Name: canary})
	must("attach to a vendor", err)
	must("job", db.Write(ctx, f, func(tx *store.Tx) error {
		if _, err := jobs.Enqueue(ctx, tx, "canary", canary, job.Request{}); err != nil {
			return err
		}
		_, err := trail.Append(ctx, tx, trail.Entry{Action: "canary.add", Detail: canary})
		return err
	}))
	csv := []byte("管理番号,名称\n" + canary + "," + canary + "2\n")
	file, err := paper.Open(bytes.NewReader(csv), int64(len(csv)), "x.csv")
	must("csv", err)
	sh, mapping, err := sheet.Best(file)
	must("guess", err)
	drills := drill.New(db, box, people, time.Now, log)
	_, err = drills.AskDomain(ctx, f, "canary.example.jp", "")
	must("domain", err)
	_, _, err = drills.SavePeople(ctx, f, []drill.Person{{Address: canary + "@canary.example.jp", Surname: canary}}, false)
	must("recipients", err)
	_, err = drills.Save(ctx, f, drill.Drill{Name: canary, Mail: drill.Mail{FromName: canary, FromLocal: "info", Subject: canary, Text: canary + " {{リンク}}", Link: true}})
	must("drill", err)
	story, err := os.ReadFile("docs/guide/example-scenario.yaml")
	must("the guide's scenario", err)
	_, err = drills.AddScenarios(ctx, f, strings.NewReader(strings.Replace(string(story), "来週の献立を載せました。", canary, 1)))
	must("scenario", err)
	proofs := evidence.New(db, time.Now)
	must("evidence", db.Write(ctx, f, func(tx *store.Tx) error {
		_, err := proofs.Record(ctx, tx, evidence.Record{Check: "ledger-coverage", Version: 1, Outcome: evidence.Fail, Measured: 1, Of: 1, At: time.Now(), Until: time.Now().Add(time.Hour), Says: i18n.Text{Ja: canary, En: canary}})
		return err
	}))
	shipped, err := catalogue.Embedded()
	must("catalogues", err)
	answers, err := assess.NewBook(db, assess.Options{Evidence: proofs, Findings: findings, Ledger: book, Suppliers: suppliers, Now: time.Now,
		Catalogues: func(context.Context, facility.ID) (catalogue.Set, error) { return shipped, nil }})
	must("assess", err)
	_, err = answers.SaveClaim(ctx, f, "checklist-r7-facility", "", "r7.2.1", 0, assess.Claim{Reply: catalogue.Unknown}, canary, canary)
	must("answer", err)
	_, err = answers.Ask(ctx, f, assess.Question{Catalogue: "checklist-r7-facility", Item: "r7.2.1", To: assess.ToSupport, Text: canary})
	must("question", err)
	registers := register.New(db, time.Now)
	row, err := registers.Save(ctx, f, register.Row{Kind: "officer", Owner: canary, Values: map[string]string{"name": canary, "role": "officer", "appointed": "2026-04-01"}})
	must("register", err)
	_, err = registers.Attach(ctx, f, blob.Attachment{Owner: row.ID, File: kept.ID, Name: canary})
	must("attach to a row", err)
	docks := dock.New(db, dock.Options{Box: box, Houses: places{}, Catalogues: func(context.Context, facility.ID) (catalogue.Set, error) { return shipped, nil }, Version: catalogue.NewEditions(db).Version,
		Assess: answers, Evidence: proofs, Findings: findings, Ledger: book, Suppliers: suppliers, Gates: gates, Registers: registers, Now: time.Now})
	frozen, err := docks.Freeze(ctx, f, dock.Want{})
	must("freeze", err)
	must("approve", docks.Approve(ctx, f, frozen.ID, canary))
	plans := plan.New(db, plan.Options{Ledger: book, Suppliers: suppliers, Findings: findings, Registers: registers, Gates: gates, Now: time.Now,
		Catalogues: func(context.Context, facility.ID) (catalogue.Set, error) { return shipped, nil }})
	budget, err := plans.Begin(ctx, f, plan.Budget, 2026)
	must("budget", err)
	budget.Budget.Lines = []plan.Line{{ID: canary, What: canary, Yen: [3]int64{1, 1, 1}}}
	budget, err = plans.Save(ctx, f, budget)
	must("budget's line", err)
	_, err = plans.Sign(ctx, f, plan.Budget, budget.ID, budget.Revision, canary)
	must("signature", err)
	asked := inquiry.NewBook(inquiry.Deps{DB: db, Catalogues: catalogue.NewEditions(db).Set, Houses: nest{}, Ledger: book, Suppliers: suppliers, Findings: findings, Now: time.Now})
	_, err = asked.AskQuestion(ctx, f, inquiry.Asking{Catalogue: "checklist-r7-facility", Item: "r7.2.2", Text: canary})
	must("question", err)
	_, _, err = asked.StartSurvey(ctx, f, inquiry.Poll{Catalogue: "survey-departments", Title: canary}, []inquiry.Department{{Name: canary}})
	must("survey", err)
	imp, err := desk.Begin(ctx, f, canary+".csv", "")
	must("begin", err)
	_, err = desk.Stage(ctx, f, imp.ID, sh, mapping)
	must("stage", err)
	return aviary{objects: []any{book, findings, seen, event.New(db), gates, suppliers, desk, jobs, people, drills, proofs, answers, registers, docks, plans, asked, c}}
}

// places names the facilities of this test.
type places struct{}

func (places) Facility(_ context.Context, id facility.ID) (account.Facility, error) {
	name := map[bool]string{true: canary, false: "みなと病院"}[id == dbtest.Canary]
	return account.Facility{ID: id, Name: name, Zone: "Asia/Tokyo"}, nil
}

// passed over: these are not bound to a facility's facts, or wait for something.
var notCalled = []string{"Watch", "Listen", "Visit", "Step", "Start", "Stop", "Serve", "Handle", "Periodic"}

// callAll calls the methods of an object that take (ctx, facility.ID, ...) or (ctx, *store.Tx, ...).
func (h aviary) callAll(t *testing.T, db *store.DB, o any, ids []string) (called int) {
	v := reflect.ValueOf(o)
	for i := range v.NumMethod() {
		m, name := v.Method(i), fmt.Sprintf("%T.%s", o, v.Type().Method(i).Name)
		mt := m.Type()
		if mt.NumIn() < 2 || slices.Contains(notCalled, v.Type().Method(i).Name) {
			continue
		}
		byFacility := mt.In(1) == reflect.TypeFor[facility.ID]()
		byTx := mt.In(1) == reflect.TypeFor[*store.Tx]()
		if !byFacility && !byTx {
			continue
		}
		called++
		for _, id := range ids {
			ctx, cancel := context.WithTimeout(actor.With(t.Context(), actor.Actor{Kind: actor.Person, ID: "other", Name: "other", Role: actor.Admin}), 10*time.Second)
			if byFacility {
				h.judge(t, name, id, invoke(m, ctx, reflect.ValueOf(dbtest.Facility), id))
			} else {
				_ = db.Write(ctx, dbtest.Facility, func(tx *store.Tx) error { // rolled back where a method fails, as its callers do
					h.judge(t, name, id, invoke(m, ctx, reflect.ValueOf(tx), id))
					return nil
				})
			}
			cancel()
			if !takesID(mt) {
				break
			}
		}
	}
	return called
}

// judge looks for the canary in what came back. What we passed in ourselves (its ids) does not count.
func (h aviary) judge(t *testing.T, name, id string, out []any) {
	t.Helper()
	for _, x := range out {
		b, err := json.Marshal(x)
		if err != nil {
			b = fmt.Appendf(nil, "%+v", x)
		}
		if strings.Contains(string(b), canary) {
			t.Errorf("%s(%s) lets another facility's facts through: %.300s", name, id, b)
		}
	}
}

func takesID(mt reflect.Type) bool {
	for i := 2; i < mt.NumIn(); i++ {
		in := mt.In(i)
		if in.Kind() == reflect.String || in.Kind() == reflect.Slice && in.Elem().Kind() == reflect.String || in.Kind() == reflect.Struct {
			return true
		}
	}
	return false
}

// invoke calls a method with the id wherever a string fits; a panic on the made-up arguments counts as a refusal.
func invoke(m reflect.Value, ctx context.Context, scope reflect.Value, id string) (out []any) {
	defer func() { _ = recover() }()
	mt := m.Type()
	in := []reflect.Value{reflect.ValueOf(ctx), scope}
	for i := 2; i < mt.NumIn(); i++ {
		in = append(in, argument(mt.In(i), id))
	}
	var result []reflect.Value
	if mt.IsVariadic() {
		result = m.CallSlice(in)
	} else {
		result = m.Call(in)
	}
	for _, r := range result {
		if r.CanInterface() {
			out = append(out, r.Interface())
		}
	}
	return out
}

func argument(t reflect.Type, id string) reflect.Value {
	v := reflect.New(t).Elem()
	switch t.Kind() {
	case reflect.String:
		v.SetString(id)
	case reflect.Int, reflect.Int64:
		v.SetInt(100)
	case reflect.Slice:
		if t.Elem().Kind() == reflect.String || t.Elem().Kind() == reflect.Struct {
			v.Set(reflect.Append(v, argument(t.Elem(), id)))
		}
	case reflect.Struct:
		if t == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.Now()))
			break
		}
		for i := range t.NumField() {
			if f := t.Field(i); f.IsExported() && f.Type.Kind() == reflect.String && (strings.HasSuffix(f.Name, "ID") || strings.HasSuffix(f.Name, "Device") || f.Name == "Owner" || f.Name == "File" || f.Name == "Name") {
				v.Field(i).SetString(id)
			}
		}
	}
	return v
}

// dump returns every row of a facility, by table.
func dump(t *testing.T, db *store.DB, f facility.ID) map[string]string {
	t.Helper()
	names := `SELECT m.name FROM sqlite_master m WHERE m.type = 'table' AND m.sql LIKE '%facility_id%'`
	if db.Dialect == store.Postgres {
		names = `SELECT table_name FROM information_schema.columns WHERE column_name = 'facility_id' AND table_schema = 'public'`
	}
	var tables []string
	err := db.ReadShared(t.Context(), func(tx *store.Shared) error {
		return store.Each(t.Context(), tx, func(r *sql.Rows) error {
			var n string
			err := r.Scan(&n)
			tables = append(tables, n)
			return err
		}, names)
	})
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	err = db.Read(t.Context(), f, func(tx *store.Tx) error {
		for _, name := range tables {
			var lines []string
			err := store.Each(t.Context(), tx, func(r *sql.Rows) error {
				cols, _ := r.Columns()
				cells := make([]any, len(cols))
				for i := range cells {
					cells[i] = new(any)
				}
				if err := r.Scan(cells...); err != nil {
					return err
				}
				var b strings.Builder
				for i := range cells {
					fmt.Fprintf(&b, "%s=%v ", cols[i], *cells[i].(*any))
				}
				lines = append(lines, b.String())
				return nil
			}, "SELECT * FROM "+name+" x WHERE x.facility_id = $1")
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			if slices.Sort(lines); len(lines) > 0 {
				out[name] = strings.Join(lines, "\n")
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// idsIn picks the ids and keys out of a dump.
func idsIn(tables map[string]string) (ids []string) {
	seen := map[string]bool{}
	for _, rows := range tables {
		for _, field := range strings.Fields(rows) {
			column, value, ok := strings.Cut(field, "=")
			if ok && (column == "id" || strings.HasSuffix(column, "_id") && column != "facility_id") && len(value) == 36 && !seen[value] {
				seen[value], ids = true, append(ids, value)
			}
		}
	}
	slices.Sort(ids)
	return append(ids, "", "mac:00:11:22:33:44:55")
}
