package drill

import (
	"bytes"
	"net/mail"
	"strings"
	"testing"
	"time"

	"kenshin/drill/calendar"
	"kenshin/drill/letter"
	"kenshin/fault"
	"kenshin/internal/dbtest"
	"kenshin/store"
)

// What may not be sent is refused when it is submitted, whatever the preflight says.
func TestLuresAreRefused(t *testing.T) {
	r := newRig(t, dbtest.SQLite(t), 3)
	ctx := as(t.Context(), trainer)
	for name, change := range map[string]func(*Mail){
		"a real brand":        func(m *Mail) { m.FromName, m.Subject = "Amazon", "Amazonからのお知らせ" },
		"a script":            func(m *Mail) { m.HTML += `<script src="/x.js"></script>` },
		"a form":              func(m *Mail) { m.HTML += `<form action="https://x.example.jp"><input name="p"></form>` },
		"a frame":             func(m *Mail) { m.HTML += `<iframe src="https://x.example.jp"></iframe>` },
		"a remote picture":    func(m *Mail) { m.HTML += `<img src="https://x.example.jp/logo.png">` },
		"a lay-off":           func(m *Mail) { m.Subject = "人員整理の対象者について" },
		"a bonus":             func(m *Mail) { m.Subject = "賞与の支給額のお知らせ" },
		"a program":           func(m *Mail) { m.Attachment, m.FileName = "exe", "setup.exe" },
		"a macro":             func(m *Mail) { m.Attachment, m.FileName = "docm", "見積.docm" },
		"a disk image":        func(m *Mail) { m.Attachment, m.FileName = "iso", "資料.iso" },
		"a shortcut":          func(m *Mail) { m.Attachment, m.FileName = "lnk", "資料.lnk" },
		"a page of strangers": func(m *Mail) { m.Text += "\nhttps://www.mhlw.go.jp/login\n" },
	} {
		t.Run(name, func(t *testing.T) {
			m := mailOf()
			change(&m)
			d, err := r.Save(ctx, r.f, Drill{Name: "訓練", Mail: m})
			if err == nil {
				r.green(d)
				d, err = r.Submit(ctx, r.f, d.ID)
			}
			if err == nil || fault.KindOf(err) == fault.Internal || d.State == Waiting {
				t.Errorf("submitted: %v", err)
			}
		})
	}
	for _, local := range []string{"info@bank.example", "a b", "x\r\nBcc: y@z.example", "", "ｉｎｆｏ"} {
		m := mailOf()
		m.FromLocal = local
		if _, err := r.Save(ctx, r.f, Drill{Name: "訓練", Mail: m}); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: %v", local, err)
		}
	}
}

// Every mail says what it is, in its last header field, and comes from our own domain; texts cannot add or change a field.
func TestEveryMailIsMarked(t *testing.T) {
	r := newRig(t, dbtest.SQLite(t), 4)
	ctx := as(t.Context(), trainer)
	var c clock
	r.Book.now = c.now
	m := mailOf()
	m.Attachment, m.FileName = "html", "伝票.html"
	d, err := r.Save(ctx, r.f, Drill{Name: "訓練", Mail: m, Schedule: Schedule{Rate: 1000}})
	r.must(err)
	r.green(d)
	d, err = r.Submit(ctx, r.f, d.ID)
	r.must(err)
	_, err = r.Approve(as(t.Context(), director), r.f, d.ID, d.Hash)
	r.must(err)
	r.untilSent(&c, d.ID)
	r.must(r.Close(ctx, r.f, d.ID))
	r.sendAll(10 * time.Second)
	all := r.sink.Messages()
	if len(all) != 8 {
		t.Fatalf("%d mails, not a drill's and a feedback for each of four", len(all))
	}
	key, err := r.tokenKey(ctx, r.f, d.ID)
	r.must(err)
	for _, one := range all {
		head, _, _ := bytes.Cut(one.Body, []byte("\r\n\r\n"))
		last := ""
		for line := range strings.Lines(string(head)) {
			if line[0] != ' ' && line[0] != '\t' {
				last, _, _ = strings.Cut(line, ":")
			}
		}
		parsed, err := mail.ReadMessage(bytes.NewReader(one.Body))
		r.must(err)
		marker, ok := letter.ReadMarker(parsed.Header)
		if last != letter.MarkerField || !ok || !marker.Verify(markerKey(key)) || marker.Org != "見本病院" || !strings.Contains(marker.Contact, "内線1234") {
			t.Errorf("to %s: last field %s, %+v %v", one.To, last, marker, ok)
		}
		from, err := mail.ParseAddress(parsed.Header.Get("From"))
		if err != nil || !strings.HasSuffix(from.Address, "@training.example.jp") || one.From != "bounce@training.example.jp" || parsed.Header.Get("List-Id") == "" {
			t.Errorf("from %v %s, List-Id %q, %v", from, one.From, parsed.Header.Get("List-Id"), err)
		}
	}
}

func TestWhatHappenedCannotBeChanged(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		r := newRig(t, db, 1)
		ctx := as(t.Context(), trainer)
		var c clock
		r.Book.now = c.now
		d := r.approved(1000)
		r.untilSent(&c, d.ID)
		page, err := r.Targets(ctx, r.f, d.ID, TargetFilter{})
		r.must(err)
		r.arrive(d.ID, page.Targets[0].ID, Visited)
		for _, q := range []string{"UPDATE drill_events SET at = 0 WHERE facility_id = $1", "DELETE FROM drill_events WHERE facility_id = $1",
			"UPDATE drill_approvals SET hash = '' WHERE facility_id = $1", "DELETE FROM drill_approvals WHERE facility_id = $1"} {
			err := db.Write(ctx, r.f, func(tx *store.Tx) error {
				_, err := tx.Exec(ctx, q)
				return err
			})
			if err == nil {
				t.Errorf("%s was done", q)
			}
		}
		if _, events, err := r.Target(ctx, r.f, d.ID, page.Targets[0].ID); err != nil || len(events) != 1 || events[0].At.IsZero() {
			t.Errorf("%+v %v", events, err)
		}
	})
}

func TestLimitsOfSending(t *testing.T) {
	db := dbtest.SQLite(t)
	r := newRig(t, db, 4)
	ctx := as(t.Context(), trainer)
	var c clock
	r.Book.now = c.now
	with := func(change func(*Settings)) {
		s, err := r.Settings(ctx, r.f)
		r.must(err)
		change(&s)
		r.must(r.SaveSettings(ctx, r.f, s, Secrets{}))
	}
	with(func(s *Settings) { s.PerDay = 3 })
	d, err := r.Save(ctx, r.f, Drill{Name: "訓練", Mail: mailOf(), Schedule: Schedule{Rate: 1000}})
	r.must(err)
	r.green(d)
	if _, err := r.Submit(ctx, r.f, d.ID); !fault.Is(err, fault.TooLarge) {
		t.Errorf("more recipients than a day allows: %v", err)
	}
	with(func(s *Settings) { s.PerDay = 100 })
	d = r.approved(1000)

	with(func(s *Settings) { s.Incident = true })
	again, err := r.Send(ctx, r.f, r.OpenLine, time.Now().Add(5*time.Second))
	if err != nil || r.sink.Count() != 0 {
		t.Errorf("sent in the middle of an incident: %d, %v, %v", r.sink.Count(), again, err)
	}
	with(func(s *Settings) { s.Incident = false })

	if d, err = r.Get(ctx, r.f, d.ID); err != nil || d.State != Approved {
		t.Fatalf("%s %v", d.State, err)
	}
	r.untilSent(&c, d.ID)
	if r.sink.Count() != 4 {
		t.Fatalf("%d mails", r.sink.Count())
	}
	c.forward(13 * 24 * time.Hour)
	next, err := r.Save(ctx, r.f, Drill{Name: "次の訓練", Mail: mailOf(), Schedule: Schedule{Rate: 1000}})
	r.must(err)
	r.green(next)
	if _, err := r.Submit(ctx, r.f, next.ID); !fault.Is(err, fault.Invalid) || !strings.Contains(fault.Sentence(err, "ja"), "14日") {
		t.Errorf("two drills for one person within two weeks: %v", err)
	}
	c.forward(2 * 24 * time.Hour)
	r.verify("hospital.example.jp")
	with(func(s *Settings) { // it is never the right hour now
		now := calendar.At(c.now().In(calendar.JST).Hour(), 0)
		s.Hours = calendar.Calendar{Weekdays: []time.Weekday{0, 1, 2, 3, 4, 5, 6}, Hours: []calendar.Window{{From: (now + 120) % 1440, To: (now + 180) % 1440}}, Holidays: true}
	})
	r.green(next)
	next, err = r.Submit(ctx, r.f, next.ID)
	r.must(err)
	_, err = r.Approve(as(t.Context(), director), r.f, next.ID, next.Hash)
	r.must(err)
	again, err = r.Send(ctx, r.f, r.OpenLine, time.Now().Add(5*time.Second))
	if wait := again.Sub(c.now()); err != nil || r.sink.Count() != 4 || wait <= 0 || wait > 2*time.Hour+time.Minute {
		t.Errorf("outside of the hours: %d mails, comes back in %v, %v", r.sink.Count(), wait, err)
	}
}

func TestAStopIsHeardWithinASecond(t *testing.T) {
	r := newRig(t, dbtest.SQLite(t), 60)
	ctx := as(t.Context(), trainer)
	d := r.approved(20)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = r.Send(ctx, r.f, r.OpenLine, time.Now().Add(time.Minute))
	}()
	for end := time.Now().Add(20 * time.Second); r.sink.Count() < 5; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("nothing is sent")
		}
	}
	pressed := time.Now()
	r.must(r.Pause(ctx, r.f, d.ID)) // it needs no second person
	<-done
	if took := time.Since(pressed); took > time.Second {
		t.Errorf("it went on for %v", took)
	}
	if r.sink.Count() > 40 {
		t.Errorf("%d of 60 mails are out", r.sink.Count())
	}
}
