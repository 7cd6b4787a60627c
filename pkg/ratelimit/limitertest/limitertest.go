// Package limitertest is the conformance suite of [ratelimit.Limiter]: every
// store runs the same cases, so that a caller cannot tell them apart.
//
//	func TestConformance(t *testing.T) {
//		limitertest.Run(t, func(start time.Time) ratelimit.Limiter { … })
//	}
//
// cases.go lists the rules; tiers.go, windows.go, days.go and order.go have those
// of one matter each. properties.go has what must hold of any traffic, model.go a
// slow limiter that says what the right answer is.
package limitertest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"kong-plugin-auth-diagnosis/pkg/ratelimit"
)

// Maker returns a fresh, empty limiter with room for at least 1,000 keys and as
// many fallback addresses. start is the time of its clock; the suite calls Allow
// with times from there on. A store with a clock of its own sets it to the now of
// each call, one call at a time.
type Maker func(start time.Time) ratelimit.Limiter

// Option fits the suite to a store.
type Option func(*suite)

// Tick is the resolution of the store's clock, where it is not a nanosecond. All
// times of the suite are then multiples of d, which must divide a millisecond.
// Intervals and waits stay exact to the nanosecond.
func Tick(d time.Duration) Option { return func(s *suite) { s.tick = d } }

// suite is what the cases run on.
type suite struct {
	limiter Maker
	tick    time.Duration
}

// Run runs the suite.
func Run(t *testing.T, limiter Maker, options ...Option) {
	s := suite{limiter: limiter, tick: 1}
	for _, o := range options {
		o(&s)
	}
	if s.tick <= 0 || time.Millisecond%s.tick != 0 {
		t.Fatalf("tick: expected a fraction of a millisecond, got %v", s.tick)
	}
	for _, c := range slices.Concat(cases, properties) {
		t.Run(c.name, func(t *testing.T) { c.run(t, s) })
	}
}

// Tiers of the suite: the ones the documentation uses.
var (
	free     = ratelimit.Tier{Name: "free", Second: 20, Day: 50_000}
	premium  = ratelimit.Tier{Name: "premium", Second: 100, Day: 1_000_000}
	alice    = ratelimit.ByClaim("route", "https://idp.example", "client_id", "alice")
	noonTime = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
)

// client sends requests of one key at a time of its own.
type client struct {
	t    testing.TB
	l    ratelimit.Limiter
	cal  *ratelimit.Calendar
	now  time.Time
	key  ratelimit.Key
	tier ratelimit.Tier
}

func newClient(t testing.TB, s suite, start time.Time, tier ratelimit.Tier) *client {
	t.Helper()
	return &client{t: t, l: s.limiter(start), cal: ratelimit.NewCalendar(start.Location()), now: start, key: alice, tier: tier}
}

func (c *client) send() ratelimit.Decision { return c.l.Allow(c.now, c.key, c.tier, c.cal) }

// pass sends n requests that must be allowed and returns the last decision.
func (c *client) pass(n int) (d ratelimit.Decision) {
	c.t.Helper()
	for i := range n {
		if d = c.send(); !d.Allowed {
			c.t.Fatalf("request %d of %d at %v: denied: %s", i+1, n, c.now, describe(d))
		}
	}
	return d
}

// denied sends n requests that window must deny and returns the last decision.
func (c *client) denied(n int, window ratelimit.Window) (d ratelimit.Decision) {
	c.t.Helper()
	for i := range n {
		if d = c.send(); d.Allowed || d.Window != window {
			c.t.Fatalf("request %d of %d at %v: expected a denial by %s, got %s", i+1, n, c.now, window, describe(d))
		}
	}
	return d
}

func (c *client) wait(d time.Duration) { c.now = c.now.Add(d) }

// burst returns how many requests pass at once, up to most.
func (c *client) burst(most int) int {
	for n := range most {
		if !c.send().Allowed {
			return n
		}
	}
	return most
}

func describe(d ratelimit.Decision) string { return fmt.Sprintf("%+v", d) }

func equal[T comparable](t testing.TB, what string, got, expected T) {
	t.Helper()
	if got != expected {
		t.Errorf("%s: expected %v, got %v", what, expected, got)
	}
}
