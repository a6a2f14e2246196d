package assess

import (
	"cmp"
	"context"
	"slices"

	"kenshin/catalogue"
	"kenshin/evidence"
	"kenshin/facility"
)

// Measured returns what was measured about an item of any catalogue: by its own checks, and by those of the items that it relates to.
func (b *Book) Measured(ctx context.Context, f facility.ID) (func(catalogue.Item) []evidence.Record, error) {
	latest, err := b.Evidence.Latest(ctx, f)
	if err != nil {
		return nil, err
	}
	set, err := b.Catalogues(ctx, f)
	if err != nil {
		return nil, err
	}
	byConcept := map[string][]string{}
	for _, c := range set.All() {
		for _, i := range c.Items {
			if i.Concept != "" {
				byConcept[i.Concept] = append(byConcept[i.Concept], i.Checks...)
			}
		}
	}
	return func(item catalogue.Item) (out []evidence.Record) {
		checks := slices.Clone(item.Checks)
		for _, id := range item.Relates {
			if o, _, ok := set.Item(id); ok {
				checks = append(checks, o.Checks...)
			}
			checks = append(checks, byConcept[id]...)
		}
		for _, r := range latest {
			if r.Subject == "" && slices.Contains(checks, r.Check) {
				out = append(out, r)
			}
		}
		slices.SortFunc(out, func(a, b evidence.Record) int { return cmp.Compare(a.Check, b.Check) })
		return out
	}, nil
}
