package assess

import (
	"context"

	"kenshin/catalogue"
	"kenshin/facility"
	"kenshin/register"
)

// Names are the systems, vendors and items of catalogues that rows of registers point to.
func (b *Book) Names(ctx context.Context, f facility.ID, kinds ...register.Kind) (register.Names, error) {
	n := register.NewNames()
	systems, err := b.Ledger.Systems(ctx, f)
	if err != nil {
		return n, err
	}
	for _, x := range systems {
		n.System(x.ID, x.Name)
	}
	vendors, err := b.Suppliers.List(ctx, f, "")
	if err != nil {
		return n, err
	}
	for _, x := range vendors {
		n.Vendor(x.ID, x.Name)
	}
	for _, k := range kinds {
		for _, c := range k.Columns {
			if c.Suggest == "" {
				continue
			}
			items, err := b.Suggested(ctx, f, c.Suggest)
			if err != nil {
				return n, err
			}
			for _, i := range items {
				n.Item(c.Suggest, i.ID, ItemLabel(ctx, i), i.Number)
			}
		}
	}
	return n, nil
}

// Suggested are the items that a register's column points to: of the table of roles ("roles"), or of the newest checklist.
func (b *Book) Suggested(ctx context.Context, f facility.ID, suggest string) ([]catalogue.Item, error) {
	set, err := b.Catalogues(ctx, f)
	if err != nil {
		return nil, err
	}
	kind := catalogue.Checklist
	if suggest == "roles" {
		kind = catalogue.Roles
	}
	c, _ := set.Newest(kind, catalogue.FacilityForm)
	return c.Items, nil
}

// ItemLabel is an item in a list: number, title, and how sure its wording is.
func ItemLabel(ctx context.Context, i catalogue.Item) string {
	name := itemName(i).For(ctx)
	if label := i.Standing().Label().For(ctx); label != "" {
		name += "［" + label + "］"
	}
	return name
}
