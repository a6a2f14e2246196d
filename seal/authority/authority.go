// Package authority is a small certificate authority of the installation's own, for hospitals that have none: its root is put on the
// hospital's PCs once, and the server's certificates come from it by themselves. The root may sign only this server's names and
// private addresses, so that a stolen one cannot pose as the rest of the internet.
package authority

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"kenshin/fault"
)

const (
	rootYears = 10
	leafDays  = 397 // the longest life that browsers take
	renewLeft = 60 * 24 * time.Hour
	skew      = time.Hour // PCs whose clocks are behind
	maxNames  = 100
)

// Authority signs the server's certificates. It is safe for use by many at once.
type Authority struct {
	root *x509.Certificate
	key  crypto.Signer
	now  func() time.Time

	mu   sync.Mutex
	leaf map[string]*tls.Certificate // by the names on it
}

// PEM is the root certificate as a file for the PCs (kenshin-root.crt).
func (a *Authority) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.root.Raw})
}

// DER is the root certificate as Windows' group policy wants it.
func (a *Authority) DER() []byte { return slices.Clone(a.root.Raw) }

// Fingerprint is the root's SHA-256 as people compare it: "AB:CD:..."
func (a *Authority) Fingerprint() string { return Fingerprint(a.root.Raw) }

// Fingerprint writes the SHA-256 of a certificate in pairs of hex digits.
func Fingerprint(der []byte) string {
	sum := sha256.Sum256(der)
	parts := make([]string, len(sum))
	for i, b := range sum {
		parts[i] = fmt.Sprintf("%02X", b)
	}
	return strings.Join(parts, ":")
}

// Expires is the end of the root's life; before it comes, Replace it and bring the new root to the PCs.
func (a *Authority) Expires() time.Time { return a.root.NotAfter }

// TLS is the server's configuration for names (host names and addresses). Certificates are made when the first client comes and again
// 60 days before their end; their keys live in memory alone. Names that the root does not cover fail here.
func (a *Authority) TLS(names []string) (*tls.Config, error) {
	if _, err := a.Certificate(names); err != nil {
		return nil, err
	}
	names = slices.Clone(names)
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		return a.Certificate(names)
	}}, nil
}

// Certificate returns a certificate for names that is good for at least 60 days.
func (a *Authority) Certificate(names []string) (*tls.Certificate, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	id, now := strings.Join(names, "\n"), a.now()
	if c := a.leaf[id]; c != nil && now.After(c.Leaf.NotBefore) && now.Before(c.Leaf.NotAfter.Add(-renewLeft)) {
		return c, nil
	}
	c, err := a.issue(names, now)
	if err != nil {
		return nil, err
	}
	if a.leaf == nil || len(a.leaf) >= 16 {
		a.leaf = map[string]*tls.Certificate{}
	}
	a.leaf[id] = c
	return c, nil
}

func (a *Authority) issue(names []string, now time.Time) (*tls.Certificate, error) {
	hosts, addrs, err := split(names)
	if err != nil {
		return nil, err
	}
	if !now.Before(a.root.NotAfter) {
		return nil, fault.New(fault.Unavailable, "Kenshinの認証局の期限が切れています。作り直して、新しい証明書をPCに入れてください。",
			"Kenshin's certificate authority has expired. Replace it and bring the new root to the PCs.")
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a TLS key: %w", err)
	}
	end := now.AddDate(0, 0, leafDays).Add(-skew)
	if end.After(a.root.NotAfter) {
		end = a.root.NotAfter
	}
	t := &x509.Certificate{SerialNumber: serial(), Subject: pkix.Name{CommonName: "Kenshin"}, DNSNames: hosts, IPAddresses: addrs,
		NotBefore: now.Add(-skew), NotAfter: end, KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, t, a.root, key.Public(), a.key)
	if err != nil {
		return nil, fmt.Errorf("sign a certificate: %w", err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("read back a certificate: %w", err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(a.root)
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: pool, CurrentTime: now}); err != nil {
		return nil, fault.Wrap(fault.Conflict, err, "サーバの名前かアドレスが、認証局を作ったときから変わっています。認証局を作り直し、新しい証明書をPCに入れてください。",
			"The server's name or address changed since the authority was made. Replace the authority and bring the new root to the PCs.")
	}
	return &tls.Certificate{Certificate: [][]byte{der, a.root.Raw}, PrivateKey: key, Leaf: leaf}, nil
}

// private are the addresses that a hospital's server has; a public one is added when it is among the names.
var private = []string{"127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10", "::1/128",
	"fc00::/7", "fe80::/10"}

// newRoot makes a root that covers names.
func newRoot(names []string, now time.Time) (der []byte, key *ecdsa.PrivateKey, err error) {
	hosts, addrs, err := split(names)
	if err != nil {
		return nil, nil, err
	}
	t := &x509.Certificate{SerialNumber: serial(), NotAfter: now.AddDate(rootYears, 0, 0),
		NotBefore: now.AddDate(-1, 0, 0), // a clock that was ahead on the first day must not make a root that nobody takes yet
		Subject:   pkix.Name{CommonName: "Kenshin root " + now.UTC().Format("2006-01-02"), Organization: []string{"Kenshin (" + names[0] + ")"}},
		KeyUsage:  x509.KeyUsageCertSign | x509.KeyUsageCRLSign, BasicConstraintsValid: true, IsCA: true, MaxPathLenZero: true,
		PermittedDNSDomainsCritical: true, PermittedDNSDomains: append([]string{"localhost"}, hosts...)}
	for _, p := range private {
		if _, n, err := net.ParseCIDR(p); err == nil {
			t.PermittedIPRanges = append(t.PermittedIPRanges, n)
		}
	}
	for _, ip := range addrs {
		bits := 8 * len(ip)
		t.PermittedIPRanges = append(t.PermittedIPRanges, &net.IPNet{IP: ip, Mask: net.CIDRMask(bits, bits)})
	}
	key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("make the authority's key: %w", err)
	}
	der, err = x509.CreateCertificate(rand.Reader, t, t, key.Public(), key)
	if err != nil {
		return nil, nil, fmt.Errorf("make the authority: %w", err)
	}
	return der, key, nil
}

func serial() *big.Int {
	b := make([]byte, 16)
	_, _ = rand.Read(b)
	b[0] &= 0x7f // positive (RFC 5280, 4.1.2.2)
	return new(big.Int).SetBytes(b)
}

// split sorts names into host names and addresses, and refuses what is neither.
func split(names []string) (hosts []string, addrs []net.IP, err error) {
	if len(names) == 0 || len(names) > maxNames {
		return nil, nil, fault.Newf(fault.Invalid, "サーバの名前を1から%d個指定してください。", "Give 1 to %d names of the server.", maxNames)
	}
	for _, n := range names {
		if a, err := netip.ParseAddr(n); err == nil {
			addrs = append(addrs, net.IP(a.Unmap().WithZone("").AsSlice()))
			continue
		}
		if !hostName(n) {
			return nil, nil, fault.New(fault.Invalid, fmt.Sprintf("「%.80s」はサーバの名前として使えません。英数字とハイフンとピリオドで指定してください。", n),
				fmt.Sprintf("%.80q cannot be a server's name. Use letters, digits, hyphens and dots.", n))
		}
		hosts = append(hosts, strings.ToLower(n))
	}
	return hosts, addrs, nil
}

// hostName follows RFC 1123, section 2.1, without a dot at the end.
func hostName(s string) bool {
	if s == "" || len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for _, r := range label {
			if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' {
				return false
			}
		}
	}
	return true
}

// LocalNames lists how this machine is called: what is given, its host name (also under .local), its addresses, localhost. Names that
// cannot stand in a certificate are left out.
func LocalNames(given ...string) []string {
	names := slices.Clone(given)
	if h, err := os.Hostname(); err == nil {
		names = append(names, h)
		if !strings.Contains(h, ".") {
			names = append(names, h+".local")
		}
	}
	names = append(names, "localhost", "127.0.0.1", "::1")
	if list, err := net.InterfaceAddrs(); err == nil {
		for _, a := range list {
			if p, err := netip.ParsePrefix(a.String()); err == nil && !p.Addr().IsLinkLocalUnicast() {
				names = append(names, p.Addr().String())
			}
		}
	}
	var out []string
	for _, n := range names {
		n = strings.ToLower(n)
		_, err := netip.ParseAddr(n)
		if (err == nil || hostName(n)) && !slices.Contains(out, n) && len(out) < maxNames {
			out = append(out, n)
		}
	}
	return out
}
