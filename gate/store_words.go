package gate

import (
	"context"
	"database/sql"
	"time"

	"kenshin/actor"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/netid"
	"kenshin/store"
)

// Unlock lets a protected device be probed from u.From (now when zero) until u.Until, at most 7 days ahead, with a reason. Only a person
// does that. It returns the unlock's id.
func (b *Book) Unlock(ctx context.Context, f facility.ID, u Unlock, device netid.DeviceID) (id string, err error) {
	if actor.From(ctx).Kind == actor.System {
		return "", fault.New(fault.Denied, "守っている機器を調べてよいと言えるのは人だけです。", "Only a person unlocks a protected device.")
	}
	if err := checkUnlock(&u, b.now()); err != nil {
		return "", err
	}
	id = store.NewID()
	return id, b.db.Write(ctx, f, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO gate_unlocks (facility_id, id, device_id, segment_id, ip, mac, starts, ends, reason, given_by, given_at,
			revoked_by, revoked_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, '', 0)`,
			id, string(device), u.Segment, addrText(u.IP), u.MAC.String(), store.Micros(u.From), store.Micros(u.Until), u.Reason, who(ctx),
			store.Micros(b.now()))
		if err != nil {
			return err
		}
		if err := b.touch(ctx, tx); err != nil {
			return err
		}
		return b.wrote(ctx, tx, "device.unlock", "device", subjectOf(u.HostKey, string(device)),
			i18n.Text{Ja: "機器の守りを期限つきで解きました", En: "Unlocked a protected device for a while"},
			map[string]any{"mac": u.MAC, "ip": addrText(u.IP), "from": u.From, "until": u.Until, "reason": u.Reason})
	})
}

// Revoke ends an unlock at once.
func (b *Book) Revoke(ctx context.Context, f facility.ID, id string) error {
	return b.db.Write(ctx, f, func(tx *store.Tx) error {
		n, err := tx.Exec(ctx, `UPDATE gate_unlocks SET revoked_by = $3, revoked_at = $4 WHERE facility_id = $1 AND id = $2 AND revoked_at = 0`,
			id, who(ctx), store.Micros(b.now()))
		if err != nil {
			return err
		}
		if n == 0 {
			return fault.New(fault.NotFound, "その許可はないか、もう取り消されています。", "There is no such unlock, or it was revoked already.")
		}
		if err := b.touch(ctx, tx); err != nil {
			return err
		}
		return b.wrote(ctx, tx, "device.lock", "unlock", id, i18n.Text{Ja: "機器を守る状態に戻しました", En: "Locked a device again"}, nil)
	})
}

// Unlocks returns the unlocks that end after since, newest first: the zero time returns all, at most 1,000.
func (b *Book) Unlocks(ctx context.Context, f facility.ID, since time.Time) (out []UnlockEntry, err error) {
	err = b.db.Read(ctx, f, func(tx *store.Tx) error { out, err = b.unlocks(ctx, tx, since); return err })
	return out, err
}

func (b *Book) unlocks(ctx context.Context, tx *store.Tx, since time.Time) ([]UnlockEntry, error) {
	var out []UnlockEntry
	err := store.Each(ctx, tx, func(r *sql.Rows) error {
		var e UnlockEntry
		var h hostColumns
		var from, until, given, revoked int64
		err := r.Scan(&e.ID, &h.device, &h.segment, &h.ip, &h.mac, &from, &until, &e.Reason, &e.By, &given, &e.RevokedBy, &revoked)
		e.HostKey, e.Device = h.key()
		e.From, e.Until, e.GivenAt, e.RevokedAt = store.Time(from), store.Time(until), store.Time(given), store.Time(revoked)
		out = append(out, e)
		return err
	}, `SELECT id, device_id, segment_id, ip, mac, starts, ends, reason, given_by, given_at, revoked_by, revoked_at
		FROM gate_unlocks WHERE facility_id = $1 AND ends > $2 ORDER BY given_at DESC, id DESC LIMIT 1000`, store.Micros(since))
	return out, err
}

// Say writes down what a person knows about a device. Only a person does that.
func (b *Book) Say(ctx context.Context, f facility.ID, h HostKey, device netid.DeviceID, w Word, reason string) (id string, err error) {
	if actor.From(ctx).Kind == actor.System {
		return "", fault.New(fault.Denied, "機器の扱いを決められるのは人だけです。", "Only a person decides how a device is treated.")
	}
	if w != SaidNeverTouch && w != SaidNotMedical {
		return "", fault.New(fault.Invalid, "「何も送らない」か「医療機器ではない」を選んでください。", "Choose never-touch or not-medical.")
	}
	if err := checkHost(&h); err != nil {
		return "", err
	}
	if reason, err = cleanText(reason, 500, "理由", "reason"); err != nil {
		return "", err
	}
	if w == SaidNotMedical && reason == "" {
		return "", fault.New(fault.Invalid, "医療機器ではないと分かる理由を書いてください。", "Write how you know that it is not a medical device.")
	}
	id = store.NewID()
	return id, b.db.Write(ctx, f, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO gate_never (facility_id, id, word, device_id, segment_id, ip, mac, reason, said_by, said_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
			id, string(w), string(device), h.Segment, addrText(h.IP), h.MAC.String(), reason, who(ctx), store.Micros(b.now()))
		if err != nil {
			return err
		}
		if err := b.touch(ctx, tx); err != nil {
			return err
		}
		return b.wrote(ctx, tx, "device."+string(w), "device", subjectOf(h, string(device)),
			i18n.Text{Ja: "機器の扱いを決めました(" + string(w) + ")", En: "Decided how a device is treated (" + string(w) + ")"},
			map[string]any{"mac": h.MAC, "ip": addrText(h.IP), "reason": reason})
	})
}

// TakeBack removes a word. Only a person does that.
func (b *Book) TakeBack(ctx context.Context, f facility.ID, id string) error {
	if actor.From(ctx).Kind == actor.System {
		return fault.New(fault.Denied, "機器の扱いを変えられるのは人だけです。", "Only a person changes how a device is treated.")
	}
	return b.db.Write(ctx, f, func(tx *store.Tx) error {
		n, err := tx.Exec(ctx, `DELETE FROM gate_never WHERE facility_id = $1 AND id = $2`, id)
		if err != nil {
			return err
		}
		if n == 0 {
			return fault.New(fault.NotFound, "その記録はありません。", "There is no such entry.")
		}
		if err := b.touch(ctx, tx); err != nil {
			return err
		}
		return b.wrote(ctx, tx, "device.take-back", "word", id, i18n.Text{Ja: "機器の扱いの決定を取り消しました", En: "Took back how a device is treated"}, nil)
	})
}

// Words returns what people said about devices, newest first.
func (b *Book) Words(ctx context.Context, f facility.ID) (out []WordEntry, err error) {
	err = b.db.Read(ctx, f, func(tx *store.Tx) error { out, err = b.words(ctx, tx); return err })
	return out, err
}

func (b *Book) words(ctx context.Context, tx *store.Tx) ([]WordEntry, error) {
	var out []WordEntry
	err := store.Each(ctx, tx, func(r *sql.Rows) error {
		var e WordEntry
		var h hostColumns
		var at int64
		err := r.Scan(&e.ID, &e.Word, &h.device, &h.segment, &h.ip, &h.mac, &e.Reason, &e.By, &at)
		e.HostKey, e.Device = h.key()
		e.At = store.Time(at)
		out = append(out, e)
		return err
	}, `SELECT id, word, device_id, segment_id, ip, mac, reason, said_by, said_at FROM gate_never WHERE facility_id = $1 ORDER BY said_at DESC, id DESC`)
	return out, err
}
