package scenario

import (
	"bytes"
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
	maxFile      = 256 << 10 // bytes of one scenario file
	maxScenarios = 100       // in one file
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

// Parse reads scenarios from a YAML file: one scenario to a document, documents apart by "---", at most 256 KiB and 100 scenarios; UTF-8,
// UTF-16 or CP932. An error names the line. What was read still has to pass Check.
func Parse(r io.Reader) ([]Scenario, error) {
	raw, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "シナリオのファイルを読めませんでした。もう一度試してください。", "the scenario file could not be read; try again")
	}
	if len(raw) > maxFile {
		return nil, fault.New(fault.TooLarge, "シナリオのファイルは 256 KB までです。分けて取り込んでください。", "a scenario file may have 256 KB; split it")
	}
	text, _, err := jp.Decode(raw)
	if err != nil {
		return nil, err
	}
	d := yaml.NewDecoder(bytes.NewReader([]byte(text)))
	d.KnownFields(true)
	var out []Scenario
	for {
		var s Scenario
		switch err := d.Decode(&s); {
		case errors.Is(err, io.EOF):
			if len(out) == 0 {
				return nil, fault.New(fault.Invalid, "ファイルにシナリオがありません。", "the file holds no scenario")
			}
			return out, nil
		case err != nil:
			why := strings.Join(strings.Fields(err.Error()), " ")
			return nil, fault.Wrap(fault.Invalid, err, "シナリオのファイルの書き方に誤りがあります（"+why+"）。示された行を直してください。",
				"the scenario file is not written as it should be ("+why+"); correct the line that is named")
		case len(out) == maxScenarios:
			return nil, fault.New(fault.TooLarge, "一つのファイルに入れられるシナリオは 100 件までです。", "one file may hold 100 scenarios")
		}
		for i := range s.Mails {
			s.Mails[i].finish(s.Brand)
		}
		out = append(out, s)
	}
}
