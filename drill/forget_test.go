package drill

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"kenshin/blob"
	"kenshin/drill/preflight"
	"kenshin/drill/roster"
	"kenshin/internal/dbtest"
	"kenshin/store"
)

// everything is all rows of all tables of a facility, each as one text, whatever the type of its columns.
func everything(t *testing.T, db *store.DB) map[string][]string {
	t.Helper()
	names := `SELECT m.name FROM sqlite_master m WHERE m.type = 'table' AND m.sql LIKE '%facility_id%'`
	if db.Dialect == store.Postgres {
		names = `SELECT table_name FROM information_schema.columns WHERE column_name = 'facility_id' AND table_schema = 'public'`
	}
	out := map[string][]string{}
	err := db.ReadShared(t.Context(), func(tx *store.Shared) error {
		return store.Each(t.Context(), tx, func(r *sql.Rows) error {
			var n string
			err := r.Scan(&n)
			out[n] = nil
			return err
		}, names)
	})
	if err != nil {
		t.Fatal(err)
	}
	err = db.Read(t.Context(), dbtest.Facility, func(tx *store.Tx) error {
		for table := range out {
			err := store.Each(t.Context(), tx, func(r *sql.Rows) error {
				cols, _ := r.Columns()
				cells, into := make([]any, len(cols)), make([]any, len(cols))
				for i := range cells {
					into[i] = &cells[i]
				}
				if err := r.Scan(into...); err != nil {
					return err
				}
				var b strings.Builder
				for i, c := range cells {
					if raw, ok := c.([]byte); ok {
						c = string(raw)
					}
					fmt.Fprintf(&b, "%s=%v\x00", cols[i], c)
				}
				out[table] = append(out[table], b.String())
				return nil
			}, "SELECT * FROM "+table+" x WHERE x.facility_id = $1")
			if err != nil {
				return fmt.Errorf("%s: %w", table, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// where names the tables in which a text stands, with the row.
func where(all map[string][]string, text string) map[string]string {
	in := map[string]string{}
	for table, rows := range all {
		for _, row := range rows {
			if strings.Contains(row, text) {
				in[table] = row
			}
		}
	}
	return in
}

// Whatever of a person is anywhere in the database is gone after the term. A table or column that is added later and holds names makes this fail, and so
// does a table of drills that is not filled here.
func TestNothingOfAPersonIsLeft(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		r, found := newRig(t, db, 4), ""
		var c clock
		r.Book.now = c.now
		ctx := as(t.Context(), trainer)
		s, err := r.Settings(ctx, r.f)
		r.must(err)
		s.ReportTo = "report@hospital.example.jp"
		r.must(r.SaveSettings(ctx, r.f, s, Secrets{}))
		d, abandoned := r.lived(&c)
		page, err := r.Targets(ctx, r.f, d.ID, TargetFilter{})
		r.must(err)
		stays, goes := page.Targets[0], page.Targets[1]
		list := fmt.Sprintf("氏名,メール\n%s,%s\n", goes.Name(), goes.Address)
		_, err = blob.Put(ctx, db, r.f, roster.Stored+"職員.csv", strings.NewReader(list))
		r.must(err)
		_, err = blob.Put(ctx, db, r.f, "契約書.txt", strings.NewReader("kept"))
		r.must(err)
		r.must(r.RemovePerson(ctx, r.f, goes.Person))
		testers, err := r.People(ctx, r.f, PeopleFilter{Role: Tester})
		r.must(err)
		r.must(r.RemovePerson(ctx, r.f, testers.People[0].ID))

		before := everything(t, db)
		for _, table := range slices.Sorted(maps.Keys(before)) {
			if strings.HasPrefix(table, "drill_") && len(before[table]) == 0 {
				t.Errorf("%s is empty: fill it, or nobody knows what stays in it", table)
			}
		}
		texts := []string{stays.Address, goes.Address, stays.Name(), stays.Given, goes.Name(), goes.Given, stays.Person, goes.Person, "hanako-test@", "taro-left@"}
		for _, text := range texts {
			for table := range where(before, text) {
				found += table + " "
			}
		}
		for _, table := range []string{"drill_people", "drill_targets", "drill_outbox", "drill_reports", "drill_roll", "drill_preflights", "drill_drills", "blob_chunks"} {
			if !strings.Contains(found, table) {
				t.Errorf("nobody is in %s even before: the search finds nothing", table)
			}
		}

		c.forward(181 * 24 * time.Hour)
		r.forgetAll()
		// a colleague hands the old mail on much later
		r.take(forwarded(stays.Name()+" <"+stays.Address+">", "late@hospital.example.jp", stays.Name()+"です", r.mailTo(stays.Address).Body), Envelope{Via: ViaMailbox})
		c.forward(181 * 24 * time.Hour)
		r.forgetAll()
		n, err := blob.Expire(ctx, db, r.f, roster.Stored, c.now().AddDate(0, 0, -7))
		if r.must(err); n != 1 {
			t.Errorf("%d lists were dropped", n)
		}

		after := everything(t, db)
		for _, text := range texts {
			for table, row := range where(after, text) {
				if table == "drill_people" && !strings.Contains(row, goes.Address) && !strings.Contains(row, "hanako-test") {
					continue // who still works here stands on the list of recipients
				}
				if table == "trail_entries" && text == goes.Person {
					continue // the number of a row that is gone tells nothing
				}
				t.Errorf("%s still has %q: %.300q", table, text, row)
			}
		}
		if len(where(after, "kept")) != 1 {
			t.Error("a file that is nobody's list is gone")
		}
		for table, rows := range before {
			if keeps := []string{"drill_events", "drill_verdicts", "drill_totals", "drill_approvals", "drill_roll"}; slices.Contains(keeps, table) && len(after[table]) < len(rows) {
				t.Errorf("%s: %d of %d rows are left", table, len(after[table]), len(rows))
			}
		}
		r.nobodyIn(d.ID, texts)
		if d, err = r.Get(ctx, r.f, abandoned); err != nil || d.State != Draft || d.Hash != "" || d.Note.Ja == "" {
			t.Errorf("a drill that nobody went on with: %s %+v %v", d.State, d.Note, err)
		}
	})
}

// An incident that nobody declares over keeps a drill from being closed. Names go after the term all the same, and what happened stays.
func TestNamesGoDuringAnIncidentThatNeverEnds(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		r := newRig(t, db, 3)
		var c clock
		r.Book.now = c.now
		d := r.approved(1000)
		r.untilSent(&c, d.ID)
		page, err := r.Targets(t.Context(), r.f, d.ID, TargetFilter{})
		r.must(err)
		who := page.Targets[0]
		r.arrive(d.ID, who.ID, Visited)
		r.change(func(s *Settings) { s.Incident = true })
		c.forward(179 * 24 * time.Hour)
		r.must(r.CloseDue(t.Context(), r.f))
		r.forgetAll()
		if d, err = r.Get(t.Context(), r.f, d.ID); err != nil || d.State != Sent {
			t.Fatalf("before the term: %s %v", d.State, err)
		}
		c.forward(2 * 24 * time.Hour)
		r.must(r.CloseDue(t.Context(), r.f))
		r.forgetAll()
		d, err = r.Get(t.Context(), r.f, d.ID)
		r.must(err)
		page, err = r.Targets(t.Context(), r.f, d.ID, TargetFilter{})
		r.must(err)
		if d.State != Closed || len(page.Targets) != 3 || strings.Contains(fmt.Sprintf("%+v", page), who.Address) {
			t.Errorf("%s: %+v", d.State, page)
		}
		first := 0
		for _, x := range page.Targets {
			if !x.First[Visited].IsZero() {
				first++
			}
		}
		if first != 1 {
			t.Errorf("%d visits stay, want 1", first)
		}
	})
}

func (r *rig) forgetAll() {
	r.t.Helper()
	for range 20 {
		more, err := r.ForgetNames(r.t.Context(), r.f)
		if r.must(err); !more {
			return
		}
	}
	r.t.Fatal("there is no end to forgetting")
}

// lived is a drill in which everything that can happen happened, closed, and one that was asked for and then left.
func (r *rig) lived(c *clock) (d Drill, abandoned string) {
	t, ctx := r.t, as(r.t.Context(), trainer)
	_, _, err := r.SavePeople(ctx, r.f, []Person{{Address: "hanako-test@hospital.example.jp", Role: Tester}, {Address: "decoy@hospital.example.jp", Role: Canary}}, false)
	r.must(err)
	staff, err := r.People(ctx, r.f, PeopleFilter{})
	r.must(err)
	_, err = r.AddScanner(ctx, r.f, "198.51.100.0/24", "", "検査装置")
	r.must(err)
	_, err = r.AddScenarios(ctx, r.f, strings.NewReader(exampleScenario(t)))
	r.must(err)
	chosen := Audience{}
	for _, p := range staff.People {
		chosen.People = append(chosen.People, p.ID)
	}
	d, err = r.Save(ctx, r.f, Drill{Name: "秋の訓練", Mail: mailOf(), Schedule: Schedule{Rate: 1000}, Audience: chosen})
	r.must(err)
	_, err = r.SendTests(ctx, r.f, d.ID)
	r.must(err)
	r.sendAll(20 * time.Second)
	r.must(r.Delivered(ctx, r.f, d.ID, "hanako-test@hospital.example.jp", preflight.Inbox, r.mailTo("hanako-test@").Body))
	r.green(d)
	d, err = r.Submit(ctx, r.f, d.ID)
	r.must(err)
	d, err = r.Approve(as(t.Context(), director), r.f, d.ID, d.Hash)
	r.must(err)
	r.untilSent(c, d.ID)
	page, err := r.Targets(ctx, r.f, d.ID, TargetFilter{})
	r.must(err)
	to := page.Targets
	r.arrive(d.ID, to[0].ID, Opened, Visited, Confirm)
	r.arrive(d.ID, to[1].ID, Visited)
	set, _ := mustBook(t).Set(mustBook(t).Sets[0].ID)
	for _, x := range to[:2] {
		_, err = r.FinishLesson(ctx, Landed{Facility: r.f, Drill: d.ID, Target: x.ID}, set)
		r.must(err)
		r.take(forwarded(x.Name()+" <"+x.Address+">", x.ID+"a@hospital.example.jp", x.Name()+"です。開いてしまいました", r.mailTo(x.Address).Body), Envelope{Via: ViaMailbox})
		real := bytes.ReplaceAll(phish(x.Name()+" 様へ"), []byte("here</a>"), []byte("here</a> "+x.Name()+" 様 "+x.Address))
		in := r.take(forwarded(x.Name()+" <"+x.Address+">", x.ID+"b@hospital.example.jp", "怪しい", real), Envelope{Via: ViaSMTP})
		_, err = r.Answer(ctx, r.f, in.ID, Harmless, x.Given+"さん、ありがとうございます")
		r.must(err)
	}
	r.take(forwarded("外の人 <taro-left@elsewhere.example>", "c@elsewhere.example", "怪しい", phish("x")), Envelope{Via: ViaSMTP})
	_, err = r.ReportByPhone(ctx, r.f, d.ID, to[2].ID, to[2].Name()+"から電話", true)
	r.must(err)
	r.take([]byte("From: "+to[3].Address+"\r\nTo: info@training.example.jp\r\nMessage-ID: <r@x>\r\nSubject: Re\r\n\r\nx\r\n"), Envelope{Via: ViaSMTP, To: "info@training.example.jp", From: to[3].Address})
	r.must(r.Close(ctx, r.f, d.ID))
	r.sendAll(20 * time.Second)
	d, err = r.Get(ctx, r.f, d.ID)
	r.must(err)
	s, err := r.Settings(ctx, r.f)
	r.must(err)
	s.Apart = 0
	r.must(r.SaveSettings(ctx, r.f, s, Secrets{}))
	next, err := r.Save(ctx, r.f, Drill{Name: "冬の訓練", Mail: mailOf()})
	r.must(err)
	r.green(next)
	_, err = r.Submit(ctx, r.f, next.ID)
	r.must(err)
	r.must(r.db.Write(ctx, r.f, func(tx *store.Tx) error { // no code of this package writes these two
		if _, err := tx.Exec(ctx, "INSERT INTO drill_mailboxes (facility_id, name, validity, uid, changed_at) VALUES ($1, 'INBOX', 1, 1, 1) ON CONFLICT DO NOTHING"); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "INSERT INTO drill_plans (facility_id, id, day, drill_id, reminded_at, content) VALUES ($1, 'p-1', '2027-01-01', $2, 0, '{}')", d.ID)
		return err
	}))
	return d, next.ID
}

// nobodyIn looks at what screens and exports are made of.
func (r *rig) nobodyIn(id string, texts []string) {
	r.t.Helper()
	ctx := context.Background()
	page, err := r.Targets(ctx, r.f, id, TargetFilter{Limit: 1000})
	r.must(err)
	roll, _, err := r.Roll(ctx, r.f, RollFilter{})
	r.must(err)
	reports, err := r.Reports(ctx, r.f, ReportFilter{})
	r.must(err)
	if len(page.Targets) != 4 || len(roll) != 2 || reports.Total < 8 {
		r.t.Errorf("%d recipients, %d lessons, %d reports: what happened must stay", len(page.Targets), len(roll), reports.Total)
	}
	shown := fmt.Sprintf("%+v %+v %+v", page, roll, reports)
	for _, text := range texts {
		if strings.Contains(shown, text) {
			r.t.Errorf("an export would show %q", text)
		}
	}
	copied, err := r.Copy(as(ctx, trainer), r.f, id)
	r.must(err)
	r.green(copied)
	if _, err := r.Submit(as(ctx, trainer), r.f, copied.ID); err == nil {
		r.t.Error("a copy of a drill for chosen people goes to everybody once these are forgotten")
	}
}
