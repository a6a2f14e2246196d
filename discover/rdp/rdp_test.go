package rdp

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"io"
	"math/big"
	"net"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"kenshin/discover/internal/talktest"
	"kenshin/observation"
)

// confirmed builds an X.224 connection confirm with a negotiation answer of the kind (2 = selected, 3 = failure).
func confirmed(kind byte, code uint32) []byte {
	return binary.LittleEndian.AppendUint32([]byte{3, 0, 0, 19, 14, 0xd0, 0, 0, 0x12, 0x34, 0, kind, 0, 8, 0}, code)
}

func TestSelected(t *testing.T) {
	xp := []byte{3, 0, 0, 11, 6, 0xd0, 0, 0, 0x12, 0x34, 0}
	xrdp := []byte{0x03, 0, 0, 0x13, 0x0e, 0xd0, 0, 0, 0x12, 0x34, 0, 0x02, 0x01, 0x08, 0, 0, 0, 0, 0} // without TLS
	for name, c := range map[string]struct {
		sent   []byte
		value  string
		detail map[string]string
	}{
		"Windows XP sends no negotiation": {xp, "rdp", map[string]string{"nla_required": "false"}},
		"standard security":               {xrdp, "rdp", map[string]string{"nla_required": "false"}},
		"TLS not allowed":                 {confirmed(3, 2), "rdp", map[string]string{"failure": "2"}},
		"not RDP":                         {[]byte("HTTP/1.1 400 Bad Request\r\n\r\n"), "", nil},
		"TPKT of 64 KiB":                  {[]byte{3, 0, 0xff, 0xff, 14, 0xd0}, "", nil},
		"TPKT of nothing":                 {[]byte{3, 0, 0, 4}, "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			seen, err := Talk(talktest.Server(t, talktest.Says(c.sent)))
			var want []talktest.Fact
			if c.value != "" {
				want = []talktest.Fact{talktest.Of(observation.RDP, c.value, c.detail)}
			}
			if diff := cmp.Diff(want, talktest.Facts(t, seen)); diff != "" || (err != nil) != (c.value == "") {
				t.Error(err, diff)
			}
		})
	}
}

// challenge is an NTLM CHALLENGE_MESSAGE (MS-NLMP 2.2.1.2) of a Windows 10 called CT-CONSOLE.
func challenge() []byte {
	var av []byte
	name := utf16.Encode([]rune("CT-CONSOLE"))
	av = append(av, 1, 0, byte(2*len(name)), 0)
	for _, c := range name {
		av = binary.LittleEndian.AppendUint16(av, c)
	}
	av = append(av, 0, 0, 0, 0)
	b := make([]byte, 56)
	copy(b, "NTLMSSP\x00\x02")
	binary.LittleEndian.PutUint32(b[20:], 0x02800001)
	binary.LittleEndian.PutUint16(b[40:], uint16(len(av)))
	binary.LittleEndian.PutUint32(b[44:], 56)
	copy(b[48:], []byte{10, 0, 0x65, 0x4a, 0, 0, 0, 15})
	return append(b, av...)
}

func certificate(t testing.TB, name string) tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// server answers the connection request, then speaks TLS and answers the first CredSSP message.
func server(t testing.TB, selected uint32, credssp []byte, got chan<- []byte) func(net.Conn) {
	cert := certificate(t, "ct-console.hosp.example")
	return func(c net.Conn) {
		_, _ = io.ReadFull(c, make([]byte, 19))
		_, _ = c.Write(confirmed(2, selected))
		s := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{cert}})
		b, err := element(s)
		if err == nil {
			_, _ = s.Write(credssp)
		}
		rest, _ := io.ReadAll(s)
		got <- append(b, rest...)
	}
}

func TestNames(t *testing.T) {
	got := make(chan []byte, 1)
	conn := talktest.Server(t, server(t, protocolNLA, tsRequest(challenge()), got))
	seen, err := Talk(conn)
	conn.Close()
	if err != nil || len(seen) != 3 {
		t.Fatal(seen, err)
	}
	facts := talktest.Facts(t, seen)
	if facts[0].Value != "nla" || facts[1].Signal != observation.TLSCert || facts[1].Value != "ct-console.hosp.example" {
		t.Error(facts)
	}
	want := talktest.Of(observation.NTLM, "CT-CONSOLE", map[string]string{"build": "10.0.19045", "via": "rdp"})
	if diff := cmp.Diff(want, facts[2]); diff != "" {
		t.Error(diff)
	}
	if b := <-got; bytes.Count(b, []byte("NTLMSSP\x00")) != 1 || !bytes.Contains(b, []byte("NTLMSSP\x00\x01\x00\x00\x00")) {
		t.Errorf("said more than the first message: % x", b)
	}
}

func TestTLSOnly(t *testing.T) {
	conn := talktest.Server(t, server(t, protocolTLS, nil, make(chan []byte, 1)))
	seen, err := Talk(conn)
	conn.Close()
	if err != nil || len(seen) != 2 || seen[0].Value != "tls" || seen[0].Detail["nla_required"] != "false" {
		t.Error(seen, err)
	}
}

// What was learned before CredSSP goes wrong is kept.
func TestCredSSPOfNonsense(t *testing.T) {
	for _, b := range [][]byte{{0x30, 0x84, 0xff, 0xff, 0xff, 0xff}, {0x30, 0x82, 0xff, 0xff}, {0x30, 2, 1, 2}, {0x31, 0}, {0x30, 0x80}} {
		conn := talktest.Server(t, server(t, protocolNLA, b, make(chan []byte, 1)))
		_ = conn.SetDeadline(time.Now().Add(time.Second))
		seen, err := Talk(conn)
		conn.Close()
		if err == nil || len(seen) != 2 {
			t.Errorf("% x: %v %v", b, seen, err)
		}
	}
}

func TestRequires(t *testing.T) {
	for want, sent := range map[string][]byte{"true": confirmed(3, hybridRequired), "false": confirmed(2, protocolTLS), "": confirmed(3, 4)} {
		if got, err := Requires(talktest.Server(t, talktest.Says(sent))); got != want || err != nil {
			t.Error(want, got, err)
		}
	}
}

func TestHostile(t *testing.T) { talktest.Hostile(t, Talk, confirmed(2, protocolNLA)) }

func FuzzTalk(f *testing.F) {
	f.Add(confirmed(2, protocolRDP))
	f.Add(confirmed(3, hybridRequired))
	f.Fuzz(func(t *testing.T, b []byte) {
		seen, _ := Talk(talktest.Replay(b))
		talktest.Sane(t, seen)
	})
}

func FuzzElement(f *testing.F) {
	f.Add(tsRequest(challenge()))
	f.Fuzz(func(t *testing.T, b []byte) {
		if e, err := element(bytes.NewReader(b)); err == nil && len(e) > len(b) {
			t.Error("longer than what came")
		}
	})
}
