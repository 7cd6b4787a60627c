package table

import (
	"sync"
	"sync/atomic"
)

// maxOverflowTiers bounds the shared entries. Tiers come from configuration, so
// their number grows only with changes of it; past the bound all further tiers
// share one more entry.
const maxOverflowTiers = 256

// overflow has the entries of keys that a full table has no room for: all of
// them together have what one key of their tier has.
type overflow[X any] struct {
	given atomic.Uint64

	mu      sync.Mutex
	entries map[string]*Entry[X] // by tier name
}

func (o *overflow[X]) lock(tier string) Locked[X] {
	o.given.Add(1)
	o.mu.Lock()
	e, known := o.entries[tier]
	if !known && len(o.entries) >= maxOverflowTiers {
		tier = ""
		e, known = o.entries[tier]
	}
	if !known {
		if o.entries == nil {
			o.entries = make(map[string]*Entry[X])
		}
		e = new(Entry[X])
		o.entries[tier] = e
	}
	return Locked[X]{Entry: e, Overflow: true, Fresh: !known, mu: &o.mu}
}
