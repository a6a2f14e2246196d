package trail

import (
	"context"
	"fmt"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"kenshin/fault"
	"kenshin/store"
)

// Sign signs a text of another package with the key that signs a facility's checkpoints, so that auditors keep one verifier key. The text begins with
// the word of what it is, such as "kenshin-dock-1/", by which no text can be taken for one of another kind; a checkpoint is not signed this way.
func Sign(ctx context.Context, tx *store.Tx, box Sealer, text string, now time.Time) (signed []byte, key string, err error) {
	if strings.HasPrefix(text, origin) || !strings.HasPrefix(text, "kenshin-") {
		return nil, "", fault.New(fault.Internal, "この文には署名できません。", "This text cannot be signed.")
	}
	signer, key, err := keys(ctx, tx, box, now)
	if err != nil {
		return nil, "", err
	}
	signed, err = note.Sign(&note.Note{Text: text}, signer)
	if err != nil {
		return nil, "", fmt.Errorf("sign: %w", err)
	}
	return signed, key, nil
}

// Opened returns the text of what Sign made, when it is signed with the verifier key (note's text form). ErrForeign says that it is not.
func Opened(signed []byte, key string) (string, error) {
	v, err := note.NewVerifier(strings.TrimSpace(key))
	if err != nil {
		return "", fault.Wrap(fault.Invalid, err, "検証鍵を読めません。封(チェックポイント)のメールや点検資料に書かれた鍵をそのまま渡してください。",
			"The verifier key cannot be read. Pass the key from the checkpoint mail or the pack, unchanged.")
	}
	n, err := note.Open(signed, note.VerifierList(v))
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrForeign, err)
	}
	return n.Text, nil
}

// ErrForeign is a signature by another key, or a text that was altered after it was signed.
var ErrForeign = errForeign
