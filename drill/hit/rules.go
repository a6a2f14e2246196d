package hit

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"io"
	"net/netip"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"kenshin/fault"
)

//go:embed rules/scanners.yaml
var embedded []byte

// Edition counts the changes of how rules are applied: what an older program judged is judged anew by this one.
const Edition = 2

const (
	maxRules    = 256 << 10 // bytes of a rules file
	maxScanners = 2000      // entries, the site's own included
)

// Limits are the thresholds, in whole seconds or numbers.
type Limits struct {
	MinDelay     int `yaml:"min_delay" json:"min_delay"`         // 0-120
	Honeypot     int `yaml:"honeypot" json:"honeypot"`           // 0-600
	BurstSeconds int `yaml:"burst_seconds" json:"burst_seconds"` // 0-60; 0 switches the rule off
	BurstHits    int `yaml:"burst_hits" json:"burst_hits"`       // 1-100
	AllLinks     int `yaml:"all_links" json:"all_links"`         // 0-60; 0 switches the rule off
	SharedNet    int `yaml:"shared_net" json:"shared_net"`       // 2-1000
	AfterReport  int `yaml:"after_report" json:"after_report"`   // 0-3600
	Confirm      int `yaml:"confirm" json:"confirm"`             // 0-86400
	CanaryBefore int `yaml:"canary_before" json:"canary_before"` // 0-86400
}

// Scanner is one entry of the list: a program, a network, or both (then both must hold).
type Scanner struct {
	ID      string   `yaml:"id" json:"id"`
	Kind    Kind     `yaml:"kind" json:"kind"` // Machine or Proxy
	Agents  []string `yaml:"agents,omitempty" json:"agents,omitempty"`
	Exact   []string `yaml:"exact,omitempty" json:"exact,omitempty"`
	Nets    []string `yaml:"nets,omitempty" json:"nets,omitempty"`       // CIDR
	Signals []Signal `yaml:"signals,omitempty" json:"signals,omitempty"` // only for these; none: for all
	Outside bool     `yaml:"outside,omitempty" json:"outside,omitempty"`
	Sure    bool     `yaml:"sure,omitempty" json:"sure,omitempty"`
	Source  string   `yaml:"source" json:"source"`
	Date    string   `yaml:"date" json:"date"` // when the source was looked at, 2026-11-21
}

// SiteRule is what one machine of this site looked like in the quiet minutes of a preflight.
type SiteRule struct {
	Net    netip.Prefix `yaml:"net" json:"net"`
	Agent  string       `yaml:"agent" json:"agent"`
	Inside bool         `yaml:"inside,omitempty" json:"inside,omitempty"` // it comes through the hospital's own address, as the staff do
	Hits   int          `yaml:"hits" json:"hits"`
	First  time.Time    `yaml:"first" json:"first"`
	Last   time.Time    `yaml:"last" json:"last"`
}

// Rules is everything that a judgement follows. Make it with Default or Read; change a copy with With.
type Rules struct {
	Date     string     `yaml:"date" json:"date"`
	Limits   Limits     `yaml:"limits" json:"limits"`
	Scanners []Scanner  `yaml:"scanners" json:"scanners"`
	Site     []SiteRule `yaml:"site,omitempty" json:"site,omitempty"`
}

// Default is the list that the program carries.
func Default() (Rules, error) { return Read(embedded) }

// Read reads a whole rules file; an error names the entry and what is wrong with it.
func Read(b []byte) (Rules, error) {
	var r Rules
	if len(b) > maxRules {
		return r, fault.Newf(fault.TooLarge, "判定ルールのファイルが大きすぎます(上限 %d KB)。", "The rules file is too large (limit %d KB).", maxRules>>10)
	}
	d := yaml.NewDecoder(bytes.NewReader(b))
	d.KnownFields(true)
	if err := d.Decode(&r); err != nil && !errors.Is(err, io.EOF) {
		return Rules{}, fault.Wrap(fault.Invalid, err, "判定ルールをYAMLとして読めません: "+err.Error(), "The rules cannot be read as YAML")
	}
	return r, r.check()
}

// With adds a site's own entries and thresholds to the rules: an entry with the same id replaces the one that is there.
func (r Rules) With(limits *Limits, scanners []Scanner, site []SiteRule) (Rules, error) {
	out := r
	if limits != nil {
		out.Limits = *limits
	}
	out.Scanners = slices.Clone(r.Scanners)
	for _, s := range scanners {
		if i := slices.IndexFunc(out.Scanners, func(o Scanner) bool { return o.ID == s.ID }); i >= 0 {
			out.Scanners[i] = s
		} else {
			out.Scanners = append(out.Scanners, s)
		}
	}
	out.Site = append(slices.Clone(r.Site), site...)
	return out, out.check()
}

// Version names the rules: their date and the start of the SHA-256 of all that they say and of Edition.
func (r Rules) Version() string {
	b, err := yaml.Marshal(struct {
		Rules   `yaml:",inline"`
		Edition int `yaml:"edition"`
	}{r, Edition})
	if err != nil {
		return r.Date // nothing in Rules can fail to be written
	}
	sum := sha256.Sum256(b)
	return r.Date + "-" + hex.EncodeToString(sum[:4])
}

func (r *Rules) check() error {
	for _, l := range []struct {
		name         string
		v, low, high int
	}{
		{"min_delay", r.Limits.MinDelay, 0, 120}, {"honeypot", r.Limits.Honeypot, 0, 600}, {"burst_seconds", r.Limits.BurstSeconds, 0, 60},
		{"burst_hits", r.Limits.BurstHits, 1, 100}, {"all_links", r.Limits.AllLinks, 0, 60}, {"shared_net", r.Limits.SharedNet, 2, 1000},
		{"after_report", r.Limits.AfterReport, 0, 3600}, {"confirm", r.Limits.Confirm, 0, 86400}, {"canary_before", r.Limits.CanaryBefore, 0, 86400},
	} {
		if l.v < l.low || l.v > l.high {
			return fault.Newf(fault.Invalid, "判定ルールの %s は %d から %d までの数にしてください(今は %d)。",
				"%s of the rules must be between %d and %d (it is %d).", l.name, l.low, l.high, l.v)
		}
	}
	if len(r.Scanners)+len(r.Site) > maxScanners {
		return fault.Newf(fault.TooLarge, "判定ルールが多すぎます(上限 %d件)。", "There are too many rules (limit %d).", maxScanners)
	}
	seen := map[string]bool{}
	for i := range r.Scanners {
		if err := r.Scanners[i].check(i + 1); err != nil {
			return err
		}
		if id := r.Scanners[i].ID; seen[id] {
			return fault.Newf(fault.Invalid, "判定ルールの「%.40s」が二つあります。", "There are two rules named %.40q.", id)
		}
		seen[r.Scanners[i].ID] = true
	}
	return nil
}

func (s *Scanner) check(n int) error {
	bad := func(ja, en string) error {
		return fault.Newf(fault.Invalid, "判定ルールの%d番目(%.40s): "+ja, "Rule %d (%.40s): "+en, n, s.ID)
	}
	switch {
	case s.ID == "" || len(s.ID) > 80:
		return bad("id を80文字以内で書いてください。", "it needs an id of at most 80 characters.")
	case s.Kind != Machine && s.Kind != Proxy:
		return bad("kind は machine か proxy にしてください。", "kind must be machine or proxy.")
	case len(s.Agents)+len(s.Exact)+len(s.Nets) == 0:
		return bad("agents、exact、nets のどれかが必要です。", "it needs agents, exact or nets.")
	case s.Source == "" || s.Date == "":
		return bad("出典(source)と確認した日(date)を書いてください。", "it needs its source and the date when that was looked at.")
	}
	if _, err := time.Parse(time.DateOnly, s.Date); err != nil {
		return bad("date は 2026-11-21 の形で書いてください。", "date must look like 2026-11-21.")
	}
	for _, a := range s.Agents {
		if len(strings.TrimSpace(a)) < 3 {
			return bad("agents の文字列は3文字以上にしてください。短いと人の通信まで機械になります。", "a part of an agent needs 3 characters or more, or people become machines.")
		}
	}
	for _, c := range s.Nets {
		p, err := netip.ParsePrefix(c)
		if err != nil || p.Bits() < 8 {
			return bad("nets は 192.0.2.0/24 の形で、/8 より狭く書いてください。", "nets must look like 192.0.2.0/24 and be no wider than /8.")
		}
	}
	return nil
}
