// Package button makes the report button that staff press in their mail program: a manifest for Outlook, an extension for Thunderbird, and the
// mailto address for all else. Each opens a new mail to the report mailbox with the suspicious mail attached; a person sends it.
package button

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/mail"
	"net/url"
	"strings"
	"time"

	"kenshin/fault"
)

// Spec is whose button it is.
type Spec struct {
	House    string    // stands for the facility: another one has another button
	Hospital string    // its name, as staff know it
	ReportTo string    // the report mailbox
	Base     string    // https://drill.hospital.example, where pages of the button are; Outlook only
	Door     uint32    // the facility's number in addresses; Outlook only
	Made     time.Time // a button that is made later replaces an earlier one
}

// The files' names, which hold nothing that came from outside.
const (
	OutlookFile     = "kenshin-report-outlook.xml"
	ThunderbirdFile = "kenshin-report-thunderbird.xpi"
)

const (
	maxHospital = 60 // characters of the name: Microsoft allows 125 for a whole label
	maxAddress  = 254
)

// Subject is what a report begins with.
const Subject = "不審なメールの報告"

func (s Spec) check() error {
	if s.ReportTo == "" {
		return fault.New(fault.Invalid, "先に「不審なメールの報告先アドレス」を決めて保存してください。", "Enter and save where suspicious mails are reported first.")
	}
	a, err := mail.ParseAddress(s.ReportTo)
	if err != nil || a.Address != s.ReportTo || len(s.ReportTo) > maxAddress || strings.ContainsAny(s.ReportTo, "\"<>&'\\ ") {
		return fault.New(fault.Invalid, "報告先のアドレスは report@hospital.example.jp のような形にしてください。", "Write the report address like report@hospital.example.jp.")
	}
	return nil
}

// Mailto is a link that opens a mail to the report mailbox. It can attach nothing: people forward as attachment.
func (s Spec) Mailto() string {
	return (&url.URL{Scheme: "mailto", Opaque: s.ReportTo, RawQuery: "subject=" + url.PathEscape(Subject)}).String()
}

// hospital is the name as labels carry it.
func (s Spec) hospital() string {
	clean := strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == 0xFFFE || r == 0xFFFF {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s.Hospital, ""))
	if r := []rune(clean); len(r) > maxHospital {
		return string(r[:maxHospital-1]) + "…"
	}
	return clean
}

// id is the same for a facility whenever its button is made: a program that has one replaces it.
func (s Spec) id() string {
	sum := sha256.Sum256([]byte("kenshin report button\x00" + s.House))
	sum[6] = sum[6]&0x0f | 0x80 // RFC 9562 section 5.8: a UUID of our own making
	sum[8] = sum[8]&0x3f | 0x80
	h := hex.EncodeToString(sum[:16])
	return strings.Join([]string{h[:8], h[8:12], h[12:16], h[16:20], h[20:]}, "-")
}

// version grows with the time of making; each part fits 16 bits.
func (s Spec) version() string {
	at := s.Made.UTC()
	return fmt.Sprintf("1.%d.%d.%d", at.Year()-2000, int(at.Month())*100+at.Day(), at.Hour()*100+at.Minute())
}

// File makes one of the files, with its media type. Another name is NotFound.
func (s Spec) File(name string) (kind string, body []byte, err error) {
	switch name {
	case OutlookFile:
		body, err = s.Outlook()
		return "application/xml", body, err
	case ThunderbirdFile:
		body, err = s.Thunderbird()
		return "application/x-xpinstall", body, err
	}
	return "", nil, fault.New(fault.NotFound, "このファイルはありません。", "There is no such file.")
}
