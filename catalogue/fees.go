package catalogue

import (
	_ "embed"
	"io"
	"slices"

	"kenshin/fault"
	"kenshin/i18n"
)

//go:embed fees.yaml
var feesYAML []byte

// Fee is a condition of the fee schedule, with how sure its text is.
type Fee struct {
	ID         string     `yaml:"id"`
	Title      i18n.Text  `yaml:"title"`
	Text       i18n.Text  `yaml:"text"`
	Source     string     `yaml:"source"`
	Confidence Confidence `yaml:"confidence"`
}

// ParseFees reads conditions of the fee schedule from a YAML file, at most 512 KiB.
func ParseFees(name string, r io.Reader) ([]Fee, error) {
	var f struct {
		Fees []Fee `yaml:"fees"`
	}
	p, _, err := decode(name, r, &f)
	if err != nil {
		return nil, err
	}
	var found Mistakes
	ids := map[string]bool{}
	for n, q := range f.Fees {
		if q.ID == "" || ids[q.ID] || q.Title.Ja == "" || q.Text.Ja == "" || q.Source == "" || !slices.Contains(confidences(), q.Confidence) {
			found = append(found, p.mistake("診療報酬の条件には id、title、text、source、confidence が要ります。", "a condition needs id, title, text, source and confidence", "fees", n))
		}
		ids[q.ID] = true
	}
	return f.Fees, found.fault(fault.Invalid)
}
