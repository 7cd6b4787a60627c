package jwks

import (
	"cmp"
	"net/url"
	"sync"
	"time"

	"kong-plugin-auth-diagnosis/pkg/diagnosis"
)

// Health is how a key set fares, as metrics and readiness see it.
type Health struct {
	// Usable reports whether tokens can be judged now: there is a good key, and the
	// keys are not too old.
	Usable bool
	// Keys counts the good keys, Age is the time since the newest were fetched; both
	// are 0 while there are none.
	Keys int
	Age  time.Duration
	// Code says why the set is not usable, or else how the last fetch failed; "" if
	// all is well.
	Code diagnosis.Code
	// Idle is set, and nothing else, if nobody has asked for so long that the keys are
	// not kept: the next Lookup fetches them. That says nothing of the issuer.
	Idle bool
}

// Health looks at the set. As with Has that counts as no use of it, and starts no fetch.
func (k *Set) Health() Health {
	w := k.worker.Load()
	switch {
	case w == nil, k.store.ctx.Err() != nil:
		return Health{Code: diagnosis.JWKSNeverLoaded}
	case w.ctx.Err() != nil:
		return Health{Idle: true}
	}
	return w.state.Load().health(&w.terms, w.store.now())
}

func (s *state) health(t *terms, now time.Time) (h Health) {
	if s.fault != nil {
		h.Code = s.fault.code
	}
	if s.keys == nil {
		h.Code = cmp.Or(h.Code, diagnosis.JWKSNeverLoaded)
		return h
	}
	h.Keys, h.Age = s.keys.size(), max(now.Sub(s.fetched), 0)
	switch {
	case s.stale(t, h.Age):
		h.Code = diagnosis.JWKSStaleExpired
	case h.Keys == 0:
		h.Code = cmp.Or(h.Code, diagnosis.KeyUnusable)
	default:
		h.Usable = true
	}
	return h
}

// Fetches counts the fetches of an issuer's keys that ended in one way.
type Fetches struct {
	Issuer string         // as ShownIssuer has it; "" for issuers beyond the first 512
	Code   diagnosis.Code // of the failure, "" for complete fetches
	Count  uint64
}

// fetches counts fetches. Issuers that the configuration no longer has stay: a counter
// must not shrink. The zero value is empty.
type fetches struct {
	mu      sync.Mutex
	issuers map[string]bool
	byEnd   map[Fetches]uint64 // the keys have no count
}

// add counts a fetch that failed with f, nil for one that was complete.
func (c *fetches) add(issuer string, f *fault) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byEnd == nil {
		c.issuers, c.byEnd = map[string]bool{}, map[Fetches]uint64{}
	}
	end := Fetches{Issuer: ShownIssuer(issuer)}
	switch {
	case c.issuers[end.Issuer]:
	case len(c.issuers) < maxSets:
		c.issuers[end.Issuer] = true
	default:
		end.Issuer = ""
	}
	if f != nil {
		end.Code = f.code
	}
	c.byEnd[end]++
}

// ShownIssuer is an issuer without the user and password that its URL may have.
func ShownIssuer(issuer string) string {
	if u, err := url.Parse(issuer); err == nil && u.User != nil {
		u.User = url.User("xxxxx")
		return u.String()
	}
	return issuer
}

// Fetches returns how the store's fetches have ended so far, in no order.
func (s *Store) Fetches() (all []Fetches) {
	c := &s.fetches
	c.mu.Lock()
	defer c.mu.Unlock()
	for f, n := range c.byEnd {
		f.Count = n
		all = append(all, f)
	}
	return all
}
