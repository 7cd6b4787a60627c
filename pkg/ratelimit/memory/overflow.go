package memory

import (
	"sync"
	"sync/atomic"

	"kong-plugin-auth-diagnosis/pkg/ratelimit"
)

// maxOverflowTiers bounds the shared counters. Tiers come from configuration,
// so their number grows only with changes of it; past the bound all further
// tiers share one more counter.
const maxOverflowTiers = 256

// overflow decides for the keys that a full table has no room for: all of them
// together have what one key of their tier has.
type overflow struct {
	decisions atomic.Uint64

	mu     sync.Mutex
	states map[string]ratelimit.State // by tier name
}

func (o *overflow) allow(r request) ratelimit.Decision {
	o.decisions.Add(1)
	o.mu.Lock()
	defer o.mu.Unlock()
	name := r.tier.Name
	state, known := o.states[name]
	if !known && len(o.states) >= maxOverflowTiers {
		name = ""
		state = o.states[name]
	}
	next, d := r.spend(state)
	if d.Allowed {
		if o.states == nil {
			o.states = make(map[string]ratelimit.State)
		}
		o.states[name] = next
	}
	d.Overflow = true
	return d
}
