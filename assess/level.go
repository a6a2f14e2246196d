package assess

import (
	"cmp"
	"slices"
	"time"

	"kenshin/catalogue"
	"kenshin/i18n"
)

// Level is a level of network control, 0 to 3. Below means that not even level 0 is reached.
type Level int

// Below is less than level 0.
const Below Level = -1

// Label is what a level is called on screens.
func (l Level) Label() i18n.Text {
	if l < 0 {
		return i18n.Text{Ja: "レベル0に届いていません", En: "below level 0"}
	}
	n := string(rune('0' + min(int(l), 9)))
	return i18n.Text{Ja: "レベル" + n, En: "level " + n}
}

// Step is one gate on the path of the flowchart.
type Step struct {
	Gate    catalogue.Item
	Claimed bool  // the person says はい
	Proven  bool  // and the evidence agrees
	State   State // what is shown beside it
}

// Standing is where the hospital stands on the flowchart.
type Standing struct {
	Claimed   Level // 「申告では2」
	Evidenced Level // 「証拠では1」
	Path      []Step
	Missing   int // gates without an answer that counts
}

// Levels walks the gates. A level is reached when all its gates and all gates below are passed; what is unknown, unanswered or 対象外 without approval
// passes nothing. Path holds every gate up to the first level that the claims do not reach, in order: the way that was taken and where it ended.
// gates has to hold every gate of the catalogue, answered or not.
func Levels(gates []Answered, now time.Time) Standing {
	out := Standing{Claimed: Below, Evidenced: Below}
	ordered := byLevel(gates)
	claimed, proven := true, true
	for level := 0; level <= 3; level++ {
		at := ordered[level]
		reachable := claimed
		for _, g := range at {
			s := step(g, now)
			if s.State == Open {
				out.Missing++
			}
			claimed, proven = claimed && s.Claimed, proven && s.Proven
			if reachable {
				out.Path = append(out.Path, s)
			}
		}
		if len(at) == 0 { // a catalogue without gates for a level cannot grant it
			claimed, proven = false, false
		}
		if claimed {
			out.Claimed = Level(level)
		}
		if proven {
			out.Evidenced = Level(level)
		}
	}
	return out
}

// Steps judges every gate, the lowest level first, also those beyond where the path ended.
func Steps(gates []Answered, now time.Time) []Step {
	var out []Step
	for _, at := range byLevel(gates) {
		for _, g := range at {
			out = append(out, step(g, now))
		}
	}
	return out
}

func byLevel(gates []Answered) [4][]Answered {
	var out [4][]Answered
	for _, g := range gates {
		if gate := g.Item.Gate; gate != nil && gate.Level >= 0 && gate.Level <= 3 {
			out[gate.Level] = append(out[gate.Level], g)
		}
	}
	return out
}

// step judges one gate. 対象外 (no outside connection at all, say) passes by word; by evidence only where a measurement agrees, else a form full of 対象外
// would reach level 3.
func step(g Answered, now time.Time) Step {
	s := g.State(now)
	exempt := s == Exempt
	yes := g.Claim.Reply == catalogue.Yes && s != Open
	return Step{Gate: g.Item, Claimed: yes || exempt, Proven: s == Proven || exempt && g.Verdict.reading(g.Need, now) == good, State: s}
}

// Action is one thing to do next on the way up.
type Action struct {
	Gate    catalogue.Item
	Why     State    // how the gate stands now
	Prove   bool     // it is claimed already: what is missing is the proof
	Closes  []string // ids of checklist items that the same work also answers
	Level   int
	Cost    catalogue.Cost
	Minutes int // of the hospital's own people
	Who     catalogue.Who
}

// NextActions returns up to n gates (three, for people) that are not proven yet: those of the lowest level first, since no level can be skipped, then the
// cheapest class, then what closes most of the checklist, then the shortest. checklist is the edition whose items they may close.
func NextActions(gates []Answered, checklist catalogue.Catalogue, n int, now time.Time) []Action {
	var out []Action
	for _, at := range byLevel(gates) {
		var here []Action
		for _, g := range at {
			s := step(g, now)
			if s.Proven {
				continue
			}
			gate := g.Item.Gate
			here = append(here, Action{Gate: g.Item, Why: s.State, Prove: s.Claimed, Closes: closes(g.Item, checklist), Level: gate.Level, Cost: gate.Cost, Minutes: gate.Minutes, Who: gate.Who})
		}
		slices.SortStableFunc(here, func(a, b Action) int {
			return cmp.Or(cmp.Compare(slices.Index(catalogue.Costs(), a.Cost), slices.Index(catalogue.Costs(), b.Cost)), cmp.Compare(len(b.Closes), len(a.Closes)), cmp.Compare(a.Minutes, b.Minutes))
		})
		out = append(out, here...)
	}
	return out[:max(0, min(n, len(out)))]
}

// closes finds the items of a checklist that a gate names by id or by concept, in the checklist's order.
func closes(gate catalogue.Item, checklist catalogue.Catalogue) []string {
	var out []string
	for _, i := range checklist.Items {
		if slices.Contains(gate.Relates, i.ID) || i.Concept != "" && slices.Contains(gate.Relates, i.Concept) {
			out = append(out, i.ID)
		}
	}
	return out
}

// PatternOf finds the guideline's reference pattern by its two questions: is somebody dedicated to running the systems, and is the main system in a
// cloud. A hospital that has both kinds of hosting reads as for its own servers, since that is the longer list. Without both answers there is none.
func PatternOf(all []catalogue.Pattern, staff, cloud catalogue.Reply) (catalogue.Pattern, bool) {
	known := func(r catalogue.Reply) bool { return r == catalogue.Yes || r == catalogue.No }
	if !known(staff) || !known(cloud) {
		return catalogue.Pattern{}, false
	}
	hosting := catalogue.OnPremise
	if cloud == catalogue.Yes {
		hosting = catalogue.Cloud
	}
	n := slices.IndexFunc(all, func(p catalogue.Pattern) bool {
		return p.Staff == (staff == catalogue.Yes) && p.Hosting == hosting
	})
	if n < 0 {
		return catalogue.Pattern{}, false
	}
	return all[n], true
}
