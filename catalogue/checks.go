package catalogue

import (
	"bytes"
	_ "embed"
	"slices"
	"sync"

	"kenshin/fault"
	"kenshin/i18n"
)

//go:embed checks.yaml
var checksYAML []byte

// Check is one thing that Kenshin measures or keeps a register of, by which an item can be proven. What writes the evidence names it by ID.
type Check struct {
	ID       string    `yaml:"id"`
	Title    i18n.Text `yaml:"title"`
	Days     int       `yaml:"days"`            // how long a measurement counts
	Percent  int       `yaml:"percent"`         // of the population that must have been measured, 1 to 100
	By       string    `yaml:"by"`              // sweep: seen on the network; register: a dated record that a person keeps; file: an import
	Exposure []string  `yaml:"exposure"`        // the checks on devices that it sums up
	Note     i18n.Text `yaml:"note,omitempty"`  // what it cannot see
	Later    bool      `yaml:"later,omitempty"` // nothing writes it yet: it is 測定の手段なし on screens
}

// Checks is the vocabulary of all checks.
type Checks []Check

// Find returns the check of an id.
func (c Checks) Find(id string) (Check, bool) {
	n := slices.IndexFunc(c, func(k Check) bool { return k.ID == id })
	if n < 0 {
		return Check{}, false
	}
	return c[n], true
}

// LoadChecks returns the vocabulary that comes with the product. It is shared: do not change it.
func LoadChecks() (Checks, error) { return checks() }

// a page may ask for it: it is read once
var checks = sync.OnceValues(func() (Checks, error) {
	var f struct {
		Checks Checks `yaml:"checks"`
	}
	p, _, err := decode("checks.yaml", bytes.NewReader(checksYAML), &f)
	if err != nil {
		return nil, err
	}
	var found Mistakes
	for n, c := range f.Checks {
		again, _ := f.Checks.Find(c.ID)
		known := slices.Contains([]string{"sweep", "register", "file"}, c.By)
		if !idForm.MatchString(c.ID) || again.Title != c.Title || c.Title.Ja == "" || c.Title.En == "" || c.Days < 1 || c.Percent < 1 || c.Percent > 100 || !known {
			found = append(found, p.mistake("測定「"+c.ID+"」の書き方が正しくありません。", "check “"+c.ID+"” is not written as it should be", "checks", n))
		}
	}
	return f.Checks, found.fault(fault.Invalid)
})
