// Package dock is the yearly check-up (年次健診) as a document: on a chosen day everything that is known is frozen into a signed snapshot, graded by area
// like a health check's result sheet, laid beside the years before, and handed out as the director's page and the pack for an inspection (立入検査).
package dock

import (
	"time"

	"kenshin/assess"
	"kenshin/catalogue"
	"kenshin/facility"
	"kenshin/i18n"
)

// Schema names the form of a snapshot; a reader that does not know it must not guess.
const Schema = "kenshin.dock/1"

// Kind is how much a dock looked at.
type Kind string

const (
	Full  Kind = "full"
	Short Kind = "short" // the 10-minute version of a clinic: the gates' and the checklist's claims, no vendor's form
)

// Label is what a kind is called on screens and paper.
func (k Kind) Label() i18n.Text {
	if k == Short {
		return i18n.Text{Ja: "10分版（申告のみ）", En: "10-minute version (claims only)"}
	}
	return i18n.Text{Ja: "年次健診", En: "Yearly check-up"}
}

// Snapshot is what was known on a day. It can be read without anything else: texts of items are in it. Order of fields does not matter for its hash.
type Snapshot struct {
	Schema   string    `json:"schema"`
	Number   int       `json:"number"` // 1, 2, 3... in its facility; 0: not frozen
	Kind     Kind      `json:"kind"`
	Day      string    `json:"day"`         // "2026-11-28", in the facility's zone
	Year     int       `json:"fiscal_year"` // in which Day lies
	At       time.Time `json:"at"`
	By       string    `json:"by"`
	Facility Place     `json:"facility"`

	Forms     []Form     `json:"forms"` // the checklist first, then the vendors' forms by system, then the level's gates
	Level     Level      `json:"level"`
	Grades    []Grade    `json:"grades"`
	Rule      string     `json:"rule"` // of the grades
	Registers []Register `json:"registers"`
	Ledger    Ledger     `json:"ledger"`
	Work      Work       `json:"work"`
	Risks     []Risk     `json:"risks"`
	Money     []Money    `json:"money"`

	Evidence Chain  `json:"evidence"`
	Trail    Chain  `json:"trail"`
	Previous string `json:"previous"` // hash of the snapshot before, "" for the first
}

// Place is the hospital or clinic.
type Place struct {
	ID      facility.ID `json:"id"`
	Name    string      `json:"name"`
	Address string      `json:"address,omitempty"`
	Beds    int         `json:"beds"`
	Demo    bool        `json:"fictitious,omitempty"`
}

// Form is one catalogue, answered for the facility or for one of its systems.
type Form struct {
	Catalogue string             `json:"catalogue"`
	Kind      catalogue.Kind     `json:"kind"`
	Title     i18n.Text          `json:"title"`
	Basis     i18n.Text          `json:"basis"`
	Edition   string             `json:"edition"`
	Year      int                `json:"fiscal_year"`
	SHA256    string             `json:"sha256"`
	Standing  catalogue.Standing `json:"standing"`
	Subject   string             `json:"subject,omitempty"` // id of a system
	Name      string             `json:"name,omitempty"`    // of the system
	Vendor    string             `json:"vendor,omitempty"`
	Refused   string             `json:"refused,omitempty"`    // the vendor's reason for not answering
	RefusedOn string             `json:"refused_on,omitempty"` // and the day
	Rounds    int                `json:"rounds,omitempty"`     // how many dated rounds the printed form has
	Sections  []Section          `json:"sections"`
	Items     []Item             `json:"items"` // in the form's order
	First     Round              `json:"first"`
	Second    Round              `json:"second"`
}

// Section is a part of a form.
type Section struct {
	ID    string    `json:"id"`
	Title i18n.Text `json:"title"`
}

// Round is where a round of a form stands.
type Round struct {
	Total int `json:"total"`
	Ready int `json:"ready"`
}

// Item is one question with the person's word, the machine's and what follows.
type Item struct {
	ID       string             `json:"id"`
	Section  string             `json:"section"`
	Number   string             `json:"number,omitempty"`
	Title    i18n.Text          `json:"title"`
	Addition i18n.Text          `json:"addition,omitzero"`
	Standing catalogue.Standing `json:"standing"`
	Line     []string           `json:"line,omitempty"`   // items of older editions that it comes from
	Change   catalogue.Change   `json:"change,omitempty"` // against the edition before
	Wider    bool               `json:"wider,omitempty"`  // asks for more than before
	Gate     *Gate              `json:"gate,omitempty"`

	Asked    bool            `json:"asked"` // false: an answer before ended the form
	Reply    catalogue.Reply `json:"reply"`
	Value    string          `json:"value,omitempty"`
	On       string          `json:"on,omitempty"`     // day of the answer
	Target   string          `json:"target,omitempty"` // for いいえ
	Reason   string          `json:"reason,omitempty"` // for 対象外
	Approver string          `json:"approver,omitempty"`
	Note     string          `json:"note,omitempty"`
	By       string          `json:"by,omitempty"`
	Excuse   string          `json:"excuse,omitempty"` // why はい stands against a measurement
	Files    []string        `json:"files,omitempty"`  // names of what was put beside the answer
	Said     []Said          `json:"said,omitempty"`   // the answers over time, one per change

	State    State   `json:"state"`
	Outcome  string  `json:"outcome,omitempty"` // pass, fail; "" nothing measures it
	Measured int     `json:"measured,omitempty"`
	Of       int     `json:"of,omitempty"`
	At       string  `json:"measured_on,omitempty"`
	Until    string  `json:"until,omitempty"`
	Proofs   []Proof `json:"proofs,omitempty"`
	Due      int     `json:"due,omitempty"`     // fiscal year in which it has to be done
	Horizon  int     `json:"horizon,omitempty"` // fiscal year up to which a dated plan is enough
}

// Said is an answer as it was given on a day.
type Said struct {
	Reply  catalogue.Reply `json:"reply"`
	On     string          `json:"on"`
	Target string          `json:"target,omitempty"`
}

// Gate says which level an item opens.
type Gate struct {
	Level int            `json:"level"`
	Axis  catalogue.Axis `json:"axis"`
}

// Proof is one record of the evidence chain that an item rests on.
type Proof struct {
	Check    string    `json:"check"`
	Title    i18n.Text `json:"title"`
	Version  int       `json:"version"`
	Outcome  string    `json:"outcome"`
	Says     i18n.Text `json:"says"`
	Measured int       `json:"measured"`
	Of       int       `json:"of"`
	At       string    `json:"at"`
	Until    string    `json:"until"`
	Seq      int64     `json:"seq"`
	Hash     string    `json:"hash"`
}

// Level is the level of network control both ways.
type Level struct {
	Claimed   int `json:"claimed"` // -1 is below level 0
	Evidenced int `json:"evidenced"`
	Gates     int `json:"gates"`
	Said      int `json:"said"`   // gates that are claimed
	Proven    int `json:"proven"` // and those that are proven
}

// Register is the head of one register: how many rows it had, and a digest of them.
type Register struct {
	Kind   string    `json:"kind"`
	Title  i18n.Text `json:"title"`
	Rows   int       `json:"rows"`
	Oldest string    `json:"oldest,omitempty"` // the row that was confirmed longest ago
	SHA256 string    `json:"sha256"`
}

// Ledger is the ledger in numbers.
type Ledger struct {
	Devices    int            `json:"devices"`
	Registered int            `json:"registered"`
	New        int            `json:"new"`
	Medical    int            `json:"medical"`
	Unseen     int            `json:"unseen"`
	OldOS      int            `json:"old_os"`
	Systems    int            `json:"systems"`
	Segments   int            `json:"segments"`
	Kinds      map[string]int `json:"kinds"`
}

// Work is how the year's findings were dealt with.
type Work struct {
	Open     map[string]int `json:"open"` // by severity: critical, high, medium, low
	Overdue  int            `json:"overdue"`
	Accepted int            `json:"accepted"`
	Opened   int            `json:"opened"` // within the year before Day
	Fixed    int            `json:"fixed"`  // confirmed by a check within the year before Day
	Days     int            `json:"days"`   // median days from found to confirmed fixed; -1: none was fixed
}

// Risk is one of the biggest risks on the director's page.
type Risk struct {
	Title  string `json:"title"`
	Why    string `json:"why"`
	What   string `json:"what"` // what is done about it
	Weight string `json:"weight"`
	Due    string `json:"due,omitempty"`
	From   string `json:"from"` // sheet (the signed assessment) or finding; register in docks from before there were sheets
	ID     string `json:"id"`
}

// Money is one line of what is asked for.
type Money struct {
	What   string `json:"what"`
	Why    string `json:"why"`
	Year   string `json:"year"`
	Amount int64  `json:"amount"` // yen, 0 where it is not known yet
	Closes string `json:"closes,omitempty"`
}

// Chain is the end of an append-only log.
type Chain struct {
	Size int64  `json:"size"`
	Hash string `json:"hash"`
}

// State is a state of an item in words that stay the same for ever; see assess.State for what they mean.
type State string

// stateNames are in the order of assess's states.
var stateNames = [...]State{"open", "proven", "partly", "word-only", "expired", "contradicted", "better", "not-done", "exempt", "unmeasured"}

// StateOf returns the word of a state.
func StateOf(s assess.State) State { return stateNames[s] }

func (s State) assess() assess.State {
	for n, name := range stateNames {
		if name == s {
			return assess.State(n)
		}
	}
	return assess.Open
}

// Mark is the sign of a state, Label what it is called.
func (s State) Mark() string     { return s.assess().Mark() }
func (s State) Label() i18n.Text { return s.assess().Label() }

// Checklist is what was asked of the facility itself: the form that an inspector asks for, or a clinic's few questions. False where there is none.
func (s *Snapshot) Checklist() (*Form, bool) {
	for n := range s.Forms {
		if s.Forms[n].Kind != catalogue.Gates && s.Forms[n].Subject == "" {
			return &s.Forms[n], true
		}
	}
	return nil, false
}

// Over is the last day of the checklist's edition where it had ended by the day of the check-up; false while it runs.
func (s *Snapshot) Over() (last time.Time, over bool) {
	form, ok := s.Checklist()
	day, err := time.Parse(time.DateOnly, s.Day)
	if !ok || err != nil {
		return last, false
	}
	return assess.LastDay(form.Year), assess.Over(catalogue.Catalogue{Kind: form.Kind, FiscalYear: form.Year}, day)
}

// GateForm is the form with the levels' gates.
func (s *Snapshot) GateForm() (*Form, bool) {
	for n := range s.Forms {
		if s.Forms[n].Kind == catalogue.Gates {
			return &s.Forms[n], true
		}
	}
	return nil, false
}

// Vendors are the forms that vendors answer, one for each system.
func (s *Snapshot) Vendors() []*Form {
	var out []*Form
	for n := range s.Forms {
		if s.Forms[n].Subject != "" {
			out = append(out, &s.Forms[n])
		}
	}
	return out
}

// Contradictions are the items whose はい stands against a measurement, of all forms.
func (s *Snapshot) Contradictions() []*Item {
	var out []*Item
	for f := range s.Forms {
		for i := range s.Forms[f].Items {
			if item := &s.Forms[f].Items[i]; item.State.assess() == assess.Contradicted {
				out = append(out, item)
			}
		}
	}
	return out
}
