package catalogue

import (
	_ "embed"
	"io"
	"slices"
	"strings"

	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/jp"
)

//go:embed figures.yaml
var figuresYAML []byte

// BedClass is one of the six classes of the ministry's survey.
type BedClass string

// BedClasses lists them from small to large.
func BedClasses() []BedClass {
	return []BedClass{"20-99", "100-199", "200-299", "300-399", "400-499", "500+"}
}

// ClassOf returns the class of a number of beds; "" below 20, where the law speaks of a clinic and the survey did not ask.
func ClassOf(beds int) BedClass {
	for n, from := range []int{500, 400, 300, 200, 100, 20} {
		if beds >= from {
			return BedClasses()[5-n]
		}
	}
	return ""
}

// Label is what a class is called on screens.
func (b BedClass) Label() i18n.Text {
	if from, ok := strings.CutSuffix(string(b), "+"); ok {
		return i18n.Text{Ja: from + "床以上", En: from + " beds and more"}
	}
	if b == "" {
		return i18n.Text{Ja: "診療所（20床未満）", En: "clinic (below 20 beds)"}
	}
	return i18n.Text{Ja: strings.Replace(string(b), "-", "〜", 1) + "床", En: string(b) + " beds"}
}

// Inquiry is a survey that figures come from.
type Inquiry struct {
	ID       string    `yaml:"id"`
	Title    i18n.Text `yaml:"title"`
	Date     string    `yaml:"date"`               // YYYY-MM
	Asked    int       `yaml:"asked,omitempty"`    // hospitals; 0: not seen
	Answered int       `yaml:"answered,omitempty"` // hospitals; 0: not seen
	Response float64   `yaml:"response,omitempty"` // percent; 0: not seen
	Source   Source    `yaml:"source"`
}

// Figure is a published share of hospitals, in percent.
type Figure struct {
	ID      string           `yaml:"id"`
	Inquiry string           `yaml:"survey"`
	Concept string           `yaml:"concept,omitempty"` // the items that it speaks of
	Kept    string           `yaml:"kept,omitempty"`    // for what no item asks: what of the registers answers it, one of KeptKinds
	Title   i18n.Text        `yaml:"title"`
	All     int              `yaml:"all"`
	Classes map[BedClass]int `yaml:"classes,omitempty"` // what was published of them
	Note    i18n.Text        `yaml:"note,omitempty"`
	Source  Source           `yaml:"source"`
}

// KeptKinds are the questions about the registers that stand for a hospital's own figure.
func KeptKinds() []string {
	return []string{"officer-qualified", "alerts", "contract-roles", "department-officers"}
}

// Secondary says that the figure was read in a source that quotes the survey: it has to be marked 要確認.
func (f Figure) Secondary() bool { return f.Source.Confidence != Official }

// Share returns the figure of a class, or of all hospitals where none was published for the class; of says which.
func (f Figure) Share(class BedClass) (percent int, of i18n.Text) {
	if p, ok := f.Classes[class]; ok && class != "" {
		return p, class.Label()
	}
	return f.All, i18n.Text{Ja: "全病院", En: "all hospitals"}
}

// Figures are the published figures with their surveys.
type Figures struct {
	Inquiries []Inquiry `yaml:"surveys"`
	Figures   []Figure  `yaml:"figures"`
}

// Inquiry returns the survey of a figure.
func (f Figures) Inquiry(of Figure) Inquiry {
	n := slices.IndexFunc(f.Inquiries, func(q Inquiry) bool { return q.ID == of.Inquiry })
	if n < 0 {
		return Inquiry{}
	}
	return f.Inquiries[n]
}

// About returns the figures that speak of a concept, the newest survey first.
func (f Figures) About(concept string) []Figure {
	var out []Figure
	for _, g := range f.Figures {
		if concept != "" && g.Concept == concept {
			out = append(out, g)
		}
	}
	slices.SortStableFunc(out, func(a, b Figure) int { return strings.Compare(f.Inquiry(b).Date, f.Inquiry(a).Date) })
	return out
}

// ParseFigures reads figures from a YAML file, at most 512 KiB. A share without survey or source is refused, so is one outside 0 to 100.
func ParseFigures(name string, r io.Reader) (Figures, error) {
	var f Figures
	p, _, err := decode(name, r, &f)
	if err != nil {
		return Figures{}, err
	}
	var found Mistakes
	for n, q := range f.Inquiries {
		at, precision, err := jp.Date(q.Date)
		if q.ID == "" || q.Title.Ja == "" || q.Title.En == "" || q.Source.Text == "" || err != nil || precision < jp.Month || q.Asked < 0 || q.Answered < 0 || q.Response < 0 || q.Response > 100 {
			found = append(found, p.mistake("調査には id、題、日付（月まで）、出典が要ります。", "a survey needs id, title, date (with the month) and source", "surveys", n))
		}
		f.Inquiries[n].Date = at
	}
	ids := map[string]bool{}
	for n, g := range f.Figures {
		if g.ID == "" || ids[g.ID] || g.Title.Ja == "" || g.Title.En == "" {
			found = append(found, p.mistake("数字の id がないか二度あるか、題がありません。", "a figure lacks its title, or its id is missing or used twice", "figures", n))
		}
		ids[g.ID] = true
		if f.Inquiry(g).ID == "" {
			found = append(found, p.mistake("調査「"+g.Inquiry+"」が surveys にありません。", "surveys has no “"+g.Inquiry+"”", "figures", n, "survey"))
		}
		if g.Source.Text == "" || !slices.Contains([]Confidence{Official, Secondary}, g.Source.Confidence) {
			found = append(found, p.mistake("数字には出典が要り、確かさは O か S です。", "a figure needs its source, with confidence O or S", "figures", n, "source"))
		}
		if g.Kept != "" && !slices.Contains(KeptKinds(), g.Kept) {
			found = append(found, p.mistake("kept「"+g.Kept+"」はKenshinにありません。", "there is no “"+g.Kept+"” that kept may name", "figures", n, "kept"))
		}
		if g.All < 0 || g.All > 100 {
			found = append(found, p.mistake("割合は 0〜100 です。", "a share is 0 to 100", "figures", n, "all"))
		}
		for c, v := range g.Classes {
			if !slices.Contains(BedClasses(), c) || v < 0 || v > 100 {
				found = append(found, p.mistake("病床の区分「"+string(c)+"」がないか、割合が 0〜100 ではありません。", "there is no class “"+string(c)+"”, or its share is not 0 to 100", "figures", n, "classes"))
			}
		}
	}
	return f, found.fault(fault.Invalid)
}
