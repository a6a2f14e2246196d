// Package register keeps the small dated records that no sweep can see: who is appointed, whom to call, what is backed up, who was trained.
// What a register holds is data (kinds.yaml); screens, import, export and print are made from it.
package register

import (
	_ "embed"
	"fmt"
	"slices"
	"sync"

	"go.yaml.in/yaml/v3"

	"kenshin/fault"
	"kenshin/i18n"
)

//go:embed kinds.yaml
var kindsYAML []byte

// Type is what a column holds.
type Type string

const (
	Text   Type = "text"
	Long   Type = "long"   // several lines
	Date   Type = "date"   // "2026-11-21", "2026-11" or "2026"
	Number Type = "number" // a decimal number that is not negative
	Choice Type = "choice" // the id of one of Choices
	Bool   Type = "bool"   // "yes", "no", "" when not known
	Person Type = "person" // a name as written
	System Type = "system" // the id of a system of the ledger, or a name that the ledger does not know
	Vendor Type = "vendor" // the id of a vendor, or a name that is in no record
	File   Type = "file"   // where the paper is
)

// Option is one possible answer.
type Option struct {
	ID string `yaml:"id" json:"id"`
	Ja string `yaml:"ja" json:"ja"`
	En string `yaml:"en" json:"en"`
}

// Label is what the answer is called.
func (o Option) Label() i18n.Text { return i18n.Text{Ja: o.Ja, En: o.En} }

// Column is one field of the rows of a register.
type Column struct {
	Key      string    `yaml:"key" json:"key"`
	Label    i18n.Text `yaml:"label" json:"label"`
	Short    i18n.Text `yaml:"short" json:"-"` // in a matrix
	Type     Type      `yaml:"type" json:"type"`
	Required bool      `yaml:"required" json:"required"`
	Choices  []Option  `yaml:"choices" json:"choices,omitempty"`
	Suggest  string    `yaml:"suggest" json:"-"` // checklist, roles: items of a catalogue
	Also     []string  `yaml:"also" json:"-"`    // other headings of files
	Past     bool      `yaml:"past" json:"past,omitempty"`
	Max      float64   `yaml:"max" json:"max,omitempty"`
}

// Matrix is a view of a register as a table of two columns' values, in which holes show.
type Matrix struct {
	Rows    string   `yaml:"rows"`
	Columns string   `yaml:"columns"`
	Show    []string `yaml:"show"`
}

// Kind is one register.
type Kind struct {
	ID          string            `yaml:"id" json:"id"`
	Group       string            `yaml:"group" json:"group"` // people, continuity, access, network, rules, plan
	Title       i18n.Text         `yaml:"title" json:"title"`
	Why         i18n.Text         `yaml:"why" json:"why"`
	Days        int               `yaml:"days" json:"days"`                         // after how many days a row has to be confirmed again; 0: never
	Proof       string            `yaml:"proof" json:"proof,omitempty"`             // the date column that proves a row
	Strict      bool              `yaml:"strict" json:"strict,omitempty"`           // only Proof counts; confirming a row writes it
	Event       bool              `yaml:"event" json:"event,omitempty"`             // rows happened; only the newest of each Per is due again
	Per         string            `yaml:"per" json:"per,omitempty"`                 // a column
	Ends        string            `yaml:"ends" json:"ends,omitempty"`               // a date column after which a row is overdue whatever was confirmed
	Done        string            `yaml:"done" json:"done,omitempty"`               // a date column; a row that has it is never due
	Confirm     i18n.Text         `yaml:"confirm" json:"-"`                         // what confirming is called; いまも正しい where empty
	Confirms    map[string]string `yaml:"confirms" json:"-"`                        // columns that confirming sets, too
	Feeds       []string          `yaml:"feeds" json:"feeds,omitempty"`             // checks of catalogue/checks.yaml that read it
	Same        []string          `yaml:"same" json:"same"`                         // columns by which an imported row is the same as one that is there
	Many        string            `yaml:"many" json:"-"`                            // a column of which many values are entered at once
	Sheet       string            `yaml:"sheet" json:"sheet,omitempty"`             // the kind of yearly sheet (risk, audit, budget) whose signed content this register copies; people write there
	List        bool              `yaml:"list" json:"list,omitempty"`               // an import may replace what is there
	Private     bool              `yaml:"private" json:"private,omitempty"`         // holds names of people that most roles need not see
	Departments bool              `yaml:"departments" json:"departments,omitempty"` // departments may write in it
	Matrix      *Matrix           `yaml:"matrix" json:"-"`
	Columns     []Column          `yaml:"columns" json:"columns"`
}

// Column returns the column of a key.
func (k Kind) Column(key string) (Column, bool) {
	n := slices.IndexFunc(k.Columns, func(c Column) bool { return c.Key == key })
	if n < 0 {
		return Column{}, false
	}
	return k.Columns[n], true
}

// ConfirmText is what the button says with which a person confirms a row.
func (k Kind) ConfirmText() i18n.Text {
	if k.Confirm.Ja != "" {
		return k.Confirm
	}
	return i18n.Text{Ja: "いまも正しい", En: "Still right"}
}

// byHand refuses what people write into a register that only repeats signed sheets: two places for one thing would disagree.
func (k Kind) byHand() error {
	if k.Sheet == "" {
		return nil
	}
	return fault.Newf(fault.Conflict, "「%[1]s」は、承認された年次の表の写しです。ここには書けません。年次の表を直し、承認してください。",
		"“%[2]s” repeats the signed yearly sheets and is not written here. Change the sheet and have it approved.", k.Title.Ja, k.Title.En)
}

// Group is a subject of the overview.
type Group struct {
	ID    string
	Title i18n.Text
}

// Groups lists the subjects in their order.
func Groups() []Group {
	return []Group{
		{"people", i18n.Text{Ja: "体制と人", En: "People"}},
		{"continuity", i18n.Text{Ja: "備え（連絡・バックアップ・BCP）", En: "Continuity"}},
		{"access", i18n.Text{Ja: "アカウントと権限", En: "Accounts and rights"}},
		{"network", i18n.Text{Ja: "外部接続・機器・契約", En: "Connections, devices, contracts"}},
		{"rules", i18n.Text{Ja: "規程と見直し", En: "Rules and reviews"}},
		{"plan", i18n.Text{Ja: "計画・監査・指摘", En: "Plans, audits, remarks"}},
	}
}

var kinds = sync.OnceValue(func() []Kind {
	list, err := parseKinds(kindsYAML)
	if err != nil {
		panic(err) // the file is part of the program; a test reads it
	}
	return list
})

// Kinds lists all registers in their order. The slice is shared: do not change it.
func Kinds() []Kind { return kinds() }

// KindOf returns the register of an id.
func KindOf(id string) (Kind, error) {
	n := slices.IndexFunc(kinds(), func(k Kind) bool { return k.ID == id })
	if n < 0 {
		return Kind{}, fault.New(fault.NotFound, "この記録簿はありません。", "There is no such register.")
	}
	return kinds()[n], nil
}

func parseKinds(b []byte) ([]Kind, error) {
	var f struct {
		Kinds []Kind `yaml:"kinds"`
	}
	if err := yaml.Unmarshal(b, &f); err != nil {
		return nil, fmt.Errorf("read kinds.yaml: %w", err)
	}
	for i, k := range f.Kinds {
		if slices.ContainsFunc(f.Kinds[:i], func(o Kind) bool { return o.ID == k.ID }) {
			return nil, fmt.Errorf("kinds.yaml: %s is there twice", k.ID)
		}
		if err := k.sound(); err != nil {
			return nil, fmt.Errorf("kinds.yaml: %s: %w", k.ID, err)
		}
	}
	return f.Kinds, nil
}

// sound reports what a kind's author got wrong.
func (k Kind) sound() error {
	if k.ID == "" || k.Title.Ja == "" || k.Title.En == "" || k.Why.Ja == "" || k.Why.En == "" || len(k.Columns) == 0 || len(k.Same) == 0 ||
		!slices.ContainsFunc(Groups(), func(g Group) bool { return g.ID == k.Group }) {
		return fmt.Errorf("id, group, title, why, columns or same are missing")
	}
	dates := []string{k.Proof, k.Ends, k.Done}
	named := append(slices.Clone(k.Same), k.Per, k.Many)
	if k.Matrix != nil {
		named = append(append(named, k.Matrix.Rows, k.Matrix.Columns), k.Matrix.Show...)
	}
	for _, key := range append(dates, named...) {
		c, ok := k.Column(key)
		if key != "" && (!ok || slices.Contains(dates, key) && c.Type != Date) {
			return fmt.Errorf("%q is no column of the right type", key)
		}
	}
	if (k.Strict || k.Event) && k.Proof == "" || k.Days < 0 {
		return fmt.Errorf("strict and event need a proof date")
	}
	for key, value := range k.Confirms {
		if c, _ := k.Column(key); !slices.ContainsFunc(c.Choices, func(o Option) bool { return o.ID == value }) {
			return fmt.Errorf("confirms: %q is no choice of %q", value, key)
		}
	}
	types := []Type{Text, Long, Date, Number, Choice, Bool, Person, System, Vendor, File}
	for i, c := range k.Columns {
		first, _ := k.Column(c.Key)
		if c.Key == "" || c.Label.Ja == "" || c.Label.En == "" || !slices.Contains(types, c.Type) || (c.Type == Choice) != (len(c.Choices) > 0) ||
			i != slices.IndexFunc(k.Columns, func(o Column) bool { return o.Key == first.Key }) {
			return fmt.Errorf("column %q is not written as it should be", c.Key)
		}
	}
	return nil
}
