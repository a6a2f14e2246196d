package app

import (
	"context"

	"kenshin/assess"
	"kenshin/catalogue"
	"kenshin/facility"
)

// assessment puts the yearly check-up together.
func (h *House) assessment() (err error) {
	h.Assess, err = assess.NewBook(h.DB, assess.Options{Evidence: h.Evidence, Findings: h.Findings, Ledger: h.Ledger, Suppliers: h.Suppliers, People: h.Account, Now: h.Now,
		Catalogues: h.catalogues})
	return err
}

// catalogues are the editions that are in force, the same for every facility.
func (h *House) catalogues(ctx context.Context, _ facility.ID) (catalogue.Set, error) {
	return h.Editions.Set(ctx)
}
