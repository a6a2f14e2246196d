// Package legacytls talks TLS to devices of any age, only to see what they are: certificates are read and not verified, versions and
// ciphers that nobody should use are accepted. Nothing secret ever goes over these connections.
package legacytls

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"kenshin/discover/internal/talk"
	"kenshin/observation"
)

// maxNames is how many alternative names of a certificate are kept.
const maxNames = 20

// Client wraps the connection; the handshake comes with the first read or write. The hello is kept small (no post-quantum share), since
// old stacks stumble over one that fills two segments.
func Client(conn net.Conn) *tls.Conn {
	var suites []uint16
	for _, s := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		suites = append(suites, s.ID)
	}
	return tls.Client(conn, &tls.Config{
		InsecureSkipVerify:     true,
		MinVersion:             tls.VersionTLS10,
		CipherSuites:           suites,
		CurvePreferences:       []tls.CurveID{tls.X25519, tls.CurveP256, tls.CurveP384, tls.CurveP521},
		SessionTicketsDisabled: true,
	})
}

// Observe describes a finished handshake; ok is false when no certificate was shown.
func Observe(state tls.ConnectionState, raw []byte) (o observation.Observation, ok bool) {
	if len(state.PeerCertificates) == 0 {
		return o, false
	}
	return Certificate(state.PeerCertificates[0], Version(state.Version), raw), true
}

// Certificate describes a server's certificate and the version that was negotiated.
func Certificate(c *x509.Certificate, version string, raw []byte) observation.Observation {
	sum := sha256.Sum256(c.Raw)
	names := append([]string(nil), c.DNSNames...)
	for _, ip := range c.IPAddresses {
		names = append(names, ip.String())
	}
	if len(names) > maxNames {
		names = names[:maxNames]
	}
	return observation.Observation{Signal: observation.TLSCert, Value: c.Subject.CommonName, Raw: raw, Detail: talk.Detail(
		"org", strings.Join(c.Subject.Organization, ", "), "issuer", issuer(c), "not_after", c.NotAfter.UTC().Format(time.RFC3339),
		"names", strings.Join(names, ","), "self_signed", strconv.FormatBool(string(c.RawIssuer) == string(c.RawSubject)),
		"version", version, "key", key(c), "sha256", hex.EncodeToString(sum[:]))}
}

func issuer(c *x509.Certificate) string {
	if c.Issuer.CommonName != "" {
		return c.Issuer.CommonName
	}
	return strings.Join(c.Issuer.Organization, ", ")
}

func key(c *x509.Certificate) string {
	switch k := c.PublicKey.(type) {
	case *rsa.PublicKey:
		return fmt.Sprintf("rsa %d", k.N.BitLen())
	case *ecdsa.PublicKey:
		return fmt.Sprintf("ecdsa %d", k.Curve.Params().BitSize)
	case ed25519.PublicKey:
		return "ed25519"
	}
	return ""
}

// Version names a protocol version as people write it: "SSL 3.0", "TLS 1.0" ... "TLS 1.3".
func Version(v uint16) string {
	switch v {
	case 0x0300:
		return "SSL 3.0"
	case tls.VersionTLS10, tls.VersionTLS11, tls.VersionTLS12, tls.VersionTLS13:
		return tls.VersionName(v)
	}
	return ""
}
