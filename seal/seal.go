// Package seal keeps secrets unreadable in the database and in its backups: each is encrypted with a key that lies in a file of its
// own, and is tied to the facility and the purpose that it was sealed for.
package seal

import (
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/crypto/chacha20poly1305"

	"kenshin/facility"
	"kenshin/fault"
)

const (
	keySize = chacha20poly1305.KeySize // 32 bytes
	idSize  = 4
	version = 1
	maxKeys = 16 // keys in one file: the current one and the old ones that still open what they sealed
)

// ErrUnknownKey is the cause when something was sealed with a key that is not in the key file.
var ErrUnknownKey = errors.New("sealed with another key")

// Box seals and opens. It is safe for use by many at once.
//
// A sealed value is: version (1 byte), key id (4), nonce (24), ciphertext and tag (XChaCha20-Poly1305, RFC 8439 with the
// extended nonce of draft-irtf-cfrg-xchacha).
type Box struct {
	keys [][]byte // the first seals, all open
	aead map[[idSize]byte]cipher.AEAD
}

func newBox(keys [][]byte) (*Box, error) {
	b := &Box{keys: keys, aead: map[[idSize]byte]cipher.AEAD{}}
	for _, k := range keys {
		a, err := chacha20poly1305.NewX(k)
		if err != nil {
			return nil, fmt.Errorf("read a sealing key: %w", err)
		}
		b.aead[keyID(k)] = a
	}
	return b, nil
}

// NewBox makes a box with one fresh key that is in no file: for tests and for a one-pass command.
func NewBox() *Box {
	b, err := newBox([][]byte{randomKey()})
	if err != nil {
		panic(err) // a fresh key has the right length
	}
	return b
}

func randomKey() []byte {
	k := make([]byte, keySize)
	_, _ = rand.Read(k) // never fails (crypto/rand)
	return k
}

// keyID names a key without telling anything of it.
func keyID(key []byte) [idSize]byte {
	sum := sha256.Sum256(append([]byte("kenshin sealing key id\x00"), key...))
	return [idSize]byte(sum[:idSize])
}

// KeyID returns the current key's id as hex text, for doctor and for the backup's cover sheet.
func (b *Box) KeyID() string { return fmt.Sprintf("%x", keyID(b.keys[0])) }

// bound is the associated data: a value sealed for one facility and purpose opens for no other.
func bound(f facility.ID, purpose string) []byte {
	ad := binary.AppendUvarint([]byte("kenshin\x00"), uint64(len(f)))
	ad = append(ad, f...)
	return append(ad, purpose...)
}

// Seal encrypts plain for a facility ("" for what belongs to the installation) and a purpose such as "snmp-community".
func (b *Box) Seal(f facility.ID, purpose string, plain []byte) ([]byte, error) {
	id := keyID(b.keys[0])
	out := make([]byte, 1+idSize+chacha20poly1305.NonceSizeX, 1+idSize+chacha20poly1305.NonceSizeX+len(plain)+chacha20poly1305.Overhead)
	out[0] = version
	copy(out[1:], id[:])
	nonce := out[1+idSize:]
	_, _ = rand.Read(nonce)
	return b.aead[id].Seal(out, nonce, plain, bound(f, purpose)), nil
}

// Open decrypts what Seal made for the same facility and purpose.
func (b *Box) Open(f facility.ID, purpose string, sealed []byte) ([]byte, error) {
	const head = 1 + idSize + chacha20poly1305.NonceSizeX
	if len(sealed) < head+chacha20poly1305.Overhead || sealed[0] != version {
		return nil, broken(purpose, errors.New("not a sealed value"))
	}
	a, ok := b.aead[[idSize]byte(sealed[1:1+idSize])]
	if !ok {
		return nil, fault.Wrap(fault.Unavailable, fmt.Errorf("%w: id %x, purpose %s", ErrUnknownKey, sealed[1:1+idSize], purpose),
			"保存した秘密を今の鍵では開けません。このデータと一緒に使っていた鍵ファイルを --key-file で指定してください。",
			"A stored secret cannot be opened with this key. Name the key file that belongs to this data with --key-file.")
	}
	plain, err := a.Open(nil, sealed[1+idSize:head], sealed[head:], bound(f, purpose))
	if err != nil {
		return nil, broken(purpose, err)
	}
	return plain, nil
}

func broken(purpose string, err error) error {
	return fault.Wrap(fault.Internal, fmt.Errorf("open the sealed %s: %w", purpose, err),
		"保存した秘密が壊れているか、書き換えられています。その設定をもう一度入力してください。",
		"A stored secret is damaged or was altered. Enter that setting again.")
}

// Stale reports whether a value was sealed with a key that is no longer the current one: seal it again.
func (b *Box) Stale(sealed []byte) bool {
	id := keyID(b.keys[0])
	return len(sealed) < 1+idSize || [idSize]byte(sealed[1:1+idSize]) != id
}
