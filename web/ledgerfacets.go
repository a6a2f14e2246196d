package web

import (
	"sync"
	"time"

	"kenshin/facility"
	"kenshin/ledger"
)

// facetAge is how old the values that filters offer may be: they cost as much as the list itself and hardly change.
const facetAge = 10 * time.Second

// facets remembers what each facility's filters offer.
type facets struct {
	mu   sync.Mutex
	last map[facility.ID]facetsAt
}

type facetsAt struct {
	ledger.Facets
	at time.Time
}

// facets returns what the ledger's filters offer, at most facetAge old.
func (v *visit) facets() (ledger.Facets, error) {
	c, now := &v.s.facets, v.s.Now()
	c.mu.Lock()
	have, known := c.last[v.facility]
	c.mu.Unlock()
	if age := now.Sub(have.at); known && age >= 0 && age < facetAge {
		return have.Facets, nil
	}
	fresh, err := v.s.Ledger.Facets(v.ctx, v.facility)
	if err != nil {
		return fresh, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.last == nil || len(c.last) > 1000 {
		c.last = map[facility.ID]facetsAt{}
	}
	c.last[v.facility] = facetsAt{fresh, now}
	return fresh, nil
}
