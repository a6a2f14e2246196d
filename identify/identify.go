// Package identify says what a device is from what it showed: kind, modality, maker, model, operating system, medical or not, with
// every reason and how strong it is. It sends nothing and keeps nothing: observations in, identity out.
package identify

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"

	"kenshin/i18n"
	"kenshin/ledger"
	"kenshin/netid"
	"kenshin/observation"
)

// Makers tells the organisation that a MAC prefix was given to.
type Makers interface {
	Lookup(netid.MAC) (organisation string, ok bool)
}

// Identifier holds the rules and the makers' list. It is safe for many goroutines.
type Identifier struct {
	rules   []Rule
	makers  Makers
	version string
}

// claim is one rule's or one signal's say about one property.
type claim struct {
	value  string
	weight float64
}

// evidence gathers what all signals say of one device.
type evidence struct {
	kind, modality, maker, model, serial, os, osVersion []claim
	medical                                             bool
	because                                             []ledger.Reason
}

// Of weighs all observations of one device together. Observations may come in any order; several MACs and addresses are fine.
func (x *Identifier) Of(obs []observation.Observation) (ledger.Identity, []ledger.Service) {
	facts := newFacts(obs, x.makers)
	var e evidence
	for i := range x.rules {
		r := &x.rules[i]
		if hit, ok := r.match(facts); ok {
			e.apply(r, hit)
		}
	}
	e.fromFields(facts)
	id := ledger.Identity{
		Maker: strongest(e.maker), Model: strongest(e.model), Serial: strongest(e.serial), Medical: e.medical, Version: x.version,
		Hostnames: facts.hostnames(), Random: facts.random,
	}
	id.Name = first(id.Hostnames)
	id.Ties = facts.ties()
	id.OS, id.OSVersion = strongest(e.os), strongest(e.osVersion)
	id.Kind, id.Confidence = e.weigh()
	if slices.Contains([]string{"modality", "modality-workstation"}, id.Kind) {
		id.Modality = strongest(e.modality)
	}
	id.Medical = id.Medical || medicalKind(id.Kind)
	slices.SortStableFunc(e.because, func(a, b ledger.Reason) int { return cmp.Compare(b.Weight, a.Weight) })
	id.Because = e.because
	return id, facts.services()
}

func (e *evidence) apply(r *Rule, h hit) {
	add := func(to *[]claim, v string, weight float64) {
		if v = h.expand(v); v != "" {
			*to = append(*to, claim{v, weight})
		}
	}
	add(&e.kind, r.Kind, r.Weight)
	add(&e.modality, r.Modality, r.Weight)
	add(&e.maker, r.Maker, cmp.Or(r.MakerWeight, r.Weight))
	add(&e.model, r.Model, r.Weight)
	add(&e.serial, r.Serial, r.Weight)
	add(&e.os, r.OS, r.Weight)
	add(&e.osVersion, r.OSVersion, r.Weight)
	e.medical = e.medical || r.Medical
	e.because = append(e.because, ledger.Reason{
		Signal: string(h.o.Signal), Value: h.o.Value, Says: h.expand(r.Says.Ja), SaysEn: h.expand(r.Says.En), Weight: r.Weight, Rule: r.ID, At: h.o.At,
	})
}

// weigh combines the kinds: independent hints for the same kind strengthen each other (1 - Π(1-w)), a rival takes from it.
func (e *evidence) weigh() (kind string, confidence float64) {
	against := map[string]float64{}
	for _, c := range e.kind {
		k := c.value
		if _, ok := against[k]; !ok {
			against[k] = 1
		}
		against[k] *= 1 - min(c.weight, 0.99)
	}
	type score struct {
		kind string
		p    float64
	}
	var scores []score
	for k, not := range against {
		scores = append(scores, score{k, 1 - not})
	}
	slices.SortFunc(scores, func(a, b score) int { return cmp.Or(cmp.Compare(b.p, a.p), cmp.Compare(a.kind, b.kind)) })
	if not, ok := against[selfKind]; ok && 1-not >= selfSure { // no hint speaks against the card of this very machine
		return selfKind, round(1 - not)
	}
	switch len(scores) {
	case 0:
		return "unknown", 0
	case 1:
		return scores[0].kind, round(scores[0].p)
	}
	best, rival := scores[0], scores[1]
	if related(best.kind, rival.kind) { // "a printer" does not speak against "a copier"
		return moreExact(best.kind, rival.kind, best.p-rival.p), round(best.p)
	}
	return best.kind, round(best.p * (1 - rival.p/2))
}

// selfKind is this product; only the sensor's own card says so with selfSure.
const (
	selfKind = "kenshin"
	selfSure = 0.95
)

// families are kinds of which one is a more exact word for the other: the exact one second.
var families = [][2]string{
	{"printer", "mfp"}, {"medical-other", "modality"}, {"medical-other", "patient-monitor"}, {"medical-other", "ecg"}, {"medical-other", "ventilator"},
	{"medical-other", "infusion-pump"}, {"medical-other", "lab-analyzer"}, {"medical-other", "pacs"}, {"medical-other", "modality-workstation"},
	{"pc", "modality-workstation"}, {"server", "pacs"}, {"pc", "thin-client"}, {"iot", "serial-gateway"}, {"server", "hypervisor"},
}

func related(a, b string) bool {
	return slices.Contains(families, [2]string{a, b}) || slices.Contains(families, [2]string{b, a})
}

// moreExact prefers the exact word of a family unless it is clearly weaker.
func moreExact(best, rival string, lead float64) string {
	if slices.Contains(families, [2]string{best, rival}) && lead < 0.35 {
		return rival
	}
	return best
}

func medicalKind(kind string) bool {
	switch kind {
	case "pacs", "modality", "modality-workstation", "patient-monitor", "ventilator", "ecg", "infusion-pump", "lab-analyzer", "medical-other":
		return true
	}
	return false
}

func strongest(claims []claim) string {
	if len(claims) == 0 {
		return ""
	}
	return slices.MaxFunc(claims, func(a, b claim) int {
		// at the same weight the longer text says more; the order of the alphabet makes it stable
		return cmp.Or(cmp.Compare(a.weight, b.weight), cmp.Compare(len(a.value), len(b.value)), strings.Compare(b.value, a.value))
	}).value
}

func round(p float64) float64 { return math.Round(p*100) / 100 }

func first(s []string) string {
	if len(s) > 0 {
		return s[0]
	}
	return ""
}

// reason adds a ground that no rule file holds: a field that says it outright.
func (e *evidence) reason(o *observation.Observation, weight float64, says i18n.Text) {
	e.because = append(e.because, ledger.Reason{Signal: string(o.Signal), Value: o.Value, Says: says.Ja, SaysEn: says.En, Weight: weight, Rule: "field", At: o.At})
}

// Known kinds, in the order of design section 5; a rule that names another is refused at start.
var kinds = strings.Fields(`router switch hub access-point wlan-controller firewall server nas pc thin-client tablet smartphone handheld kiosk
 ip-phone printer mfp ip-camera ups bmc building iot serial-gateway hypervisor card-reader nurse-call pacs modality
 modality-workstation patient-monitor ventilator ecg infusion-pump lab-analyzer medical-other kenshin unknown`)

// Kinds lists every kind that a device can be.
func Kinds() []string { return slices.Clone(kinds) }

// age is how long an observation may be old before it stops counting: a device that was reinstalled must not stay what it was.
const age = 90 * 24 * time.Hour
