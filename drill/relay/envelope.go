package relay

import (
	"bytes"
	"net/mail"
	"strings"

	"golang.org/x/net/idna"

	"kenshin/fault"
)

const (
	maxAddress = 254 // RFC 5321 4.5.3.1.3, without the brackets
	maxLine    = 998 // RFC 5322 2.1.1
	maxBody    = 40 << 20
)

// checked refuses what a server could read as something else: an address with a line's end in it, a mail with a lone CR, and puts a Japanese
// domain into its ASCII form.
func (e Envelope) checked() (Envelope, error) {
	var err error
	if e.From != "" {
		if e.From, err = address(e.From); err != nil {
			return e, err
		}
	}
	if e.To, err = address(e.To); err != nil {
		return e, err
	}
	return e, body(e.Body)
}

// address is LOCAL@DOMAIN with the domain in A-labels.
func address(a string) (string, error) {
	wrong := fault.Newf(fault.Invalid, "メールアドレス「%s」が正しくありません。", "The address %q is wrong.", clean(a))
	at := strings.LastIndexByte(a, '@')
	if at < 1 || at == len(a)-1 || len(a) > maxAddress || unsafe(a) || strings.ContainsAny(a[:at], `<>()[]",;:\@`) {
		return "", wrong
	}
	domain, err := idna.Lookup.ToASCII(a[at+1:])
	if err != nil {
		return "", wrong
	}
	return a[:at+1] + domain, nil
}

// unsafe finds what would end or change a command: control characters and spaces.
func unsafe(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f || r == 0xfffd })
}

func body(b []byte) error {
	switch {
	case len(b) == 0:
		return fault.New(fault.Invalid, "メールが空です。", "The mail is empty.")
	case len(b) > maxBody:
		return fault.New(fault.TooLarge, "メールが大きすぎます(上限40 MB)。", "The mail is too large (limit 40 MB).")
	}
	n := 0
	for line := range bytes.Lines(b) {
		n++
		text, ended := bytes.CutSuffix(line, []byte("\r\n"))
		switch {
		case bytes.IndexByte(text, 0) >= 0 || bytes.IndexByte(text, '\r') >= 0 || !ended && bytes.HasSuffix(line, []byte("\n")):
			return fault.Newf(fault.Invalid, "メールの%d行目に、行の途中の改行文字があります。", "Line %d of the mail has a stray line end.", n)
		case len(text) > maxLine:
			return fault.Newf(fault.Invalid, "メールの%d行目が長すぎます(上限998バイト)。", "Line %d of the mail is too long (limit 998 bytes).", n)
		}
	}
	return nil
}

func domainOf(address string) string {
	return strings.ToLower(address[strings.LastIndexByte(address, '@')+1:])
}

func ascii(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r > 0x7f })
}

func eightBit(b []byte) bool {
	for _, c := range b {
		if c > 0x7f {
			return true
		}
	}
	return false
}

// onlyTo makes sure that a service which reads the recipients from the mail itself sends it to nobody else.
func onlyTo(e Envelope) error {
	wrong := fault.New(fault.Invalid, "メールの宛先の欄(To)が、送り先と一致しません。", "The mail's To header is not the recipient alone.")
	m, err := mail.ReadMessage(bytes.NewReader(e.Body))
	if err != nil || len(m.Header["To"]) != 1 {
		return wrong
	}
	for name := range m.Header {
		switch name {
		case "Cc", "Bcc", "Resent-To", "Resent-Cc", "Resent-Bcc":
			return wrong
		}
	}
	to, err := mail.ParseAddressList(m.Header.Get("To"))
	if err != nil || len(to) != 1 || !strings.EqualFold(to[0].Address, e.To) {
		return wrong
	}
	return nil
}
