package scenario

import (
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"go.yaml.in/yaml/v3"

	"kenshin/fault"
	"kenshin/jp"
)

//go:embed catalogue/*.yaml
var embedded embed.FS

const (
	maxFile      = 1 << 20 // bytes of one scenario file
	maxScenarios = 100     // in one file
)

// Load reads the catalogue that comes with the product, sorted by file name.
func Load() (Catalogue, error) {
	var c Catalogue
	names, err := fs.Glob(embedded, "catalogue/*.yaml")
	if err != nil {
		return c, err
	}
	for _, n := range names {
		f, err := embedded.Open(n)
		if err != nil {
			return c, err
		}
		s, err := Parse(f)
		_ = f.Close() // an embedded file
		if err != nil {
			return c, fmt.Errorf("%s: %w", n, err)
		}
		c.Scenarios = append(c.Scenarios, s...)
	}
	return c, nil
}

// Parse reads scenarios from a YAML file: one scenario to a document, documents apart by "---", at most 1 MB and 100 scenarios; UTF-8,
// UTF-16 or CP932. An error names the line. What was read still has to pass Check; Inspect does both.
func Parse(r io.Reader) (out []Scenario, err error) {
	docs, bad, err := decode(r)
	if err == nil {
		err = bad.Fault()
	}
	for _, d := range docs {
		out = append(out, d.Scenario)
	}
	if err != nil {
		return nil, err
	}
	return out, nil
}

// read takes the whole of a file in, as text.
func read(r io.Reader) (string, error) {
	raw, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return "", fault.Wrap(fault.Unavailable, err, "文例のファイルを読めませんでした。もう一度試してください。", "The scenario file could not be read; try again.")
	}
	if len(raw) > maxFile {
		return "", fault.New(fault.TooLarge, "文例のファイルは 1 MB までです。分けて取り込んでください。", "A scenario file may have 1 MB; split it.")
	}
	text, _, err := jp.Decode(raw)
	return text, err
}

// document is one scenario of a file, with the place of everything in it.
type document struct {
	Scenario
	root  yaml.Node
	whole bool // nothing was wrong with its fields
}

// decode reads every document twice: as fields, none of which may be unknown, and as a tree, which knows the lines.
func decode(r io.Reader) (docs []document, bad Faults, err error) {
	text, err := read(r)
	if err != nil {
		return nil, nil, err
	}
	fields, tree := yaml.NewDecoder(strings.NewReader(text)), yaml.NewDecoder(strings.NewReader(text))
	fields.KnownFields(true)
	for {
		d := document{whole: true}
		err := fields.Decode(&d.Scenario)
		if errors.Is(err, io.EOF) {
			break
		}
		if terr := tree.Decode(&d.root); terr != nil && err == nil {
			err = terr
		}
		wrong, ok := errors.AsType[*yaml.TypeError](err)
		switch {
		case err == nil && empty(&d.root):
			continue
		case len(docs) == maxScenarios:
			return nil, nil, fault.New(fault.TooLarge, "一つのファイルに入れられる文例は 100 話までです。", "One file may hold 100 scenarios.")
		case ok:
			d.whole = false
			for _, e := range wrong.Errors {
				bad = append(bad, fieldFault(e, d.ID))
			}
		case err != nil:
			return nil, append(bad, syntaxFault(err)), nil // where the next document begins is not known
		}
		for i := range d.Mails {
			d.Mails[i].finish(d.Brand)
		}
		docs = append(docs, d)
	}
	if len(docs) == 0 && len(bad) == 0 {
		return nil, nil, fault.New(fault.Invalid, "ファイルに文例がありません。", "The file holds no scenario.")
	}
	return docs, bad, nil
}

func empty(n *yaml.Node) bool {
	return len(n.Content) == 0 || n.Content[0].Tag == "!!null"
}
