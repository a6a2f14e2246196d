package register

import (
	"context"
	"maps"

	"kenshin/facility"
	"kenshin/fault"
	"kenshin/store"
)

// Taken says what an import did.
type Taken struct{ Added, Changed, Removed, Left int }

// Take keeps the good lines of an import, all or none. With replace, rows that the file does not have go (of a register whose rows name a
// system: rows of the file's systems only). An empty cell does not empty a field that a person filled in.
func (b *Book) Take(ctx context.Context, f facility.ID, kind string, lines []Line, replace bool, from string) (done Taken, err error) {
	k, err := KindOf(kind)
	if err != nil {
		return done, err
	}
	if err := k.byHand(); err != nil {
		return done, err
	}
	if replace && !k.List {
		return done, fault.New(fault.Invalid, "この記録簿は丸ごと置き換えられません。", "This register cannot be replaced as a whole.")
	}
	err = b.db.Write(ctx, f, func(tx *store.Tx) error {
		done = Taken{}
		have, err := b.RowsTx(ctx, tx, kind)
		if err != nil {
			return err
		}
		if len(have)+len(lines) > MaxRows {
			return fault.Newf(fault.TooLarge, "1つの記録簿は%d行までです。", "A register takes at most %d rows.", MaxRows)
		}
		known, seen, scopes := map[string]Row{}, map[string]bool{}, map[string]bool{}
		for _, r := range have {
			known[k.sameKey(r.Values)] = r
		}
		for _, l := range lines {
			if l.State == LineWrong || l.State == LineTwice {
				done.Left++
				continue
			}
			key := k.sameKey(l.Values)
			seen[key], scopes[l.Values["system"]] = true, true
			if err := b.takeOne(ctx, tx, k, l, known[key], from, &done); err != nil {
				return err
			}
		}
		if replace && len(seen) > 0 {
			for key, r := range known {
				if !seen[key] && scopes[r.Values["system"]] {
					done.Removed++
					if err := b.drop(ctx, tx, r, from); err != nil {
						return err
					}
				}
			}
		}
		return b.after(ctx, tx, k)
	})
	return done, err
}

func (b *Book) takeOne(ctx context.Context, tx *store.Tx, k Kind, l Line, old Row, from string, done *Taken) error {
	row := Row{Kind: k.ID, Values: maps.Clone(l.Values), Owner: l.Owner}
	if old.ID == "" {
		_, row, err := b.tidy(ctx, row)
		if err != nil {
			return err
		}
		done.Added++
		return b.insert(ctx, tx, &row, from)
	}
	row.ID, row.Revision = old.ID, old.Revision
	for key, value := range old.Values {
		if row.Values[key] == "" {
			row.Values[key] = value
		}
	}
	if row.Owner == "" {
		row.Owner = old.Owner
	}
	_, row, err := b.tidy(ctx, row)
	if err != nil {
		return err
	}
	if len(differences(k, old, Row{Values: row.Values, Owner: row.Owner, Checked: old.Checked})) == 0 {
		return nil
	}
	done.Changed++
	return b.update(ctx, tx, k, &row, "edited", from)
}
