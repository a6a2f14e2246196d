package seal

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"os"
	"strconv"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/chacha20poly1305"

	"kenshin/fault"
)

const (
	wrapType  = "KENSHIN WRAPPED KEY"
	saltSize  = 16
	maxWrap   = 8 << 10 // bytes of a wrapped key's text
	maxMemory = 1 << 20 // KiB: what a hostile backup may make Unwrap allocate
	maxPasses = 16

	// MinPassphrase is the shortest passphrase that Wrap takes, in bytes.
	MinPassphrase = 13
)

// Cost is the work that argon2id (RFC 9106) puts between a passphrase and a key.
type Cost struct {
	Memory uint32 // KiB
	Passes uint32
}

// WrapCost is for backups, which lie about for years: 256 MiB, three passes.
func WrapCost() Cost { return Cost{Memory: 256 << 10, Passes: 3} }

// Wrap encrypts all keys of the box under a passphrase, as PEM text that goes into a backup.
func (b *Box) Wrap(passphrase []byte, cost Cost) ([]byte, error) {
	if len(passphrase) < MinPassphrase {
		return nil, fault.Newf(fault.Invalid, "バックアップの合言葉は%d文字以上にしてください。紙に書いて金庫に入れておくものです。",
			"The backup's passphrase needs %d characters or more. Write it on paper and keep it in the safe.", MinPassphrase)
	}
	salt := make([]byte, saltSize)
	_, _ = rand.Read(salt)
	block := &pem.Block{Type: wrapType, Headers: map[string]string{
		"Kdf": "argon2id", "Memory-Kib": strconv.Itoa(int(cost.Memory)), "Passes": strconv.Itoa(int(cost.Passes)),
		"Salt": base64.StdEncoding.EncodeToString(salt), "Key-Id": b.KeyID(),
	}}
	aead, err := chacha20poly1305.NewX(argon2.IDKey(passphrase, salt, cost.Passes, cost.Memory, 1, keySize))
	if err != nil {
		return nil, err
	}
	nonce := make([]byte, chacha20poly1305.NonceSizeX)
	_, _ = rand.Read(nonce)
	block.Bytes = aead.Seal(nonce, nonce, bytes.Join(b.keys, nil), []byte(wrapType))
	return pem.EncodeToMemory(block), nil
}

type wrapped struct {
	cost   Cost
	salt   []byte
	sealed []byte
}

// parseWrapped reads Wrap's text without trusting any number in it.
func parseWrapped(text []byte) (wrapped, error) {
	bad := func(why string) (wrapped, error) {
		return wrapped{}, fault.Wrap(fault.Invalid, errors.New(why),
			"バックアップの中の鍵を読めません。ファイルが途中で切れていないか確かめてください。",
			"The key in the backup cannot be read. Check that the file is complete.")
	}
	if len(text) > maxWrap {
		return bad("longer than a wrapped key")
	}
	block, _ := pem.Decode(text)
	if block == nil || block.Type != wrapType || block.Headers["Kdf"] != "argon2id" {
		return bad("no " + wrapType + " block")
	}
	memory, err1 := strconv.ParseUint(block.Headers["Memory-Kib"], 10, 32)
	passes, err2 := strconv.ParseUint(block.Headers["Passes"], 10, 32)
	salt, err3 := base64.StdEncoding.DecodeString(block.Headers["Salt"])
	if err := errors.Join(err1, err2, err3); err != nil {
		return bad(err.Error())
	}
	if memory < 8 || memory > maxMemory || passes < 1 || passes > maxPasses || len(salt) != saltSize {
		return bad("parameters out of range")
	}
	plain := len(block.Bytes) - chacha20poly1305.NonceSizeX - chacha20poly1305.Overhead
	if plain < keySize || plain%keySize != 0 || plain > keySize*maxKeys {
		return bad("wrong length")
	}
	return wrapped{cost: Cost{Memory: uint32(memory), Passes: uint32(passes)}, salt: salt, sealed: block.Bytes}, nil
}

// Unwrap is the inverse of Wrap.
func Unwrap(text, passphrase []byte) (*Box, error) {
	w, err := parseWrapped(text)
	if err != nil {
		return nil, err
	}
	aead, err := chacha20poly1305.NewX(argon2.IDKey(passphrase, w.salt, w.cost.Passes, w.cost.Memory, 1, keySize))
	if err != nil {
		return nil, err
	}
	plain, err := aead.Open(nil, w.sealed[:chacha20poly1305.NonceSizeX], w.sealed[chacha20poly1305.NonceSizeX:], []byte(wrapType))
	if err != nil {
		return nil, fault.Wrap(fault.Denied, err, "合言葉が違うか、バックアップの鍵が壊れています。大文字と小文字、全角と半角を確かめてください。",
			"The passphrase is wrong, or the backup's key is damaged. Check upper and lower case.")
	}
	var keys [][]byte
	for i := 0; i < len(plain); i += keySize {
		keys = append(keys, plain[i:i+keySize])
	}
	return newBox(keys)
}

// Save writes the box's keys as a key file that did not exist before: the last step of a restore.
func (b *Box) Save(path string) error {
	err := create(path, bytes.Join(b.keys, nil))
	if errors.Is(err, os.ErrExist) {
		return fault.Wrap(fault.Conflict, err, "鍵ファイル "+path+" がもうあります。上書きはしません。別の場所を --key-file で指定してください。",
			"The key file "+path+" exists already and is not overwritten. Name another place with --key-file.")
	}
	if err != nil {
		return unwritable(path, err)
	}
	return nil
}
