package tlscert

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"kenshin/discover/internal/talktest"
	"kenshin/observation"
)

func certificate(t testing.TB) (der []byte, key crypto.Signer) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(0x1122334455667788), NotAfter: time.Date(2019, 1, 2, 3, 4, 5, 0, time.UTC),
		Subject: pkix.Name{CommonName: "nas.hosp.example", Organization: []string{"病院"}}, DNSNames: []string{"nas", "nas.hosp.example"},
		IPAddresses: []net.IP{net.IPv4(10, 0, 0, 21)}}
	der, err = x509.CreateCertificate(rand.Reader, template, template, &k.PublicKey, k)
	if err != nil {
		t.Fatal(err)
	}
	return der, k
}

func talkTo(t *testing.T, c *tls.Config) observation.Observation {
	t.Helper()
	der, key := certificate(t)
	c.Certificates = []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}
	conn := talktest.Server(t, func(nc net.Conn) { _ = tls.Server(nc, c).Handshake() })
	seen, err := Talk(conn)
	conn.Close()
	if err != nil || len(seen) != 1 {
		t.Fatal(seen, err)
	}
	talktest.Sane(t, seen)
	return seen[0]
}

func TestVersionsAndFields(t *testing.T) {
	for version, name := range map[uint16]string{tls.VersionTLS10: "TLS 1.0", tls.VersionTLS12: "TLS 1.2", tls.VersionTLS13: "TLS 1.3"} {
		o := talkTo(t, &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: version})
		for key, want := range map[string]string{"version": name, "org": "病院", "issuer": "nas.hosp.example", "not_after": "2019-01-02T03:04:05Z",
			"names": "nas,nas.hosp.example,10.0.0.21", "self_signed": "true", "key": "ecdsa 256", "failure": ""} {
			if o.Detail[key] != want {
				t.Errorf("%s: %s is %q, not %q", name, key, o.Detail[key], want)
			}
		}
		if o.Value != "nas.hosp.example" || len(o.Detail["sha256"]) != 64 || len(o.Raw) == 0 {
			t.Errorf("%+v", o)
		}
	}
}

// A server that wants a certificate of ours ends the handshake; its own certificate is known by then.
func TestServerWantsOurCertificate(t *testing.T) {
	o := talkTo(t, &tls.Config{MaxVersion: tls.VersionTLS12, ClientAuth: tls.RequireAnyClientCert})
	if o.Value != "nas.hosp.example" || o.Detail["version"] != "TLS 1.2" {
		t.Errorf("%+v", o)
	}
}

func record(kind byte, version uint16, body []byte) []byte {
	b := binary.BigEndian.AppendUint16([]byte{kind}, version)
	return append(binary.BigEndian.AppendUint16(b, uint16(len(body))), body...)
}

func shake(kind byte, body []byte) []byte {
	return append([]byte{kind, byte(len(body) >> 16), byte(len(body) >> 8), byte(len(body))}, body...)
}

// flight is a ServerHello (RSA key exchange, AES-128) and a Certificate as RFC 5246 lays them out.
func flight(version uint16, der []byte) []byte {
	hello := binary.BigEndian.AppendUint16(nil, version)
	hello = append(hello, make([]byte, 32)...)
	hello = append(hello, 0, 0, 0x2f, 0)
	n := len(der)
	list := []byte{byte((n + 3) >> 16), byte((n + 3) >> 8), byte(n + 3), byte(n >> 16), byte(n >> 8), byte(n)}
	return record(recordHandshake, version, append(shake(serverHello, hello), shake(certMessage, append(list, der...))...))
}

func TestHandshakesThatFail(t *testing.T) {
	der, _ := certificate(t)
	negative := bytes.Replace(der, []byte{0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88}, []byte{0x91, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88}, 1)
	for name, c := range map[string]struct {
		sent           []byte
		value, version string
		spoken         bool
	}{
		"alert":                         {record(recordAlert, 0x0301, []byte{2, 40}), "", "TLS 1.0", true},
		"SSL 3.0 only":                  {flight(0x0300, der), "nas.hosp.example", "SSL 3.0", true},
		"hangs up after its flight":     {flight(0x0302, der), "nas.hosp.example", "TLS 1.1", true},
		"negative serial number":        {flight(0x0303, negative), "nas.hosp.example", "TLS 1.2", true},
		"certificate that is nonsense":  {flight(0x0303, []byte("nonsense")), "", "TLS 1.2", true},
		"cut in the certificate":        {flight(0x0303, der)[:90], "", "TLS 1.2", true},
		"plain HTTP":                    {[]byte("HTTP/1.1 400 Bad Request\r\n\r\n"), "", "", false},
		"SSH":                           {[]byte("SSH-2.0-OpenSSH\r\n"), "", "", false},
		"a byte that looks like TLS":    {[]byte{22, 3, 1}, "", "", false},
		"a handshake that is no hello":  {record(recordHandshake, 0x0301, shake(1, make([]byte, 40))), "", "", false},
		"silence, then the end of line": {nil, "", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			seen, err := Talk(talktest.Server(t, talktest.Says(c.sent)))
			if !c.spoken {
				if err == nil || len(seen) > 0 {
					t.Fatal(seen, err)
				}
				return
			}
			if err != nil || len(seen) != 1 || seen[0].Value != c.value || seen[0].Detail["version"] != c.version || seen[0].Detail["failure"] == "" {
				t.Fatalf("%+v %v", seen, err)
			}
			if c.value != "" && !strings.HasPrefix(seen[0].Detail["not_after"], "2019-01-02") {
				t.Error(seen[0].Detail)
			}
		})
	}
}

func TestHostile(t *testing.T) {
	der, _ := certificate(t)
	talktest.Hostile(t, Talk, flight(0x0303, der))
}

func FuzzTalk(f *testing.F) {
	der, _ := certificate(f)
	f.Add(flight(0x0303, der))
	f.Add(record(recordAlert, 0x0301, []byte{2, 40}))
	f.Fuzz(func(t *testing.T, b []byte) {
		seen, _ := Talk(talktest.Replay(b))
		talktest.Sane(t, seen)
	})
}

func FuzzLenient(f *testing.F) {
	der, _ := certificate(f)
	f.Add(der)
	f.Fuzz(func(t *testing.T, b []byte) {
		if c, err := lenient(b); err == nil && c == nil {
			t.Error("nothing, and no error")
		}
	})
}
