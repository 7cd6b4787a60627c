package redisstore

import "kong-plugin-auth-diagnosis/pkg/ratelimit/table"

// Stats is what a Store holds in this process, and how it fares.
type Stats struct {
	table.Stats
	// Degraded is set while decisions are made without Redis, in one way of counting
	// at least.
	Degraded bool
}

// Stats returns the current numbers. It waits for no request and not for Redis.
func (s *Store) Stats() Stats {
	all := Stats{Degraded: s.outage.lasts()}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.strict != nil {
		all.add(s.strict.mirror.table.Stats())
	}
	if s.async != nil {
		all.add(s.async.table.Stats())
	}
	return all
}

func (s *Stats) add(t table.Stats) {
	s.Keys += t.Keys
	s.Fallbacks += t.Fallbacks
	s.Overflows += t.Overflows
}

// lasts reports whether some way of counting goes on without Redis.
func (o *outage) lasts() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.parts > 0
}
