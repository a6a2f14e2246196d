// Package cue holds what scale, scenario and lesson share: the 23 cues and the reckoning of the NIST Phish Scale (NIST TN 2276, 2023;
// Steves, Greene, Theofanos 2020, doi 10.1093/cybsec/tyaa009), and where in a mail a cue is seen.
package cue

import (
	"slices"

	"kenshin/i18n"
)

// ID names one of the 23 cues.
type ID string

const (
	Spelling      ID = "spelling"
	Inconsistency ID = "inconsistency"
	Attachment    ID = "attachment"
	DisplayName   ID = "display-name"
	LinkText      ID = "link-text"
	Domain        ID = "domain"
	NoBranding    ID = "no-branding"
	OldBranding   ID = "old-branding"
	Design        ID = "design"
	SecurityIcon  ID = "security-icon"
	Legal         ID = "legal"
	Distracting   ID = "distracting"
	Sensitive     ID = "sensitive"
	Urgency       ID = "urgency"
	Threat        ID = "threat"
	Greeting      ID = "greeting"
	NoSigner      ID = "no-signer"
	Humanitarian  ID = "humanitarian"
	TooGood       ID = "too-good"
	Special       ID = "special"
	LimitedTime   ID = "limited-time"
	WorkProcess   ID = "work-process"
	PosesAs       ID = "poses-as"
)

// Group is one of the five families of cues.
type Group string

const (
	Error     Group = "error"
	Technical Group = "technical"
	Visual    Group = "visual"
	Language  Group = "language"
	Tactic    Group = "tactic"
)

// Groups lists the families in the order of the worksheet.
func Groups() []Group { return []Group{Error, Technical, Visual, Language, Tactic} }

// Name is what a family is called on screens.
func (g Group) Name() i18n.Text {
	switch g {
	case Error:
		return i18n.Text{Ja: "まちがい", En: "Errors"}
	case Technical:
		return i18n.Text{Ja: "差出人・リンク・添付", En: "Sender, links, attachments"}
	case Visual:
		return i18n.Text{Ja: "見た目", En: "Looks"}
	case Language:
		return i18n.Text{Ja: "言葉づかい", En: "Wording"}
	case Tactic:
		return i18n.Text{Ja: "人の心を動かす手口", En: "Tactics"}
	}
	return i18n.Text{Ja: string(g), En: string(g)}
}

// Cue is one kind of sign by which a person can notice a phishing mail.
type Cue struct {
	ID      ID
	Group   Group
	Name    i18n.Text
	What    i18n.Text // what it is, in plain words
	LookFor i18n.Text // what a staff member looks at
}

// Find returns the cue of an id.
func Find(id ID) (Cue, bool) {
	all := All()
	i := slices.IndexFunc(all, func(c Cue) bool { return c.ID == id })
	if i < 0 {
		return Cue{}, false
	}
	return all[i], true
}

// Part says in which part of a mail something stands.
type Part string

const (
	Subject  Part = "subject"
	Text     Part = "text"       // the plain body
	HTML     Part = "html"       // the source of the HTML body
	Sender   Part = "sender"     // the display name
	Address  Part = "address"    // the sender's mail address
	FileName Part = "attachment" // the name of an attached file
)

// Parts lists all parts.
func Parts() []Part { return []Part{Subject, Text, HTML, Sender, Address, FileName} }

// Name is what a part is called on screens.
func (p Part) Name() i18n.Text {
	switch p {
	case Subject:
		return i18n.Text{Ja: "件名", En: "subject"}
	case Text:
		return i18n.Text{Ja: "本文", En: "body"}
	case HTML:
		return i18n.Text{Ja: "本文（HTML）", En: "body (HTML)"}
	case Sender:
		return i18n.Text{Ja: "差出人の名前", En: "sender's name"}
	case Address:
		return i18n.Text{Ja: "差出人のアドレス", En: "sender's address"}
	case FileName:
		return i18n.Text{Ja: "添付ファイル名", En: "attachment name"}
	}
	return i18n.Text{Ja: string(p), En: string(p)}
}

// Mark says which cue stands where: Text is the exact wording in that part. A missing Part means the plain body. For a cue that is something
// missing (no signer, no branding), Text is where a reader would have looked for it.
type Mark struct {
	Cue  ID     `yaml:"cue" json:"cue"`
	Part Part   `yaml:"part,omitempty" json:"part,omitempty"`
	Text string `yaml:"text" json:"text"`
}

// In is the part of the mark, the plain body when none was named.
func (m Mark) In() Part {
	if m.Part == "" {
		return Text
	}
	return m.Part
}

// Tally counts marks by cue: every instance counts.
func Tally(marks []Mark) Counts {
	c := Counts{}
	for _, m := range marks {
		c[m.Cue]++
	}
	return c
}
