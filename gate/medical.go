package gate

import (
	_ "embed"
	"fmt"
	"strings"
	"sync"
	"unicode"

	"go.yaml.in/yaml/v3"
	"golang.org/x/text/unicode/norm"
)

//go:embed medical_makers.yaml
var medicalMakersYAML []byte

// medicalMaker is one line of medical_makers.yaml.
type medicalMaker struct {
	Maker    string   `yaml:"maker"`
	Names    []string `yaml:"names"`    // beginnings of organisation names, whole words
	Except   []string `yaml:"except"`   // organisations of the same name that make other things
	Kind     string   `yaml:"kind"`     // "" where the maker has several
	Modality string   `yaml:"modality"` // DICOM modality in lower case, "" where unsure
	Source   []string `yaml:"source"`   // assignments that carry the name
	Note     string   `yaml:"note"`
}

type medicalMakers struct {
	Edition string         `yaml:"edition"`
	Source  string         `yaml:"source"`
	Makers  []medicalMaker `yaml:"makers"`
	Words   []string       `yaml:"words"`  // anywhere in a name, whole words
	Except  []string       `yaml:"except"` // names that carry such a word and make no medical devices
}

var loadMedicalMakers = sync.OnceValues(func() (*medicalMakers, error) {
	var m medicalMakers
	if err := yaml.Unmarshal(medicalMakersYAML, &m); err != nil {
		return nil, fmt.Errorf("medical_makers.yaml: %w", err)
	}
	for i := range m.Makers {
		m.Makers[i].Names, m.Makers[i].Except = foldAll(m.Makers[i].Names), foldAll(m.Makers[i].Except)
	}
	m.Words, m.Except = foldAll(m.Words), foldAll(m.Except)
	return &m, nil
})

// fold writes a name as words: lower case, one space between them and at both ends, so that " roche " finds a whole word.
func fold(s string) string {
	f := strings.FieldsFunc(strings.ToLower(norm.NFKC.String(s)), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '&'
	})
	return " " + strings.Join(f, " ") + " "
}

func foldAll(list []string) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = fold(s)
	}
	return out
}

func beginsWithAny(name string, beginnings []string) bool {
	for _, b := range beginnings {
		if strings.HasPrefix(name, b) {
			return true
		}
	}
	return false
}

func findMedicalMaker(org string) (*medicalMaker, bool) {
	all, err := loadMedicalMakers()
	name := fold(org)
	if err != nil || name == "  " || beginsWithAny(name, all.Except) {
		return nil, false
	}
	for i := range all.Makers {
		if m := &all.Makers[i]; beginsWithAny(name, m.Names) && !beginsWithAny(name, m.Except) {
			return m, true
		}
	}
	for _, w := range all.Words {
		if strings.Contains(name, w) {
			return &medicalMaker{Maker: org}, true
		}
	}
	return nil, false
}

// MedicalMaker reports whether an organisation, as the IEEE writes it, makes medical devices, and why we say so. Makers of many things
// (copiers, lamps, computers) count only under the names of their medical houses.
func MedicalMaker(org string) (why string, ok bool) {
	if _, ok := findMedicalMaker(org); !ok {
		return "", false
	}
	return "医療機器のメーカー (maker of medical devices): " + org, true
}

// MedicalMakerKind returns the kind and DICOM modality (lower case) of what a maker's devices are, both "" where it makes several kinds.
func MedicalMakerKind(org string) (kind, modality string) {
	m, ok := findMedicalMaker(org)
	if !ok {
		return "", ""
	}
	return m.Kind, m.Modality
}
