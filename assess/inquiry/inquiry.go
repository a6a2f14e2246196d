// Package inquiry asks people without an account: vendors for the form of each system, departments in surveys, anybody for one item that nobody knew.
// They answer through a link of their own or in a workbook; what they said counts only once the hospital took it in.
package inquiry

import (
	"slices"
	"strings"
	"time"

	"kenshin/catalogue"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/jp"
)

// Kind is who is asked.
type Kind string

const (
	Vendor   Kind = "vendor"   // a vendor, for one system
	Survey   Kind = "survey"   // a department
	Question Kind = "question" // a vendor or the support body, for one item
)

// State is where an inquiry stands. That a link has run out is no state: it can be renewed.
type State string

const (
	Waiting  State = "waiting"  // asked, no answer yet; a draft may exist
	Answered State = "answered" // the hospital has to look at it
	Taken    State = "taken"    // counts as a claim
	Refused  State = "refused"
	Revoked  State = "revoked"
)

// States lists them in the order of screens.
func States() []State { return []State{Waiting, Answered, Taken, Refused, Revoked} }

// Label is what a state is called on screens.
func (s State) Label() i18n.Text {
	switch s {
	case Answered:
		return i18n.Text{Ja: "回答あり（確認待ち）", En: "Answered, to be looked at"}
	case Taken:
		return i18n.Text{Ja: "取り込み済み", En: "Taken in"}
	case Refused:
		return i18n.Text{Ja: "回答を断られた", En: "Refused"}
	case Revoked:
		return i18n.Text{Ja: "取り消した", En: "Revoked"}
	}
	return i18n.Text{Ja: "回答待ち", En: "Waiting"}
}

// Inquiry is one form sent to one addressee.
type Inquiry struct {
	ID        string
	Kind      Kind
	Survey    string // of Kind Survey: the survey's id
	Catalogue string
	Subject   string // the system's id, the department's name, or the question's id
	Vendor    string // the supplier's id
	State     State
	Due       time.Time
	Created   time.Time
	Revision  int64
	Content
}

// Content is what is kept of an inquiry beside its keys.
type Content struct {
	SubjectName string    `json:"subject_name,omitempty"` // as it was called when asked
	VendorName  string    `json:"vendor_name,omitempty"`
	To          []string  `json:"to,omitempty"`   // mail addresses; nobody: the link is handed over by hand
	Item        string    `json:"item,omitempty"` // of Kind Question
	Ask         string    `json:"ask,omitempty"`  // the question, or a word to the reader
	Named       bool      `json:"named,omitempty"`
	ByName      string    `json:"by,omitempty"` // who asked
	SHA256      string    `json:"sha256,omitempty"`
	Mailed      bool      `json:"mailed,omitempty"`
	Until       time.Time `json:"until,omitzero"` // when the newest link runs out
	Reminded    time.Time `json:"reminded,omitzero"`
	Opened      time.Time `json:"opened,omitzero"`
	Answered    time.Time `json:"answered,omitzero"`
	Taken       time.Time `json:"taken,omitzero"`
	TakenBy     string    `json:"taken_by,omitempty"`
	Reason      string    `json:"reason,omitempty"` // why it was refused, revoked or given back
	Reminders   []string  `json:"reminders,omitempty"`
}

// Answer is one item's. A field that its kind of answer does not use is empty. Days are "2026-01-31".
type Answer struct {
	Reply  catalogue.Reply `json:"reply,omitempty"`
	Value  string          `json:"value,omitempty"`  // text, number, day, or the choice's number from 0
	Many   []int           `json:"many,omitempty"`   // choices
	On     string          `json:"on,omitempty"`     // the day on which it was confirmed
	Target string          `json:"target,omitempty"` // for いいえ
	Note   string          `json:"note,omitempty"`   // and the reason for 対象外
	Copied string          `json:"copied,omitempty"` // the system whose answer was copied and not touched since
}

// Empty says whether nothing was answered.
func (a Answer) Empty() bool {
	return a.Reply == catalogue.Unanswered && a.Value == "" && len(a.Many) == 0
}

// Sheet is what somebody filled in.
type Sheet struct {
	ID       string
	Inquiry  string
	State    string // Draft, Sent or Staged
	Revision int64
	Changed  time.Time
	Filling
}

// States of a sheet.
const (
	Draft  = "draft"
	Sent   = "sent"
	Staged = "staged" // of a workbook that nobody took over yet
)

// Filling is the content of a sheet.
type Filling struct {
	Answers map[string]Answer `json:"answers"`
	By      string            `json:"by,omitempty"`
	Company string            `json:"company,omitempty"`
	Note    string            `json:"note,omitempty"`
	Seat    string            `json:"seat,omitempty"` // hash of the browser that saved last
	File    string            `json:"file,omitempty"` // of a workbook
	Base    int64             `json:"base,omitempty"` // of a staged sheet: the revision that it was compared with
}

const (
	maxNote   = 2000
	maxName   = 200
	maxReason = 500
)

func tooLong(what string, n int) error {
	return fault.Newf(fault.TooLarge, "%[1]sは%[2]d文字までです。", "%[1]s: at most %[2]d characters.", what, n)
}

func words(s string) string {
	return strings.TrimSpace(strings.ReplaceAll(strings.ToValidUTF8(strings.ReplaceAll(s, "\r\n", "\n"), ""), "\x00", ""))
}

// tidy cleans a filling and refuses what can never be kept. It keeps what only is missing yet: a draft may be half done.
func (f *Filling) tidy(c catalogue.Catalogue, items []catalogue.Item, now time.Time) error {
	f.By, f.Company, f.Note = jp.Clean(f.By), jp.Clean(f.Company), words(f.Note)
	switch {
	case len([]rune(f.By)) > maxName || len([]rune(f.Company)) > maxName:
		return tooLong("名前と会社名", maxName)
	case len([]rune(f.Note)) > maxNote:
		return tooLong("備考", maxNote)
	}
	clean := map[string]Answer{}
	for _, i := range items {
		a, ok := f.Answers[i.ID]
		if !ok {
			continue
		}
		if err := a.tidy(c, i, now); err != nil {
			return at(i, err)
		}
		if !a.Empty() || a.Note != "" || a.On != "" || a.Target != "" {
			clean[i.ID] = a
		}
	}
	f.Answers = clean
	return nil
}

// at names the item that an error is about.
func at(i catalogue.Item, err error) error {
	ja, en := fault.Sentence(err, "ja"), fault.Sentence(err, "en")
	return fault.Wrap(fault.KindOf(err), err, "「"+ItemName(i).Ja+"」: "+ja, "“"+ItemName(i).En+"”: "+en)
}

// ItemName is an item's number and title.
func ItemName(i catalogue.Item) i18n.Text {
	if i.Number == "" {
		return i.Title
	}
	return i18n.Text{Ja: i.Number + " " + i.Title.Ja, En: i.Number + " " + i.Title.En}
}

func readDay(s string) (string, error) {
	day, p, err := jp.Date(s)
	if err != nil {
		return "", err
	}
	if day != "" && p != jp.Day {
		return "", fault.Newf(fault.Invalid, "「%.40s」は、年月日まで書いてください(例 2026-11-28、令和8年11月28日)。", "Write %.40q with its day, like 2026-11-28.", s)
	}
	return day, nil
}

func (a *Answer) tidy(c catalogue.Catalogue, i catalogue.Item, now time.Time) (err error) {
	a.Value, a.Note = words(a.Value), words(a.Note)
	if len([]rune(a.Value)) > maxNote || len([]rune(a.Note)) > maxNote {
		return tooLong("文", maxNote)
	}
	if a.On, err = readDay(a.On); err != nil {
		return err
	}
	if a.Target, err = readDay(a.Target); err != nil {
		return err
	}
	if a.On > now.Format(time.DateOnly) {
		return fault.Newf(fault.Invalid, "確認した日(%s)が未来です。", "The day of confirmation (%s) lies in the future.", a.On)
	}
	if a.Target != "" && a.On != "" && a.Target < a.On {
		return fault.Newf(fault.Invalid, "目標日(%[1]s)が確認した日(%[2]s)より前です。", "The target date (%[1]s) lies before the day of confirmation (%[2]s).", a.Target, a.On)
	}
	return a.kind(i)
}

// kind checks that an answer fits what is asked.
func (a *Answer) kind(i catalogue.Item) error {
	unfit := fault.New(fault.Invalid, "答えが選択肢にありません。", "The answer is none of the choices.")
	switch i.Answer.Kind {
	case catalogue.YesNo:
		a.Value, a.Many = "", nil
		if a.Reply != catalogue.Unanswered && !slices.Contains(catalogue.Replies(), a.Reply) {
			return fault.New(fault.Invalid, "答えは「はい」「いいえ」「対象外」「分からない」から選んでください。", "Choose yes, no, not applicable or don't know.")
		}
		if a.Reply != catalogue.No {
			a.Target = ""
		}
		return nil
	case catalogue.Choice:
		n, ok := number(a.Value)
		if a.Value != "" && (!ok || n >= len(i.Answer.Choices)) {
			return unfit
		}
	case catalogue.Many:
		for _, n := range a.Many {
			if n < 0 || n >= len(i.Answer.Choices) {
				return unfit
			}
		}
		slices.Sort(a.Many)
		a.Many = slices.Compact(a.Many)
	case catalogue.Quantity:
		a.Value = strings.ReplaceAll(jp.Narrow(a.Value), ",", "")
		if a.Value != "" && !decimal(a.Value) {
			return fault.Newf(fault.Invalid, "「%.40s」は数字ではありません。", "%.40q is no number.", a.Value)
		}
	case catalogue.Day:
		day, _, err := jp.Date(a.Value)
		if err != nil {
			return err
		}
		a.Value = day
	case catalogue.Words:
	}
	a.Reply = catalogue.Unanswered
	return nil
}

func number(s string) (n int, ok bool) {
	if s == "" || len(s) > 4 {
		return 0, false
	}
	for _, r := range s {
		if r < '0' || r > '9' {
			return 0, false
		}
		n = n*10 + int(r-'0')
	}
	return n, true
}

func decimal(s string) bool {
	digits, dots := 0, 0
	for k, r := range s {
		switch {
		case r >= '0' && r <= '9':
			digits++
		case r == '.':
			dots++
		case r == '-' && k == 0:
		default:
			return false
		}
	}
	return digits > 0 && digits <= 15 && dots <= 1
}

// lacking says what a filling needs before it can be sent: every item answered, いいえ with a target date, 対象外 with a reason, and a name.
func (f *Filling) lacking(k Kind, named bool, items []catalogue.Item, now time.Time) error {
	if k != Survey || named {
		if f.By == "" {
			return fault.New(fault.Invalid, "回答した方のお名前を入れてください。", "Enter your name.")
		}
		if k == Vendor && f.Company == "" {
			return fault.New(fault.Invalid, "会社名を入れてください。", "Enter your company.")
		}
	}
	open, first := 0, catalogue.Item{}
	for _, i := range items {
		a := f.Answers[i.ID]
		switch {
		case a.Empty() && k != Survey:
			if open++; open == 1 {
				first = i
			}
		case a.Reply == catalogue.No && k == Vendor && a.Target == "":
			return at(i, fault.New(fault.Invalid, "「いいえ」には、いつまでに行うかの目標日を入れてください。", "“No” needs a target date."))
		case a.Reply == catalogue.No && k == Vendor && a.Target < now.Format(time.DateOnly):
			return at(i, fault.Newf(fault.Invalid, "目標日(%s)が過ぎています。これからの日を入れてください。", "The target date (%s) has passed.", a.Target))
		case a.Reply == catalogue.NotApplicable && a.Note == "":
			return at(i, fault.New(fault.Invalid, "「対象外」には、理由を書いてください。", "“Not applicable” needs a reason."))
		}
	}
	if open > 0 {
		return at(first, fault.Newf(fault.Invalid, "まだ答えがありません(ほかと合わせて%d項目)。分からないときは「分からない」を選べます。",
			"not answered yet (%d items in all). “Don't know” is an answer, too.", open))
	}
	if k == Survey && !slices.ContainsFunc(items, func(i catalogue.Item) bool { return !f.Answers[i.ID].Empty() }) {
		return fault.New(fault.Invalid, "まだ何も答えていません。", "Nothing is answered yet.")
	}
	for id, a := range f.Answers { // a day that nobody wrote is the day of the answer
		if a.On == "" && a.Reply != catalogue.Unanswered {
			a.On = now.Format(time.DateOnly)
			f.Answers[id] = a
		}
	}
	return nil
}

// Shown is an answer in words, for screens and sheets.
func (a Answer) Shown(i catalogue.Item) i18n.Text {
	choice := func(n int) i18n.Text {
		if n >= 0 && n < len(i.Answer.Choices) {
			return i.Answer.Choices[n]
		}
		return i18n.Text{}
	}
	switch i.Answer.Kind {
	case catalogue.YesNo:
		return a.Reply.Label()
	case catalogue.Choice:
		if n, ok := number(a.Value); ok {
			return choice(n)
		}
		return i18n.Text{}
	case catalogue.Many:
		var ja, en []string
		for _, n := range a.Many {
			ja, en = append(ja, choice(n).Ja), append(en, choice(n).En)
		}
		return i18n.Text{Ja: strings.Join(ja, "、"), En: strings.Join(en, ", ")}
	case catalogue.Quantity:
		if a.Value == "" {
			return i18n.Text{}
		}
		return i18n.Text{Ja: a.Value + i.Answer.Unit.Ja, En: strings.TrimSpace(a.Value + " " + i.Answer.Unit.En)}
	case catalogue.Words, catalogue.Day:
	}
	return i18n.Text{Ja: a.Value, En: a.Value}
}
