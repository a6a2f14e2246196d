package tlscert

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"kenshin/discover/internal/legacytls"
)

// Record and handshake types, RFC 5246 sections 6.2.1 and 7.4.
const (
	recordAlert     = 21
	recordHandshake = 22
	serverHello     = 2
	certMessage     = 11
)

// overhear reads the records that a server sent in clear. ok is true when the bytes are TLS beyond doubt: a whole alert, or the begin of a
// ServerHello.
func overhear(b []byte) (said overheard, ok bool) {
	var shake []byte
	for len(b) >= 5 && b[1] == 3 && b[2] <= 4 {
		n := int(binary.BigEndian.Uint16(b[3:]))
		body := b[5:min(len(b), 5+n)]
		switch {
		case b[0] == recordAlert && n == 2 && len(body) == 2 && (body[0] == 1 || body[0] == 2) && len(shake) == 0:
			return overheard{version: legacytls.Version(binary.BigEndian.Uint16(b[1:]))}, true
		case b[0] == recordHandshake:
			shake = append(shake, body...)
		default:
			return messages(shake)
		}
		b = b[min(len(b), 5+n):]
	}
	return messages(shake)
}

// messages reads handshake messages up to the certificate.
func messages(b []byte) (said overheard, ok bool) {
	for len(b) >= 4 {
		n := int(b[1])<<16 | int(b[2])<<8 | int(b[3])
		body := b[4:min(len(b), 4+n)]
		switch {
		case b[0] == serverHello && len(body) >= 2 && legacytls.Version(binary.BigEndian.Uint16(body)) != "":
			said.version, ok = legacytls.Version(binary.BigEndian.Uint16(body)), true
		case b[0] == certMessage && ok && len(body) == n && n >= 6:
			if size := int(body[3])<<16 | int(body[4])<<8 | int(body[5]); 6+size <= n {
				said.cert = body[6 : 6+size]
			}
			return said, ok
		case !ok:
			return said, false
		}
		b = b[min(len(b), 4+n):]
	}
	return said, ok
}

var errCertificate = errors.New("the certificate cannot be read")

// lenient reads names and dates of a certificate that crypto/x509 refuses (a negative serial number, a tiny key, odd strings).
func lenient(der []byte) (*x509.Certificate, error) {
	var outer struct{ TBS, Algorithm, Signature asn1.RawValue }
	if _, err := asn1.Unmarshal(der, &outer); err != nil {
		return nil, fmt.Errorf("%w: %w", errCertificate, err)
	}
	rest := outer.TBS.Bytes
	var parts []asn1.RawValue
	for len(rest) > 0 && len(parts) < 8 {
		var v asn1.RawValue
		var err error
		if rest, err = asn1.Unmarshal(rest, &v); err != nil {
			return nil, fmt.Errorf("%w: %w", errCertificate, err)
		}
		parts = append(parts, v)
	}
	if len(parts) > 0 && parts[0].Class == asn1.ClassContextSpecific {
		parts = parts[1:] // version
	}
	if len(parts) < 5 {
		return nil, errCertificate
	}
	c := &x509.Certificate{Raw: der, RawIssuer: parts[2].FullBytes, RawSubject: parts[4].FullBytes}
	c.Issuer, c.Subject = name(parts[2]), name(parts[4])
	var dates struct{ NotBefore, NotAfter time.Time }
	if _, err := asn1.Unmarshal(parts[3].FullBytes, &dates); err == nil {
		c.NotBefore, c.NotAfter = dates.NotBefore, dates.NotAfter
	}
	if c.Subject.CommonName == "" && len(c.Subject.Organization) == 0 && c.NotAfter.IsZero() {
		return nil, errCertificate
	}
	return c, nil
}

func name(v asn1.RawValue) (n pkix.Name) {
	var rdn pkix.RDNSequence
	if _, err := asn1.Unmarshal(v.FullBytes, &rdn); err == nil {
		n.FillFromRDNSequence(&rdn)
	}
	return n
}
