package catalogue

import (
	"bytes"
	_ "embed"
	"slices"
	"sync"

	"kenshin/fault"
	"kenshin/i18n"
)

//go:embed configs.yaml
var configsYAML []byte

// Config is one way to build the network, with what speaks for and against it. Box positions are columns and rows of a drawing.
type Config struct {
	ID       string      `yaml:"id"`
	Title    i18n.Text   `yaml:"title"`
	Says     i18n.Text   `yaml:"says"`
	Levels   []int       `yaml:"levels"`   // levels, by evidence, at which it makes sense
	Patterns []string    `yaml:"patterns"` // ids of Pattern
	Classes  []BedClass  `yaml:"classes"`  // "" is a clinic
	Pros     []i18n.Text `yaml:"pros"`
	Cons     []i18n.Text `yaml:"cons"`
	Costs    []CostRange `yaml:"costs"`
	Source   Source      `yaml:"source"`
	Boxes    []ConfigBox `yaml:"boxes"`
	Lines    [][2]string `yaml:"lines"`
}

// CostRange is what it costs in some bed classes, in words.
type CostRange struct {
	Classes []BedClass `yaml:"classes"`
	Range   i18n.Text  `yaml:"range"`
}

// ConfigBox is one box of the drawing. Mark is "", ok (what protects) or warn (what has to be looked after).
type ConfigBox struct {
	ID   string    `yaml:"id"`
	Text i18n.Text `yaml:"text"`
	X    float64   `yaml:"x"`
	Y    float64   `yaml:"y"`
	Mark string    `yaml:"mark,omitempty"`
}

// Fits says whether it is recommended at a level (below 0 counts as 0) for a pattern ("" is any) and a bed class.
func (c Config) Fits(level int, pattern string, class BedClass) bool {
	return slices.Contains(c.Levels, max(0, level)) && (pattern == "" || slices.Contains(c.Patterns, pattern)) && slices.Contains(c.Classes, class)
}

// Cost is the range of a class; false where none is told.
func (c Config) Cost(class BedClass) (i18n.Text, bool) {
	for _, r := range c.Costs {
		if slices.Contains(r.Classes, class) {
			return r.Range, true
		}
	}
	return i18n.Text{}, false
}

// LoadConfigs returns the configurations that come with the product. They are shared: do not change them.
func LoadConfigs() ([]Config, error) { return configs() }

// a page may ask for it: it is read once
var configs = sync.OnceValues(func() ([]Config, error) {
	var f struct {
		Configs []Config `yaml:"configs"`
	}
	p, _, err := decode("configs.yaml", bytes.NewReader(configsYAML), &f)
	if err != nil {
		return nil, err
	}
	var found Mistakes
	for n, c := range f.Configs {
		known := func(id string) bool {
			return slices.ContainsFunc(c.Boxes, func(b ConfigBox) bool { return b.ID == id })
		}
		wrong := c.ID == "" || c.Title.Ja == "" || c.Title.En == "" || c.Source.Text == "" || len(c.Boxes) == 0 || len(c.Levels) == 0
		for _, l := range c.Lines {
			wrong = wrong || !known(l[0]) || !known(l[1])
		}
		if wrong {
			found = append(found, p.mistake("構成「"+c.ID+"」の書き方が正しくありません。", "configuration “"+c.ID+"” is not written as it should be", "configs", n))
		}
	}
	return f.Configs, found.fault(fault.Invalid)
})
