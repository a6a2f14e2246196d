// Package notify sends short mails through the hospital's own mail server. It has no queue of its own: a mail is a job, which is tried
// again for hours when the server is away.
package notify

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	mail "github.com/wneessen/go-mail"

	"kenshin/fault"
)

const (
	timeout    = 20 * time.Second // of the whole exchange; a job's step has 30 s
	maxSubject = 200              // characters
	maxText    = 200 << 10        // bytes
)

// Relay is a mail server with what it needs to take our mails.
type Relay struct {
	Host     string
	Port     int
	Security string // starttls, tls or none
	User     string // "": no sign-in
	Password string
	From     string
	To       []string
	Roots    *x509.CertPool // nil: the machine's
}

// Message is a mail in plain text.
type Message struct {
	To      []string `json:"to,omitempty"` // nobody: the relay's own recipients
	Subject string   `json:"subject"`
	Text    string   `json:"text"`
}

// Send gives one mail to the relay. The error says what to change; Unavailable and Busy are worth another try.
func Send(ctx context.Context, r Relay, m Message) error {
	msg, err := r.message(m)
	if err != nil {
		return err
	}
	client, err := r.client()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if err := client.DialAndSendWithContext(ctx, msg); err != nil {
		return explain(r, err)
	}
	return nil
}

func (r Relay) message(m Message) (*mail.Msg, error) {
	wrong := func(err error) error {
		return fault.Wrap(fault.Invalid, err, "メールの送り主か送り先が正しくありません。設定のお知らせメールを確かめてください。",
			"The mail's sender or recipients are wrong. Check the mail settings.")
	}
	msg := mail.NewMsg(mail.WithNoDefaultUserAgent())
	if err := msg.FromFormat("Kenshin", r.From); err != nil {
		return nil, wrong(err)
	}
	to := m.To
	if len(to) == 0 {
		to = r.To
	}
	if err := msg.To(to...); err != nil {
		return nil, wrong(err)
	}
	subject := strings.Join(strings.Fields(m.Subject), " ") // one line, whatever a facility is called
	if s := []rune(subject); len(s) > maxSubject {
		subject = string(s[:maxSubject])
	}
	if len(m.Text) > maxText {
		return nil, fault.New(fault.TooLarge, "メールの本文が長すぎます。", "The mail is too long.")
	}
	msg.Subject(subject)
	msg.SetDate()
	msg.SetMessageID()
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no holiday replies
	msg.SetBodyString(mail.TypeTextPlain, m.Text)
	return msg, nil
}

func (r Relay) client() (*mail.Client, error) {
	o := []mail.Option{mail.WithPort(r.Port), mail.WithTimeout(timeout)}
	config := &tls.Config{ServerName: r.Host, MinVersion: tls.VersionTLS12, RootCAs: r.Roots}
	switch r.Security {
	case "tls":
		o = append(o, mail.WithSSL(), mail.WithTLSConfig(config))
	case "none":
		o = append(o, mail.WithTLSPolicy(mail.NoTLS))
	default:
		o = append(o, mail.WithTLSPolicy(mail.TLSMandatory), mail.WithTLSConfig(config))
	}
	if r.User != "" && r.Security != "none" { // never a password in the clear
		o = append(o, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(r.User), mail.WithPassword(r.Password))
	}
	c, err := mail.NewClient(r.Host, o...)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "メールサーバの設定が正しくありません。", "The mail server's settings are wrong.")
	}
	return c, nil
}

// explain turns what the relay did into a sentence for the person who set it up.
func explain(r Relay, err error) error {
	where := net.JoinHostPort(r.Host, strconv.Itoa(r.Port))
	code := 0
	if e, ok := errors.AsType[*mail.SendError](err); ok {
		code = e.ErrorCode()
	}
	text := err.Error()
	switch {
	case isCertificate(err):
		return fault.Wrap(fault.Unavailable, err, "メールサーバ "+where+" の証明書を確かめられません。院内の認証局なら、この機械にその証明書を入れてください。",
			"The certificate of the mail server "+where+" cannot be verified. If it is of your own CA, install that on this machine.")
	case strings.Contains(text, "STARTTLS"):
		return fault.Wrap(fault.Unavailable, err, "メールサーバ "+where+" は暗号(STARTTLS)に対応していません。別の方法を選んでください。",
			"The mail server "+where+" does not offer STARTTLS. Choose another encryption.")
	case code == 535 || code == 534 || strings.Contains(text, "535") || strings.Contains(text, "AUTH"):
		return fault.Wrap(fault.Denied, err, "メールサーバがサインインを断りました。名前とパスワードを確かめてください。",
			"The mail server refused the sign-in. Check user and password.")
	case code >= 500:
		return fault.Wrap(fault.Denied, err, fmt.Sprintf("メールサーバがメールを断りました(%d)。送り主と送り先を確かめてください。", code),
			fmt.Sprintf("The mail server refused the mail (%d). Check sender and recipients.", code))
	case code >= 400:
		return fault.Wrap(fault.Busy, err, fmt.Sprintf("メールサーバが今は受け取れないと答えました(%d)。あとで自動で送り直します。", code),
			fmt.Sprintf("The mail server cannot take the mail now (%d). It is tried again later.", code))
	}
	return fault.Wrap(fault.Unavailable, err, "メールサーバ "+where+" につながりません。名前、ポート、ファイアウォールを確かめてください。",
		"The mail server "+where+" cannot be reached. Check name, port and firewall.")
}

func isCertificate(err error) bool {
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return true
	}
	return strings.Contains(err.Error(), "x509:")
}
