package catalogue

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/jp"
)

const (
	MaxFile     = 512 << 10 // bytes
	maxItems    = 500
	maxMistakes = 50 // told at once
)

// Mistake is one thing that is wrong in a catalogue file. Line counts from 1, 0 where the file as a whole is meant; Path is like
// items[3].from[0].
type Mistake struct {
	File string
	Line int
	Path string
	Why  i18n.Text
}

// In returns the mistake as one line with its place.
func (m Mistake) In(l i18n.Lang) string {
	place := m.File
	if m.Line > 0 {
		place += i18n.Text{Ja: fmt.Sprintf(" %d行目", m.Line), En: fmt.Sprintf(" line %d", m.Line)}.In(l)
	}
	if m.Path != "" {
		place += " " + m.Path
	}
	return place + ": " + m.Why.In(l)
}

// Mistakes are all that was found, in the order of lines.
type Mistakes []Mistake

func (m Mistakes) Error() string {
	all := make([]string, len(m))
	for i := range m {
		all[i] = m[i].In(i18n.En)
	}
	return strings.Join(all, "; ")
}

// fault makes one sentence of them: the first, and how many more there are.
func (m Mistakes) fault(kind fault.Kind) error {
	if len(m) == 0 {
		return nil
	}
	slices.SortStableFunc(m, func(a, b Mistake) int { return cmp.Compare(a.Line, b.Line) })
	m = m[:min(len(m), maxMistakes)]
	ja, en := m[0].In(i18n.Ja), m[0].In(i18n.En)
	if more := len(m) - 1; more > 0 {
		ja, en = fmt.Sprintf("%s（ほかに %d か所）", ja, more), fmt.Sprintf("%s (and %d more)", en, more)
	}
	return fault.Wrap(kind, m, ja, en)
}

// places finds the line of a path in a file that was read.
type places struct {
	file string
	root *yaml.Node
}

// line returns the line of the deepest part of a path that exists. Parts are field names and indices.
func (p places) line(path ...any) int {
	n := p.root
	line := 0
	for n != nil {
		if n.Kind == yaml.DocumentNode && len(n.Content) > 0 {
			n = n.Content[0]
		}
		line = cmp.Or(n.Line, line)
		if len(path) == 0 {
			break
		}
		n, path = child(n, path[0]), path[1:]
	}
	return line
}

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

func (p places) mistake(ja, en string, path ...any) Mistake {
	s := ""
	for _, part := range path {
		switch part := part.(type) {
		case int:
			s += "[" + strconv.Itoa(part) + "]"
		case string:
			if s != "" {
				s += "."
			}
			s += part
		}
	}
	return Mistake{File: p.file, Line: p.line(path...), Path: s, Why: i18n.Text{Ja: ja, En: en}}
}

// Parse reads one catalogue from a YAML file of at most 512 KiB and 500 items; UTF-8, UTF-16 or CP932. name stands in errors. What can be said of
// the file alone is checked: fields, dates, ids, numbers, checks. The error holds Mistakes, each with its line; errors.AsType finds them. Whether
// the lineage leads to items that exist is said by New or Set.With.
func Parse(name string, r io.Reader) (Catalogue, error) {
	v, err := LoadChecks()
	if err != nil {
		return Catalogue{}, err
	}
	return parse(name, r, v)
}

func parse(name string, r io.Reader, known Checks) (Catalogue, error) {
	var c Catalogue
	p, sum, err := decode(name, r, &c)
	if err != nil {
		return Catalogue{}, err
	}
	c.places, c.SHA256 = p, sum
	k := checker{c: &c, known: known}
	k.all()
	if err := k.found.fault(fault.Invalid); err != nil {
		return Catalogue{}, err
	}
	return c, nil
}

// decode reads one YAML document into out, strictly, and keeps where everything stands. The digest is of the bytes as they came.
func decode(name string, r io.Reader, out any) (places, string, error) {
	p := places{file: name}
	raw, err := io.ReadAll(io.LimitReader(r, MaxFile+1))
	if err != nil {
		return p, "", fault.Wrap(fault.Unavailable, err, name+" を読めませんでした。もう一度試してください。", name+" could not be read; try again")
	}
	if len(raw) > MaxFile {
		return p, "", Mistakes{p.mistake("ファイルが大きすぎます（512 KB まで）。分けてください。", "the file is too large (up to 512 KB); split it")}.fault(fault.TooLarge)
	}
	text, _, err := jp.Decode(raw)
	if err != nil {
		return p, "", Mistakes{p.mistake(fault.Sentence(err, "ja"), fault.Sentence(err, "en"))}.fault(fault.Invalid)
	}
	var root yaml.Node
	switch err := yaml.Unmarshal([]byte(text), &root); {
	case err != nil:
		return p, "", whereBroken(text, yamlMistakes(p, err)).fault(fault.Invalid)
	case root.Kind == 0:
		return p, "", Mistakes{p.mistake("ファイルが空です。", "the file is empty")}.fault(fault.Invalid)
	}
	p.root = &root
	if n := alias(&root); n != nil {
		return p, "", Mistakes{{File: name, Line: n.Line, Why: i18n.Text{Ja: "参照（&名前 と *名前）は使えません。文をそのまま書いてください。", En: "anchors and aliases (&name, *name) may not be used; write the text out"}}}.fault(fault.Invalid)
	}
	d := yaml.NewDecoder(bytes.NewReader([]byte(text)))
	d.KnownFields(true)
	if err := d.Decode(out); err != nil {
		return p, "", yamlMistakes(p, err).fault(fault.Invalid)
	}
	if err := d.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return p, "", Mistakes{p.mistake("一つのファイルに書けるのは一つだけです（--- で区切った二つ目があります）。", "one file holds one document; there is a second one after ---")}.fault(fault.Invalid)
	}
	sum := sha256.Sum256(raw)
	return p, hex.EncodeToString(sum[:]), nil
}

// alias returns the first anchor or alias of a tree: they could make a small file huge.
func alias(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode || n.Anchor != "" {
		return n
	}
	for _, c := range n.Content {
		if a := alias(c); a != nil {
			return a
		}
	}
	return nil
}

var (
	lineSaid     = regexp.MustCompile(`line (\d+): ?(.*)`)
	unknownField = regexp.MustCompile(`field (\S+) not found in type`)
	wrongType    = regexp.MustCompile("cannot unmarshal !!(\\w+)(?: `(.{0,60})`)? into (\\S+)")
	twice        = regexp.MustCompile(`mapping key "(.{0,60})" already defined at line (\d+)`)
)

// yamlMistakes puts what the YAML library says into plain words.
func yamlMistakes(p places, err error) Mistakes {
	said := []string{err.Error()}
	if t, ok := errors.AsType[*yaml.TypeError](err); ok {
		said = t.Errors
	}
	var out Mistakes
	for _, s := range said {
		m := Mistake{File: p.file}
		if g := lineSaid.FindStringSubmatch(s); g != nil {
			m.Line, _ = strconv.Atoi(g[1]) // a number by the pattern
			s = g[2]
		}
		m.Why = yamlWords(strings.TrimPrefix(s, "yaml: "))
		out = append(out, m)
	}
	return out
}

// whereBroken finds the line, which the YAML library tells one off, or where the bracket began, or not at all. It stops at the first thing it cannot read, so every beginning of the
// file that reaches that line fails in the same way; the shortest one ends there.
func whereBroken(text string, m Mistakes) Mistakes {
	if len(m) != 1 {
		return m
	}
	said := func(s string) string {
		if err := yaml.Unmarshal([]byte(s), new(yaml.Node)); err != nil {
			return err.Error()
		}
		return ""
	}
	lines, whole := strings.SplitAfter(text, "\n"), said(text)
	m[0].Line = 1 + sort.Search(len(lines)-1, func(n int) bool { return said(strings.Join(lines[:n+1], "")) == whole })
	return m
}

func yamlWords(s string) i18n.Text {
	if g := unknownField.FindStringSubmatch(s); g != nil {
		return i18n.Text{Ja: "「" + g[1] + "」という項目名はありません。つづりを確かめてください。", En: "there is no field “" + g[1] + "”; check its spelling"}
	}
	if g := twice.FindStringSubmatch(s); g != nil {
		return i18n.Text{Ja: "「" + g[1] + "」が二度書かれています（前は " + g[2] + "行目）。", En: "“" + g[1] + "” is written twice (first in line " + g[2] + ")"}
	}
	if g := wrongType.FindStringSubmatch(s); g != nil {
		form := map[string]i18n.Text{"seq": {Ja: "並び（- ）", En: "a list"}, "map": {Ja: "項目名つきの組", En: "a group of fields"}}[g[1]]
		if form.Ja == "" {
			form = i18n.Text{Ja: "「" + g[2] + "」", En: "“" + g[2] + "”"}
		}
		want := map[string]i18n.Text{"int": {Ja: "数", En: "a number"}, "string": {Ja: "文字", En: "text"}, "bool": {Ja: "true か false", En: "true or false"}, "i18n.Text": {Ja: "ja: と en: の二行", En: "the two lines ja: and en:"}}[g[3]]
		if want.Ja == "" {
			want = i18n.Text{Ja: "別の書き方（ほかの項目の書き方に合わせる）", En: "another form (as the other items have it)"}
		}
		return i18n.Text{Ja: "ここは" + want.Ja + "を書くところですが、" + form.Ja + "が書かれています。", En: "here belongs " + want.En + ", but there is " + form.En}
	}
	s = strings.Join(strings.Fields(s), " ")
	return i18n.Text{Ja: "YAMLの書き方に誤りがあります。この行か前の行の、字下げ、「: 」のあとの空白、引用符を確かめてください（" + s + "）。", En: "this line or the one before is not well-formed YAML; check indentation, the blank after “:” and quotes (" + s + ")"}
}
