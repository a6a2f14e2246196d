package catalogue

import (
	"bytes"
	_ "embed"
	"io"
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
var checks = sync.OnceValues(func() (Checks, error) { return parseChecks("checks.yaml", bytes.NewReader(checksYAML)) })

func parseChecks(name string, r io.Reader) (Checks, error) {
	var f struct {
		Checks Checks `yaml:"checks"`
	}
	p, _, err := decode(name, r, &f)
	if err != nil {
		return nil, err
	}
	var found Mistakes
	for n, c := range f.Checks {
		again, _ := f.Checks.Find(c.ID)
		known := slices.Contains([]string{"sweep", "register", "file"}, c.By)
		if !idForm.MatchString(c.ID) || again.Title != c.Title || c.Title.Ja == "" || c.Title.En == "" || c.Days < 1 || c.Days > 3660 || c.Percent < 1 || c.Percent > 100 || !known {
			found = append(found, p.mistake("測定「"+c.ID+"」の書き方が正しくありません（title、days 1〜3660、percent 1〜100、by が要ります）。",
				"check “"+c.ID+"” is not written as it should be (title, days 1 to 3660, percent 1 to 100, by)", "checks", n))
		}
	}
	return f.Checks, found.fault(fault.Invalid)
}

// ParseChecks reads for how long and how wide the results of checks count, from a YAML file of at most 512 KiB. What measures is the product's own: a check
// that it does not have is refused, one that the file leaves out stays as it is.
func ParseChecks(name string, r io.Reader) (Checks, error) {
	own, err := LoadChecks()
	if err != nil {
		return nil, err
	}
	read, err := parseChecks(name, r)
	if err != nil {
		return nil, err
	}
	out := slices.Clone(own)
	var found Mistakes
	for _, c := range read {
		n := slices.IndexFunc(out, func(o Check) bool { return o.ID == c.ID })
		if n < 0 {
			found = append(found, Mistake{File: name, Why: i18n.Text{Ja: "「" + c.ID + "」という測定はKenshinにありません。", En: "Kenshin has no check “" + c.ID + "”"}})
			continue
		}
		out[n].Title, out[n].Note, out[n].Days, out[n].Percent = c.Title, c.Note, c.Days, c.Percent
	}
	return out, found.fault(fault.Invalid)
}
