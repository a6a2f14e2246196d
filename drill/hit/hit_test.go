package hit

import (
	"fmt"
	"net/netip"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"kenshin/fault"
	"kenshin/i18n"
)

const chrome = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"

func TestNewRulesChangeTheCountsAndNothingElse(t *testing.T) {
	tr := readTrace(t, "testdata/nat.txt")
	before := Count(tr.facts, tr.hits, Classify(tr.facts, tr.hits, tr.rules))[URL]
	raw := slices.Clone(tr.hits)
	more, err := tr.rules.With(nil, []Scanner{{ID: "our-proxy", Kind: Machine, Nets: []string{"203.0.113.9/32"}, Source: "情報担当が確認", Date: "2026-11-20"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	again := Classify(tr.facts, tr.hits, more)
	after := Count(tr.facts, tr.hits, again)[URL]
	if before.Persons != 50 || after.Persons != 0 || after.Hits != before.Hits || !reflect.DeepEqual(raw, tr.hits) {
		t.Errorf("before %+v, after %+v", before, after)
	}
	if tr.rules.Version() == more.Version() || again[0].Rules != more.Version() {
		t.Error("the verdicts do not name the rules that they were made by")
	}
	back := Classify(tr.facts, tr.hits, tr.rules)
	if got := Count(tr.facts, tr.hits, back)[URL]; got != before {
		t.Errorf("with the old rules again %+v, was %+v", got, before)
	}
}

func TestEveryReasonIsASentenceWithItsValues(t *testing.T) {
	for rule := range sentences {
		r := Reason{Rule: rule, Seconds: 4.25, Limit: 60, Count: 7, Detail: "192.0.2.0/24"}
		x := r.Text()
		if strings.Contains(x.Ja+x.En, "%!") || !strings.HasSuffix(x.Ja, "。") || !strings.HasSuffix(x.En, ".") || !regexp.MustCompile(`\p{Hiragana}`).MatchString(x.Ja) {
			t.Errorf("%s: %q / %q", rule, x.Ja, x.En)
		}
	}
	got := Reason{Rule: rFast, Seconds: 4.24, Limit: 10}.Text()
	want := i18n.Text{Ja: "メールが受け付けられてから4.2秒後でした(10秒未満なら機械とみなす設定)。", En: "4.2 s after the mail was accepted (under 10 s counts as a machine)."}
	if got != want {
		t.Errorf("%+v", got)
	}
}

func TestLearnLeavesOutAPersonWhoTouchedTheMail(t *testing.T) {
	at := clock("09:00:00")
	egress := []netip.Prefix{netip.MustParsePrefix("203.0.113.8/29")}
	get := func(ip, agent string, s int) Hit {
		return Hit{Signal: URL, Method: "GET", Net: netip.MustParseAddr(ip), Agent: agent, At: at.Add(time.Duration(s) * time.Second)}
	}
	hits := []Hit{get("198.51.100.7", "a", 5), get("198.51.100.200", "a", 1), get("203.0.113.9", chrome, 9), get("203.0.113.10", "gate", 9), get("2001:db8::1", "b", 3),
		{Signal: Confirm, Method: "POST", Net: netip.MustParseAddr("203.0.113.9"), Agent: chrome, At: at}, {Signal: Report, Method: ByMail, At: at}}
	got := Learn(hits, egress)
	want := []SiteRule{
		{Net: netip.MustParsePrefix("198.51.100.0/24"), Agent: "a", Hits: 2, First: at.Add(time.Second), Last: at.Add(5 * time.Second)},
		{Net: netip.MustParsePrefix("203.0.113.10/32"), Agent: "gate", Inside: true, Hits: 1, First: at.Add(9 * time.Second), Last: at.Add(9 * time.Second)},
		{Net: netip.MustParsePrefix("2001:db8::/48"), Agent: "b", Hits: 1, First: at.Add(3 * time.Second), Last: at.Add(3 * time.Second)},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
}

func TestRulesFileSaysWhatIsWrong(t *testing.T) {
	limits := "limits: {min_delay: 10, burst_hits: 3, shared_net: 3}\n"
	for _, c := range []struct{ yaml, says string }{
		{"limits: {min_delay: 121, burst_hits: 3, shared_net: 3}", "min_delay"},
		{limits + "scanners: [{id: x, kind: person, agents: [abc], source: s, date: 2026-01-01}]", "1番目(x)"},
		{limits + "scanners: [{id: ok, kind: proxy, agents: [abc], source: s, date: 2026-01-01}, {id: y, kind: machine, agents: [ab], source: s, date: 2026-01-01}]", "2番目(y)"},
		{limits + "scanners: [{id: x, kind: machine, nets: [0.0.0.0/0], source: s, date: 2026-01-01}]", "/8"},
		{limits + "scanners: [{id: x, kind: machine, nets: [\"192.0.2.1\"], source: s, date: 2026-01-01}]", "192.0.2.0/24"},
		{limits + "scanners: [{id: x, kind: machine, agents: [abc], date: 2026-01-01}]", "出典"},
		{limits + "scanners: [{id: x, kind: machine, agents: [abc], source: s, date: yesterday}]", "date"},
		{limits + "scanners: [{id: x, kind: machine, source: s, date: 2026-01-01}]", "agents"},
		{limits + "scanners: [{id: x, kind: machine, agents: [abc], source: s, date: 2026-01-01}, {id: x, kind: machine, agents: [abc], source: s, date: 2026-01-01}]", "二つ"},
		{limits + "scaners: []", "scaners"},
		{"limits: [", "YAML"},
		{strings.Repeat("#", maxRules+1), "大きすぎ"},
	} {
		_, err := Read([]byte(c.yaml))
		if err == nil || !strings.Contains(fault.Sentence(err, "ja"), c.says) {
			t.Errorf("%.90s: %v", c.yaml, err)
		}
	}
}

// What people really use must not be on the list of machines.
func TestBrowsersAndMailProgramsOfPeople(t *testing.T) {
	rules := defaults(t)
	at := clock("09:00:00")
	facts := Facts{Egress: []netip.Prefix{netip.MustParsePrefix("203.0.113.8/29")}, Recipients: map[string]Recipient{"a": {Begun: at, Accepted: at}}}
	for _, agent := range []string{
		chrome,
		chrome + " Edg/131.0.0.0",
		"Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.6 Safari/605.1.15",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1",
		"Mozilla/5.0 (Linux; Android 14; CUBOT P80) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Mobile Safari/537.36",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 Safari Line/14.19.0",
		"Mozilla/5.0 (Windows NT 6.1; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/109.0.0.0 Safari/537.36",
	} {
		for _, s := range []Signal{URL, QR, Attachment, Open} {
			v := Classify(facts, []Hit{{ID: "1", Recipient: "a", Signal: s, Method: "GET", At: at.Add(time.Minute), Net: netip.MustParseAddr("203.0.113.9"), Agent: agent}}, rules)
			if v[0].Kind != Person {
				t.Errorf("%s %s: %+v", s, agent, v[0])
			}
		}
	}
}

// crowd makes n hits of some recipients as a real drill sees them: scanners at once, people later behind one address.
func crowd(recipients, n int) (Facts, []Hit) {
	at := clock("09:00:00")
	f := Facts{Recipients: make(map[string]Recipient, recipients), Egress: []netip.Prefix{netip.MustParsePrefix("203.0.113.8/29")}, Links: []Signal{URL, Honeypot}}
	names := make([]string, recipients)
	for i := range names {
		names[i] = fmt.Sprintf("0197c6f0-0000-7000-8000-%012d", i)
		f.Recipients[names[i]] = Recipient{Begun: at, Accepted: at.Add(time.Duration(i) * 500 * time.Millisecond), Canary: i%1000 == 0}
	}
	signals := []Signal{Open, URL, URL, Honeypot, Touch}
	hits := make([]Hit, n)
	for i := range hits {
		who := names[(i*7919)%recipients]
		s := signals[i%len(signals)]
		h := Hit{ID: fmt.Sprintf("0197c6f1-0000-7000-8000-%012d", i), Recipient: who, Signal: s, Method: "GET", Agent: chrome + fmt.Sprintf(" x/%d", i%300),
			At: f.Recipients[who].Accepted.Add(time.Duration(i%40000) * 100 * time.Millisecond), Net: netip.AddrFrom4([4]byte{203, 0, 113, byte(8 + i%3)})}
		if s == Touch {
			h.Method = "POST"
		}
		if i%4 == 0 {
			h.Net = netip.AddrFrom4([4]byte{40, byte(i >> 16), byte(i >> 8), byte(i)})
		}
		hits[i] = h
	}
	return f, hits
}

func BenchmarkClassify(b *testing.B) {
	rules := defaults(b)
	for _, n := range []int{10_000, 100_000} {
		f, hits := crowd(n/5, n)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Classify(f, hits, rules)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/hit")
		})
	}
}

// One recipient hit as hard as one can must cost no more than many recipients.
func BenchmarkClassifyFlood(b *testing.B) {
	rules := defaults(b)
	f, hits := crowd(1, 100_000)
	for i := range hits {
		hits[i].At = clock("10:00:00").Add(time.Duration(i) * time.Microsecond)
	}
	for b.Loop() {
		Classify(f, hits, rules)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(embedded)
	f.Add([]byte("limits: {min_delay: 10, burst_hits: 3, shared_net: 3}\nsite: [{net: 192.0.2.0/24, agent: x, hits: 1}]"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := Read(b)
		if err != nil {
			return
		}
		at := clock("09:00:00")
		facts := Facts{Recipients: map[string]Recipient{"a": {Begun: at, Accepted: at}}, Links: []Signal{URL, Honeypot}}
		for _, v := range Classify(facts, []Hit{{Recipient: "a", Signal: URL, Method: "GET", At: at.Add(time.Hour), Net: netip.MustParseAddr("192.0.2.1"), Agent: "x"}}, r) {
			if v.Kind == "" || len(v.Reasons) == 0 {
				t.Errorf("no verdict: %+v", v)
			}
		}
	})
}
