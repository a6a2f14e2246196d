package account

import (
	"testing"

	"github.com/go-webauthn/webauthn/protocol"
)

func FuzzCheckPassword(f *testing.F) {
	f.Add("kirin-tokei-mado-yuki", "a@b.example")
	f.Add("ｐａｓｓｗｏｒｄ\x00\xff", "")
	f.Fuzz(func(t *testing.T, password, word string) {
		_ = CheckPassword(password, 0, word)
		if e, err := checkEmail(word); err == nil && FoldEmail(e) != e {
			t.Errorf("%q folds again to %q", e, FoldEmail(e))
		}
		_ = plainCode(password)
	})
}

func FuzzVerifyPassword(f *testing.F) {
	f.Add(hashPassword(cheap(), "x"), "x")
	f.Add("$argon2id$v=19$m=4294967295,t=1,p=1$AAAAAAAAAAA$AAAA", "x")
	f.Add("$argon2id$v=19$m=8,t=0,p=0$$", "x")
	f.Fuzz(func(t *testing.T, phc, password string) {
		if len(phc) < 200 {
			_, _ = verifyPassword(phc, password)
		}
	})
}

func FuzzPasskeyAnswer(f *testing.F) {
	f.Add([]byte(`{"id":"AA","rawId":"AA","type":"public-key","response":{"clientDataJSON":"e30","attestationObject":"oA","authenticatorData":"AA","signature":"AA"}}`))
	f.Add([]byte(`{"id":null}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		_, _ = parseAnswer(raw, protocol.ParseCredentialCreationResponseBytes)
		_, _ = parseAnswer(raw, protocol.ParseCredentialRequestResponseBytes)
	})
}
