// Package attachment makes the files that a drill's mail carries. Each does no more than tell that it was opened, by a picture that is
// fetched or a link that is followed. The list of kinds is closed: there is no macro, script, program, shortcut or disk image, and no
// file is taken from outside. The same input gives the same bytes.
package attachment

import (
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"rsc.io/qr"

	"kenshin/drill/internal/part"
	"kenshin/fault"
	"kenshin/i18n"
)

// File is what letter packs into a mail.
type File = part.File

// Kind is a type of file, written as its extension without the dot.
type Kind string

const (
	HTML Kind = "html" // a page without script (CSP: default-src 'none')
	DOCX Kind = "docx" // ECMA-376 WordprocessingML
	XLSX Kind = "xlsx" // ECMA-376 SpreadsheetML
	PPTX Kind = "pptx" // ECMA-376 PresentationML
	PDF  Kind = "pdf"  // ISO 32000-1
	ICS  Kind = "ics"  // RFC 5545
)

// Kinds lists all there are.
func Kinds() []Kind { return []Kind{HTML, DOCX, XLSX, PPTX, PDF, ICS} }

// Known says whether a kind exists.
func (k Kind) Known() bool { return k.mediaType() != "" }

// TellsOpening says whether the file fetches Content.Beacon when it is opened. The others tell only that their link was followed, so their
// Content.Link is what counts as opened.
func (k Kind) TellsOpening() bool { return k != PDF && k != ICS }

// Counts says in plain words when a file of this kind counts as opened.
func (k Kind) Counts() i18n.Text {
	switch k {
	case HTML:
		return i18n.Text{Ja: "ブラウザーで開いたとき", En: "when it is opened in a browser"}
	case DOCX, XLSX, PPTX:
		return i18n.Text{Ja: "開いて「編集を有効にする」を押したとき(保護ビューのままでは分かりません)", En: "when editing is enabled after opening (protected view tells nothing)"}
	case PDF:
		return i18n.Text{Ja: "開いて中のリンクを押したとき", En: "when the link inside is followed"}
	case ICS:
		return i18n.Text{Ja: "予定の中のリンクを押したとき", En: "when the link in the appointment is followed"}
	}
	return i18n.Text{}
}

func (k Kind) mediaType() string {
	const office = "application/vnd.openxmlformats-officedocument."
	switch k {
	case HTML:
		return "text/html; charset=utf-8"
	case DOCX:
		return office + "wordprocessingml.document"
	case XLSX:
		return office + "spreadsheetml.sheet"
	case PPTX:
		return office + "presentationml.presentation"
	case PDF:
		return "application/pdf"
	case ICS:
		return "text/calendar; charset=utf-8; method=PUBLISH"
	}
	return ""
}

// Content is what a file shows. Beacon and Link are addresses with a token, http or https.
type Content struct {
	Title      string   // one line, up to 100 characters
	Paragraphs []string // up to 40 of 1,000 characters
	Beacon     string   // a picture that is fetched on opening; kinds that do not TellsOpening have no use for it
	Link       string   // a link that a person follows; may be "" where Beacon is used
	LinkText   string   // how the link reads; "" shows the address itself
	// SignIn shows fields for a name and a password in an HTML file. What is typed has no way out: the fields have no name, there is no
	// form and no script, and the policy of the page forbids both.
	SignIn bool
	When   time.Time // the appointment of an ICS file
}

// Make builds one file. name is what the sender chose, with or without the extension; errors are fault.Invalid and name the field.
func Make(kind Kind, name string, c Content) (File, error) {
	name, err := Name(kind, name)
	if err != nil {
		return File{}, err
	}
	if err := c.check(kind); err != nil {
		return File{}, err
	}
	f := File{Name: name, Type: kind.mediaType()}
	switch kind {
	case HTML:
		f.Body = c.html()
	case DOCX:
		f.Body, err = c.docx()
	case XLSX:
		f.Body, err = c.xlsx()
	case PPTX:
		f.Body, err = c.pptx()
	case PDF:
		f.Body = c.pdf()
	case ICS:
		f.Body = c.ics()
	}
	return f, err
}

func (c Content) check(kind Kind) error {
	if strings.TrimSpace(c.Title) == "" {
		return fault.New(fault.Invalid, "添付ファイルの題名がありません。", "The attachment has no title.")
	}
	if len(c.Paragraphs) > 40 {
		return fault.New(fault.TooLarge, "添付ファイルの段落が多すぎます(40まで)。", "The attachment has too many paragraphs (at most 40).")
	}
	if err := readable("題名", "title", c.Title, 100); err != nil {
		return err
	}
	if err := readable("リンクの文字", "link's text", c.LinkText, 200); err != nil {
		return err
	}
	for _, p := range c.Paragraphs {
		if err := readable("本文", "text", p, 1000); err != nil {
			return err
		}
	}
	for _, u := range []struct {
		ja, en, s string
		must      bool
	}{{"開封を知らせる画像", "picture that tells the opening", c.Beacon, kind.TellsOpening()}, {"リンク", "link", c.Link, !kind.TellsOpening() || kind == HTML && c.SignIn}} {
		if u.s == "" && u.must {
			return fault.Newf(fault.Invalid, "添付ファイルの%[1]sのアドレスがありません。", "The attachment lacks the address of the %[2]s.", u.ja, u.en)
		}
		if u.s != "" && !address(u.s) {
			return fault.Newf(fault.Invalid, "添付ファイルの%[1]sのアドレスが正しくありません。", "The address of the attachment's %[2]s is not valid.", u.ja, u.en)
		}
	}
	if kind == ICS && (c.When.IsZero() || c.When.Year() < 2000 || c.When.Year() > 9999) {
		return fault.New(fault.Invalid, "予定の日時がありません。", "The appointment has no date.")
	}
	return nil
}

// readable refuses what XML, PDF or a calendar cannot carry, and what turns the text round.
func readable(ja, en, s string, most int) error {
	if !utf8.ValidString(s) || strings.ContainsFunc(s, hidden) {
		return fault.Newf(fault.Invalid, "添付ファイルの%[1]sに改行か制御文字があります。", "The attachment's %[2]s holds a line end or control character.", ja, en)
	}
	if utf8.RuneCountInString(s) > most {
		return fault.Newf(fault.TooLarge, "添付ファイルの%[1]sが長すぎます(%[3]d文字まで)。", "The attachment's %[2]s is too long (at most %[3]d characters).", ja, en, most)
	}
	return nil
}

// hidden are control characters, characters without a glyph that turn or part a text, and those that XML 1.0 forbids.
func hidden(r rune) bool {
	switch {
	case unicode.IsControl(r), r == '\ufffe', r == '\uffff', r == '\ufeff', r == '\u2028', r == '\u2029', r == '\u061c':
		return true
	case r >= '\u200b' && r <= '\u200f' && r != '\u200d', r >= '\u202a' && r <= '\u202e', r >= '\u2060' && r <= '\u206f': // U+200D joins emoji
		return true
	}
	return false
}

func address(s string) bool {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || len(s) > 500 {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`"'<>\;,(){}|^`+"`", r) })
}

// QR draws a link as a picture for the text of a mail: PNG, level M, 8 pixels a module with its quiet zone (ISO/IEC 18004). Its ContentID
// is "qr". No remote service sees the link.
func QR(link string) (File, error) {
	if !address(link) {
		return File{}, fault.New(fault.Invalid, "QRコードにするリンクが正しくありません。", "The link for the QR code is not valid.")
	}
	code, err := qr.Encode(link, qr.M)
	if err != nil {
		return File{}, fault.Wrap(fault.Invalid, err, "リンクが長すぎてQRコードにできません。", "The link is too long for a QR code.")
	}
	return File{Name: "qr.png", Type: "image/png", ContentID: "qr", Body: code.PNG()}, nil
}
