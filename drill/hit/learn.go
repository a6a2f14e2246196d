package hit

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"
)

const maxLearned = 200 // rules from one preflight; those with the most hits stay

// Learn makes rules from the hits of a preflight's quiet minutes, in which nobody touched the test mails: one for each network and program
// name. A client that pressed something was a person after all and is left out, and so is what is no request. egress is the hospital's own.
func Learn(hits []Hit, egress []netip.Prefix) []SiteRule {
	find := newLookup(Rules{}, egress)
	type key struct {
		net   netip.Prefix
		agent string
	}
	hands := map[key]bool{}
	for i := range hits {
		if wayOf(&hits[i]) == pressed {
			hands[key{find.origin(hits[i].Net).exact.net, hits[i].Agent}] = true
		}
	}
	rules := map[key]*SiteRule{}
	for i := range hits {
		h := &hits[i]
		o := find.origin(h.Net)
		if wayOf(h) == told || !h.Net.IsValid() || hands[key{o.exact.net, h.Agent}] {
			continue
		}
		k := key{o.wide.net, h.Agent[:min(len(h.Agent), maxAgent)]}
		if o.inside {
			k.net = o.exact.net // a wider network would be the hospital itself
		}
		r := rules[k]
		if r == nil {
			r = &SiteRule{Net: k.net, Agent: k.agent, Inside: o.inside, First: h.At, Last: h.At}
			rules[k] = r
		}
		r.Hits++
		if h.At.Before(r.First) {
			r.First = h.At
		}
		if h.At.After(r.Last) {
			r.Last = h.At
		}
	}
	out := make([]SiteRule, 0, len(rules))
	for _, r := range rules {
		out = append(out, *r)
	}
	slices.SortFunc(out, func(a, b SiteRule) int {
		return cmp.Or(cmp.Compare(b.Hits, a.Hits), a.Net.Addr().Compare(b.Net.Addr()), strings.Compare(a.Agent, b.Agent))
	})
	return out[:min(len(out), maxLearned)]
}

// FalseHits is how far the rules can be wrong at this site: decoys are judged as if people had them.
type FalseHits struct {
	Canaries int // decoy mailboxes of the drill
	Reached  int // of these, with any hit at all
	Person   int // of these, that the rules would have counted as a person: each is an error
	Unsure   int // of these, with nothing but unconfirmed hits left
}

// FalseHitRate judges the decoys by everything but the knowledge that they are decoys.
func FalseHitRate(facts Facts, hits []Hit, rules Rules) FalseHits {
	var out FalseHits
	for _, r := range facts.Recipients {
		if r.Canary {
			out.Canaries++
		}
	}
	if out.Canaries == 0 {
		return out
	}
	worst := map[string]Kind{}
	for i, v := range newJudge(facts, hits, rules, true).all() {
		who := hits[i].Recipient
		if !facts.Recipients[who].Canary {
			continue
		}
		if w := worst[who]; w == "" || v.Kind == Person || v.Kind == Unconfirmed && w != Person {
			worst[who] = v.Kind
		}
	}
	out.Reached = len(worst)
	for _, k := range worst {
		switch k {
		case Person:
			out.Person++
		case Unconfirmed:
			out.Unsure++
		}
	}
	return out
}

// Tally counts one signal, decoys left out. Recipients are counted once each.
type Tally struct {
	Hits        int // raw
	Recipients  int // with any hit
	Persons     int // with at least one hit taken for a person's
	Unconfirmed int // with no person's hit but an unconfirmed one
}

// Count gives both counts of every signal: raw and persons.
func Count(facts Facts, hits []Hit, verdicts []Verdict) map[Signal]Tally {
	type key struct {
		s   Signal
		who string
	}
	best := map[key]Kind{}
	out := map[Signal]Tally{}
	for i := range hits {
		h := &hits[i]
		if facts.Recipients[h.Recipient].Canary {
			continue
		}
		t := out[h.Signal]
		t.Hits++
		out[h.Signal] = t
		k := key{h.Signal, h.Recipient}
		if b := best[k]; b == "" || verdicts[i].Kind == Person || verdicts[i].Kind == Unconfirmed && b != Person {
			best[k] = verdicts[i].Kind
		}
	}
	for k, kind := range best {
		t := out[k.s]
		t.Recipients++
		switch kind {
		case Person:
			t.Persons++
		case Unconfirmed:
			t.Unconfirmed++
		}
		out[k.s] = t
	}
	return out
}
