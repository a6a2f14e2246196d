// Package scenario holds the catalogue of drill mails for hospitals, reads further ones from files, and refuses what a drill must not send:
// real brands and domains, anything that runs or is fetched, and lures that hurt people.
package scenario

import (
	"slices"
	"strings"

	"kenshin/drill/internal/cue"
	"kenshin/i18n"
)

type (
	// Mark is a cue and the exact wording by which it shows.
	Mark = cue.Mark
	// Premise is the five scores of the Phish Scale's premise alignment.
	Premise = cue.Premise
	// Difficulty is a rating of the Phish Scale.
	Difficulty = cue.Difficulty
	// Part of a mail.
	Part = cue.Part
)

// Catalogue is the set of scenarios that come with the product.
type Catalogue struct {
	Scenarios []Scenario
}

// Find returns the scenario of an id.
func (c Catalogue) Find(id string) (Scenario, bool) {
	i := slices.IndexFunc(c.Scenarios, func(s Scenario) bool { return s.ID == id })
	if i < 0 {
		return Scenario{}, false
	}
	return c.Scenarios[i], true
}

// Scenario is one story, told in three difficulties. The mails are Japanese; title and summary are for the person who chooses.
type Scenario struct {
	ID      string     `yaml:"id"`
	Title   i18n.Text  `yaml:"title"`
	Summary i18n.Text  `yaml:"summary"`
	Brand   string     `yaml:"brand"` // the fictitious company or office that the mail claims to be from
	For     []Audience `yaml:"for"`
	Season  Season     `yaml:"season"`
	Landing Landing    `yaml:"landing"` // the built-in page that a link leads to
	Mails   []Mail     `yaml:"mails"`   // hard, medium, easy
}

// Mail returns the mail of a level.
func (s Scenario) Mail(l Level) (Mail, bool) {
	i := slices.IndexFunc(s.Mails, func(m Mail) bool { return m.Level == l })
	if i < 0 {
		return Mail{}, false
	}
	return s.Mails[i], true
}

// Season says when a story is believable; no months means all year.
type Season struct {
	Months []int     `yaml:"months,omitempty"` // 1 to 12
	Note   i18n.Text `yaml:"note,omitempty"`
}

// Fits reports whether the story fits a month, 1 to 12.
func (s Season) Fits(month int) bool { return len(s.Months) == 0 || slices.Contains(s.Months, month) }

// Level is which of the three mails of a scenario.
type Level string

const (
	Easy   Level = "easy"
	Medium Level = "medium"
	Hard   Level = "hard"
)

// Levels lists the levels from hard to easy.
func Levels() []Level { return []Level{Hard, Medium, Easy} }

// Name is what a level is called on screens.
func (l Level) Name() i18n.Text {
	switch l {
	case Easy:
		return i18n.Text{Ja: "やさしい", En: "easy"}
	case Medium:
		return i18n.Text{Ja: "ふつう", En: "medium"}
	case Hard:
		return i18n.Text{Ja: "むずかしい", En: "hard"}
	}
	return i18n.Text{Ja: string(l), En: string(l)}
}

// LevelOf maps a rating of the Phish Scale to a level.
func LevelOf(d Difficulty) Level {
	switch d {
	case cue.Very:
		return Hard
	case cue.Moderately:
		return Medium
	}
	return Easy
}

// Mail is one mail of a scenario. In a file it is written once, as body; Text and HTML are made from it unless the file gives them itself.
// Text and HTML may hold the placeholders of package letter.
type Mail struct {
	Level      Level       `yaml:"level"`
	Difficulty Difficulty  `yaml:"difficulty"` // what the Phish Scale gives for Cues and Premise
	Subject    string      `yaml:"subject"`
	Sender     Sender      `yaml:"sender"`
	Body       string      `yaml:"body,omitempty"` // paragraphs apart by an empty line; [[words]] is a link
	Look       Look        `yaml:"look,omitempty"` // how HTML is made from Body
	Text       string      `yaml:"text,omitempty"`
	HTML       string      `yaml:"html,omitempty"`
	Link       bool        `yaml:"link"`
	Attachment *Attachment `yaml:"attachment,omitempty"`
	Cues       []Mark      `yaml:"cues"` // every instance is one entry
	Premise    Premise     `yaml:"premise"`

	own struct{ text, html bool } // written in the file, not made from Body
}

// Sender is the display name and the part of the address before the @; the domain is the drill's own.
type Sender struct {
	Name  string `yaml:"name"`
	Local string `yaml:"local"`
	// Domain is only for Lint of a mail whose address is already whole; files cannot set it.
	Domain string `yaml:"-"`
}

// Attachment is a generated file; only kinds that report being opened and can do nothing else exist.
type Attachment struct {
	Kind string `yaml:"kind"` // html, docx, xlsx, pptx, pdf, ics, qr
	Name string `yaml:"name"`
}

// Kinds lists the kinds of attachments.
func Kinds() []string { return []string{"html", "docx", "xlsx", "pptx", "pdf", "ics", "qr"} }

// ending is what the file name of a kind ends in.
func ending(kind string) string {
	if kind == "qr" {
		return "png"
	}
	return kind
}

// Look is how the HTML of a mail is made from its body.
type Look string

const (
	Plain      Look = "plain"      // as a colleague writes
	Letterhead Look = "letterhead" // a bar with the brand above
	Card       Look = "card"       // a box with the brand and a button
	Notice     Look = "notice"     // an automatic notice: grey box, small print
)

// Landing is one of the built-in fictitious pages that a link leads to.
type Landing string

const (
	FileShare Landing = "file-share"
	Parcel    Landing = "parcel"
	Webmail   Landing = "webmail"
	Survey    Landing = "survey"
	Vendor    Landing = "vendor-portal"
	Bulletin  Landing = "notice"
)

// Landings lists the built-in pages.
func Landings() []Landing { return []Landing{FileShare, Parcel, Webmail, Survey, Vendor, Bulletin} }

// Name is what a landing page is called on screens.
func (l Landing) Name() i18n.Text {
	switch l {
	case FileShare:
		return i18n.Text{Ja: "ファイル共有の画面", En: "a file share"}
	case Parcel:
		return i18n.Text{Ja: "荷物の追跡の画面", En: "parcel tracking"}
	case Webmail:
		return i18n.Text{Ja: "メールのサインイン画面（入力は送られません）", En: "a mail sign-in (what is typed goes nowhere)"}
	case Survey:
		return i18n.Text{Ja: "アンケート・申込の画面", En: "a survey or form"}
	case Vendor:
		return i18n.Text{Ja: "取引先サイトの画面", En: "a vendor's portal"}
	case Bulletin:
		return i18n.Text{Ja: "お知らせの画面", En: "a notice"}
	}
	return i18n.Text{Ja: string(l), En: string(l)}
}

// Audience is a department or role for which a story is made.
type Audience string

// Audiences lists them in the order of screens.
func Audiences() []Audience {
	return []Audience{"all", "ward", "outpatient", "doctor", "pharmacy", "laboratory", "radiology", "rehabilitation", "nutrition", "medical-affairs",
		"general-affairs", "accounting", "supply", "facilities", "information", "liaison", "director"}
}

// Name is what an audience is called on screens.
func (a Audience) Name() i18n.Text {
	t, ok := map[Audience]i18n.Text{
		"all": {Ja: "全職員", En: "everyone"}, "ward": {Ja: "病棟", En: "wards"}, "outpatient": {Ja: "外来", En: "outpatients"}, "doctor": {Ja: "医師", En: "doctors"},
		"pharmacy": {Ja: "薬剤部", En: "pharmacy"}, "laboratory": {Ja: "検査科", En: "laboratory"}, "radiology": {Ja: "放射線科", En: "radiology"},
		"rehabilitation": {Ja: "リハビリ", En: "rehabilitation"}, "nutrition": {Ja: "栄養科", En: "nutrition"}, "medical-affairs": {Ja: "医事課", En: "medical affairs"},
		"general-affairs": {Ja: "総務・人事", En: "general affairs"}, "accounting": {Ja: "経理", En: "accounting"}, "supply": {Ja: "用度・購買", En: "supply"},
		"facilities": {Ja: "施設管理", En: "facilities"}, "information": {Ja: "情報システム", En: "IT"}, "liaison": {Ja: "地域連携室", En: "liaison office"},
		"director": {Ja: "院長・管理職", En: "directors and managers"},
	}[a]
	if !ok {
		return i18n.Text{Ja: string(a), En: string(a)}
	}
	return t
}

// LinkHole is the placeholder of the recipient's own link.
const LinkHole = "{{リンク}}"

// Placeholders lists what is filled in for each recipient, as package letter does: each in Japanese and in English.
func Placeholders() []string {
	return []string{"姓", "surname", "名", "given", "氏名", "name", "読み", "reading", "部署", "department", "メール", "email", "施設", "facility", "リンク", "link", "QR", "qr"}
}

// linked reports whether a text holds the placeholder of the link, in either writing.
func linked(s string) bool {
	for _, m := range braces.FindAllStringSubmatch(s, -1) {
		if n := strings.ToLower(strings.TrimSpace(m[1])); n == "リンク" || n == "link" {
			return true
		}
	}
	return false
}
