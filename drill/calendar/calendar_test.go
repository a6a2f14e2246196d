package calendar

import (
	"encoding/json"
	"math/rand/v2"
	"testing"
	"time"
)

func at(t *testing.T, s string) time.Time {
	t.Helper()
	v, err := time.ParseInLocation("2006-01-02 15:04:05", s, JST)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestAllowedByDefault(t *testing.T) {
	c := Default()
	if err := c.Check(); err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		when string
		want Code
		next string
	}{
		{"2026-11-24 09:00:00", Open, "2026-11-24 09:00:00"}, // Tuesday
		{"2026-11-24 16:29:59", Open, "2026-11-24 16:29:59"},
		{"2026-11-24 16:30:00", Handover, "2026-11-25 09:00:00"},
		{"2026-11-24 08:59:59", Handover, "2026-11-24 09:00:00"},
		{"2026-11-24 07:59:59", Night, "2026-11-24 09:00:00"},
		{"2026-11-24 23:59:59", Night, "2026-11-25 09:00:00"}, // midnight in Japan
		{"2026-11-25 00:00:00", Night, "2026-11-25 09:00:00"},
		{"2026-11-20 17:00:00", Handover, "2026-11-24 09:00:00"}, // Friday; Monday is 勤労感謝の日
		{"2026-11-21 10:00:00", ClosedDay, "2026-11-24 09:00:00"},
		{"2026-11-23 10:00:00", Holiday, "2026-11-24 09:00:00"},
		{"2025-11-24 10:00:00", Holiday, "2025-11-25 09:00:00"}, // 振替休日: the 23rd is a Sunday
		{"2026-09-22 10:00:00", Holiday, "2026-09-24 09:00:00"}, // between 敬老の日 and 秋分の日
		{"2026-05-06 10:00:00", Holiday, "2026-05-07 09:00:00"}, // 振替休日 three days after the Sunday
		{"2026-12-28 16:30:00", Handover, "2027-01-04 09:00:00"},
		{"2026-12-29 10:00:00", YearEnd, "2027-01-04 09:00:00"},
		{"2027-01-01 10:00:00", Holiday, "2027-01-04 09:00:00"},
		{"2028-02-29 10:00:00", Open, "2028-02-29 10:00:00"},
	} {
		when := at(t, x.when)
		for _, in := range []*time.Location{JST, time.UTC, time.FixedZone("NY", -5*3600)} { // a browser elsewhere asks the same moment
			ok, r := c.Allowed(when.In(in))
			if r.Code != x.want || ok != (x.want == Open) || !ok && (r.Text.Ja == "" || r.Text.En == "") {
				t.Errorf("%s in %s: %v %+v, want %q", x.when, in, ok, r, x.want)
			}
			if got := c.Next(when.In(in)); !got.Equal(at(t, x.next)) {
				t.Errorf("%s in %s: next %s, want %s", x.when, in, got, x.next)
			}
		}
	}
}

func TestWiderHoursLetNothingOutAtNight(t *testing.T) {
	c := Default()
	c.Hours = []Window{{At(0, 0), At(24, 0)}}
	for h := range 24 {
		ok, r := c.Allowed(time.Date(2026, 11, 25, h, 15, 0, 0, JST))
		if want := h >= 9 && (h < 16 || h == 16); ok != want {
			t.Errorf("%d:15: %v %+v", h, ok, r)
		}
	}
}

func TestWindowsOverMidnight(t *testing.T) {
	c := Calendar{
		Weekdays: []time.Weekday{time.Monday, time.Tuesday},
		Hours:    []Window{{At(22, 0), At(2, 0)}},
		Quiet:    []Quiet{{Window: Window{At(23, 30), At(0, 30)}, Kind: Duty, Weekdays: []time.Weekday{time.Monday}, Note: "救急当番"}},
	}
	if err := c.Check(); err != nil {
		t.Fatal(err)
	}
	for when, want := range map[string]Code{
		"2026-11-30 22:00:00": Open, // Monday
		"2026-11-30 23:29:59": Open,
		"2026-11-30 23:30:00": Duty,
		"2026-12-01 00:29:59": Duty,
		"2026-12-01 00:30:00": Open,
		"2026-12-01 01:59:59": Open,
		"2026-12-01 02:00:00": Outside,
		"2026-12-01 23:45:00": Open,      // Tuesday's duty is not closed
		"2026-12-02 00:15:00": ClosedDay, // a day that is not open is closed from midnight
		"2026-11-30 00:15:00": Outside,   // Sunday's evening never opened
	} {
		if _, r := c.Allowed(at(t, when)); r.Code != want {
			t.Errorf("%s: %+v, want %q", when, r, want)
		}
	}
}

func TestBlackouts(t *testing.T) {
	c := Default()
	c.Blackouts = []Blackout{{"2026-12-01", "2026-12-03", "電子カルテ更新"}}
	for when, want := range map[string]Code{"2026-11-30 16:00:00": Open, "2026-12-01 00:00:00": Black, "2026-12-03 16:29:00": Black, "2026-12-04 09:00:00": Open} {
		if _, r := c.Allowed(at(t, when)); r.Code != want {
			t.Errorf("%s: %+v, want %q", when, r, want)
		}
	}
	if got := c.Next(at(t, "2026-11-30 16:30:00")); !got.Equal(at(t, "2026-12-04 09:00:00")) {
		t.Errorf("next after the blackout: %s", got)
	}
	c.Blackouts[0].To = "2030-01-01"
	if got := c.Next(at(t, "2026-12-01 10:00:00")); !got.IsZero() {
		t.Errorf("a blackout of years: next %s", got)
	}
	c.Blackouts[0].To = "12/3"
	if ok, _ := c.Allowed(at(t, "2026-12-10 10:00:00")); ok || c.Check() == nil {
		t.Error("an unreadable blackout opened the calendar")
	}
}

func TestFinish(t *testing.T) {
	c := Default()
	for _, x := range []struct {
		from string
		work time.Duration
		want string
	}{
		{"2026-11-24 09:00:00", time.Hour, "2026-11-24 10:00:00"},
		{"2026-11-24 16:00:00", time.Hour, "2026-11-25 09:30:00"},
		{"2026-11-20 16:00:00", 8 * time.Hour, "2026-11-24 16:30:00"}, // Friday, over the weekend and a holiday
		{"2026-11-21 00:00:00", 0, "2026-11-24 09:00:00"},
	} {
		if got := c.Finish(at(t, x.from), x.work); !got.Equal(at(t, x.want)) {
			t.Errorf("%s + %v: %s, want %s", x.from, x.work, got, x.want)
		}
	}
}

func TestClockStepsBack(t *testing.T) {
	c, now := Default(), at(t, "2026-11-24 09:10:00")
	if SteppedBack(now, now.Add(-time.Minute)) || !SteppedBack(now, now.Add(-time.Hour)) {
		t.Error("a step back is not told from a correction")
	}
	back := now.Add(-time.Hour) // 8:10: handover again, nothing goes out a second time before 9:00
	if ok, _ := c.Allowed(back); ok || !c.Next(back).Equal(at(t, "2026-11-24 09:00:00")) {
		t.Error("after a step back the hours are not those of the clock")
	}
}

// TestNextIsTheFirst walks minute by minute to what Next jumps to.
func TestNextIsTheFirst(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 7))
	clock := func() Clock { return Clock(r.IntN(24 * 60)) }
	for range 60 {
		c := Calendar{Weekdays: []time.Weekday{time.Weekday(r.IntN(7)), time.Weekday(r.IntN(7)), time.Friday}, Hours: []Window{{clock(), clock()}, {clock(), clock()}},
			Quiet:     []Quiet{{Window: Window{clock(), clock()}, Kind: Night}, {Window: Window{clock(), clock()}, Kind: Duty, Weekdays: []time.Weekday{time.Weekday(r.IntN(7))}}},
			Blackouts: []Blackout{{"2026-12-02", "2026-12-04", "x"}}}
		if c.Check() != nil {
			continue
		}
		start := time.Date(2026, 11, 27, r.IntN(24), r.IntN(60), 0, 0, JST)
		want := start
		for n := 0; ; n++ {
			if ok, _ := c.Allowed(want); ok || n > 30*24*60 {
				break
			}
			want = want.Add(time.Minute)
		}
		got := c.Next(start)
		if ok, _ := c.Allowed(want); ok && !got.Equal(want) || !ok && !got.IsZero() && got.Before(want) {
			t.Errorf("%+v from %s: %s, want %s", c, start, got, want)
		}
	}
}

func TestCheckRefuses(t *testing.T) {
	for name, change := range map[string]func(*Calendar){
		"no days":       func(c *Calendar) { c.Weekdays = nil },
		"no hours":      func(c *Calendar) { c.Hours = nil },
		"empty window":  func(c *Calendar) { c.Hours = []Window{{At(9, 0), At(9, 0)}} },
		"beyond a day":  func(c *Calendar) { c.Hours = []Window{{At(9, 0), At(25, 0)}} },
		"unknown kind":  func(c *Calendar) { c.Quiet = []Quiet{{Window: Window{At(9, 0), At(10, 0)}, Kind: "tea"}} },
		"blackout back": func(c *Calendar) { c.Blackouts = []Blackout{{"2026-12-03", "2026-12-01", ""}} },
		"too many":      func(c *Calendar) { c.Blackouts = make([]Blackout, 501) },
	} {
		c := Default()
		change(&c)
		if c.Check() == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

func TestStoredForm(t *testing.T) {
	b, err := json.Marshal(Default())
	if err != nil {
		t.Fatal(err)
	}
	var back Calendar
	if err := json.Unmarshal(b, &back); err != nil {
		t.Fatal(err)
	}
	if again, _ := json.Marshal(back); string(again) != string(b) {
		t.Errorf("%s\n%s", b, again)
	}
}

func FuzzClock(f *testing.F) {
	for _, s := range []string{"8:30", "０８：３０", "24:00", "25:00", "8:3", "-1:00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var c Clock
		if c.UnmarshalText([]byte(s)) != nil {
			return
		}
		var again Clock
		if c < 0 || c > 24*60 || again.UnmarshalText([]byte(c.String())) != nil || again != c {
			t.Fatalf("%q: %d %s", s, c, c)
		}
	})
}
