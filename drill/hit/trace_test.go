package hit

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

// trace is one testdata/*.txt; testdata/README.md says how they are written.
type trace struct {
	facts    Facts
	rules    Rules
	hits     []Hit
	want     []string // "person egress" for each hit
	lines    []string
	persons  map[Signal]int
	raw      map[Signal]int
	falseHit int
	quiet    []Hit
	agents   map[string]string
	staff    []string
}

func clock(s string) time.Time {
	if s == "-" {
		return time.Time{}
	}
	at, err := time.Parse("2006-01-02 15:04:05", "2026-11-20 "+s)
	if err != nil {
		panic(err)
	}
	return at
}

func address(s string) netip.Addr {
	if s == "-" {
		return netip.Addr{}
	}
	return netip.MustParseAddr(s)
}

func readTrace(t *testing.T, name string) *trace {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	tr := &trace{facts: Facts{Recipients: map[string]Recipient{}}, rules: defaults(t), persons: map[Signal]int{}, raw: map[Signal]int{}, falseHit: -1,
		agents: map[string]string{}}
	for n, line := range strings.Split(string(b), "\n") {
		line, _, _ = strings.Cut(line, "#")
		if line = strings.TrimSpace(line); line != "" {
			func() {
				defer func() {
					if p := recover(); p != nil {
						t.Fatalf("%s:%d: %q: %v", name, n+1, line, p)
					}
				}()
				tr.line(line)
			}()
		}
	}
	site := Learn(tr.quiet, tr.facts.Egress)
	if tr.rules, err = tr.rules.With(nil, nil, site); err != nil {
		t.Fatal(err)
	}
	return tr
}

func (tr *trace) agent(s string) string {
	s = strings.TrimSpace(s)
	if name, ok := strings.CutPrefix(s, "$"); ok {
		a, ok := tr.agents[name]
		if !ok {
			panic("no such agent")
		}
		return a
	}
	a, err := strconv.Unquote(s)
	if err != nil {
		panic(err)
	}
	return a
}

func (tr *trace) line(line string) {
	f := strings.Fields(line)
	switch f[0] {
	case "egress":
		for _, p := range f[1:] {
			tr.facts.Egress = append(tr.facts.Egress, netip.MustParsePrefix(p))
		}
	case "links":
		for _, s := range f[1:] {
			tr.facts.Links = append(tr.facts.Links, Signal(s))
		}
	case "sent", "canary":
		tr.facts.Recipients[f[1]] = Recipient{Begun: clock(f[2]), Accepted: clock(f[3]), Canary: f[0] == "canary"}
	case "staff":
		n, _ := strconv.Atoi(f[1])
		for i := range n {
			who := fmt.Sprintf("s%d", i+1)
			tr.staff = append(tr.staff, who)
			tr.facts.Recipients[who] = Recipient{Begun: clock(f[2]), Accepted: clock(f[3])}
		}
	case "reported":
		r := tr.facts.Recipients[f[1]]
		r.Reported = clock(f[2])
		tr.facts.Recipients[f[1]] = r
	case "quiet":
		tr.quiet = append(tr.quiet, Hit{Signal: URL, Method: "GET", Net: address(f[1]), Agent: tr.agent(strings.SplitN(line, " ", 3)[2])})
	case "limit":
		if err := yaml.Unmarshal([]byte(f[1]+": "+f[2]), &tr.rules.Limits); err != nil {
			panic(err)
		}
	case "agent":
		tr.agents[f[1]] = strings.SplitN(line, " ", 3)[2]
	case "hit":
		tr.hit(f[1], clock(f[2]), line, strings.SplitN(line, " ", 4)[3])
	case "each":
		step, _ := strconv.Atoi(strings.TrimPrefix(f[3], "+"))
		for i, who := range tr.staff {
			tr.hit(who, clock(f[2]).Add(time.Duration(i*step)*time.Second), line, strings.SplitN(line, " ", 5)[4])
		}
	case "persons":
		tr.persons[Signal(f[1])], _ = strconv.Atoi(f[2])
	case "raw":
		tr.raw[Signal(f[1])], _ = strconv.Atoi(f[2])
	case "false":
		tr.falseHit, _ = strconv.Atoi(f[1])
	default:
		panic("unknown word")
	}
}

func (tr *trace) hit(who string, at time.Time, line, rest string) {
	what, want, ok := strings.Cut(rest, " -> ")
	if !ok {
		panic("no ->")
	}
	f := strings.SplitN(what, " ", 4)
	flags := strings.Split(f[0], ",")
	tr.hits = append(tr.hits, Hit{ID: strconv.Itoa(len(tr.hits)), Recipient: who, Signal: Signal(flags[0]), At: at, Method: f[1], Net: address(f[2]),
		Agent: tr.agent(f[3]), Malformed: slices.Contains(flags, "malformed"), Referer: slices.Contains(flags, "referer")})
	tr.want, tr.lines = append(tr.want, want), append(tr.lines, line)
}

func defaults(t testing.TB) Rules {
	t.Helper()
	r, err := Default()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestTraces(t *testing.T) {
	names, _ := filepath.Glob("testdata/*.txt")
	if len(names) < 10 {
		t.Fatalf("only %d traces", len(names))
	}
	for _, name := range names {
		t.Run(filepath.Base(name), func(t *testing.T) {
			tr := readTrace(t, name)
			got := Classify(tr.facts, tr.hits, tr.rules)
			for i, v := range got {
				kind, rule, ruled := strings.Cut(tr.want[i], " ")
				if string(v.Kind) != kind || ruled && v.Reasons[0].Rule != rule {
					t.Errorf("%s\n  got %s %+v", tr.lines[i], v.Kind, v.Reasons)
				}
			}
			tallies := Count(tr.facts, tr.hits, got)
			for s, n := range tr.persons {
				if tallies[s].Persons != n {
					t.Errorf("%d persons for %s, want %d: %+v", tallies[s].Persons, s, n, tallies[s])
				}
			}
			for s, n := range tr.raw {
				if tallies[s].Hits != n {
					t.Errorf("%d raw hits for %s, want %d", tallies[s].Hits, s, n)
				}
			}
			if tr.falseHit >= 0 {
				if f := FalseHitRate(tr.facts, tr.hits, tr.rules); f.Person != tr.falseHit {
					t.Errorf("decoys taken for persons: %+v, want %d", f, tr.falseHit)
				}
			}
			sameInAnyOrder(t, tr, got)
		})
	}
}

// sameInAnyOrder shuffles the hits: what is stored in another order, or judged again, is judged the same.
func sameInAnyOrder(t *testing.T, tr *trace, want []Verdict) {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	raw := slices.Clone(tr.hits)
	for range 20 {
		mixed := slices.Clone(tr.hits)
		r.Shuffle(len(mixed), func(a, b int) { mixed[a], mixed[b] = mixed[b], mixed[a] })
		for i, v := range Classify(tr.facts, mixed, tr.rules) {
			n, _ := strconv.Atoi(mixed[i].ID)
			if v.Hit != mixed[i].ID || !reflect.DeepEqual(v, want[n]) {
				t.Fatalf("in another order: %+v, was %+v", v, want[n])
			}
		}
	}
	if !reflect.DeepEqual(raw, tr.hits) {
		t.Error("judging changed the raw hits")
	}
}
