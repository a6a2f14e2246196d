package rate

import (
	"math"
	"strings"
	"testing"
	"testing/quick"
	"time"
)

func near(a, b float64) bool { return math.Abs(a-b) < 0.00006 }

// Table I, method 3, of Newcombe 1998 (Stat. Med. 17:857).
func TestWilsonAgainstNewcombe(t *testing.T) {
	for _, c := range []struct {
		r         Rate
		low, high float64
	}{
		{Rate{81, 263}, 0.2553, 0.3662}, {Rate{15, 148}, 0.0624, 0.1605}, {Rate{0, 20}, 0, 0.1611}, {Rate{1, 29}, 0.0061, 0.1718},
		{Rate{20, 20}, 0.8389, 1}, {Rate{0, 0}, 0, 1},
	} {
		low, high := c.r.Interval()
		if !near(low, c.low) || !near(high, c.high) {
			t.Errorf("%+v: %.4f–%.4f, published %.4f–%.4f", c.r, low, high, c.low, c.high)
		}
	}
	if err := quick.Check(func(a, b uint16) bool {
		r := Rate{int(min(a, b)), int(max(a, b))}
		low, high := r.Interval()
		return low >= 0 && high <= 1 && low <= r.Share() && r.Share() <= high
	}, nil); err != nil {
		t.Error(err)
	}
}

func TestTextNeverLacksItsDenominator(t *testing.T) {
	for _, c := range []struct {
		r      Rate
		ja, en string
	}{
		{Rate{12, 120}, "12 / 120人 (10.0 %、95 %信頼区間 5.8–16.7 %)", "12 of 120 people (10.0 %, 95 % interval 5.8–16.7 %)"},
		{Rate{1, 4}, "5人未満のため表示しません", "fewer than 5 people: not shown"},
		{Rate{0, 5}, "0 / 5人 (0.0 %、95 %信頼区間 0.0–43.4 %)", "0 of 5 people (0.0 %, 95 % interval 0.0–43.4 %)"},
		{Rate{}, "対象者なし", "nobody"},
	} {
		if got := c.r.Text(); got.Ja != c.ja || got.En != c.en {
			t.Errorf("%+v", got)
		}
	}
}

func TestASmallDepartmentCannotBeWorkedOutFromTheTotal(t *testing.T) {
	for _, c := range []struct{ of, hidden string }{
		{"30 4 20 8", "0 1 0 1"}, // 4 alone is the total less the others: 8 goes as well
		{"30 4 3 20", "0 1 1 0"}, // 7 together tell about nobody
		{"30 20 8", "0 0 0"}, {"2", "1"}, {"3 40", "1 1"}, {"0 9 30", "0 0 0"}, {"", ""},
	} {
		var parts []Rate
		for _, f := range strings.Fields(c.of) {
			n := 0
			for _, d := range f {
				n = 10*n + int(d-'0')
			}
			parts = append(parts, Rate{0, n})
		}
		got := ""
		for _, h := range Hidden(parts) {
			got += map[bool]string{true: "1 ", false: "0 "}[h]
		}
		if strings.TrimSpace(got) != c.hidden {
			t.Errorf("%s: hidden %s, want %s", c.of, got, c.hidden)
		}
	}
}

// The 6-MP arm of Freireich 1963, the textbooks' example: S and Greenwood's error at each time.
func TestCurveAgainstFreireich(t *testing.T) {
	var ts []Time
	for _, w := range []int{35, -6, 6, 6, 6, 7, -9, 10, -10, -11, 13, 16, -17, -19, -20, 22, 23, -25, -32, -32, -34} {
		seen := w > 0 && w != 35
		ts = append(ts, Time{time.Duration(max(w, -w)) * time.Hour, seen})
	}
	want := []struct {
		at      int
		s, e    float64
		n, risk int
	}{{6, .8571, .0764, 3, 21}, {7, .8067, .0869, 4, 17}, {10, .7529, .0963, 5, 15}, {13, .6902, .1068, 6, 12}, {16, .6275, .1141, 7, 11}, {22, .5378, .1282, 8, 7}, {23, .4482, .1346, 9, 6}}
	got := Curve(ts)
	if len(got) != len(want) {
		t.Fatalf("%d points", len(got))
	}
	for i, w := range want {
		p := got[i]
		if p.After != time.Duration(w.at)*time.Hour || !near(1-p.Share, w.s) || !near(p.Error, w.e) || p.Count != w.n || p.AtRisk != w.risk {
			t.Errorf("%+v, published %+v", p, w)
		}
	}
	if m, ok := OfAll(got, 0.5); !ok || m != 23*time.Hour {
		t.Errorf("median %v %v", m, ok)
	}
	if _, ok := OfAll(got, 0.6); ok {
		t.Error("a share that was never reached has a time")
	}
}

func TestMedianNamesItsPeople(t *testing.T) {
	m := func(n int, seen bool) Time { return Time{time.Duration(n) * time.Minute, seen} }
	ts := []Time{m(2, true), m(4, true), m(10, true), m(600, false), m(600, false), m(600, false), m(600, false)}
	if got := Median(ts).Ja; got != "した人(3人)の中央値 4分0秒。全員(7人)の半数には達していません" {
		t.Error(got)
	}
	if got := Median(ts[:5]).En; got != "median 4 min 0 s among the 3 who did; half of all 5 after 10 min 0 s" {
		t.Error(got)
	}
	if got := Median(ts[3:]).Ja; got != "まだだれもいません" {
		t.Error(got)
	}
	if q, _ := OfThose(ts, 0.25); q != 2*time.Minute {
		t.Error(q)
	}
	if c := Curve([]Time{m(-1, true), m(5, false)}); len(c) != 1 || c[0].After != 0 || c[0].Share != 0.5 {
		t.Errorf("a clock a little behind: %+v", c)
	}
}

func TestWhoWasFirst(t *testing.T) {
	at := func(m int) time.Time { return time.Date(2026, 11, 20, 9, m, 0, 0, time.UTC) }
	r := First([]time.Time{at(9), at(3), at(20)}, []time.Time{at(30), at(10)})
	if r.Before != 2 || !r.Won() || r.Text().Ja != "最初の人がリンク・QR・添付を開く7分0秒前に、最初の報告がありました。" {
		t.Errorf("%+v %s", r, r.Text().Ja)
	}
	if r := First([]time.Time{at(12)}, []time.Time{at(10)}); r.Won() || !strings.Contains(r.Text().Ja, "2分0秒後") {
		t.Errorf("%+v", r.Text())
	}
	if r := First([]time.Time{at(12)}, nil); !r.Won() || r.Before != 1 {
		t.Errorf("%+v", r)
	}
	if First(nil, []time.Time{at(1)}).Won() || First(nil, nil).Won() {
		t.Error("no report won")
	}
}

// Method 10 of Newcombe 1998 (Stat. Med. 17:873), example (a): 56/70 against 48/80.
func TestCompareAgainstNewcombe(t *testing.T) {
	c := Compare(Drill{Rate{48, 80}, "moderate"}, Drill{Rate{56, 70}, "moderate"})
	if !near(c.Difference, 0.2) || !near(c.Low, 0.0524) || !near(c.High, 0.3339) || !c.Like {
		t.Errorf("%+v", c)
	}
	if !strings.Contains(c.Text().Ja, "+20.0ポイント(95 %信頼区間 +5.2〜+33.4)。偶然とは考えにくい") {
		t.Error(c.Text().Ja)
	}
	if x := Compare(Drill{Rate{10, 100}, "a"}, Drill{Rate{12, 100}, "a"}); !strings.Contains(x.Text().Ja, "変わったとは言えません") {
		t.Error(x.Text().Ja)
	}
	for _, d := range []Drill{{Rate{9, 90}, "very"}, {Rate{9, 90}, ""}, {Rate{1, 4}, "moderate"}} {
		x := Compare(Drill{Rate{48, 80}, "moderate"}, d)
		if x.Like || x.Warning.Ja == "" || x.Text() != x.Warning || strings.Contains(x.Text().Ja, "ポイント") {
			t.Errorf("%+v was compared: %+v", d, x)
		}
	}
}
