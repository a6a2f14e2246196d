package letter

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"mime"
	"net/mail"
	"regexp"
	"strings"

	"github.com/emersion/go-msgauth/dkim"

	"kenshin/fault"
)

// Key signs a sender domain's mails (DKIM, RFC 6376): RSA of at least 2048 bits (RFC 8301). The zero Key signs nothing.
type Key struct{ rsa *rsa.PrivateKey }

// NewKey makes a key of 2048 bits, the longest that fits every DNS server's answer.
func NewKey() (Key, error) {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return Key{}, fmt.Errorf("make a DKIM key: %w", err)
	}
	return Key{k}, nil
}

// ParseKey reads a PEM block of PKCS #8 or PKCS #1.
func ParseKey(text []byte) (Key, error) {
	bad := func(cause error) (Key, error) {
		return Key{}, fault.Wrap(fault.Invalid, cause, "DKIMの鍵として読めません。RSA 2048ビット以上の秘密鍵(PEM)を選んでください。",
			"This is not a DKIM key. Choose an RSA private key of at least 2048 bits, as PEM.")
	}
	if len(text) > 64<<10 {
		return bad(nil)
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return bad(nil)
	}
	if k, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil && k.N.BitLen() >= 2048 {
		return Key{k}, nil
	}
	any, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if k, ok := any.(*rsa.PrivateKey); ok && k.N.BitLen() >= 2048 {
		return Key{k}, nil
	}
	return bad(err)
}

// PEM writes the key as PKCS #8. It is secret: seal it before it is stored.
func (k Key) PEM() []byte {
	if k.rsa == nil {
		return nil
	}
	der, err := x509.MarshalPKCS8PrivateKey(k.rsa)
	if err != nil {
		return nil // an RSA key can always be marshalled
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// Value is what the TXT record holds (RFC 6376 section 3.6.1), as one string.
func (k Key) Value() string {
	if k.rsa == nil {
		return ""
	}
	der, err := x509.MarshalPKIXPublicKey(&k.rsa.PublicKey)
	if err != nil {
		return ""
	}
	return "v=DKIM1; k=rsa; p=" + base64.StdEncoding.EncodeToString(der)
}

// RecordName is where the TXT record stands.
func RecordName(selector, domain string) string { return selector + "._domainkey." + domain }

// Record is the whole TXT record as a zone file holds it, its value in strings of at most 255 bytes (RFC 1035).
func (k Key) Record(selector, domain string) string {
	var parts []string
	for v := k.Value(); v != ""; {
		n := min(len(v), 255)
		parts = append(parts, `"`+v[:n]+`"`)
		v = v[n:]
	}
	return RecordName(selector, domain) + ". IN TXT ( " + strings.Join(parts, " ") + " )"
}

// signed are the fields under the signature. Those that stand once more than they occur are oversigned: adding one breaks the signature.
var signed = []string{"From", "From", "To", "To", "Subject", "Subject", "Date", "Date", "Message-ID", "Message-ID", "Reply-To", "Reply-To", "MIME-Version",
	"Content-Type", "Content-Type", "Content-Transfer-Encoding", "List-Id", "In-Reply-To", "References", MarkerField, MarkerField}

var selectorName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$`)

// Sign puts a DKIM-Signature (relaxed/relaxed, rsa-sha256) before a mail that Compose wrote. It refuses a mail without the drill's marker,
// and a domain that the mail's From is neither in nor below, since receivers would not count such a signature (RFC 7489).
func Sign(raw []byte, domain, selector string, key Key) ([]byte, error) {
	if key.rsa == nil {
		return nil, fault.New(fault.Invalid, "DKIMの鍵がありません。", "There is no DKIM key.")
	}
	domain = strings.ToLower(domain)
	if !selectorName.MatchString(selector) || !selectorName.MatchString(domain) {
		return nil, fault.New(fault.Invalid, "DKIMのセレクターかドメインが正しくありません。", "The DKIM selector or domain is not valid.")
	}
	head, _, _ := bytes.Cut(raw, []byte("\r\n\r\n"))
	m, err := mail.ReadMessage(bytes.NewReader(append(bytes.Clone(head), "\r\n\r\n"...)))
	if err != nil {
		return nil, fmt.Errorf("sign a mail: %w", err)
	}
	if _, ok := ReadMarker(m.Header); !ok {
		return nil, fault.New(fault.Denied, "訓練の印がないメールには署名しません。", "A mail without the drill's marker is not signed.")
	}
	// only the address counts here: the name stays undecoded, in whatever charset
	parser := mail.AddressParser{WordDecoder: &mime.WordDecoder{CharsetReader: func(_ string, r io.Reader) (io.Reader, error) { return r, nil }}}
	from, err := parser.Parse(m.Header.Get("From"))
	if err != nil || !within(domainOf(from.Address), domain) {
		return nil, fault.Newf(fault.Invalid, "差出人のドメインが署名のドメイン(%[1]s)ではありません。", "The sender is not in the signing domain %[1]s.", domain)
	}
	out := bytes.NewBuffer(make([]byte, 0, len(raw)+1024))
	err = dkim.Sign(out, bytes.NewReader(raw), &dkim.SignOptions{Domain: domain, Selector: selector, Signer: key.rsa,
		HeaderCanonicalization: dkim.CanonicalizationRelaxed, BodyCanonicalization: dkim.CanonicalizationRelaxed, HeaderKeys: signed})
	if err != nil {
		return nil, fmt.Errorf("sign a mail: %w", err)
	}
	return out.Bytes(), nil
}

func within(domain, parent string) bool {
	return domain == parent || strings.HasSuffix(domain, "."+parent)
}

// Public is the half of the key that DNS publishes.
func (k Key) Public() crypto.PublicKey { return &k.rsa.PublicKey }
