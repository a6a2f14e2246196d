package setting

import (
	"net/mail"
	"net/netip"
	"strings"

	"kenshin/fault"
	"kenshin/i18n"
)

// Relay is the hospital's own mail server, through which notices go. Without a host nothing is sent.
type Relay struct {
	Host     string   `json:"host"`
	Port     int      `json:"port"`
	Security string   `json:"security"` // starttls, tls or none
	User     string   `json:"user,omitempty"`
	Password []byte   `json:"password,omitempty"` // sealed for RelayPurpose
	From     string   `json:"from"`
	To       []string `json:"to"`
}

// RelayPurpose is what the relay's password is sealed for.
const RelayPurpose = "mail-password"

const maxRecipients = 20

// Mail is the relay of a facility.
func Mail() Key[Relay] {
	return Key[Relay]{Name: "notify.relay", Default: Relay{Port: 587, Security: "starttls"}, Check: Relay.check,
		Title: i18n.Text{Ja: "お知らせメールの送り方", En: "How notices are mailed"}}
}

// RelayError is a fault with the name of the field that is wrong: host, port, security, user, from or to.
type RelayError struct {
	Field string
	Fault *fault.Error
}

func (e *RelayError) Error() string { return e.Field + ": " + e.Fault.Error() }
func (e *RelayError) Unwrap() error { return e.Fault }

func (r Relay) check() error {
	bad := func(field, ja, en string) error { return &RelayError{field, fault.New(fault.Invalid, ja, en)} }
	if r.Host == "" {
		return nil
	}
	switch {
	case !hostOrAddress(r.Host):
		return bad("host", "メールサーバの名前かIPアドレスを入れてください。", "Enter the mail server's name or address.")
	case r.Port < 1 || r.Port > 65535:
		return bad("port", "ポートは1から65535の数字です。", "The port is a number from 1 to 65535.")
	case r.Security != "starttls" && r.Security != "tls" && r.Security != "none":
		return bad("security", "暗号の方法を選んでください。", "Choose the encryption.")
	case r.Security == "none" && r.User != "":
		return bad("user", "暗号なしでは、サインインの名前とパスワードを送りません。暗号を選ぶか、名前を空にしてください。",
			"Without encryption no user and password are sent. Choose an encryption or leave the user empty.")
	case !address(r.From):
		return bad("from", "送り主のメールアドレスを入れてください。", "Enter the sender's e-mail address.")
	case len(r.To) == 0 || len(r.To) > maxRecipients:
		return bad("to", "送り先のメールアドレスを1から20個入れてください。", "Enter 1 to 20 e-mail addresses to send to.")
	}
	for _, to := range r.To {
		if !address(to) {
			return bad("to", "送り先のメールアドレスを確かめてください。", "Check the addresses to send to.")
		}
	}
	return nil
}

// address takes a bare address, without a name or anything that could start a header.
func address(s string) bool {
	a, err := mail.ParseAddress(s)
	return err == nil && a.Address == s && len(s) <= 254 && !strings.ContainsAny(s, "\r\n")
}

func hostOrAddress(s string) bool {
	if _, err := netip.ParseAddr(s); err == nil {
		return true
	}
	ok := func(r rune) bool {
		return r == '.' || r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
	}
	return len(s) <= 253 && strings.IndexFunc(s, func(r rune) bool { return !ok(r) }) < 0
}
