package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"

	"kenshin/catalogue"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/identify"
)

type catalogueCmd struct {
	Check catalogueCheckCmd `cmd:"" help:"点検表や判定規則のファイル(YAML)が正しいか / whether a file of questions or rules is right"`
	List  catalogueListCmd  `cmd:"" help:"入っている点検表などの一覧 / the catalogues that come with Kenshin"`
}

type catalogueCheckCmd struct {
	File string `arg:"" type:"path"`
}

const maxCatalogue = 8 << 20

func (c catalogueCheckCmd) Run(e *env) error {
	f, size, err := openInput(c.File)
	if err != nil {
		return err
	}
	defer f.Close()
	if size > maxCatalogue {
		return fault.New(fault.TooLarge, "ファイルが大きすぎます(8 MBまで)。", "The file is too large (up to 8 MB).")
	}
	b, err := io.ReadAll(io.LimitReader(f, maxCatalogue))
	if err != nil {
		return err
	}
	if id, ok := catalogue.TableOf(b); ok {
		return c.table(e, id, b)
	}
	if !rules(b) {
		return c.questions(e, b)
	}
	n, err := identify.Check(b)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(e.out, i18n.T(e.ctx, "規則 %d個、正しく読めました。", "%d rules, all right.", n))
	return err
}

// rules tells a file of identity rules (a list) from one of questions (fields).
func rules(b []byte) bool {
	for line := range bytes.Lines(bytes.TrimPrefix(b, []byte("\ufeff"))) {
		if l := bytes.TrimSpace(line); len(l) > 0 && l[0] != '#' && !bytes.Equal(l, []byte("---")) {
			return l[0] == '-' || l[0] == '['
		}
	}
	return false
}

// questions checks a catalogue by itself and beside those that come with Kenshin, and says what it would change.
func (c catalogueCheckCmd) questions(e *env, b []byte) error {
	set, err := catalogue.Embedded()
	if err != nil {
		return err
	}
	read, err := catalogue.Parse(filepath.Base(c.File), bytes.NewReader(b))
	if err == nil {
		set, err = set.With(read)
	}
	if err != nil {
		return c.mistakes(e, err)
	}
	count := map[catalogue.Standing]int{}
	for _, i := range read.Items {
		count[i.Standing()]++
	}
	fmt.Fprintln(e.out, i18n.T(e.ctx, "「%s」（%s、%s）：質問 %d、正しく読めました。", "“%s” (%s, %s): %d items, all right.", read.Title.In(e.lang), read.Kind.Label().In(e.lang), read.Edition, len(read.Items)))
	fmt.Fprintln(e.out, i18n.T(e.ctx, "公式の文面を確認済み %d、要確認 %d、独自 %d", "official %d, to be confirmed %d, own %d", count[catalogue.Confirmed], count[catalogue.ToConfirm], count[catalogue.Own]))
	return c.changes(e, set, read)
}

// table checks a file of figures, patterns, costs, days of checks or fees.
func (c catalogueCheckCmd) table(e *env, id catalogue.TableID, b []byte) error {
	if err := catalogue.CheckTable(id, filepath.Base(c.File), bytes.NewReader(b)); err != nil {
		return c.mistakes(e, err)
	}
	_, err := fmt.Fprintln(e.out, i18n.T(e.ctx, "「%s」：正しく読めました。", "“%s”: all right.", id.Label().In(e.lang)))
	return err
}

// mistakes prints what is wrong line by line; an error that is not about the file comes back.
func (c catalogueCheckCmd) mistakes(e *env, err error) error {
	m, ok := errors.AsType[catalogue.Mistakes](err)
	if !ok {
		return err
	}
	for _, one := range m {
		fmt.Fprintln(e.out, one.In(e.lang))
	}
	return fault.Wrap(fault.KindOf(err), err, fmt.Sprintf("誤りが %d か所あります。上の行を直して、もう一度実行してください。", len(m)),
		fmt.Sprintf("%d mistakes. Correct the lines above and run it again.", len(m)))
}

func (c catalogueCheckCmd) changes(e *env, set catalogue.Set, read catalogue.Catalogue) error {
	old, ok := set.Find(read.Previous)
	if !ok {
		return nil
	}
	count := map[catalogue.Change]int{}
	for _, s := range catalogue.Compare(old, read) {
		count[s.Change]++
	}
	var parts []string
	for _, k := range []catalogue.Change{catalogue.Same, catalogue.Reworded, catalogue.Split, catalogue.Merged, catalogue.Added, catalogue.Dropped} {
		if count[k] > 0 {
			parts = append(parts, k.Label().In(e.lang)+" "+strconv.Itoa(count[k]))
		}
	}
	_, err := fmt.Fprintln(e.out, i18n.T(e.ctx, "前の版（%s）から：%s", "since %s: %s", old.ID, strings.Join(parts, i18n.T(e.ctx, "、", ", "))))
	return err
}

type catalogueListCmd struct {
	Checks bool   `help:"質問の証拠になる測定の一覧 / the checks that can prove an item"`
	Format string `help:"table, json" enum:"table,json" default:"table"`
}

// listed is one catalogue as JSON.
type listed struct {
	ID        string    `json:"id"`
	Kind      string    `json:"kind"`
	Form      string    `json:"form,omitempty"`
	Edition   string    `json:"edition"`
	Published string    `json:"published"`
	Items     int       `json:"items"`
	Standing  string    `json:"standing"` // official, confirm, own
	Title     i18n.Text `json:"title"`
	SHA256    string    `json:"sha256"`
}

func (c catalogueListCmd) Run(e *env) error {
	if c.Checks {
		return c.checks(e)
	}
	set, err := catalogue.Embedded()
	if err != nil {
		return err
	}
	var w columns
	w.add(strings.Split(i18n.T(e.ctx, "ID\t版\t質問\t確かさ\t名前", "ID\tEDITION\tITEMS\tSTANDING\tTITLE"), "\t")...)
	all := []listed{}
	for _, k := range set.All() {
		standing := k.Standing().Label().In(e.lang)
		if standing == "" {
			standing = i18n.T(e.ctx, "公式", "official")
		}
		w.add(k.ID, k.Edition, strconv.Itoa(len(k.Items)), standing, k.Title.In(e.lang))
		all = append(all, listed{k.ID, string(k.Kind), string(k.Form), k.Edition, k.Published, len(k.Items), string(k.Standing()), k.Title, k.SHA256})
	}
	if c.Format == "json" {
		return e.json(all)
	}
	return w.print(e.out)
}

func (c catalogueListCmd) checks(e *env) error {
	all, err := catalogue.LoadChecks()
	if err != nil {
		return err
	}
	type check struct {
		ID      string    `json:"id"`
		Title   i18n.Text `json:"title"`
		Days    int       `json:"days"`
		Percent int       `json:"percent"`
		By      string    `json:"by"`
		Later   bool      `json:"later,omitempty"` // nothing writes it yet
	}
	var w columns
	w.add(strings.Split(i18n.T(e.ctx, "ID\t有効な日数\t必要な割合\t名前", "ID\tDAYS\tPERCENT\tTITLE"), "\t")...)
	out := []check{}
	for _, k := range all {
		title := k.Title.In(e.lang)
		if k.Later {
			title += i18n.T(e.ctx, "（まだ測れません）", " (not measured yet)")
		}
		w.add(k.ID, strconv.Itoa(k.Days), strconv.Itoa(k.Percent)+"%", title)
		out = append(out, check{k.ID, k.Title, k.Days, k.Percent, k.By, k.Later})
	}
	if c.Format == "json" {
		return e.json(out)
	}
	return w.print(e.out)
}

// json writes a value for scripts.
func (e *env) json(v any) error {
	enc := json.NewEncoder(e.out)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}
