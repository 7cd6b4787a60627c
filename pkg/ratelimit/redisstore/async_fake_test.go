package redisstore

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"kong-plugin-auth-diagnosis/pkg/ratelimit"
)

var (
	noon  = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	utc   = ratelimit.NewCalendar(time.UTC)
	alice = ratelimit.ByClaim("route", "https://idp.example", "client_id", "alice")
)

var errGone = errors.New("nobody answers")

// hashes is a Redis that knows what asynchronous counting needs of it.
type hashes map[string]map[string]string

// apply runs queries as one pipeline of a node and answers them.
func (h hashes) apply(field string, queries []query) {
	for i := range queries {
		q := &queries[i]
		name := asyncKey(q.key, q.day)
		if q.text != nil {
			if h[name] == nil {
				h[name] = map[string]string{}
			}
			_, known := h[name][field]
			h[name][field], q.created = string(q.text), !known
		}
		q.fields = slices.Collect(maps.Values(h[name]))
	}
}

// direct is a wire to hashes without any delay. While broken it answers nothing,
// and while deaf it does what it is asked but nobody hears of it.
type direct struct {
	hashes
	field          string
	broken, deaf   atomic.Bool
	asked, queries atomic.Int64 // exchanges, and what they asked in all
}

func (d *direct) exchange(_ context.Context, queries []query) {
	d.asked.Add(1)
	d.queries.Add(int64(len(queries)))
	if !d.broken.Load() {
		d.apply(d.field, queries)
	}
	for i := range queries {
		if queries[i].err = nil; d.broken.Load() || d.deaf.Load() {
			queries[i].err, queries[i].fields = errGone, nil
		}
	}
}

// peer is a node that exchanges when it is told to.
type peer struct {
	*async
	wire *direct
	now  time.Time

	mu   sync.Mutex
	told []Fault
}

func newPeer(h hashes, field string, v View) *peer {
	p := &peer{wire: &direct{hashes: h, field: field}, now: noon}
	if v.SyncRate == 0 {
		v.SyncRate = 100 * time.Millisecond
	}
	s := newAsync(newClock(func() time.Time { return p.now }), p.wire, v.MaxKeys, p.tell)
	p.async = s.view(v)
	return p
}

// tell is the store's report.
func (p *peer) tell(f Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.told = append(p.told, f)
}

// expectTold checks what was reported so far.
func (p *peer) expectTold(t *testing.T, expected ...Fault) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if !slices.Equal(p.told, expected) {
		t.Errorf("expected to be told %q, got %q", expected, p.told)
	}
}

func (p *peer) send(tier ratelimit.Tier) ratelimit.Decision { return p.Allow(p.now, alice, tier, utc) }

// pass sends n requests and returns how many were allowed.
func (p *peer) pass(n int, tier ratelimit.Tier) (allowed int) {
	for range n {
		if p.send(tier).Allowed {
			allowed++
		}
	}
	return allowed
}

// sync does a round, as the goroutine would.
func (p *peer) sync() { p.judge(p.round(context.Background())) }

// entry returns what is kept of alice.
func (p *peer) entry() (x share, st ratelimit.State) {
	e, ok := p.table.Find(alice)
	if !ok {
		return x, st
	}
	defer e.Unlock()
	return e.Extra, e.State
}

// Interface guard.
var _ wire = (*direct)(nil)
