package catalogue

import (
	_ "embed"
	"io"
	"slices"

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

// ParseConfigs reads configurations from a YAML file, at most 512 KiB.
func ParseConfigs(name string, r io.Reader) ([]Config, error) {
	var f struct {
		Configs []Config `yaml:"configs"`
	}
	p, _, err := decode(name, r, &f)
	if err != nil {
		return nil, err
	}
	var found Mistakes
	ids := map[string]bool{}
	for n, c := range f.Configs {
		if why := c.wrong(); why.Ja != "" || ids[c.ID] {
			found = append(found, p.mistake("構成「"+c.ID+"」の書き方が正しくありません。"+why.Ja, "configuration “"+c.ID+"” is not written as it should be. "+why.En, "configs", n))
		}
		ids[c.ID] = true
	}
	if len(f.Configs) == 0 {
		found = append(found, p.mistake("構成が一つもありません。", "there is no configuration", "configs"))
	}
	return f.Configs, found.fault(fault.Invalid)
}

// wrong says what a configuration lacks.
func (c Config) wrong() i18n.Text {
	known := func(id string) bool {
		return slices.ContainsFunc(c.Boxes, func(b ConfigBox) bool { return b.ID == id })
	}
	switch {
	case c.ID == "" || c.Title.Ja == "" || c.Title.En == "" || c.Source.Text == "":
		return i18n.Text{Ja: "id、title（ja と en）、source が要ります。", En: "id, title (ja and en) and source are needed."}
	case len(c.Boxes) == 0 || slices.ContainsFunc(c.Lines, func(l [2]string) bool { return !known(l[0]) || !known(l[1]) }):
		return i18n.Text{Ja: "boxes がないか、lines が boxes にない id を指しています。", En: "boxes are missing, or a line names a box that is not there."}
	case slices.ContainsFunc(c.Boxes, func(b ConfigBox) bool { return b.X < 0 || b.X > 8 || b.Y < 0 || b.Y > 8 }):
		return i18n.Text{Ja: "boxes の x と y は 0〜8 です。", En: "x and y of a box are 0 to 8."}
	case len(c.Levels) == 0 || slices.ContainsFunc(c.Levels, func(l int) bool { return l < 0 || l > 3 }):
		return i18n.Text{Ja: "levels は 0〜3 です。", En: "levels are 0 to 3."}
	case slices.ContainsFunc(c.Patterns, func(id string) bool { return !slices.Contains(patternIDs(), id) }):
		return i18n.Text{Ja: "patterns は I〜IV です。", En: "patterns are I to IV."}
	case slices.ContainsFunc(c.Classes, func(b BedClass) bool { return b != "" && !slices.Contains(BedClasses(), b) }):
		return i18n.Text{Ja: "classes に知らない病床の区分があります。", En: "classes names a class of beds that does not exist."}
	}
	return i18n.Text{}
}
