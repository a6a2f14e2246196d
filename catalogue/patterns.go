package catalogue

import (
	"bytes"
	_ "embed"
	"sync"

	"kenshin/fault"
	"kenshin/i18n"
)

//go:embed patterns.yaml
var patternsYAML []byte

// Hosting is where the medical information systems run.
type Hosting string

const (
	OnPremise Hosting = "on-premise"
	Cloud     Hosting = "cloud"
)

// Pattern is one of the guideline's four reference patterns with what to read. The governance and management volumes are read whole; Must are the
// chapters of the system operation volume, all of them when empty; Simplify are parts of the management volume that may be shortened where the vendor's
// contract covers them.
type Pattern struct {
	ID       string    `yaml:"id"`
	Staff    bool      `yaml:"staff"`
	Hosting  Hosting   `yaml:"hosting"`
	Title    i18n.Text `yaml:"title"`
	Must     []string  `yaml:"must,omitempty"`
	Simplify []string  `yaml:"simplify,omitempty"`
	Source   Source    `yaml:"source"`
}

// LoadPatterns returns the four patterns that come with the product. They are shared: do not change them.
func LoadPatterns() ([]Pattern, error) { return patterns() }

// a page may ask for it: it is read once
var patterns = sync.OnceValues(func() ([]Pattern, error) {
	var f struct {
		Patterns []Pattern `yaml:"patterns"`
	}
	p, _, err := decode("patterns.yaml", bytes.NewReader(patternsYAML), &f)
	if err != nil {
		return nil, err
	}
	seen := map[[2]any]bool{}
	var found Mistakes
	for n, q := range f.Patterns {
		key := [2]any{q.Staff, q.Hosting}
		if seen[key] || q.Title.Ja == "" || q.Source.Text == "" || q.Hosting != OnPremise && q.Hosting != Cloud {
			found = append(found, p.mistake("参照パターン「"+q.ID+"」の書き方が正しくありません。", "pattern “"+q.ID+"” is not written as it should be", "patterns", n))
		}
		seen[key] = true
	}
	if len(seen) != 4 {
		found = append(found, p.mistake("参照パターンは 4 つです。", "there are four patterns", "patterns"))
	}
	return f.Patterns, found.fault(fault.Invalid)
})
