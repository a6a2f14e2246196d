package hit

import (
	"cmp"
	"slices"
	"time"
)

// item is a hit with all that can be said of it alone.
type item struct {
	h    *Hit
	at   int64 // nanoseconds
	who  int32 // number of the recipient
	made way
	o    *origin
	p    *program
	hand first // when the same client next pressed something for this recipient

	burst int // hits in the window that it is part of, when there are too many
	all   bool
}

const maxLinks = 8 // kinds of links in a mail; there are four

// way is how a sign came to be.
type way uint8

const (
	fetched way = iota // a GET
	pressed            // a POST that only a hand on the page makes
	odd                // any other request
	told               // by mail, telephone or list: no request at all
)

func wayOf(h *Hit) way {
	switch h.Method {
	case "GET":
		return fetched
	case "POST":
		switch h.Signal {
		case Confirm, Touch, Report, Lesson:
			return pressed
		}
		return odd
	case ByMail, ByPhone, ByList:
		return told
	}
	return odd
}

func (it *item) link() bool {
	switch it.h.Signal {
	case Open, URL, QR, Attachment, Honeypot:
		return true
	}
	return false
}

func (it *item) client() client { return client{it.o.exact, it.p} }

type judge struct {
	facts  Facts
	limits Limits
	find   *lookup
	blind  bool // judge canaries as if people opened them: that is how the error of the rules is measured
	items  []item
	order  []int32 // items by recipient, then time
	who    []Recipient

	version string
	reasons []Reason           // room for reasons; a full one is replaced, not copied
	window  []*item            // used again for each recipient
	canary  map[client]*first  // inside: hits on decoys by address and program
	honey   map[ownKey][]int64 // hits on the hidden link by recipient, address and program
}

type ownKey struct {
	who int32
	c   client
}

func newJudge(facts Facts, hits []Hit, rules Rules, blind bool) *judge {
	j := &judge{facts: facts, limits: rules.Limits, find: newLookup(rules, facts.Egress), blind: blind, version: rules.Version(),
		items: make([]item, len(hits)), order: make([]int32, len(hits)),
		canary: map[client]*first{}, honey: map[ownKey][]int64{}}
	numbers := make(map[string]int32, len(facts.Recipients))
	for i := range hits {
		h := &hits[i]
		n, ok := numbers[h.Recipient]
		if !ok {
			n = int32(len(j.who))
			numbers[h.Recipient] = n
			j.who = append(j.who, facts.Recipients[h.Recipient])
		}
		j.items[i] = item{h: h, at: h.At.UnixNano(), who: n, made: wayOf(h), o: j.find.origin(h.Net), p: j.find.program(h.Agent)}
		j.order[i] = int32(i)
	}
	slices.SortFunc(j.order, func(a, b int32) int {
		x, y := &j.items[a], &j.items[b]
		return cmp.Or(cmp.Compare(x.who, y.who), cmp.Compare(x.at, y.at), cmp.Compare(x.made, y.made))
	})
	j.gather()
	return j
}

// gather makes what is known across recipients.
func (j *judge) gather() {
	for _, i := range j.order {
		it := &j.items[i]
		if it.made == told || !it.h.Net.IsValid() {
			continue
		}
		if at := it.o.exact; !it.o.inside && at.last != it.who { // one recipient's hits stand together
			at.last = it.who
			at.who++
		}
		if it.h.Signal == Honeypot {
			if !it.o.inside {
				it.o.exact.honey = append(it.o.exact.honey, it.at)
			}
			k := ownKey{it.who, it.client()}
			j.honey[k] = append(j.honey[k], it.at)
		}
		if j.isCanary(it) {
			j.sawCanary(it)
		}
	}
	for _, at := range j.find.places {
		slices.Sort(at.honey)
	}
	// the lists of j.honey are in order already: a recipient's hits come in order of time
}

func (j *judge) isCanary(it *item) bool { return !j.blind && j.who[it.who].Canary }

func (j *judge) sawCanary(it *item) {
	if !it.o.inside {
		it.o.exact.canary.add(it.at)
		it.o.wide.canary.add(it.at)
		it.p.canary.add(it.at)
		return
	}
	c := it.client() // inside, only the same program at the same address is suspect, and never for certain
	if j.canary[c] == nil {
		j.canary[c] = &first{}
	}
	j.canary[c].add(it.at)
}

func (j *judge) likeCanary(it *item, f *first) bool {
	return f != nil && f.seen && it.at >= f.at-seconds(j.limits.CanaryBefore)
}

func seconds(n int) int64 { return int64(n) * int64(time.Second) }

func (j *judge) all() []Verdict {
	out := make([]Verdict, len(j.items))
	for from := 0; from < len(j.order); {
		to := from
		for to < len(j.order) && j.items[j.order[to]].who == j.items[j.order[from]].who {
			to++
		}
		j.recipient(j.order[from:to], out)
		from = to
	}
	return out
}

// recipient judges the hits of one recipient, which come in order of time.
func (j *judge) recipient(group []int32, out []Verdict) {
	for _, inside := range [2]bool{false, true} {
		// A filter checks a link in the very second when a person presses it: what comes from inside is counted for itself.
		j.bursts(group, inside)
		j.allLinks(group, inside)
	}
	j.hands(group)
	for _, i := range group {
		out[i] = j.verdict(&j.items[i])
	}
}

// hands tells each hit when its client next pressed something.
func (j *judge) hands(group []int32) {
	var next map[client]int64
	for k := len(group) - 1; k >= 0; k-- { // backwards: what a client pressed is known before what it fetched earlier
		it := &j.items[group[k]]
		if it.made == pressed {
			if _, machine := j.certain(it); !machine {
				if next == nil {
					next = map[client]int64{}
				}
				next[it.client()] = it.at
			}
		} else if next != nil && it.made == fetched {
			at, ok := next[it.client()]
			it.hand = first{at, ok}
		}
	}
}

// windows calls found for each run of hits in which a window of the given seconds is full; full is asked after each hit that enters and
// tells how full the window is.
func (j *judge) windows(group []int32, within int, use func(*item) bool, enter func(it *item, by int) int, full int, found func(run []*item, most int)) {
	if within == 0 {
		return
	}
	its := j.window[:0]
	for _, i := range group {
		if it := &j.items[i]; use(it) {
			its = append(its, it)
		}
	}
	j.window = its
	if len(its) < full {
		return
	}
	left, start, end, most := 0, -1, -1, 0
	for right, it := range its {
		n := enter(it, 1)
		for it.at-its[left].at > seconds(within) {
			n = enter(its[left], -1)
			left++
		}
		if n < full {
			continue
		}
		if start >= 0 && left > end {
			found(its[start:end+1], most)
			start, most = -1, 0
		}
		if start < 0 {
			start = left
		}
		end, most = right, max(most, n)
	}
	if start >= 0 {
		found(its[start:end+1], most)
	}
}

func (j *judge) bursts(group []int32, inside bool) {
	n := 0
	j.windows(group, j.limits.BurstSeconds,
		func(it *item) bool { return it.o.inside == inside && it.link() && it.made != told },
		func(_ *item, by int) int { n += by; return n },
		j.limits.BurstHits+1,
		func(run []*item, most int) {
			for _, it := range run {
				it.burst = most
			}
		})
}

func (j *judge) allLinks(group []int32, inside bool) {
	if n := len(j.facts.Links); n < 2 || n > maxLinks {
		return
	}
	var counts [maxLinks]int
	distinct := 0
	j.windows(group, j.limits.AllLinks,
		func(it *item) bool {
			return it.o.inside == inside && it.made == fetched && slices.Contains(j.facts.Links, it.h.Signal)
		},
		func(it *item, by int) int {
			n := slices.Index(j.facts.Links, it.h.Signal)
			was := counts[n]
			counts[n] += by
			if was == 0 {
				distinct++
			} else if was+by == 0 {
				distinct--
			}
			return distinct
		},
		len(j.facts.Links),
		func(run []*item, _ int) {
			for _, it := range run {
				it.all = true
			}
		})
}

// nearest is the distance from t to the nearest of sorted times.
func nearest(ts []int64, t int64) (int64, bool) {
	if len(ts) == 0 {
		return 0, false
	}
	i, _ := slices.BinarySearch(ts, t)
	best := int64(-1)
	for _, k := range [2]int{i - 1, i} {
		if k < 0 || k >= len(ts) {
			continue
		}
		if d := max(ts[k]-t, t-ts[k]); best < 0 || d < best {
			best = d
		}
	}
	return best, true
}
