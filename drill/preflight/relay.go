package preflight

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/smtp"
	"strconv"
	"strings"
	"time"

	"kenshin/i18n"
)

// ClockReading is what the system knows of its own clock.
type ClockReading struct {
	Synchronised bool
	MaxError     time.Duration
	Source       string
}

func relayChecks() []Check {
	return []Check{{
		ID:       "relay",
		Title:    i18n.Text{Ja: "送信に使うメールサーバーにつながる", En: "The mail relay answers"},
		Why:      i18n.Text{Ja: "メールサーバーにつながらなければ、1通も送れません。ここでは接続だけを試し、メールは送りません。", En: "Without the relay nothing is sent. This only connects; no mail is sent."},
		Fix:      i18n.Text{Ja: "ホスト名とポート、メールサーバー側の接続許可(送信元IP)、間のファイアウォールを確かめます。", En: "Check host and port, the relay's list of permitted clients, and firewalls between."},
		Severity: High, Source: "RFC 5321", run: checkRelay,
	}, {
		ID:       "relay-tls",
		Title:    i18n.Text{Ja: "メールサーバーとの接続が暗号化され、証明書が正しい", En: "The connection to the relay is encrypted, with a valid certificate"},
		Why:      i18n.Text{Ja: "暗号化しないと、パスワードと訓練の内容が院内の通信から読めます。", En: "Unencrypted, the password and the drill can be read on the network."},
		Fix:      i18n.Text{Ja: "メールサーバーに証明書を入れて STARTTLS を有効にします。院内の認証局なら、そのルート証明書を設定画面に登録します。", En: "Install a certificate on the relay and turn STARTTLS on. For an authority of your own, register its root in the settings."},
		Severity: Medium, Source: "RFC 3207, RFC 8314", run: checkRelayTLS,
	}, {
		ID:       "clock",
		Title:    i18n.Text{Ja: "この機械の時計が合っている", En: "This machine's clock is right"},
		Why:      i18n.Text{Ja: "時計がずれると、送ってよい時間を誤り、開いた時刻の記録が証拠にならず、署名や証明書も無効になります。", En: "With a wrong clock mails go out at the wrong hours, times of opening prove nothing, and signatures and certificates fail."},
		Fix:      i18n.Text{Ja: "院内の時刻サーバー(NTP)と同期させます(systemd-timesyncd か chrony)。", En: "Synchronise it with the hospital's time server (systemd-timesyncd or chrony)."},
		Severity: Medium, Source: "adjtimex(2)", run: checkClock,
	}}
}

func otherWay() Result {
	return result(OK, "メールサーバー(SMTP中継)を使わない送り方です。", "Mails go another way than through a relay.")
}

// greet connects to the relay and says EHLO, no more.
func (p *pass) greet(ctx context.Context) (*smtp.Client, *tls.ConnectionState, error) {
	conn, err := p.connect(ctx, p.Relay.Host, strconv.Itoa(p.Relay.Port))
	if err != nil {
		return nil, nil, err
	}
	var state *tls.ConnectionState
	if p.Relay.Security == Implicit {
		tc, err := handshake(ctx, conn, p.Relay.Host)
		if err != nil {
			conn.Close()
			return nil, nil, fmt.Errorf("TLS: %w", err)
		}
		cs := tc.ConnectionState()
		conn, state = tc, &cs
	}
	c, err := smtp.NewClient(conn, p.Relay.Host)
	if err != nil {
		conn.Close()
		return nil, nil, fmt.Errorf("greeting: %w", err)
	}
	name := p.HELO
	if name == "" {
		name = "localhost"
	}
	if err := c.Hello(name); err != nil {
		c.Close()
		return nil, nil, fmt.Errorf("EHLO: %w", err)
	}
	return c, state, nil
}

func checkRelay(ctx context.Context, p *pass) Result {
	if p.Relay == nil {
		return otherWay()
	}
	at := net.JoinHostPort(p.Relay.Host, strconv.Itoa(p.Relay.Port))
	c, _, err := p.greet(ctx)
	if err != nil {
		return result(Bad, "メールサーバー "+at+" と話せません。", "The relay at "+at+" does not talk to us.", fact("エラー", "Error", at, err.Error()))
	}
	defer c.Close()
	var can []string
	for _, e := range []string{"STARTTLS", "AUTH", "SIZE", "8BITMIME", "PIPELINING", "SMTPUTF8", "DSN"} {
		if ok, param := c.Extension(e); ok {
			can = append(can, strings.TrimSpace(e+" "+param))
		}
	}
	_ = c.Quit()
	return result(OK, "メールサーバーが応答しました。", "The relay answers.", fact("できること", "Abilities", at, strings.Join(can, ", ")))
}

func checkRelayTLS(ctx context.Context, p *pass) Result {
	if p.Relay == nil {
		return otherWay()
	}
	if p.Relay.Security == Plain {
		return result(Warn, "暗号化しない設定です。同じ機械の中のメールサーバーでなければ、STARTTLS を使ってください。", "Encryption is switched off. Use STARTTLS unless the relay is on this very machine.")
	}
	at := net.JoinHostPort(p.Relay.Host, strconv.Itoa(p.Relay.Port))
	c, state, err := p.greet(ctx)
	if err != nil {
		return result(Unknown, "メールサーバーにつながらないので、暗号化は調べられません。", "The relay cannot be reached, so encryption cannot be checked.", fact("エラー", "Error", at, err.Error()))
	}
	defer c.Close()
	if state == nil {
		if ok, _ := c.Extension("STARTTLS"); !ok {
			return result(Bad, "メールサーバーが STARTTLS に対応していません。", "The relay does not offer STARTTLS.")
		}
		if err := c.StartTLS(&tls.Config{ServerName: p.Relay.Host, InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}); err != nil { // judged below
			return result(Bad, "STARTTLS に失敗しました。", "STARTTLS failed.", fact("エラー", "Error", at, err.Error()))
		}
		cs, _ := c.TLSConnectionState()
		state = &cs
	}
	_ = c.Quit()
	r := p.judgeCert(*state, p.Relay.Host, p.Relay.OwnCA, "")
	if r.State == Warn && p.Relay.OwnCA != nil { // only this machine talks to the relay, and it knows the authority
		if left := state.PeerCertificates[0].NotAfter.Sub(p.Now()); left >= certSoon {
			r.State, r.Says = OK, i18n.Text{Ja: "登録された院内の認証局の証明書です。", En: "The certificate is from the registered authority of the hospital."}
		}
	}
	return r
}

func checkClock(_ context.Context, p *pass) Result {
	now := p.Now()
	facts := []Fact{fact("この機械の時刻", "This machine's time", "", now.UTC().Format(time.RFC3339))}
	if !p.LastEvent.IsZero() && now.Before(p.LastEvent.Add(-2*time.Minute)) {
		return result(Bad, "時計が、すでにある記録より前に戻っています。", "The clock is behind records that exist already.", append(facts, fact("最後の記録", "Last record", "", p.LastEvent.UTC().Format(time.RFC3339)))...)
	}
	if p.Clock == nil {
		return result(Unknown, "時計が合っているかを調べる方法がありません。", "There is no way to tell whether the clock is right.", facts...)
	}
	c, err := p.Clock()
	if err != nil {
		return result(Unknown, "時計が合っているか分かりません。", "It is not known whether the clock is right.", append(facts, fact("エラー", "Error", "", err.Error()))...)
	}
	facts = append(facts, fact("誤差の上限", "Largest error", c.Source, c.MaxError.String()))
	switch {
	case !c.Synchronised:
		return result(Warn, "時計が時刻サーバーと同期していません。", "The clock is not synchronised with a time server.", facts...)
	case c.MaxError > 5*time.Second:
		return result(Warn, "時計の誤差が大きくなっています。", "The clock's error has grown.", facts...)
	}
	return result(OK, "時計は同期しています。", "The clock is synchronised.", facts...)
}
