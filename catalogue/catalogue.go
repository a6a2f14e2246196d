// Package catalogue holds what is asked of a hospital as data: editions of the ministry's checklist, the gates of the network-control levels,
// tables for continuity plans and contracts, audit items, surveys. One engine reads, checks and compares all of them; no question is code.
package catalogue

import (
	"slices"

	"kenshin/i18n"
)

// Confidence says how a text or number is known. Only Official may be shown without a remark.
type Confidence string

const (
	Official  Confidence = "O"   // the official text was seen
	Secondary Confidence = "S"   // a secondary source quotes it
	Inferred  Confidence = "I"   // follows from the two above by counting or order
	Recalled  Confidence = "R"   // from memory, verify
	OwnWork   Confidence = "own" // Kenshin's own question
)

// Label is how a confidence is shown beside a text; empty for the official text.
func (c Confidence) Label() i18n.Text {
	switch c {
	case Official:
		return i18n.Text{}
	case Secondary:
		return i18n.Text{Ja: "要確認（二次資料による）", En: "to be confirmed (secondary source)"}
	case Inferred:
		return i18n.Text{Ja: "要確認（推定）", En: "to be confirmed (inferred)"}
	case OwnWork:
		return i18n.Text{Ja: "独自", En: "Kenshin's own"}
	}
	return i18n.Text{Ja: "要確認（公式の文面は未見）", En: "to be confirmed (official text not seen)"}
}

// Standing is what may be said of an item as a whole.
type Standing string

const (
	Confirmed Standing = "official" // wording and number were seen in the official text
	ToConfirm Standing = "confirm"  // 要確認: presented with its source and the remark
	Own       Standing = "own"      // 独自: Kenshin's own, never with an official number
)

// Label is the mark beside an item; empty for what is official.
func (s Standing) Label() i18n.Text {
	switch s {
	case Confirmed:
		return i18n.Text{}
	case Own:
		return i18n.Text{Ja: "独自", En: "Kenshin's own"}
	}
	return i18n.Text{Ja: "要確認", En: "to be confirmed"}
}

// Catalogue is one edition of one form: what is asked, in order, with where it comes from.
type Catalogue struct {
	ID         string    `yaml:"id"`                 // checklist-r7-facility
	Kind       Kind      `yaml:"kind"`               // what it is used for
	Form       Form      `yaml:"form,omitempty"`     // who fills it in
	Edition    string    `yaml:"edition"`            // R7 = fiscal year 2025; K1 = Kenshin's own first
	FiscalYear int       `yaml:"fiscal_year"`        // the year that the edition is for, 2025 for April 2025 to March 2026
	Origin     Origin    `yaml:"origin"`             // whose catalogue it is
	Title      i18n.Text `yaml:"title"`              //
	Basis      i18n.Text `yaml:"basis"`              // what was seen of the original, in a sentence for the reader
	Published  string    `yaml:"published"`          // YYYY-MM-DD or YYYY-MM; files may say 令和7年5月16日
	Previous   string    `yaml:"previous,omitempty"` // id of the edition before
	Source     Source    `yaml:"source"`
	Rounds     int       `yaml:"rounds,omitempty"` // how many dated rounds the form prints
	Sections   []Section `yaml:"sections"`
	Items      []Item    `yaml:"items"`

	// SHA256 is the digest of the file as it was read, in hexadecimal: a pack names it, so that an old pack can be checked years later.
	SHA256 string `yaml:"-"`

	places places
}

// Source says where something comes from and how well it is known.
type Source struct {
	Text       string     `yaml:"text"`
	Confidence Confidence `yaml:"confidence"`
}

// Section groups items; its id is the official section number where there is one.
type Section struct {
	ID    string    `yaml:"id"`
	Title i18n.Text `yaml:"title"`
	Intro i18n.Text `yaml:"intro,omitempty"`
}

// Item is one question. Ids are unique over all catalogues and never used again.
type Item struct {
	ID        string     `yaml:"id"`
	Section   string     `yaml:"section"`
	Number    string     `yaml:"number,omitempty"`  // official number, as printed: 2-⑦
	Concept   string     `yaml:"concept,omitempty"` // what it is about, the same word through all editions and forms
	Title     i18n.Text  `yaml:"title"`
	Addition  i18n.Text  `yaml:"addition,omitempty"`  // what stands beside the official wording
	Origin    Origin     `yaml:"origin,omitempty"`    // the catalogue's, unless said
	Wording   Confidence `yaml:"wording,omitempty"`   // of Title
	Numbering Confidence `yaml:"numbering,omitempty"` // of Number
	Source    string     `yaml:"source,omitempty"`
	Scope     string     `yaml:"scope,omitempty"` // organisation, all_systems, server, pc, server_and_pc, network_device

	From     []string `yaml:"from,omitempty"`     // lineage: items of the edition before
	Reworded bool     `yaml:"reworded,omitempty"` // says the same in other words
	Widened  bool     `yaml:"widened,omitempty"`  // asks for more than the items it comes from: an old はい is not enough
	Relates  []string `yaml:"relates,omitempty"`  // items of other catalogues that the same work also answers, or concepts of them
	Explain  string   `yaml:"explain,omitempty"`  // an item whose explanation holds for this one too

	Due     int       `yaml:"due,omitempty"`     // fiscal year in which it had to be done, the edition's unless said
	Horizon int       `yaml:"horizon,omitempty"` // fiscal year up to which a dated plan counts as はい
	Stops   bool      `yaml:"stops,omitempty"`   // いいえ ends the form
	Skip    i18n.Text `yaml:"skip,omitempty"`    // when 対象外 is right
	Answer  Answer    `yaml:"answer,omitempty"`

	Plain    i18n.Text   `yaml:"plain,omitempty"`    // やさしい説明
	Counts   []i18n.Text `yaml:"counts,omitempty"`   // what counts as はい
	Misread  i18n.Text   `yaml:"misread,omitempty"`  // よくある誤解
	Minutes  int         `yaml:"minutes,omitempty"`  // to answer it
	Ask      []Who       `yaml:"ask,omitempty"`      // whom to ask
	Evidence []i18n.Text `yaml:"evidence,omitempty"` // papers that show it; our suggestion unless the item says otherwise
	Checks   []string    `yaml:"checks,omitempty"`   // which of Kenshin's checks could measure it
	Clauses  []Clause    `yaml:"clauses,omitempty"`

	Gate     *Gate `yaml:"gate,omitempty"`     // only in kind gates
	Party    Party `yaml:"party,omitempty"`    // only in kind roles: who leads
	Required bool  `yaml:"required,omitempty"` // only in kind audit: 必須, else 推奨
}

// Clause is a place in the guideline; Confidence is that of the reference.
type Clause struct {
	Volume     string     `yaml:"volume"`
	Ref        string     `yaml:"ref"`
	Confidence Confidence `yaml:"confidence"`
}

// Gate makes an item a gate to a level of network control, with what it takes to pass.
type Gate struct {
	Level   int  `yaml:"level"` // 0 to 3
	Axis    Axis `yaml:"axis"`
	Cost    Cost `yaml:"cost"`    // of passing it
	Minutes int  `yaml:"minutes"` // of the hospital's own people
	Who     Who  `yaml:"who"`     // who does it
}

// Answer is how an item is answered; はい/いいえ unless said.
type Answer struct {
	Kind    AnswerKind  `yaml:"kind"`
	Choices []i18n.Text `yaml:"choices,omitempty"`
	Unit    i18n.Text   `yaml:"unit,omitempty"`
}

// Standing says whether an item may be presented as official.
func (i Item) Standing() Standing {
	switch {
	case i.Origin == OriginOwn || i.Wording == OwnWork:
		return Own
	case i.Wording == Official && (i.Number == "" || i.Numbering == Official):
		return Confirmed
	}
	return ToConfirm
}

// Item returns an item by its id.
func (c *Catalogue) Item(id string) (Item, bool) {
	n := slices.IndexFunc(c.Items, func(i Item) bool { return i.ID == id })
	if n < 0 {
		return Item{}, false
	}
	return c.Items[n], true
}

// DueYear is the fiscal year in which an item has to be はい: its own, or the edition's. Where a plan counts (Horizon) the plan has to exist in
// that year and the thing itself by the horizon.
func (c *Catalogue) DueYear(i Item) int {
	if i.Due != 0 {
		return i.Due
	}
	return c.FiscalYear
}

// Standing of a catalogue is that of its weakest item: own where all are own.
func (c *Catalogue) Standing() Standing {
	own, confirm := 0, 0
	for _, i := range c.Items {
		switch i.Standing() {
		case Own:
			own++
		case ToConfirm:
			confirm++
		}
	}
	switch {
	case own == len(c.Items):
		return Own
	case own+confirm > 0:
		return ToConfirm
	}
	return Confirmed
}
