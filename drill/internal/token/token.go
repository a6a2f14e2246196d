// Package token is the text that a drill's links carry: which facility, and a secret that names one signal of one recipient.
package token

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"encoding/hex"
	"strings"
)

const (
	doorBytes   = 4
	secretBytes = 16
	// Length is the number of characters of a token. Lower-case base32 survives filters that fold the case of a link.
	Length = (doorBytes + secretBytes) * 8 / 5
)

var alphabet = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// Token names one signal of one recipient.
type Token struct {
	Door   uint32 // which facility of this installation
	secret [secretBytes]byte
}

// Derive makes the token of one signal of one recipient. The same key and subject give the same token, so that a mail that is made
// once more after a crash is the same mail, though no token is stored.
func Derive(door uint32, key []byte, subject string) Token {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(subject))
	t := Token{Door: door}
	copy(t.secret[:], mac.Sum(nil))
	return t
}

// Parse reads a token from a link's path; upper case is taken as well.
func Parse(text string) (Token, bool) {
	if len(text) != Length {
		return Token{}, false
	}
	b, err := alphabet.DecodeString(strings.ToLower(text))
	if err != nil {
		return Token{}, false
	}
	t := Token{Door: binary.BigEndian.Uint32(b)}
	copy(t.secret[:], b[doorBytes:])
	return t, true
}

// String is the text for a link.
func (t Token) String() string {
	b := binary.BigEndian.AppendUint32(make([]byte, 0, doorBytes+secretBytes), t.Door)
	return alphabet.EncodeToString(append(b, t.secret[:]...))
}

// Hash is what is stored: a token cannot be made from it.
func (t Token) Hash() string {
	sum := sha256.Sum256([]byte(t.String()))
	return hex.EncodeToString(sum[:])
}
