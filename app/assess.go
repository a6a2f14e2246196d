package app

import (
	"context"
	"fmt"

	"kenshin/assess"
	"kenshin/catalogue"
	"kenshin/facility"
)

// assessment puts the yearly check-up together.
func (h *House) assessment() error {
	shipped, err := catalogue.Embedded()
	if err != nil {
		return fmt.Errorf("read the catalogues: %w", err)
	}
	h.Assess, err = assess.NewBook(h.DB, assess.Options{Evidence: h.Evidence, Findings: h.Findings, Ledger: h.Ledger, Suppliers: h.Suppliers, People: h.Account, Now: h.Now,
		Catalogues: func(context.Context, facility.ID) (catalogue.Set, error) { return shipped, nil }})
	return err
}
