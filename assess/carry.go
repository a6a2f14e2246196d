package assess

import (
	"context"
	"slices"

	"kenshin/catalogue"
	"kenshin/facility"
	"kenshin/fault"
)

// Carried brings the answers of the edition before as proposals, by item, with that edition; an answer that exists is left alone.
func (b *Book) Carried(ctx context.Context, f facility.ID, a Assessment) (out map[string]catalogue.Carried, old Assessment, err error) {
	if a.Catalogue.Previous == "" || !slices.ContainsFunc(a.Items, func(i Item) bool { return i.Revision == 0 }) {
		return nil, old, nil
	}
	if old, err = b.Assessment(ctx, f, a.Catalogue.Previous, a.Subject); err != nil {
		return nil, old, err
	}
	answers := map[string]catalogue.Reply{}
	for _, i := range old.Items {
		if i.Revision > 0 {
			answers[i.Item.ID] = i.Claim.Reply
		}
	}
	if len(answers) == 0 {
		return nil, Assessment{}, nil
	}
	set, err := b.Catalogues(ctx, f)
	if err != nil {
		return nil, old, err
	}
	out, err = set.Carry(old.Catalogue.ID, a.Catalogue.ID, answers)
	return out, old, err
}

// Carry answers items as in the edition before, which a person has just confirmed, and says which. Only what is proposed is taken: an item that
// somebody answered meanwhile, or whose old answer is not enough, stays as it is.
func (b *Book) Carry(ctx context.Context, f facility.ID, a Assessment, items []string) (done []string, err error) {
	proposed, old, err := b.Carried(ctx, f, a)
	if err != nil {
		return nil, err
	}
	for _, i := range a.Items {
		c := proposed[i.Item.ID]
		if i.Revision > 0 || !slices.Contains(items, i.Item.ID) || c.Reply == catalogue.Unanswered || c.Reply == catalogue.Unknown {
			continue
		}
		claim := Claim{Reply: c.Reply, On: a.At}
		if was, ok := old.Item(c.From[0]); ok && c.Reply == catalogue.NotApplicable {
			claim.Reason, claim.Approver = was.Claim.Reason, was.Claim.Approver
		}
		if _, err := b.SaveClaim(ctx, f, a.Catalogue.ID, a.Subject, i.Item.ID, 0, claim, "", ""); err != nil {
			if fault.Is(err, fault.Conflict) {
				continue
			}
			return done, err
		}
		done = append(done, i.Item.ID)
	}
	return done, nil
}
