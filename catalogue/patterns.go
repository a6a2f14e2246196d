package catalogue

import (
	_ "embed"
	"io"
	"slices"

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

// ParsePatterns reads the four patterns from a YAML file, at most 512 KiB.
func ParsePatterns(name string, r io.Reader) ([]Pattern, error) {
	var f struct {
		Patterns []Pattern `yaml:"patterns"`
	}
	p, _, err := decode(name, r, &f)
	if err != nil {
		return nil, err
	}
	seen := map[[2]any]bool{}
	var found Mistakes
	for n, q := range f.Patterns {
		key := [2]any{q.Staff, q.Hosting}
		if seen[key] || q.Title.Ja == "" || q.Title.En == "" || q.Source.Text == "" || q.Hosting != OnPremise && q.Hosting != Cloud || !slices.Contains(patternIDs(), q.ID) {
			found = append(found, p.mistake("参照パターン「"+q.ID+"」の書き方が正しくありません（id は I〜IV、staff、hosting、title、source が要ります）。",
				"pattern “"+q.ID+"” is not written as it should be (id I to IV, staff, hosting, title, source)", "patterns", n))
		}
		seen[key] = true
	}
	if len(seen) != 4 || len(f.Patterns) != 4 {
		found = append(found, p.mistake("参照パターンは 4 つです。", "there are four patterns", "patterns"))
	}
	return f.Patterns, found.fault(fault.Invalid)
}

func patternIDs() []string { return []string{"I", "II", "III", "IV"} }
