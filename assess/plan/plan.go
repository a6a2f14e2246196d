// Package plan keeps the yearly sheets that a hospital's director signs: the risk assessment, the audit with its drawn samples, and the three-year
// budget. What is known here (ledger, segments, registers, findings) fills them in beforehand, each line with the facts that it rests on.
package plan

import (
	"strings"
	"time"
	"unicode/utf8"

	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/jp"
)

// Kind is which of the sheets.
type Kind string

const (
	Risk   Kind = "risk"
	Audit  Kind = "audit"
	Budget Kind = "budget"
)

// Label is the kind's name.
func (k Kind) Label() i18n.Text {
	switch k {
	case Risk:
		return i18n.Text{Ja: "リスクアセスメント", En: "Risk assessment"}
	case Audit:
		return i18n.Text{Ja: "監査", En: "Audit"}
	}
	return i18n.Text{Ja: "三年の予算", En: "Three-year budget"}
}

// Sheet is one yearly sheet. Exactly one of Risks, Audit and Budget is set, by Kind.
type Sheet struct {
	ID       string     `json:"id"`
	Kind     Kind       `json:"kind"`
	Year     int        `json:"year"` // fiscal year
	Title    string     `json:"title"`
	Revision int64      `json:"revision"`
	Created  time.Time  `json:"created"`
	Changed  time.Time  `json:"changed"`
	ByName   string     `json:"by"`
	Risks    *Risks     `json:"risks,omitempty"`
	Audit    *AuditPlan `json:"audit,omitempty"`
	Budget   *Money     `json:"budget,omitempty"`
	Signed   *Signature `json:"signed,omitempty"` // the last one
}

// Fresh reports whether nothing was changed since the last signature.
func (s Sheet) Fresh() bool { return s.Signed != nil && s.Signed.Revision == s.Revision }

// Signature is a director's word on a version.
type Signature struct {
	Number   int       `json:"number"`
	At       time.Time `json:"at"`
	By       string    `json:"by"`
	Note     string    `json:"note,omitempty"`
	Revision int64     `json:"revision"`
	Hash     string    `json:"hash"` // hex
}

// Treatment is what is decided about a risk.
type Treatment string

const (
	Undecided Treatment = ""
	Reduce    Treatment = "reduce"
	Avoid     Treatment = "avoid"
	Share     Treatment = "share"
	Accept    Treatment = "accept"
)

// Treatments lists what can be decided.
func Treatments() []Treatment { return []Treatment{Reduce, Avoid, Share, Accept} }

// Label is the treatment in words.
func (t Treatment) Label() i18n.Text {
	switch t {
	case Reduce:
		return i18n.Text{Ja: "減らす", En: "Reduce"}
	case Avoid:
		return i18n.Text{Ja: "避ける(やめる)", En: "Avoid"}
	case Share:
		return i18n.Text{Ja: "分け合う(契約・保険)", En: "Share (contract, insurance)"}
	case Accept:
		return i18n.Text{Ja: "受け入れる", En: "Accept"}
	}
	return i18n.Text{Ja: "まだ決めていない", En: "Undecided"}
}

// Likelihoods and Impacts are the words for 1 to 5, the mildest first.
func Likelihoods() [5]i18n.Text {
	return [5]i18n.Text{{Ja: "まず起きない", En: "Hardly"}, {Ja: "数年に一度", En: "Once in years"}, {Ja: "年に一度くらい", En: "About yearly"}, {Ja: "いつ起きてもおかしくない", En: "Any time"}, {Ja: "もう起きている", En: "It happens now"}}
}

// Impacts: see Likelihoods.
func Impacts() [5]i18n.Text {
	return [5]i18n.Text{{Ja: "診療に影響なし", En: "Care goes on"}, {Ja: "手間が増える", En: "More work"}, {Ja: "一部の診療が遅れる", En: "Some care is late"}, {Ja: "一部の診療が止まる", En: "Some care stops"}, {Ja: "患者の命・病院全体", En: "Lives, the whole hospital"}}
}

// RiskRow is one threat as it is judged here.
type RiskRow struct {
	ID         string      `json:"id"`            // stable over the years: "ransomware", "own-..."
	Threat     string      `json:"threat"`        // in words
	Asset      string      `json:"asset"`         // what it hits
	Why        []i18n.Text `json:"why,omitempty"` // facts for which it is proposed here
	Likelihood int         `json:"likelihood"`    // 1 to 5
	Impact     int         `json:"impact"`        // on patients, 1 to 5
	Judged     bool        `json:"judged"`        // a person looked at the two; else they are a proposal
	Treatment  Treatment   `json:"treatment"`
	Action     string      `json:"action"`
	Owner      string      `json:"owner"`
	Due        string      `json:"due"`            // "2026-11-28"
	Done       string      `json:"done,omitempty"` // the day on which the action was finished
}

// Weight is likelihood times impact, 1 to 25.
func (r RiskRow) Weight() int { return r.Likelihood * r.Impact }

// Risks is a risk assessment.
type Risks struct {
	Rows []RiskRow `json:"rows"`
	Note string    `json:"note,omitempty"`
}

const (
	maxRows  = 200
	maxText  = 300
	maxLong  = 3000
	maxSheet = 1 << 20 // bytes of a body
)

func tidyText(row int, field string, s *string, most int) error {
	*s = strings.TrimSpace(*s)
	if !utf8.ValidString(*s) || strings.ContainsRune(*s, 0) {
		return bad(row, field, "読めない文字があります。", "it holds characters that cannot be read.")
	}
	if utf8.RuneCountInString(*s) > most {
		return bad(row, field, "長すぎます。", "it is too long.")
	}
	return nil
}

// tidyDay reads a day as people write it, wareki too, and keeps "2026-11-28"; "" stays.
func tidyDay(row int, field string, s *string) error {
	*s = strings.TrimSpace(*s)
	if *s == "" {
		return nil
	}
	d, precision, err := jp.Date(*s)
	if err != nil {
		return bad(row, field, "日付として読めません(例 2026-11-28、令和8年11月28日)。", "it is no date (2026-11-28).")
	}
	if precision != jp.Day {
		return bad(row, field, "年月日まで入れてください。", "give the whole date.")
	}
	*s = d
	return nil
}

func (r *Risks) tidy() error {
	if len(r.Rows) > maxRows {
		return fault.Newf(fault.TooLarge, "行は%d行までです。", "At most %d rows.", maxRows)
	}
	if err := tidyText(0, "メモ", &r.Note, maxLong); err != nil {
		return err
	}
	seen := map[string]bool{}
	for i := range r.Rows {
		v, n := &r.Rows[i], i+1
		for _, x := range []struct {
			field string
			s     *string
			most  int
		}{{"起こりうること", &v.Threat, maxText}, {"何が", &v.Asset, maxText}, {"すること", &v.Action, maxLong}, {"担当", &v.Owner, 100}, {"番号", &v.ID, 60}} {
			if err := tidyText(n, x.field, x.s, x.most); err != nil {
				return err
			}
		}
		switch {
		case v.ID == "" || seen[v.ID]:
			return bad(n, "番号", "空か、重なっています。", "it is empty or used twice.")
		case v.Threat == "":
			return bad(n, "起こりうること", "書いてください。", "write it.")
		case v.Likelihood < 1 || v.Likelihood > 5:
			return bad(n, "起こりやすさ", "1から5で選んでください。", "choose 1 to 5.")
		case v.Impact < 1 || v.Impact > 5:
			return bad(n, "患者さんへの影響", "1から5で選んでください。", "choose 1 to 5.")
		case v.Treatment != Undecided && v.Treatment != Reduce && v.Treatment != Avoid && v.Treatment != Share && v.Treatment != Accept:
			return bad(n, "どうするか", "選べる答えにありません。", "there is no such answer.")
		}
		seen[v.ID] = true
		if err := tidyDay(n, "いつまでに", &v.Due); err != nil {
			return err
		}
		if err := tidyDay(n, "終えた日", &v.Done); err != nil {
			return err
		}
	}
	return nil
}

// ready says what is missing before a director may sign.
func (r *Risks) ready() error {
	if len(r.Rows) == 0 {
		return fault.New(fault.Conflict, "リスクが一つもありません。", "There is no risk in it.")
	}
	for i, v := range r.Rows {
		switch {
		case !v.Judged:
			return bad(i+1, "起こりやすさと影響", "まだ人が確かめていません(案のまま)。行を保存してください。", "nobody confirmed the proposal yet: save the row.")
		case v.Treatment == Undecided:
			return bad(i+1, "どうするか", "選んでください。", "choose it.")
		case v.Treatment != Accept && (v.Owner == "" || v.Due == ""):
			return bad(i+1, "担当といつまでに", "入れてください。", "give both.")
		case v.Treatment == Accept && v.Action == "":
			return bad(i+1, "すること", "受け入れる理由を書いてください。", "write why it is accepted.")
		}
	}
	return nil
}
