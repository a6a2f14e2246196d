package assess

import (
	"context"
	"database/sql"

	"kenshin/catalogue"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/store"
)

// Forms returns every form that somebody began, and those that every facility has to fill in: the newest checklist and the gates of the levels.
func (b *Book) Forms(ctx context.Context, f facility.ID) ([]Assessment, error) {
	set, err := b.Catalogues(ctx, f)
	if err != nil {
		return nil, err
	}
	var keys []formKey
	for _, k := range []catalogue.Kind{catalogue.Checklist, catalogue.Gates} {
		if c, ok := set.Newest(k, catalogue.FacilityForm); ok {
			keys = append(keys, formKey{c.ID, ""})
		}
	}
	seen := map[formKey]bool{}
	for _, k := range keys {
		seen[k] = true
	}
	err = b.db.Read(ctx, f, func(tx *store.Tx) error {
		return store.Each(ctx, tx, func(r *sql.Rows) error {
			var k formKey
			err := r.Scan(&k.catalogue, &k.subject)
			if !seen[k] {
				seen[k], keys = true, append(keys, k)
			}
			return err
		}, "SELECT DISTINCT catalogue_id, subject FROM assess_claims WHERE facility_id = $1 ORDER BY catalogue_id, subject")
	})
	if err != nil {
		return nil, err
	}
	var out []Assessment
	for _, k := range keys {
		a, err := b.Assessment(ctx, f, k.catalogue, k.subject)
		if fault.Is(err, fault.NotFound) { // its edition was taken out of force, or its system left the ledger
			continue
		}
		if err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, nil
}
