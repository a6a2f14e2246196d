package hit

import (
	"time"
)

const maxReasons = 24 // more than there are rules for one hit

func inSeconds(d int64) float64 { return float64(d/int64(time.Millisecond)) / 1000 }

// certain says what no pressed button outweighs.
func (j *judge) certain(it *item) (Reason, bool) {
	if j.isCanary(it) {
		return Reason{Rule: rCanary}, true
	}
	if it.made == told {
		return Reason{}, false
	}
	if it.h.Signal == Honeypot {
		return Reason{Rule: rHoneypot}, true
	}
	if it.made == odd {
		return Reason{Rule: rMethod, Detail: shortMethod(it.h.Method)}, true
	}
	r := &j.who[it.who]
	if !r.Accepted.IsZero() && it.h.At.Before(r.Accepted) && !j.clock(it) {
		return Reason{Rule: rBefore, Seconds: inSeconds(int64(r.Accepted.Sub(it.h.At)))}, true
	}
	if it.h.Malformed {
		return Reason{Rule: rMalformed}, true
	}
	if d, ok := j.honeypotMate(it); ok {
		return Reason{Rule: rHoneypotMate, Seconds: inSeconds(d), Limit: j.limits.Honeypot}, true
	}
	s := j.find.scanner(it.o, it.p, it.h.Signal)
	if s != nil && s.Kind == Machine && s.Sure {
		return Reason{Rule: rScanner, Detail: s.ID}, true
	}
	// a proxy loads the pictures of decoys as well as those of people
	if (s == nil || s.Kind != Proxy) && !it.o.inside && it.h.Net.IsValid() && j.likeCanary(it, &it.o.exact.canary) {
		return Reason{Rule: rCanaryNet, Detail: it.o.exact.String()}, true
	}
	return Reason{}, false
}

func shortMethod(m string) string { return m[:min(len(m), 20)] }

// clock is true for a hit before the mail was handed over at all: no token was outside then.
func (j *judge) clock(it *item) bool {
	b := j.who[it.who].Begun
	return !b.IsZero() && it.h.At.Before(b)
}

func (j *judge) honeypotMate(it *item) (int64, bool) {
	if len(j.honey) == 0 {
		return 0, false
	}
	best, ok := nearest(j.honey[ownKey{it.who, it.client()}], it.at)
	if !it.o.inside {
		if d, more := nearest(it.o.exact.honey, it.at); more && (!ok || d < best) {
			best, ok = d, true
		}
	}
	return best, ok && best <= seconds(j.limits.Honeypot)
}

// verdict tries the rules in order of how much they prove; the first that holds decides.
func (j *judge) verdict(it *item) Verdict {
	if cap(j.reasons)-len(j.reasons) < maxReasons {
		j.reasons = make([]Reason, 0, 4096)
	}
	start := len(j.reasons)
	var kind Kind
	say := func(k Kind, r Reason) {
		if kind == "" {
			kind = k
		}
		j.reasons = append(j.reasons, r)
	}
	if r, ok := j.certain(it); ok {
		say(Machine, r)
	}
	j.byHand(it, say)
	if it.made == fetched {
		if kind == "" && j.clock(it) {
			say(Unconfirmed, Reason{Rule: rClock, Seconds: inSeconds(int64(j.who[it.who].Begun.Sub(it.h.At)))})
		}
		j.likely(it, say)
		if kind == "" {
			k, r := j.byPlace(it)
			say(k, r)
		}
	}
	end := len(j.reasons)
	return Verdict{Hit: it.h.ID, Kind: kind, Reasons: j.reasons[start:end:end], Rules: j.version}
}

func (j *judge) byHand(it *item, say func(Kind, Reason)) {
	switch {
	case it.h.Method == ByMail:
		say(Person, Reason{Rule: rOwnMail})
	case it.h.Method == ByPhone:
		say(Person, Reason{Rule: rPhone})
	case it.h.Method == ByList:
		say(Person, Reason{Rule: rList})
	case it.made == pressed:
		say(Person, Reason{Rule: rHand})
	case it.hand.seen && it.hand.at-it.at <= seconds(j.limits.Confirm):
		say(Person, Reason{Rule: rHandSoon, Seconds: inSeconds(it.hand.at - it.at), Limit: j.limits.Confirm})
	}
}

// likely says what makes a machine or a proxy probable when no hand was seen.
func (j *judge) likely(it *item, say func(Kind, Reason)) {
	s := j.find.scanner(it.o, it.p, it.h.Signal)
	if s != nil && s.Kind == Proxy {
		say(Proxy, Reason{Rule: rProxy, Detail: s.ID})
	}
	r := &j.who[it.who]
	if after := it.h.At.Sub(r.Reported); !r.Reported.IsZero() && after >= 0 && int64(after) <= seconds(j.limits.AfterReport) {
		say(ByReport, Reason{Rule: rReport, Seconds: inSeconds(int64(after)), Limit: j.limits.AfterReport})
	}
	if s != nil && s.Kind == Machine && !s.Sure {
		say(Machine, Reason{Rule: rScanner, Detail: s.ID})
	}
	site, full := j.find.siteRule(it.o, it.p)
	if full {
		say(Machine, Reason{Rule: rSite, Detail: site.Net.String()})
	}
	outside := !it.o.inside && it.h.Net.IsValid()
	if outside && !j.likeCanary(it, &it.o.exact.canary) && j.likeCanary(it, &it.o.wide.canary) {
		say(Machine, Reason{Rule: rCanaryNet, Detail: it.o.wide.String()})
	}
	if after, ok := j.sinceAccepted(it); ok && after >= 0 && after < seconds(j.limits.MinDelay) {
		say(Machine, Reason{Rule: rFast, Seconds: inSeconds(after), Limit: j.limits.MinDelay})
	}
	if it.all {
		say(Machine, Reason{Rule: rAllLinks, Count: len(j.facts.Links), Limit: j.limits.AllLinks})
	}
	if it.burst > 0 {
		say(Machine, Reason{Rule: rBurst, Count: it.burst, Limit: j.limits.BurstSeconds})
	}
	if n := it.o.exact.who; outside && n >= j.limits.SharedNet {
		say(Machine, Reason{Rule: rShared, Count: n, Limit: j.limits.SharedNet, Detail: it.o.exact.String()})
	}
	// The program's name alone proves nothing: filters borrow the names of browsers. It only takes the word of the place away.
	if site != nil && !full {
		say(Unconfirmed, Reason{Rule: rSiteAgent})
	}
	if it.o.inside && len(j.canary) > 0 && j.likeCanary(it, j.canary[it.client()]) || outside && j.likeCanary(it, &it.p.canary) {
		say(Unconfirmed, Reason{Rule: rCanaryAgent})
	}
}

// sinceAccepted is the time since the 250 or, when none was seen, since the mail was first handed over.
func (j *judge) sinceAccepted(it *item) (int64, bool) {
	r := &j.who[it.who]
	from := r.Accepted
	if from.IsZero() {
		from = r.Begun
	}
	return int64(it.h.At.Sub(from)), !from.IsZero()
}

func (j *judge) byPlace(it *item) (Kind, Reason) {
	if !it.o.inside {
		return Unconfirmed, Reason{Rule: rOutside}
	}
	after, ok := j.sinceAccepted(it)
	if !ok {
		return Unconfirmed, Reason{Rule: rNoTime}
	}
	return Person, Reason{Rule: rEgress, Seconds: inSeconds(after)}
}
