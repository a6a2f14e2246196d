package drill

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"kenshin/drill/hit"
	"kenshin/drill/intake"
	"kenshin/fault"
	"kenshin/internal/dbtest"
	"kenshin/internal/mailtest"
	"kenshin/store"
)

// letGo has a drill approved by two persons and sent.
func (r *rig) letGo(c *clock, d Drill) Drill {
	r.t.Helper()
	ctx := as(r.t.Context(), trainer)
	d, err := r.Save(ctx, r.f, d)
	r.must(err)
	r.green(d)
	d, err = r.Submit(ctx, r.f, d.ID)
	r.must(err)
	d, err = r.Approve(as(r.t.Context(), director), r.f, d.ID, d.Hash)
	r.must(err)
	return r.untilSent(c, d.ID)
}

// A drill that only asks who reports: nothing in its mails can be clicked, the reports count, and nobody can have fallen for it.
func TestAReportOnlyDrill(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		r := newRig(t, db, 6)
		var c clock
		r.Book.now = c.now
		r.change(func(s *Settings) { s.ReportTo, s.Base = "report@hospital.example.jp", "https://drill.example.jp" })
		m := mailOf()
		m.Link, m.Landing, m.Text, m.HTML = false, "", "{{氏名}} 様\n\n振込先が変わりました。折り返しご連絡ください。\n", "<p>{{氏名}} 様</p><p>振込先が変わりました。</p>"
		if _, err := r.Save(as(t.Context(), trainer), r.f, Drill{Name: "報告だけ", Mode: ReportOnly, Mail: mailOf()}); !fault.Is(err, fault.Invalid) {
			t.Errorf("a report-only drill with a link: %v", err)
		}
		d := r.letGo(&c, Drill{Name: "報告だけ", Mode: ReportOnly, Mail: m, Schedule: Schedule{Rate: 1000}})
		if d.State != Sent || r.sink.Count() != 6 {
			t.Fatalf("%s, %d mails", d.State, r.sink.Count())
		}
		for _, sent := range r.sink.Messages() {
			read, err := intake.Read(forwarded(sent.To, "x@x", "", sent.Body), intake.Given{}, intake.Limits{})
			r.must(err)
			mail := read.Originals[0]
			var of []Signal
			for _, k := range read.Tokens {
				at, known, err := r.Peek(t.Context(), k.String())
				if r.must(err); known {
					of = append(of, at.Of)
				}
			}
			if len(mail.Links) != 1 || !strings.HasSuffix(mail.Links[0].URL, ".gif") || len(mail.Files) != 0 || // the picture tells that it was opened
				!slices.Equal(of, []Signal{Opened}) {
				t.Errorf("%s can follow %v, files %v, tokens for %v", sent.To, mail.Links, mail.Files, of)
			}
		}
		c.forward(10 * time.Minute)
		for i := range 2 {
			in := r.take(forwarded(staffAddress(i), staffAddress(i), "怪しいです", r.mailTo(staffAddress(i)).Body), Envelope{Via: ViaMailbox, At: c.now()})
			if in.Kind != ReportDrill || in.Drill != d.ID {
				t.Errorf("%+v", in)
			}
		}
		r.judgeDue()
		s, err := r.Totals(t.Context(), r.f, Period{})
		r.must(err)
		if s.All.Reported != 2 || s.All.ReportedFirst != 2 || s.All.Reached() != 6 || s.All.URLRaw+s.All.AttachRaw+s.All.Fell != 0 {
			t.Errorf("%+v", s.All)
		}
	})
}

// A drill whose mails the filter holds back: who released one is counted from the filter's list, in the totals and by department.
func TestAQuarantineDrill(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		r := newRig(t, db, 18)
		var c clock
		r.Book.now = c.now
		d := r.letGo(&c, Drill{Name: "隔離", Mode: Quarantine, Mail: mailOf(), Schedule: Schedule{Rate: 1000}})
		c.forward(2 * time.Hour)
		at := c.now().Add(-time.Hour).Format(time.RFC3339)
		rows := []string{"受信者,取り出した時刻"}
		for _, i := range []int{0, 3, 6, 1} { // three of 看護部, one of 薬剤部
			rows = append(rows, staffAddress(i)+","+at)
		}
		out, err := r.ImportReleases(as(t.Context(), trainer), r.f, d.ID, "取り出し.csv", []byte(strings.Join(rows, "\n")))
		if r.must(err); out.Added != 4 {
			t.Fatalf("%+v", out)
		}
		r.arrive(d.ID, r.targetAt(d.ID, 3).ID, Visited, Confirm) // one of them fell for it as well
		r.judgeDue()
		s, err := r.Totals(t.Context(), r.f, Period{})
		r.must(err)
		if s.All.Released != 4 || s.All.Fell != 1 || s.All.Reached() != 18 {
			t.Errorf("%+v", s.All)
		}
		for _, x := range s.ByDepartment {
			if want := map[string]int{"看護部": 3, "薬剤部": 1, "医事課": 0}[x.Department]; x.Released != want || x.Hidden {
				t.Errorf("%+v, want %d", x, want)
			}
		}
	})
}

// messageID is what a mail's row in the outbox names it, and how often it was tried.
func (r *rig) messageID(target string) (id, state string, tries int) {
	r.t.Helper()
	r.must(r.db.Read(r.t.Context(), r.f, func(tx *store.Tx) error {
		return tx.Row(r.t.Context(), "SELECT o.message_id, o.state, o.attempts FROM drill_outbox o WHERE o.facility_id = $1 AND o.target_id = $2 AND o.kind = 'drill'", target).Scan(&id, &state, &tries)
	}))
	return id, state, tries
}

// A mail that is tried again is the same mail, so that a server that has it already can tell. One whose answer was lost is never given away again by
// itself: not by a stop and a start, a new copy of the program, time, or the drill's end.
func TestAMailThatIsTriedAgainIsTheSameMail(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		late, lost := staffAddress(1), staffAddress(2)
		var r *rig
		ids := map[string]bool{}
		r = newRig(t, db, 4,
			func(m mailtest.Moment) (mailtest.Act, bool) {
				return mailtest.Act{Reply: "451 4.3.0 not now"}, m.Stage == mailtest.Dot && m.To == late && m.Tries <= 3
			},
			mailtest.For(lost, mailtest.Dot, mailtest.Act{Keep: true, Cut: true}))
		var c clock
		r.Book.now = c.now
		d := r.approved(1000)
		ctx := as(t.Context(), trainer)
		for range 12 {
			_, err := r.Send(ctx, r.f, r.OpenLine, time.Now().Add(10*time.Second))
			if err != nil {
				t.Log(err)
			}
			if id, _, _ := r.messageID(r.targetAt(d.ID, 1).ID); id != "" {
				ids[id] = true
			}
			if _, state, _ := r.messageID(r.targetAt(d.ID, 2).ID); state == "unknown" { // a person stops the drill and lets it go on; another copy takes over
				if now, err := r.Get(ctx, r.f, d.ID); err == nil && now.State == Sending {
					r.must(r.Pause(ctx, r.f, d.ID))
					r.must(r.Resume(ctx, r.f, d.ID))
				}
				r.Book = New(db, r.box, houses{}, c.now, r.log)
			}
			c.forward(10 * time.Minute)
		}
		sent := r.mailTo(late)
		id, state, tries := r.messageID(r.targetAt(d.ID, 1).ID)
		if state != "accepted" || tries != 4 || len(ids) != 1 || !strings.Contains(string(sent.Body), "Message-ID: "+id) && !strings.Contains(string(sent.Body), "Message-ID: <"+strings.Trim(id, "<>")+">") {
			t.Errorf("%s after %d tries as %v, the server has %.400s", state, tries, ids, sent.Body)
		}
		if d, err := r.Get(ctx, r.f, d.ID); err != nil || d.State != Sent {
			t.Fatalf("%s %v", d.State, err)
		}
		r.must(r.Close(ctx, r.f, d.ID))
		c.forward(40 * 24 * time.Hour)
		r.verify("hospital.example.jp")
		r.sendAll(5 * time.Second)
		drills := 0
		for _, m := range r.sink.Messages() {
			if strings.Contains(m.To, lost) && strings.Contains(string(m.Body), strings.Trim(r.idOf(d.ID, 2), "<>")) {
				drills++
			}
		}
		if _, state, tries := r.messageID(r.targetAt(d.ID, 2).ID); state != "unknown" || tries != 1 || drills != 1 {
			t.Errorf("the mail whose answer was lost: %s, tried %d times, %d there", state, tries, drills)
		}
	})
}

func (r *rig) idOf(drill string, n int) string {
	id, _, _ := r.messageID(r.targetAt(drill, n).ID)
	return id
}

// A drill ends although the answer to its very last mail was lost, and although the program died between its last mail and the word that it is sent.
func TestADrillEndsWithItsLastMail(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		r := newRig(t, db, 1, mailtest.For(staffAddress(0), mailtest.Dot, mailtest.Act{Keep: true, Cut: true}))
		var c clock
		r.Book.now = c.now
		d := r.approved(1000)
		if d = r.untilSent(&c, d.ID); d.State != Sent || r.targetAt(d.ID, 0).Mail != UnknownMail {
			t.Fatalf("%s, the mail is %s", d.State, r.targetAt(d.ID, 0).Mail)
		}
		if due, err := r.Due(t.Context(), r.f); err != nil || due {
			t.Errorf("something is still due: %v %v", due, err)
		}
		r.must(r.db.Write(t.Context(), r.f, func(tx *store.Tx) error {
			_, err := tx.Exec(t.Context(), "UPDATE drill_drills SET state = 'sending' WHERE facility_id = $1 AND id = $2", d.ID)
			return err
		}))
		if due, err := r.Due(t.Context(), r.f); err != nil || !due {
			t.Errorf("nobody would end the drill: %v %v", due, err)
		}
		if d = r.untilSent(&c, d.ID); d.State != Sent || r.sink.Count() != 1 {
			t.Errorf("%s, %d mails", d.State, r.sink.Count())
		}
	})
}

// verdictOf is the first verdict over what a recipient's mail brought, and the rule that decided.
func (r *rig) verdictOf(drill string, n int) (verdict, rule string) {
	r.t.Helper()
	r.judgeDue()
	_, events, err := r.Target(r.t.Context(), r.f, drill, r.targetAt(drill, n).ID)
	r.must(err)
	if len(events) == 0 || len(events[0].Reasons) == 0 {
		r.t.Fatalf("%d events, judged %+v", len(events), events)
	}
	return events[0].Verdict, events[0].Reasons[0].Rule
}

// When a mail was given away tells apart what came before its acceptance (a machine), what a clock that was set back says (nobody knows), and makes a
// person of who opened a mail whose answer was lost.
func TestArrivalsAroundTheHandingOver(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		lost, slow := staffAddress(1), staffAddress(2)
		var r *rig
		held := make(chan struct{})
		r = newRig(t, db, 4, mailtest.For(lost, mailtest.Dot, mailtest.Act{Keep: true, Cut: true}),
			func(m mailtest.Moment) (mailtest.Act, bool) {
				if m.Stage == mailtest.Dot && m.To == slow && m.Tries == 1 {
					close(held)
					return mailtest.Act{Wait: 3 * time.Second}, true
				}
				return mailtest.Act{}, false
			})
		var c clock
		r.Book.now = c.now
		r.change(func(s *Settings) { s.Egress, s.Quiet = []netip.Prefix{netip.MustParsePrefix("203.0.113.8/29")}, 10 })
		d := r.approved(1000)
		done := make(chan struct{})
		go func() {
			defer close(done)
			for range 20 { // a lost answer makes the sender rest
				_, _ = r.Send(t.Context(), r.f, r.OpenLine, time.Now().Add(10*time.Second))
				if n, err := r.Progress(t.Context(), r.f, d.ID); err == nil && n[Accepted]+n[UnknownMail] == 4 {
					return
				}
			}
		}()
		select {
		case <-held:
		case <-time.After(30 * time.Second):
			t.Fatal("the slow mail was never given away")
		}
		r.got(d.ID, r.targetAt(d.ID, 2).ID, "203.0.113.9", firefox) // while the relay has it and says nothing yet
		<-done
		r.untilSent(&c, d.ID)
		c.forward(10 * time.Minute)
		r.got(d.ID, r.targetAt(d.ID, 1).ID, "203.0.113.9", firefox)
		r.got(d.ID, r.targetAt(d.ID, 3).ID, "203.0.113.9", firefox)
		c.forward(-3 * time.Hour) // somebody sets the clock back
		r.got(d.ID, r.targetAt(d.ID, 0).ID, "203.0.113.9", firefox)
		if r.targetAt(d.ID, 1).Mail != UnknownMail {
			t.Fatalf("%+v", r.targetAt(d.ID, 1))
		}
		for n, want := range [][2]string{{string(hit.Unconfirmed), "clock"}, {string(hit.Person), "egress"}, {string(hit.Machine), "before-250"}, {string(hit.Person), "egress"}} {
			if v, rule := r.verdictOf(d.ID, n); v != want[0] || rule != want[1] {
				t.Errorf("recipient %d: %s by %s, want %v", n, v, rule, want)
			}
		}
	})
}
