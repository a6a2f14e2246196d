package letter

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"kenshin/fault"
)

// Field names of the marker. They are part of what users' filters rely on: see docs/guide.
const (
	MarkerField   = "X-Hospital-Drill"
	markerVersion = "v1"
)

// Marker says in the mail itself that it is a drill, whose, and whom an administrator may ask.
//
//	X-Hospital-Drill: v1; org=…; drill=…; contact=…; mac=…
//
// Values are percent-encoded UTF-8 (RFC 3986), in which spaces mean nothing; mac is HMAC-SHA256 over them and the Message-ID, in hexadecimal.
type Marker struct {
	Org     string // the hospital, up to 100 characters
	Drill   string // the drill's identifier
	Contact string // a mail address or telephone number
	// MessageID is the mail that the marker stands in, without angle brackets; ReadMarker sets it.
	MessageID string
	mac       []byte
}

// MinKey is the least length of a marker's key, in bytes.
const MinKey = 16

func (m Marker) sum(key []byte) []byte {
	mac := hmac.New(sha256.New, key)
	for _, v := range []string{markerVersion, m.Org, m.Drill, m.Contact, m.MessageID} {
		var n [4]byte
		binary.BigEndian.PutUint32(n[:], uint32(len(v)))
		mac.Write(n[:])
		mac.Write([]byte(v))
	}
	return mac.Sum(nil)
}

// write ends the header section with the marker.
func (m Marker) write(h *header, messageID string, key []byte) error {
	if len(key) < MinKey {
		return fault.New(fault.Internal, "訓練メールの印の鍵がありません。", "There is no key for the drill's marker.")
	}
	for _, v := range []struct{ ja, en, s string }{{"病院名", "hospital's name", m.Org}, {"訓練の番号", "drill's identifier", m.Drill}, {"連絡先", "contact", m.Contact}} {
		if strings.TrimSpace(v.s) == "" {
			return fault.Newf(fault.Invalid, "訓練メールの印に入れる%[1]sがありません。", "The drill's marker lacks the %[2]s.", v.ja, v.en)
		}
		if err := oneLine(v.ja, v.en, v.s, 100); err != nil {
			return err
		}
	}
	m.MessageID = messageID
	h.field(MarkerField, slices.Concat([]string{markerVersion + ";"}, foldable("org="+url.PathEscape(m.Org)+";"), foldable("drill="+url.PathEscape(m.Drill)+";"),
		foldable("contact="+url.PathEscape(m.Contact)+";"), []string{"mac=" + hex.EncodeToString(m.sum(key))})...)
	return nil
}

// foldable parts a long value, which holds no space of its own, so that its lines stay short; ReadMarker joins the parts.
func foldable(s string) []string {
	var parts []string
	for len(s) > 72 {
		n := 72
		for i := 1; i <= 2; i++ { // not within a %XX
			if s[n-i] == '%' {
				n -= i
			}
		}
		parts, s = append(parts, s[:n]), s[n:]
	}
	return append(parts, s)
}

// list is the List-Id of RFC 2919: by it a filter can tell a drill's mails without reading the marker.
func (m Marker) list(domain string) string {
	id := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' {
			return r
		}
		return -1
	}, strings.ToLower(m.Drill))
	if id == "" || len(id) > 60 {
		sum := sha256.Sum256([]byte(m.Drill))
		id = hex.EncodeToString(sum[:8])
	}
	return "<" + id + ".drill." + domain + ">"
}

// ReadMarker finds the marker among a mail's fields, keyed as net/mail and net/textproto key them. It is false when there is none, more
// than one, or one that is not written as Compose writes it; only Verify says whether it is genuine.
func ReadMarker(fields map[string][]string) (Marker, bool) {
	var values, ids []string
	for name, v := range fields {
		switch {
		case strings.EqualFold(name, MarkerField):
			values = append(values, v...)
		case strings.EqualFold(name, "Message-ID"):
			ids = append(ids, v...)
		}
	}
	if len(values) != 1 || len(ids) != 1 || len(values[0]) > 4096 {
		return Marker{}, false
	}
	parts := strings.Split(strings.Join(strings.Fields(values[0]), ""), ";")
	if len(parts) != 5 || parts[0] != markerVersion {
		return Marker{}, false
	}
	m := Marker{MessageID: strings.Trim(strings.TrimSpace(ids[0]), "<>")}
	var sum string
	for i, to := range []struct {
		name string
		at   *string
	}{{"org=", &m.Org}, {"drill=", &m.Drill}, {"contact=", &m.Contact}, {"mac=", &sum}} {
		v, ok := strings.CutPrefix(parts[i+1], to.name)
		text, err := url.PathUnescape(v)
		if !ok || err != nil || !utf8.ValidString(text) || oneLine("", "", text, 100) != nil {
			return Marker{}, false
		}
		*to.at = text
	}
	mac, err := hex.DecodeString(sum)
	m.mac = mac
	return m, err == nil && len(mac) == sha256.Size
}

// Verify says whether a marker that ReadMarker found was made with this key, for the mail that it stands in.
func (m Marker) Verify(key []byte) bool {
	return len(key) >= MinKey && len(m.mac) == sha256.Size && hmac.Equal(m.mac, m.sum(key))
}
