package identify

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"kenshin/i18n"
	"kenshin/observation"
)

//go:embed rules/*.yaml
var embedded embed.FS

// Rule is one piece of knowledge: when a device shows this, it is probably that. Rules are data, in rules/*.yaml, in our own words,
// each with its source.
type Rule struct {
	ID          string      `yaml:"id"`
	When        []Condition `yaml:"when"`           // all must hold, on the same device
	Not         []Condition `yaml:"not,omitempty"`  // none may hold
	Kind        string      `yaml:"kind,omitempty"` // what follows; $1.. are groups of the first condition
	Modality    string      `yaml:"modality,omitempty"`
	Maker       string      `yaml:"maker,omitempty"`
	Model       string      `yaml:"model,omitempty"`
	Serial      string      `yaml:"serial,omitempty"`
	OS          string      `yaml:"os,omitempty"`
	OSVersion   string      `yaml:"os_version,omitempty"`
	Medical     bool        `yaml:"medical,omitempty"`
	Weight      float64     `yaml:"weight"`                 // 0..1, how sure the kind (or, without a kind, the rest) is from this alone
	MakerWeight float64     `yaml:"maker_weight,omitempty"` // where the maker is surer than the kind
	Says        i18n.Text   `yaml:"says"`
	Source      string      `yaml:"source"`
}

// Condition holds when an observation of the signal matches. Patterns are case-insensitive RE2 regular expressions (linear time, whatever a
// hostile device answers).
type Condition struct {
	Signal observation.Signal `yaml:"signal"`
	Value  string             `yaml:"value,omitempty"`
	Prefix string             `yaml:"prefix,omitempty"` // for object identifiers: whole arcs
	Port   uint16             `yaml:"port,omitempty"`
	Detail map[string]string  `yaml:"detail,omitempty"`

	value  *regexp.Regexp
	detail map[string]*regexp.Regexp
}

type hit struct {
	o      *observation.Observation
	groups []string
}

// expand puts groups of the first condition and {value} into a text.
func (h hit) expand(s string) string {
	if s == "" || !strings.ContainsAny(s, "$") {
		return s
	}
	s = strings.ReplaceAll(s, "$value", h.o.Value)
	for i := len(h.groups) - 1; i > 0; i-- {
		s = strings.ReplaceAll(s, fmt.Sprintf("$%d", i), h.groups[i])
	}
	return strings.TrimSpace(s)
}

func (r *Rule) match(f *facts) (hit, bool) {
	var got hit
	for i := range r.When {
		h, ok := r.When[i].find(f)
		if !ok {
			return hit{}, false
		}
		if i == 0 {
			got = h
		}
	}
	for i := range r.Not {
		if _, ok := r.Not[i].find(f); ok {
			return hit{}, false
		}
	}
	return got, true
}

func (c *Condition) find(f *facts) (hit, bool) {
	for _, o := range f.by[c.Signal] {
		if c.Port != 0 && o.Port != c.Port {
			continue
		}
		if c.Prefix != "" && o.Value != c.Prefix && !strings.HasPrefix(o.Value, c.Prefix+".") {
			continue
		}
		var groups []string
		if c.value != nil {
			if groups = c.value.FindStringSubmatch(o.Value); groups == nil {
				continue
			}
		}
		if c.details(o) {
			return hit{o, groups}, true
		}
	}
	return hit{}, false
}

func (c *Condition) details(o *observation.Observation) bool {
	for k, re := range c.detail {
		if v, ok := o.Detail[k]; !ok || !re.MatchString(v) {
			return false
		}
	}
	return true
}

// New loads the embedded rules. makers may be nil: then nothing is said from MAC prefixes.
func New(makers Makers) (*Identifier, error) { return Load(embedded, makers) }

// Load reads every rules/*.yaml of a file system. An error names the file and the rule.
func Load(fsys fs.FS, makers Makers) (*Identifier, error) {
	files, err := fs.Glob(fsys, "rules/*.yaml")
	if err != nil {
		return nil, err
	}
	x := &Identifier{makers: makers}
	sum := sha256.New()
	seen := map[string]string{}
	for _, name := range files {
		b, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		sum.Write(b)
		rules, err := parse(b)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		for _, r := range rules {
			if other, ok := seen[r.ID]; ok {
				return nil, fmt.Errorf("%s: rule %s stands in %s too", name, r.ID, other)
			}
			seen[r.ID] = name
		}
		x.rules = append(x.rules, rules...)
	}
	x.version = hex.EncodeToString(sum.Sum(nil))[:12]
	return x, nil
}

// Version names the rules that gave a verdict: the first 12 hex digits of their SHA-256.
func (x *Identifier) Version() string { return x.version }

// Rules returns the rules, for explaining and for documentation.
func (x *Identifier) Rules() []Rule { return slices.Clone(x.rules) }

func parse(b []byte) ([]Rule, error) {
	var rules []Rule
	dec := yaml.NewDecoder(bytes.NewReader(b))
	dec.KnownFields(true)
	if err := dec.Decode(&rules); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	for i := range rules {
		if err := rules[i].check(); err != nil {
			return nil, fmt.Errorf("rule %d (%s): %w", i+1, cmp.Or(rules[i].ID, "without id"), err)
		}
	}
	return rules, nil
}

func (r *Rule) check() error {
	switch {
	case r.ID == "":
		return errors.New("has no id")
	case len(r.When) == 0:
		return errors.New("has no condition")
	case r.Weight <= 0 || r.Weight >= 1:
		return errors.New("weight must lie between 0 and 1")
	case r.Says.Ja == "" || r.Says.En == "":
		return errors.New("says nothing in one of the languages")
	case r.Source == "":
		return errors.New("names no source")
	case r.Kind != "" && !slices.Contains(kinds, r.Kind):
		return fmt.Errorf("kind %q is not one of the known ones", r.Kind)
	}
	for _, list := range [][]Condition{r.When, r.Not} {
		for i := range list {
			if err := list[i].compile(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *Condition) compile() error {
	if c.Signal == "" {
		return errors.New("a condition names no signal")
	}
	var err error
	if c.Value != "" {
		if c.value, err = regexp.Compile("(?i)" + c.Value); err != nil {
			return fmt.Errorf("value of %s: %w", c.Signal, err)
		}
	}
	c.detail = make(map[string]*regexp.Regexp, len(c.Detail))
	for k, v := range c.Detail {
		if c.detail[k], err = regexp.Compile("(?i)" + v); err != nil {
			return fmt.Errorf("detail %s of %s: %w", k, c.Signal, err)
		}
	}
	return nil
}
