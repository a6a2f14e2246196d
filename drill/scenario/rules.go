package scenario

import (
	_ "embed"
	"fmt"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"kenshin/drill/internal/find"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/jp"
)

//go:embed lint.yaml
var lintYAML string

// Rules is what Lint refuses; it is data, see lint.yaml.
type Rules struct {
	brands, cruel []wordList
	suffixes      []string
	names         []string
	tags          map[string]bool
	attributes    map[string]bool
	endings       []string
}

// wordList is words that share a reason, in the forms in which they are compared.
type wordList struct {
	why                 i18n.Text
	words, whole, exact []word
	not, notExact       []string // the keys of not
}

type word struct{ plain, key string }

type listFile struct {
	Kind   i18n.Text `yaml:"kind"`
	Reason i18n.Text `yaml:"reason"`
	Words  []string  `yaml:"words"`
	Whole  []string  `yaml:"whole"`
	Exact  []string  `yaml:"exact"`
	Not    []string  `yaml:"not"`
}

type rulesFile struct {
	Brands  []listFile `yaml:"brands"`
	Cruel   []listFile `yaml:"cruel"`
	Domains struct {
		Suffixes []string `yaml:"suffixes"`
		Names    []string `yaml:"names"`
	} `yaml:"domains"`
	HTML struct {
		Tags       []string `yaml:"tags"`
		Attributes []string `yaml:"attributes"`
	} `yaml:"html"`
	FileEndings []string `yaml:"file_endings"`
}

// LoadRules reads the rules that come with the product.
func LoadRules() (Rules, error) { return ParseRules(strings.NewReader(lintYAML)) }

// ParseRules reads rules of one's own, at most 256 KiB. Neither the tags that run or fetch something nor the lists of brands and lures can
// be left out altogether.
func ParseRules(r io.Reader) (Rules, error) {
	raw, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return Rules{}, fmt.Errorf("read the lint rules: %w", err)
	}
	if len(raw) > maxFile {
		return Rules{}, fault.New(fault.TooLarge, "確認リストは 256 KB までです。", "the lint list may have 256 KB")
	}
	var f rulesFile
	d := yaml.NewDecoder(strings.NewReader(string(raw)))
	d.KnownFields(true)
	if err := d.Decode(&f); err != nil {
		return Rules{}, fault.Wrap(fault.Invalid, err, "確認リストの書き方に誤りがあります（"+err.Error()+"）。", "the lint list is not written as it should be ("+err.Error()+")")
	}
	if len(f.Brands) == 0 || len(f.Cruel) == 0 {
		return Rules{}, fault.New(fault.Invalid, "確認リストに brands と cruel が要ります。", "the lint list needs brands and cruel")
	}
	rules := Rules{suffixes: lower(f.Domains.Suffixes), names: lower(f.Domains.Names), endings: lower(f.FileEndings), tags: set(f.HTML.Tags), attributes: set(f.HTML.Attributes)}
	for _, t := range never() {
		delete(rules.tags, t)
	}
	for _, l := range f.Brands {
		rules.brands = append(rules.brands, l.compile(l.Kind, find.Skeleton))
	}
	for _, l := range f.Cruel {
		rules.cruel = append(rules.cruel, l.compile(l.Reason, jp.Fold))
	}
	return rules, nil
}

// never are tags that no list can allow: they run, fetch, send or hide.
func never() []string {
	return []string{"script", "iframe", "frame", "frameset", "form", "input", "button", "textarea", "select", "option", "object", "embed", "applet", "link", "base", "svg", "math",
		"video", "audio", "source", "track", "picture", "template", "noscript", "portal", "dialog", "marquee", "xml", "param", "map", "area", "isindex", "keygen", "plaintext", "xmp"}
}

func (l listFile) compile(why i18n.Text, key find.Key) wordList {
	out := wordList{why: why, words: keyed(l.Words, key), whole: keyed(l.Whole, key), exact: keyed(l.Exact, find.Written)}
	for _, n := range l.Not {
		out.not = append(out.not, key(n))
		out.notExact = append(out.notExact, find.Written(n))
	}
	return out
}

func keyed(words []string, key find.Key) []word {
	var out []word
	for _, w := range words {
		if k := key(w); k != "" {
			out = append(out, word{w, k})
		}
	}
	return out
}

func lower(in []string) []string {
	out := slices.Clone(in)
	for i := range out {
		out[i] = strings.ToLower(out[i])
	}
	return out
}

func set(in []string) map[string]bool {
	m := map[string]bool{}
	for _, s := range in {
		m[strings.ToLower(s)] = true
	}
	return m
}

// hit is a refused word in a text.
type hit struct {
	at   find.Span
	word string
	why  i18n.Text
}

const mostHits = 5 // of one word in one text

// in finds the words of a list in a text. folded is key(text), written is find.Written(text).
func (l wordList) in(text, folded, written string, key find.Key) []hit {
	var out []hit
	look := func(words []word, folded string, key find.Key, not []string, whole bool) {
		var but []find.Span // made only when something was found
		asked := false
		for _, w := range words {
			for _, at := range find.All(text, folded, w.key, key, mostHits) {
				if !asked {
					asked = true
					for _, n := range not {
						but = append(but, find.All(text, folded, n, key, mostHits)...)
					}
				}
				excused := slices.ContainsFunc(but, func(b find.Span) bool { return b.Start < at.End && at.Start < b.End })
				if !excused && (!whole || find.Whole(text, at)) {
					out = append(out, hit{at, w.plain, l.why})
				}
			}
		}
	}
	look(l.words, folded, key, l.not, false)
	look(l.whole, folded, key, l.not, true)
	look(l.exact, written, find.Written, l.notExact, false)
	return out
}
