package scenario

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"kenshin/fault"
	"kenshin/i18n"
)

// Fault is one thing in a scenario file that must be put right, on a line of it (from 1; 0 where none is known).
type Fault struct {
	Line     int
	Scenario string // its id
	Level    Level  // of the mail, "" outside of one
	Words    string // what stands there
	Why      i18n.Text
}

// Place says in words where it is, without the line.
func (f Fault) Place(l i18n.Lang) string {
	parts := []string{f.Scenario, f.Level.Name().In(l)}
	if f.Words != "" {
		parts = append(parts, i18n.Text{Ja: "「" + f.Words + "」", En: "“" + f.Words + "”"}.In(l))
	}
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), " ")
}

// In returns it as one sentence.
func (f Fault) In(l i18n.Lang) string {
	out := f.Place(l)
	if f.Line > 0 {
		out = strings.TrimSpace(i18n.Text{Ja: fmt.Sprintf("%d行目 ", f.Line), En: fmt.Sprintf("line %d ", f.Line)}.In(l) + out)
	}
	if out == "" {
		return f.Why.In(l)
	}
	return out + ": " + f.Why.In(l)
}

// Faults are all that is wrong with a file, in the order of its lines.
type Faults []Fault

func (f Faults) Error() string {
	var all []string
	for _, one := range f {
		all = append(all, one.In(i18n.En))
	}
	return strings.Join(all, "; ")
}

// Fault makes one sentence of them, the first and how many more there are; errors.AsType finds the Faults in it. None is no error.
func (f Faults) Fault() error {
	if len(f) == 0 {
		return nil
	}
	ja, en := f[0].In(i18n.Ja), f[0].In(i18n.En)
	if more := len(f) - 1; more > 0 {
		ja, en = fmt.Sprintf("%s（ほかに %d か所）", ja, more), fmt.Sprintf("%s (and %d more)", en, more)
	}
	return fault.Wrap(fault.Invalid, f, ja, en)
}

// Entry is a scenario with the text of its document.
type Entry struct {
	Scenario
	Source string // YAML
}

const maxFaults = 200 // told at once

// Inspect reads a file as Parse does and checks each scenario with Check. A file that is wrong anywhere gives no scenario but Faults, by
// line. own are the drill's domains.
func Inspect(r io.Reader, rules Rules, own ...string) ([]Entry, error) {
	raw, err := read(r)
	if err != nil {
		return nil, err
	}
	docs, bad, err := decode(strings.NewReader(raw))
	if err != nil {
		return nil, err
	}
	shipped, err := Load()
	if err != nil {
		return nil, err
	}
	lines := strings.Split(raw, "\n")
	seen := map[string]bool{}
	var out []Entry
	for i := range docs {
		d := &docs[i]
		p := newPlaces(&d.root, lines)
		if !d.whole {
			continue
		}
		if _, taken := shipped.Find(d.ID); taken || seen[d.ID] {
			bad = append(bad, Fault{Line: p.line("id"), Scenario: d.ID, Why: i18n.Text{Ja: "同じ id の文例が、もうあります。別の id にしてください。", En: "There is a scenario of this id already; choose another id."}})
		}
		seen[d.ID] = true
		for _, c := range d.complaints(rules, own...) {
			bad = append(bad, p.fault(d.Scenario, c))
		}
		var b bytes.Buffer
		e := yaml.NewEncoder(&b)
		e.SetIndent(2)
		if err := e.Encode(&d.root); err != nil {
			return nil, fault.Wrap(fault.Invalid, err, "この文例は保存できる形に書き直せませんでした。YAML の別名(& と *)を使わずに書いてください。", "This scenario could not be written down; write it without aliases (& and *).")
		}
		out = append(out, Entry{d.Scenario, b.String()})
	}
	if len(bad) > 0 {
		return nil, bad.tidy().Fault()
	}
	return out, nil
}

// tidy sorts them by line. What the plain body and the HTML that was made of it have in common is told once, and so is a name within a
// longer one of the same line.
func (f Faults) tidy() (out Faults) {
	slices.SortStableFunc(f, func(a, b Fault) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(len(b.Words), len(a.Words)))
	})
	for _, x := range f {
		same := func(o Fault) bool {
			return o.Line == x.Line && o.Level == x.Level && o.Scenario == x.Scenario && (o == x || x.Words != "" && len(o.Words) > len(x.Words) && strings.Contains(o.Words, x.Words))
		}
		if len(out) < maxFaults && !slices.ContainsFunc(out, same) {
			out = append(out, x)
		}
	}
	return out
}

// places finds the lines of a document.
type places struct {
	root  *yaml.Node
	lines []string       // of the whole file
	next  []int          // the lines on which anything begins, in order
	told  map[string]int // how often some words of a field were complained about
}

func newPlaces(root *yaml.Node, lines []string) *places {
	p := &places{root: root, lines: lines, told: map[string]int{}}
	var walk func(*yaml.Node)
	walk = func(n *yaml.Node) {
		p.next = append(p.next, n.Line)
		for _, c := range n.Content {
			walk(c)
		}
	}
	walk(root)
	slices.Sort(p.next)
	return p
}

// node is the deepest part of a path that exists.
func (p *places) node(path ...any) *yaml.Node {
	n := p.root
	if len(n.Content) > 0 {
		n = n.Content[0]
	}
	for _, part := range path {
		if n.Alias != nil {
			n = n.Alias
		}
		c := child(n, part)
		if c == nil {
			break
		}
		n = c
	}
	return n
}

func (p *places) line(path ...any) int { return p.node(path...).Line }

func child(n *yaml.Node, part any) *yaml.Node {
	switch part := part.(type) {
	case int:
		if n.Kind == yaml.SequenceNode && part < len(n.Content) {
			return n.Content[part]
		}
	case string:
		for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == part {
				return n.Content[i+1]
			}
		}
	}
	return nil
}

// fault finds the line of a complaint: the one on which its words stand, else that of the field.
func (p *places) fault(s Scenario, c complaint) Fault {
	f := Fault{Line: p.line(c.path...), Scenario: s.ID, Words: c.words, Why: c.why}
	if len(c.path) > 1 && c.path[0] == "mails" {
		if i, ok := c.path[1].(int); ok && i < len(s.Mails) {
			f.Level = s.Mails[i].Level
		}
	}
	if c.words == "" {
		return f
	}
	key := fmt.Sprint(c.part, c.path, c.words)
	skip := p.told[key]
	p.told[key]++
	end := len(p.lines)
	if i := slices.IndexFunc(p.next, func(n int) bool { return n > f.Line }); i >= 0 {
		end = min(end, p.next[i]-1)
	}
	for n := max(f.Line, 1); n <= end; n++ {
		if skip -= strings.Count(p.lines[n-1], c.words); skip < 0 {
			f.Line = n
			break
		}
	}
	return f
}

var (
	atLine  = regexp.MustCompile(`^(?:yaml: )?line (\d+): (.*)$`)
	unknown = regexp.MustCompile(`^field (.*) not found in type`)
	twice   = regexp.MustCompile(`^(?:field (.*) already set in type|mapping key "?(.*?)"? already defined)`)
	misfit  = regexp.MustCompile("^cannot unmarshal \\S+(?: `(.*)`)? into (.*)$")
)

func lineAndRest(text string) (int, string) {
	m := atLine.FindStringSubmatch(text)
	if m == nil {
		return 0, text
	}
	n, err := strconv.Atoi(m[1])
	if err != nil {
		return 0, text
	}
	return n, m[2]
}

// fieldFault says in plain words what the YAML decoder says of one field.
func fieldFault(text, id string) Fault {
	line, rest := lineAndRest(text)
	f := Fault{Line: line, Scenario: id}
	if m := unknown.FindStringSubmatch(rest); m != nil {
		f.Why = i18n.Text{Ja: "「" + m[1] + "」という項目はありません。つづりを確かめるか、消してください。", En: "There is no field “" + m[1] + "”; check the spelling or take it out."}
	} else if m := twice.FindStringSubmatch(rest); m != nil {
		f.Why = i18n.Text{Ja: "「" + m[1] + m[2] + "」が2回書かれています。1つにしてください。", En: "“" + m[1] + m[2] + "” is written twice; keep one."}
	} else if m := misfit.FindStringSubmatch(rest); m != nil {
		want := kindOf(m[2])
		f.Words = m[1]
		f.Why = i18n.Text{Ja: "ここには" + want.Ja + "を書いてください。", En: "Write " + want.En + " here."}
	} else {
		f.Why = i18n.Text{Ja: "書き方に誤りがあります（" + rest + "）。", En: "This is not written as it should be (" + rest + ")."}
	}
	return f
}

// kindOf says in words what a type of Go takes.
func kindOf(t string) i18n.Text {
	switch {
	case strings.HasPrefix(t, "[]"):
		return i18n.Text{Ja: "一覧（[a, b] か、- で始まる行）", En: "a list ([a, b], or lines that begin with -)"}
	case strings.HasPrefix(t, "int"):
		return i18n.Text{Ja: "数字", En: "a number"}
	case t == "bool":
		return i18n.Text{Ja: " true か false", En: "true or false"}
	case t == "string" || strings.HasSuffix(t, "Level") || strings.HasSuffix(t, "Look") || strings.HasSuffix(t, "Landing") || strings.HasSuffix(t, "Audience"),
		strings.HasSuffix(t, "Difficulty"), strings.HasSuffix(t, "ID"), strings.HasSuffix(t, "Part"):
		return i18n.Text{Ja: "文字", En: "text"}
	}
	return i18n.Text{Ja: "「項目: 値」の組", En: "fields with their values"}
}

// syntaxFault is for a text that is no YAML.
func syntaxFault(err error) Fault {
	line, rest := lineAndRest(strings.Join(strings.Fields(err.Error()), " "))
	return Fault{Line: line, Why: i18n.Text{Ja: "YAML の書き方に誤りがあります。この行の前後の字下げ（空白の数）、「:」のあとの空白、引用符やかっこの閉じ忘れを確かめてください（" + rest + "）。",
		En: "This is not YAML. Check the indentation, the space after a colon, and quotes and brackets around this line (" + rest + ")."}}
}
