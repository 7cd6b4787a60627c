package access

import (
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"time"

	"kong-plugin-auth-diagnosis/pkg/config"
	"kong-plugin-auth-diagnosis/pkg/jwks"
)

// Engine is what all instances of the process share. Kong makes an instance a
// worker and makes them anew with each configuration; keys, counters and what
// is known of consumers must outlive that.
type Engine struct {
	now    func() time.Time
	keys   *jwks.Store
	tokens *cache
	checks atomic.Uint64 // tokens whose signature was checked
	tally  *tally
	random func(n int64) int64

	directory *directory
	instances instances
	counters  counters
	notices   notices
}

// Option changes an Engine.
type Option func(*Engine)

// WithClock replaces the clock.
func WithClock(now func() time.Time) Option { return func(e *Engine) { e.now = now } }

// WithKeys replaces the store of key sets.
func WithKeys(s *jwks.Store) Option { return func(e *Engine) { e.keys = s } }

// New returns an Engine. Close ends its background work.
func New(options ...Option) *Engine {
	e := &Engine{now: time.Now, tally: newTally(), random: rand.Int64N, directory: newDirectory()}
	for _, o := range options {
		o(e)
	}
	if e.keys == nil {
		e.keys = jwks.NewStore(jwks.WithClock(e.now))
	}
	e.tokens = newCache(e.now)
	e.counters.start(e.now, &e.notices)
	return e
}

// Close ends the background work: fetches of key sets, upkeep of caches, and
// writing down counters where they are to outlive the process. It waits for the
// disk, and for a Redis half a second at most.
func (e *Engine) Close() {
	e.counters.close()
	e.keys.Close()
	e.tokens.close()
}

// Start makes a Route of an instance's configuration as Kong sends it. It
// returns at once and never fails: fetches start beside it, and a configuration
// that is no good makes a Route that answers every request with config_invalid.
func (e *Engine) Start(data []byte) *Route {
	c, err := config.Load(data)
	if refuses(err, "config.diagnosis.header_name") {
		// The answer that says so must not go out under that name.
		c.Diagnosis.HeaderName = config.Default().Diagnosis.HeaderName
	}
	r := &Route{engine: e}
	r.configure(c)
	if err == nil {
		err = r.compile(c)
	}
	if err != nil {
		r.broken = config.Problems(err)
	}
	e.instances.add(r, c.Scope.PluginID, e.now())
	return r
}

// refuses reports whether a field is among the problems.
func refuses(err error, path string) bool {
	return slices.ContainsFunc(config.Problems(err), func(p config.Problem) bool { return p.Path == path })
}
