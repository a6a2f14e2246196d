package preflight

import (
	"context"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"kenshin/i18n"
)

var day0 = time.Date(2026, 11, 24, 1, 0, 0, 0, time.UTC)

func allOK(at time.Time) []Outcome {
	var out []Outcome
	for _, c := range Checks() {
		out = append(out, Outcome{Check: c.ID, At: at, Result: result(OK, "よい", "good")})
	}
	return out
}

func TestEveryCheckIsWhole(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range Checks() {
		for _, x := range []i18n.Text{c.Title, c.Why, c.Fix} {
			if x.Ja == "" || x.En == "" {
				t.Errorf("%s: a text is missing", c.ID)
			}
		}
		if c.ID == "" || seen[c.ID] || c.run == nil || c.Source == "" || !slices.Contains([]Severity{High, Medium, Low}, c.Severity) {
			t.Errorf("%+v is not whole", c)
		}
		seen[c.ID] = true
	}
}

func TestGreen(t *testing.T) {
	if r := Judge(allOK(day0), nil, day0.Add(time.Hour)); !r.Green || len(r.Outcomes) != len(Checks()) {
		t.Fatalf("%+v", r.Open)
	}
	if r := Judge(nil, nil, day0); r.Green || len(r.Open) != len(Checks()) {
		t.Error("what was not checked is green")
	}
	if r := Judge(allOK(day0)[1:], nil, day0); r.Green || r.Open[0] != "spf" || r.Outcomes[0].State != Unknown {
		t.Errorf("one check is missing: %+v", r.Open)
	}
	if r := Judge(allOK(day0), nil, day0.Add(25*time.Hour)); r.Green {
		t.Error("yesterday's checks are green today")
	}
	warn := allOK(day0)
	warn[0].Result = result(Warn, "注意", "mind")
	if r := Judge(warn, nil, day0); !r.Green {
		t.Error("a warning stops the drill")
	}
	later := append(allOK(day0), Outcome{Check: "dkim", At: day0.Add(time.Minute), Result: result(Bad, "x", "x")})
	if r := Judge(later, nil, day0.Add(time.Hour)); r.Green || r.Open[0] != "dkim" {
		t.Error("the later outcome does not count")
	}
}

func TestWaivers(t *testing.T) {
	out := allOK(day0)
	out[0].Result = result(Unknown, "分からない", "not known")
	if _, err := Waive(out[0], "山田", "急ぐ", day0); err == nil {
		t.Error("a waiver without a reason")
	}
	if _, err := Waive(out[0], " ", "検証環境なので問題ありません", day0); err == nil {
		t.Error("a waiver of nobody")
	}
	if _, err := Waive(out[1], "山田", "検証環境なので問題ありません", day0); err == nil {
		t.Error("a waiver of what is fine")
	}
	w, err := Waive(out[0], "山田", "検証環境なので問題ありません", day0)
	if err != nil {
		t.Fatal(err)
	}
	if r := Judge(out, []Waiver{w}, day0); !r.Green || len(r.Waived) != 1 {
		t.Errorf("%+v", r.Open)
	}
	for name, now := range map[string]Result{"worse": result(Bad, "分からない", "not known"), "something else": result(Unknown, "別の理由", "other")} {
		out[0].Result = now
		if r := Judge(out, []Waiver{w}, day0); r.Green {
			t.Errorf("%s: the old waiver covers it", name)
		}
	}
	out[0].Result, out[1].Result = result(OK, "", ""), result(Unknown, "分からない", "not known")
	if r := Judge(out, []Waiver{w}, day0); r.Green {
		t.Error("a waiver of one check covers another")
	}
}

func TestTestMails(t *testing.T) {
	good := read(t, m365Headers)
	junk := read(t, strings.ReplaceAll(strings.ReplaceAll(m365Headers, "dest:I", "dest:J"), "SFV:NSPM", "SFV:SPM"))
	same := &Difference{}
	bad := &Difference{Findings: []Finding{{ID: "garbled", State: Bad, Says: i18n.Text{Ja: "文字化け", En: "garbled"}}}}
	for name, c := range map[string]struct {
		tests         []Test
		inbox, intact State
	}{
		"none":                   {nil, Unknown, Unknown},
		"ticked":                 {[]Test{{Place: Inbox, Difference: same}}, OK, OK},
		"by headers":             {[]Test{{Place: PlaceUnknown, Reading: good, Difference: same}}, Warn, OK}, // it was slow
		"headers say junk":       {[]Test{{Reading: junk}}, Bad, Unknown},
		"a person's eye counts":  {[]Test{{Place: Inbox, Reading: junk}}, Warn, Unknown},
		"one of two quarantined": {[]Test{{Place: Inbox}, {Place: Quarantine, Difference: bad}}, Bad, Bad},
		"never":                  {[]Test{{Place: Never}}, Bad, Unknown},
		"nobody looked":          {[]Test{{Place: Inbox}, {}}, Unknown, Unknown},
	} {
		s := setup()
		s.Tests = c.tests
		for id, want := range map[string]State{"inbox": c.inbox, "intact": c.intact} {
			if o := Run(context.Background(), World{}, s, id)[0]; o.State != want || o.Says.Ja == "" {
				t.Errorf("%s: %s is %s (%s), want %s", name, id, o.State, o.Says.Ja, want)
			}
		}
	}
	for name, c := range map[string]struct {
		watch Watch
		want  State
	}{
		"none":      {Watch{}, Unknown},
		"too short": {Watch{From: day0, To: day0.Add(14 * time.Minute)}, Unknown},
		"not over":  {Watch{From: day0.Add(20 * time.Minute), To: day0.Add(40 * time.Minute)}, Unknown},
		"quiet":     {Watch{From: day0, To: day0.Add(15 * time.Minute)}, OK},
		"hits":      {Watch{From: day0, To: day0.Add(15 * time.Minute), Hits: 3}, Bad},
		"learned":   {Watch{From: day0, To: day0.Add(15 * time.Minute), Hits: 3, Learned: true}, OK},
	} {
		s := setup()
		s.Watch = c.watch
		if o := Run(context.Background(), World{Now: func() time.Time { return day0.Add(30 * time.Minute) }}, s, "watch")[0]; o.State != c.want {
			t.Errorf("%s: %s", name, o.State)
		}
	}
}

func TestGuides(t *testing.T) {
	list, err := guides()
	if err != nil || len(list) < 8 {
		t.Fatal(len(list), err)
	}
	known := GuideIDs()
	ks, err := kinds()
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range ks {
		if !slices.Contains(known, k.Guide) || k.Ja == "" || k.En == "" || k.Source == "" || len(k.Suffixes)+len(k.SPF) == 0 || !slices.Contains([]string{"seen", "counted", "known"}, k.Confidence) {
			t.Errorf("%+v is not whole", k)
		}
	}
	for _, g := range list {
		if g.Name.Ja == "" || g.Name.En == "" || g.About.Ja == "" || g.About.En == "" || g.Source == "" || len(g.Steps) == 0 {
			t.Errorf("%s is not whole", g.ID)
		}
		for _, st := range slices.Concat(g.Steps, g.Cautions) {
			if st.Text.Ja == "" || st.Text.En == "" || !slices.Contains([]string{"seen", "known"}, st.Confidence) {
				t.Errorf("%s: a step is not whole: %+v", g.ID, st)
			}
			for _, n := range st.Names {
				if valueOf(n, setup()).Label.Ja == "" {
					t.Errorf("%s: no value is called %s", g.ID, n)
				}
			}
		}
	}
	s := setup()
	s.DKIM.Domain, s.Landing.URL = "sign.example.jp", "https://drill.example.jp/t/"
	g, err := GuideFor("microsoft-365", s)
	if err != nil || len(g.Problems) != 0 {
		t.Fatalf("%+v %v", g.Problems, err)
	}
	var typed []string
	for _, st := range g.Steps {
		for _, v := range st.Values {
			typed = append(typed, v.Entries...)
		}
	}
	if strings.Join(typed, " ") != "drill.example.jp sign.example.jp 203.0.113.25 drill.example.jp/t/*" {
		t.Errorf("to type: %v", typed)
	}
	if again, _ := GuideFor("microsoft-365", Setup{}); len(again.Problems) != 2 || len(again.Steps[1].Values) != 0 {
		t.Errorf("an empty setup: %+v", again)
	}
	s.SendingIPs = nil
	for i := range 11 {
		s.SendingIPs = append(s.SendingIPs, netip.AddrFrom4([4]byte{203, 0, 113, byte(i)}))
	}
	s.SendingIPs[0], s.SendingIPs[1] = netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("2001:db8::1")
	if g, _ := GuideFor("microsoft-365", s); len(g.Problems) != 3 {
		t.Errorf("eleven addresses, one inside, one IPv6: %+v", g.Problems)
	}
	if _, err := GuideFor("nothing", s); err == nil {
		t.Error("a guide that does not exist")
	}
}

func TestTheGuideNamesEveryCheck(t *testing.T) {
	text, err := os.ReadFile("../../docs/guide/drill-delivery.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range Checks() {
		row := "| " + c.Title.Ja + " | " + map[Severity]string{High: "高", Medium: "中", Low: "低"}[c.Severity] + " |"
		if !strings.Contains(string(text), row) {
			t.Errorf("docs/guide/drill-delivery.md lacks %s", row)
		}
	}
}
