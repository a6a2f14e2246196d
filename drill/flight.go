package drill

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"

	"kenshin/fault"
	"kenshin/store"
)

// flightDays is how long a preflight counts.
const flightDays = 30

// mailPrint is the fingerprint of the mail and of how it is sent: a preflight counts for exactly this.
func mailPrint(d *Drill, s Settings) (string, error) {
	h := sha256.New()
	err := hashJSON(h, []any{d.Mail, s.Domain, s.Base, s.Relay.Kind, s.Relay.Host, s.DKIM.Selector})
	return hex.EncodeToString(h.Sum(nil)), err
}

// flightOK refuses a drill without a preflight of exactly its mail that is green or knowingly waived. A course rehearses nothing: it needs none.
func (b *Book) flightOK(ctx context.Context, tx *store.Tx, d *Drill, s Settings) error {
	if d.Mode == Course {
		return nil
	}
	want, err := mailPrint(d, s)
	if err != nil {
		return err
	}
	var state, text string
	var at int64
	err = tx.Row(ctx, "SELECT p.state, p.at, p.content FROM drill_preflights p WHERE p.facility_id = $1 AND p.drill_id = $2 ORDER BY p.at DESC, p.id DESC LIMIT 1", d.ID).
		Scan(&state, &at, &text)
	if errors.Is(err, sql.ErrNoRows) {
		return fault.New(fault.Invalid, "送る前の点検がまだです。点検をしてから承認を頼んでください。", "There was no preflight yet. Make one, then submit.")
	}
	if err != nil {
		return err
	}
	var p flight
	if err := unmarshal(text, &p); err != nil {
		return err
	}
	switch {
	case p.Print != want:
		return fault.New(fault.Invalid, "送る前の点検のあとで、メールか送り方が変わりました。もう一度点検してください。", "The mail or the relay changed since the preflight. Make it again.")
	case b.now().Sub(store.Time(at)).Hours() > flightDays*24:
		return fault.New(fault.Invalid, "送る前の点検から30日が過ぎました。もう一度点検してください。", "The preflight is older than 30 days. Make it again.")
	case state != "green" && state != "waived":
		return fault.New(fault.Invalid, "送る前の点検に、まだ直っていない項目があります。直すか、理由を書いて見送ってください。", "The preflight is not green. Mend what it names, or waive it with a reason.")
	}
	return nil
}

// flight is what a preflight's row keeps as JSON.
type flight struct {
	Print string `json:"print"` // mailPrint of what was tried
}
