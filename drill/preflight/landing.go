package preflight

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"kenshin/i18n"
)

const (
	certSoon = 14 * 24 * time.Hour
	pageMax  = 256 << 10 // bytes of the /verify page that are looked at
	headMax  = 100       // header lines of its answer
)

func landingChecks() []Check {
	return []Check{{
		ID:       "landing-name",
		Title:    i18n.Text{Ja: "リンク先の名前が引ける", En: "The landing page's name resolves"},
		Why:      i18n.Text{Ja: "名前が引けないと、クリックした職員は解説のページを見られず、クリックも数えられません。", En: "If the name does not resolve, staff who click see no lesson and are not counted."},
		Fix:      i18n.Text{Ja: "院内のDNS(職員のPCが使うもの)に、リンク先の名前を登録します。", En: "Register the name in the DNS that the staff's PCs use."},
		Severity: High, Source: "RFC 1034", run: checkLandingName,
	}, {
		ID:       "landing-tls",
		Title:    i18n.Text{Ja: "リンク先の証明書が正しい", En: "The landing page's certificate is valid"},
		Why:      i18n.Text{Ja: "証明書の警告が出ると、職員は解説ではなく警告を見ます。警告を無視する癖もつきます。", En: "With a certificate warning staff see the warning instead of the lesson, and learn to click warnings away."},
		Fix:      i18n.Text{Ja: "リンク先の名前の証明書を入れ直します。院内の認証局を使うなら、そのルート証明書を全ての端末に配ります。", En: "Install a certificate for the name. If the hospital's own authority issues it, its root has to be on every PC."},
		Severity: High, Source: "RFC 5280, RFC 9525", run: checkLandingTLS,
	}, {
		ID:       "landing-page",
		Title:    i18n.Text{Ja: "リンク先のページが応答する", En: "The landing page answers"},
		Why:      i18n.Text{Ja: "ページが応答しないと、何も数えられません。ここではこの機械から見ています。病棟の端末からも一度開いてください。", En: "If the page does not answer, nothing is counted. This looks from this machine; open it once from a ward's PC too."},
		Fix:      i18n.Text{Ja: "訓練用の受け口(--drill-listen)が動いているか、間のファイアウォールや代理サーバーが通すかを確かめます。", En: "See that the drill's listener (--drill-listen) runs and that firewalls and proxies between let it through."},
		Severity: High, Source: "RFC 9110", run: checkLandingPage,
	}}
}

// landing is the page's address, taken apart.
func (p *pass) landing() (u *url.URL, host, port string, err error) {
	u, err = url.Parse(p.Landing.URL)
	if err != nil || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil {
		return nil, "", "", errors.New("no address of a landing page")
	}
	if port = u.Port(); port == "" {
		port = map[string]string{"https": "443", "http": "80"}[u.Scheme]
	}
	return u, u.Hostname(), port, nil
}

func noLanding() Result {
	return result(Bad, "リンク先のURLが設定されていないか、正しくありません。", "The landing page's address is missing or wrong.")
}

func checkLandingName(ctx context.Context, p *pass) Result {
	_, host, _, err := p.landing()
	if err != nil {
		return noLanding()
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return result(Warn, "リンク先が数字のアドレスです。職員が見破りやすく、証明書も出ません。", "The landing page has an address in numbers: easy to tell, and hard to get a certificate for.", fact("リンク先", "Landing page", "", host))
	}
	addrs, err := p.Resolver.LookupIPAddr(ctx, host)
	switch {
	case err != nil && !missing(err):
		return result(Unknown, "DNS が答えませんでした。", "DNS did not answer.", fact("エラー", "Error", host, err.Error()))
	case len(addrs) == 0:
		return result(Bad, "リンク先の名前 "+host+" がDNSにありません。", "DNS does not know "+host+".")
	}
	var list []string
	for _, a := range addrs[:min(len(addrs), 10)] {
		list = append(list, a.String())
	}
	return result(OK, "リンク先の名前が引けます。", "The name resolves.", fact("アドレス", "Addresses", host, strings.Join(list, " ")))
}

func checkLandingTLS(ctx context.Context, p *pass) Result {
	u, host, port, err := p.landing()
	if err != nil {
		return noLanding()
	}
	if u.Scheme == "http" {
		return result(Bad, "リンク先が暗号化されていません(http)。ブラウザーが警告を出し、メールの検査にもかかりやすくなります。", "The landing page is not encrypted (http): browsers warn, and filters distrust it.")
	}
	conn, err := p.connect(ctx, host, port)
	if err != nil {
		return notReached(host, port, err)
	}
	defer conn.Close()
	tc, err := handshake(ctx, conn, host)
	if err != nil {
		return result(Bad, "TLS の接続ができません。", "No TLS connection could be made.", fact("エラー", "Error", host, err.Error()))
	}
	return p.judgeCert(tc.ConnectionState(), host, p.Landing.OwnCA, p.Landing.OwnName)
}

func (p *pass) connect(ctx context.Context, host, port string) (net.Conn, error) {
	if p.Dial == nil {
		return nil, errors.New("no way to connect")
	}
	conn, err := p.Dial(ctx, "tcp", net.JoinHostPort(host, port))
	if err != nil {
		return nil, err
	}
	if end, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(end)
	}
	return conn, nil
}

func notReached(host, port string, err error) Result {
	return result(Bad, fmt.Sprintf("%s のポート %s につながりません。", host, port), fmt.Sprintf("Port %s of %s cannot be reached.", port, host),
		fact("エラー", "Error", net.JoinHostPort(host, port), err.Error()))
}

// handshake takes any certificate: judgeCert says afterwards what is wrong with it, more exactly than a failed handshake could.
func handshake(ctx context.Context, conn net.Conn, host string) (*tls.Conn, error) {
	tc := tls.Client(conn, &tls.Config{ServerName: host, InsecureSkipVerify: true, MinVersion: tls.VersionTLS12})
	return tc, tc.HandshakeContext(ctx)
}

// judgeCert checks chain, name and dates. A chain that only the hospital's own authority makes valid is a warning: phones and new PCs lack it.
func (p *pass) judgeCert(cs tls.ConnectionState, host string, own *x509.CertPool, ownName string) Result {
	if len(cs.PeerCertificates) == 0 {
		return result(Bad, "証明書がありません。", "There is no certificate.")
	}
	leaf, now := cs.PeerCertificates[0], p.Now()
	facts := []Fact{fact("証明書の名前", "Names of the certificate", host, certNames(leaf)), fact("発行者", "Issuer", host, leaf.Issuer.String()),
		fact("有効期限", "Valid until", host, leaf.NotAfter.UTC().Format(time.RFC3339))}
	say := func(s State, ja, en string) Result { return result(s, ja, en, facts...) }
	if now.After(leaf.NotAfter) {
		return say(Bad, "証明書の期限が切れています。", "The certificate has expired.")
	}
	if now.Before(leaf.NotBefore) {
		return say(Bad, "証明書はまだ有効ではありません。この機械の時計も確かめてください。", "The certificate is not valid yet. Check this machine's clock as well.")
	}
	if err := leaf.VerifyHostname(host); err != nil {
		return say(Bad, "証明書の名前が "+host+" と違います。", "The certificate is for another name than "+host+".")
	}
	between := x509.NewCertPool()
	for _, c := range cs.PeerCertificates[1:] {
		between.AddCert(c)
	}
	verify := func(roots *x509.CertPool) error {
		_, err := leaf.Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, CurrentTime: now})
		return err
	}
	err := verify(p.Roots)
	switch {
	case err == nil:
	case own != nil && verify(own) == nil:
		if ownName == "" {
			ownName = leaf.Issuer.String()
		}
		return say(Warn, "院内の認証局("+ownName+")の証明書です。そのルート証明書がない端末では警告が出ます。", "The certificate is from the hospital's own authority ("+ownName+"): devices without its root will warn.")
	case leaf.Issuer.String() == leaf.Subject.String():
		facts = append(facts, fact("エラー", "Error", host, err.Error()))
		return say(Bad, "自己署名の証明書です。どの端末でも警告が出ます。", "The certificate is self-signed: every device will warn.")
	default:
		facts = append(facts, fact("エラー", "Error", host, err.Error()))
		return say(Bad, "証明書の発行者が信頼されていないか、中間証明書が足りません。", "The certificate's issuer is not trusted, or an intermediate certificate is missing.")
	}
	if left := leaf.NotAfter.Sub(now); left < certSoon {
		return say(Warn, fmt.Sprintf("証明書の期限まで%d日です。", int(left.Hours()/24)), fmt.Sprintf("The certificate ends in %d days.", int(left.Hours()/24)))
	}
	return say(OK, "証明書は正しく、名前も期限も合っています。", "The certificate is valid: chain, name and dates.")
}

func certNames(c *x509.Certificate) string {
	names := append([]string(nil), c.DNSNames...)
	for _, ip := range c.IPAddresses {
		names = append(names, ip.String())
	}
	return strings.Join(names[:min(len(names), 10)], " ")
}

func checkLandingPage(ctx context.Context, p *pass) Result {
	u, host, port, err := p.landing()
	if err != nil {
		return noLanding()
	}
	conn, err := p.connect(ctx, host, port)
	if err != nil {
		return notReached(host, port, err)
	}
	defer conn.Close()
	if u.Scheme == "https" {
		if conn, err = handshake(ctx, conn, host); err != nil {
			return result(Bad, "TLS の接続ができません。", "No TLS connection could be made.", fact("エラー", "Error", host, err.Error()))
		}
	}
	path := strings.TrimSuffix(u.EscapedPath(), "/") + "/verify"
	status, body, err := get(conn, u.Host, path)
	at := u.Scheme + "://" + u.Host + path
	facts := []Fact{fact("応答", "Answer", at, strconv.Itoa(status))}
	switch {
	case err != nil:
		return result(Bad, "ページの応答が読めません。", "The page's answer cannot be read.", fact("エラー", "Error", at, err.Error()))
	case status >= 300 && status < 400:
		return result(Bad, "別のページへ転送されます。リンクの先は転送のない場所にしてください。", "It is redirected elsewhere. Links must lead there without a redirect.", facts...)
	case status != 200:
		return result(Bad, fmt.Sprintf("ページの応答が %d です。", status), fmt.Sprintf("The page answers %d.", status), facts...)
	case p.Landing.Sign != "" && !strings.Contains(body, p.Landing.Sign):
		return result(Bad, "応答したのは Kenshin のページではありません。間の機器の案内画面かもしれません。", "What answered is not Kenshin's page: it may be the notice of a device in between.", facts...)
	}
	return result(OK, "リンク先のページが応答しました。", "The landing page answers.", facts...)
}

// get asks once in HTTP/1.0, to which servers answer without chunks and close: enough to know our own page (RFC 1945).
func get(conn net.Conn, host, path string) (status int, body string, err error) {
	if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.0\r\nHost: %s\r\nUser-Agent: Kenshin preflight\r\nAccept: text/html\r\nAccept-Language: ja\r\nConnection: close\r\n\r\n", path, host); err != nil {
		return 0, "", err
	}
	r := bufio.NewReader(io.LimitReader(conn, pageMax))
	line, err := r.ReadString('\n')
	if err != nil {
		return 0, "", fmt.Errorf("read the first line: %w", err)
	}
	proto, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
	code, _, _ := strings.Cut(rest, " ")
	if status, err = strconv.Atoi(code); err != nil || !strings.HasPrefix(proto, "HTTP/1.") || status < 100 || status > 599 {
		return 0, "", fmt.Errorf("%.40q is no HTTP answer", line)
	}
	for range headMax {
		h, err := r.ReadString('\n')
		if err != nil {
			return status, "", fmt.Errorf("read the header: %w", err)
		}
		if strings.TrimSpace(h) == "" {
			break
		}
	}
	b, err := io.ReadAll(r)
	if errors.Is(err, io.ErrUnexpectedEOF) { // a close without TLS's farewell, after the page
		err = nil
	}
	return status, string(b), err
}
