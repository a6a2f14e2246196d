package app

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io/fs"
	"net"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"kenshin/account"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/seal/authority"
	"kenshin/store"
	"kenshin/web"
)

// tlsConfig is the console's encryption: the given files, else a certificate of our own authority. local says that only this machine
// reaches the console.
func (h *House) tlsConfig(ctx context.Context, local bool) (*tls.Config, error) {
	if h.TLSCert != "" {
		f := h.certFiles(h.TLSCert, h.TLSKey)
		if err := f.load(); err != nil {
			return nil, err
		}
		if end := f.current.Leaf.NotAfter; h.Now().After(end) {
			h.Log.Error("the certificate is over: browsers will warn", "file", h.TLSCert, "ended", end)
		}
		return withHTTP2(&tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: f.get}), nil
	}
	var given []string
	if name := h.urlHost(); name != "" {
		given = append(given, name)
	}
	names := authority.LocalNames(given...)
	if local {
		names = append(given, "localhost", "127.0.0.1", "::1")
	}
	a, err := h.openAuthority(ctx, names)
	if err != nil {
		return nil, err
	}
	config, err := a.TLS(covered(a, names, len(given)))
	if err != nil {
		return nil, err
	}
	h.Authority = a
	return withHTTP2(config), nil
}

func (h *House) openAuthority(ctx context.Context, names []string) (*authority.Authority, error) {
	if h.NewAuthority {
		return authority.Replace(ctx, h.DB, h.Box, names, h.Now)
	}
	return authority.Open(ctx, h.DB, h.Box, names, h.Now)
}

// covered leaves out names that the root may not sign, such as a public address that the machine got later. The first must are kept: the
// name in --url has to work, and its error says what to do.
func covered(a *authority.Authority, names []string, must int) []string {
	if _, err := a.Certificate(names); err == nil {
		return names
	}
	var out []string
	for i, n := range names {
		if _, err := a.Certificate([]string{n}); err == nil || i < must {
			out = append(out, n)
		}
	}
	return out
}

func withHTTP2(c *tls.Config) *tls.Config {
	c.NextProtos = []string{"h2", "http/1.1"}
	return c
}

// certFiles serves a certificate from files and reads them again when they change: a renewal needs no restart.
type certFiles struct {
	cert, key string
	now       func() time.Time
	failed    func(error)

	mu      sync.Mutex
	current *tls.Certificate
	stamp   string    // of the files that current came from
	looked  time.Time // when the files were last looked at
}

const lookEvery = 10 * time.Second

// certFiles are the files of one of our listeners.
func (h *House) certFiles(cert, key string) *certFiles {
	return &certFiles{cert: cert, key: key, now: h.Now, failed: func(err error) {
		h.Log.Error("the certificate files cannot be read again: the certificate from before stays in use", "file", cert, "error", err)
	}}
}

func (f *certFiles) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if now := f.now(); now.Sub(f.looked) >= lookEvery || now.Before(f.looked) {
		if s, err := f.stat(); err != nil || s != f.stamp {
			if err := f.read(); err != nil {
				f.failed(err)
				f.looked = now
			}
		}
		f.looked = now
	}
	return f.current, nil
}

func (f *certFiles) load() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.looked = f.now()
	return f.read()
}

func (f *certFiles) stat() (string, error) {
	var b strings.Builder
	for _, name := range []string{f.cert, f.key} {
		info, err := os.Stat(name)
		if err != nil {
			return "", err
		}
		b.WriteString(info.ModTime().UTC().Format(time.RFC3339Nano) + " ")
	}
	return b.String(), nil
}

// read takes both files or neither: a renewal that is half written leaves the certificate from before.
func (f *certFiles) read() error {
	stamp, err := f.stat()
	if err != nil {
		return unreadable(f, err)
	}
	c, err := tls.LoadX509KeyPair(f.cert, f.key)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return unreadable(f, err)
	}
	if err == nil && c.Leaf == nil {
		c.Leaf, err = x509.ParseCertificate(c.Certificate[0])
	}
	if err != nil {
		return fault.Wrap(fault.Invalid, err, "証明書 "+f.cert+" と鍵 "+f.key+" が組になっていないか、PEMの形ではありません。証明書は中間証明書も続けて1つのファイルにします。",
			"The certificate "+f.cert+" and the key "+f.key+" do not belong together or are not PEM. Intermediate certificates follow in the same file.")
	}
	f.current, f.stamp = &c, stamp
	return nil
}

func unreadable(f *certFiles, err error) error {
	return fault.Wrap(fault.Unavailable, err, "証明書 "+f.cert+" か鍵 "+f.key+" を読めません。場所と権限を確かめてください。",
		"The certificate "+f.cert+" or the key "+f.key+" cannot be read. Check place and rights.")
}

// checkURL refuses an address that browsers could not use as it is.
func (h *House) checkURL(local bool) error {
	if h.URL == "" {
		return nil
	}
	u, err := url.Parse(h.URL)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.User != nil {
		return fault.Wrap(fault.Invalid, err, "--url は https://kenshin.hospital.example:8443 のように、名前とポートまでを書いてください。",
			"Write --url like https://kenshin.hospital.example:8443, name and port alone.")
	}
	if u.Scheme == "http" && !local {
		return fault.New(fault.Invalid, "ほかの機械から開く番地は https:// にしてください。証明書がなくても、Kenshinが自分で作ります。",
			"An address that other machines open must be https://. Without a certificate Kenshin makes its own.")
	}
	h.URL = u.Scheme + "://" + u.Host
	return nil
}

func (h *House) urlHost() string {
	u, err := url.Parse(h.URL)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// hostName is how the other machines of the hospital call this one, "" where it has no name of its own.
func hostName() string {
	name, err := os.Hostname()
	name = strings.ToLower(name)
	if err != nil || name == "localhost" || strings.HasPrefix(name, "localhost.") {
		return ""
	}
	if list := authority.LocalNames(name); len(list) == 0 || list[0] != name { // not fit for a certificate
		return ""
	}
	return name
}

// publicURL is how browsers reach the console: --url, else this machine's name (its address where it has none) and the port.
func (h *House) publicURL(port string, secure, local bool) string {
	if h.URL != "" {
		return strings.TrimSuffix(h.URL, "/")
	}
	scheme, host := "http", "localhost"
	if secure {
		scheme = "https"
	}
	if !local {
		if host = hostName(); host == "" {
			host = "localhost"
			for _, n := range authority.LocalNames() {
				if a, err := netip.ParseAddr(n); err == nil && !a.IsLoopback() {
					host = n
					break
				}
			}
		}
	}
	return scheme + "://" + net.JoinHostPort(host, port)
}

// isLocal reports whether an address to listen on is reached from this machine alone.
func isLocal(listen string) bool {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return false
	}
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.IsLoopback()
}

// holdsPasskeys reports whether passkeys can belong to a host: a domain name (WebAuthn, RP ID), not an address or a bare machine name.
func holdsPasskeys(host string) bool {
	return host == "localhost" || strings.Contains(host, ".") && !isAddress(host)
}

// accounts says where passkeys belong: to the name that browsers use. Where that is none, people sign in with password and code app.
func (h *House) accounts() account.Options {
	o := account.Options{Now: h.Now}
	listen := h.Listen
	if listen == "" {
		listen = DefaultListen
	}
	_, port, err := net.SplitHostPort(listen)
	if err != nil {
		return o
	}
	local := isLocal(listen)
	secure := h.TLSCert != "" || !local || strings.HasPrefix(h.URL, "https://")
	addresses := []string{h.publicURL(port, secure, local)}
	if local {
		addresses = append(addresses, "http://localhost:"+port)
	}
	for _, address := range addresses {
		u, err := url.Parse(address)
		if err != nil || !holdsPasskeys(u.Hostname()) {
			continue
		}
		o.RPID, o.Origins = u.Hostname(), []string{u.Scheme + "://" + u.Host}
		if o.RPID == "localhost" && secure {
			o.Origins = append(o.Origins, "https://localhost:"+port)
		}
		break
	}
	return o
}

// site is what the console says of this installation.
func (h *House) site(address string, secure bool) web.Site {
	s := web.Site{URL: address, Authority: h.Authority, Database: "SQLite", Folder: h.Data}
	if h.DB.Dialect == store.Postgres {
		s.Database, s.Folder = "PostgreSQL", ""
	}
	if !secure { // over TLS the certificate's names do this: a page of another name cannot pose as the console (DNS rebinding)
		s.Hosts = []string{"localhost", "127.0.0.1", "::1"}
		if name := h.urlHost(); name != "" {
			s.Hosts = append(s.Hosts, name)
		}
	}
	return s
}

// Notice is what serve prints beside the address when certificates are our own: the fingerprint to compare, and how else the console is reached.
func (h *House) Notice(lang i18n.Lang, address string) string {
	if h.Authority == nil {
		return ""
	}
	ctx := i18n.With(context.Background(), lang)
	text := i18n.T(ctx, "院内のPCには、画面の「設定」にある証明書を入れます(%s/ca)。その指紋(SHA-256):\n  %s\n",
		"Install the certificate of the Settings page on the hospital's PCs (%s/ca). Its fingerprint (SHA-256):\n  %s\n", address, h.Authority.Fingerprint())
	u, err := url.Parse(address)
	if err != nil || isAddress(u.Hostname()) || isLocal(u.Host) {
		return text
	}
	for _, n := range authority.LocalNames() {
		if a, err := netip.ParseAddr(n); err == nil && a.Is4() && !a.IsLoopback() {
			text += i18n.T(ctx, "名前で開けないPCからは https://%s でも開けます。\n", "Where the name does not work, open https://%s.\n",
				net.JoinHostPort(n, u.Port()))
			break
		}
	}
	if !holdsPasskeys(u.Hostname()) {
		text += i18n.T(ctx, "パスキーも使うときは、--url https://名前.院内のドメイン:%s を付けて起動します。\n",
			"To use passkeys too, start with --url https://NAME.DOMAIN:%s.\n", u.Port())
	}
	return text
}
