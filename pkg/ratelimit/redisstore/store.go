// Package redisstore keeps rate-limit counters in Redis, for nodes that share
// them.
//
// [Open] makes a [Store], one per process for each Redis; [Store.Limiter] gives
// views on it, which count in one of two ways. An asynchronous view decides here
// and tells Redis beside the request what it has admitted (async.go). A strict
// view asks Redis for each request, in one script for all windows (strict.go,
// strict.lua), by the clock of Redis, and lets a circuit breaker (breaker.go)
// bound what a Redis that does not answer costs.
//
// What either does when Redis fails is its [FaultPolicy]; that it does so is
// told by one [Event] for each change (fault.go). client.go is how Redis is
// spoken to: alone, as a cluster or through sentinels, with TLS and ACL users.
// Package redistest runs real servers for the tests.
package redisstore

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"kong-plugin-auth-diagnosis/pkg/ratelimit"
)

// Hooks connect a Store to the process around it.
type Hooks struct {
	// Now is the clock of the times that Allow is given; nil means [time.Now].
	Now func() time.Time
	// Report is told of each change between deciding with Redis and without. It
	// must not block; nil means that nobody is told.
	Report func(Event)
}

// DefaultSyncRate is the interval of a view that names none.
const DefaultSyncRate = 100 * time.Millisecond

// View is one way to count in a Store.
type View struct {
	// SyncRate is the time between two exchanges with Redis; 0 means
	// DefaultSyncRate. Below 0 the view is strict and asks Redis for each request.
	SyncRate time.Duration
	// Nodes is how many share the limits, itself included; 0 means 1.
	Nodes int
	Fault FaultPolicy
	// MaxKeys is the most identities remembered here at a time; 0 means
	// table.DefaultMaxKeys. The views of a store share the room; the largest
	// number counts.
	MaxKeys int
}

// Store is the counters in one Redis, as this process sees them.
type Store struct {
	options Options
	outage  *outage
	client  redis.UniversalClient
	clock   *clock
	process string // names this process among all that write to Redis

	mu     sync.Mutex
	strict *strictStore // nil until a view needs it
	async  *asyncStore  // likewise
	closed bool
}

// Open returns the store for o, or everything that is wrong with o. It neither
// dials nor blocks: connections are made when there is something to say.
func Open(o Options, h Hooks) (*Store, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	return &Store{
		options: o,
		outage:  newOutage(o.String(), h.Report),
		client:  newClient(o),
		clock:   newClock(h.Now),
		process: incarnation(),
	}, nil
}

// Limiter returns a view. Views of one kind share their counters, so that a view
// made anew goes on where the one before it was.
func (s *Store) Limiter(v View) ratelimit.Limiter {
	s.mu.Lock()
	defer s.mu.Unlock()
	if v.SyncRate < 0 {
		return s.strictView(v)
	}
	if v.SyncRate == 0 {
		v.SyncRate = DefaultSyncRate
	}
	return s.asyncView(v)
}

// strictView returns a strict view. s is locked.
func (s *Store) strictView(v View) *strict {
	if s.strict == nil {
		s.strict = &strictStore{
			client:  s.client,
			process: s.process,
			timeout: s.options.timeout(),
			breaker: newBreaker(hold(), s.outage.part()),
			clock:   s.clock,
			mirror:  newMirror(s.clock, v.MaxKeys),
		}
	}
	s.strict.mirror.raise(v.MaxKeys)
	return &strict{strictStore: s.strict, fault: v.Fault, nodes: int64(max(1, v.Nodes))}
}

// asyncView returns an asynchronous view. s is locked.
func (s *Store) asyncView(v View) *async {
	if s.async == nil {
		w := &pipelines{client: s.client, field: s.process, timeout: s.options.timeout()}
		s.async = newAsync(s.clock, w, v.MaxKeys, s.outage.part())
	}
	view := s.async.view(v)
	if s.closed {
		s.async.down.Store(true)
	} else {
		s.async.start()
	}
	return view
}

// Close tells Redis what it does not know yet, for at most half a second, and
// ends all use of it. A view that is still used decides as its [FaultPolicy]
// says. Close is to be called once.
func (s *Store) Close(ctx context.Context) error {
	s.mu.Lock()
	s.closed = true
	counts := s.async
	s.mu.Unlock()
	var unsent error
	if counts != nil {
		unsent = counts.close(ctx)
	}
	return errors.Join(unsent, s.client.Close())
}
