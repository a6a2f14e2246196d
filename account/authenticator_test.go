package account

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"testing"
)

// authenticator is a passkey in software: what a phone or a security key answers (WebAuthn level 3, sections 5 and 6), with ES256 keys
// and no attestation.
type authenticator struct {
	t      *testing.T
	origin string
	id     []byte
	key    *ecdsa.PrivateKey
	handle []byte // the user handle, kept since the registration
	count  uint32
	flags  byte // user present and verified
}

func newAuthenticator(t *testing.T) *authenticator {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	id := make([]byte, 32)
	_, _ = rand.Read(id)
	return &authenticator{t: t, origin: "http://localhost:8080", id: id, key: k, flags: 0x05}
}

var b64 = base64.RawURLEncoding

func (a *authenticator) client(kind, challenge string) []byte {
	raw, err := json.Marshal(map[string]any{"type": kind, "challenge": challenge, "origin": a.origin, "crossOrigin": false})
	must(a.t, err)
	return raw
}

func (a *authenticator) authData(rpID string, flags byte, extra []byte) []byte {
	rp := sha256.Sum256([]byte(rpID))
	out := append(rp[:], flags)
	out = binary.BigEndian.AppendUint32(out, a.count)
	return append(out, extra...)
}

// create answers navigator.credentials.create.
func (a *authenticator) create(options []byte) []byte {
	a.t.Helper()
	var o struct {
		PublicKey struct {
			Challenge string
			RP        struct{ ID string }
			User      struct{ ID string }
		}
	}
	must(a.t, json.Unmarshal(options, &o))
	handle, err := b64.DecodeString(o.PublicKey.User.ID)
	must(a.t, err)
	a.handle = handle
	point, err := a.key.PublicKey.Bytes() // 4, x, y
	must(a.t, err)
	cose := []byte{0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20} // EC2, ES256, P-256
	cose = append(cose, point[1:33]...)
	cose = append(append(cose, 0x22, 0x58, 0x20), point[33:]...)
	attested := append(make([]byte, 16), byte(len(a.id)>>8), byte(len(a.id)))
	attested = append(append(attested, a.id...), cose...)
	auth := a.authData(o.PublicKey.RP.ID, a.flags|0x40, attested)
	object := append([]byte{0xa3, 0x63}, "fmt"...)
	object = append(append(object, 0x64), "none"...)
	object = append(append(object, 0x67), "attStmt"...)
	object = append(append(object, 0xa0, 0x68), "authData"...)
	object = append(append(object, 0x58, byte(len(auth))), auth...)
	return a.answer(map[string]any{
		"clientDataJSON": b64.EncodeToString(a.client("webauthn.create", o.PublicKey.Challenge)), "attestationObject": b64.EncodeToString(object),
	})
}

// get answers navigator.credentials.get.
func (a *authenticator) get(options []byte) []byte {
	a.t.Helper()
	var o struct {
		PublicKey struct{ Challenge, RPID string }
	}
	must(a.t, json.Unmarshal(options, &o))
	a.count++
	auth := a.authData(o.PublicKey.RPID, a.flags, nil)
	client := a.client("webauthn.get", o.PublicKey.Challenge)
	hash := sha256.Sum256(client)
	digest := sha256.Sum256(append(append([]byte{}, auth...), hash[:]...))
	sig, err := ecdsa.SignASN1(rand.Reader, a.key, digest[:])
	must(a.t, err)
	return a.answer(map[string]any{"clientDataJSON": b64.EncodeToString(client), "authenticatorData": b64.EncodeToString(auth),
		"signature": b64.EncodeToString(sig), "userHandle": b64.EncodeToString(a.handle)})
}

func (a *authenticator) answer(response map[string]any) []byte {
	raw, err := json.Marshal(map[string]any{"id": b64.EncodeToString(a.id), "rawId": b64.EncodeToString(a.id), "type": "public-key",
		"response": response, "clientExtensionResults": map[string]any{}})
	must(a.t, err)
	return raw
}
