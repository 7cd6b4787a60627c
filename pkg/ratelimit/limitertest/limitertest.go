// Package limitertest is the conformance suite of [ratelimit.Limiter]: every
// store runs the same cases, so that a caller cannot tell them apart.
//
//	func TestConformance(t *testing.T) {
//		limitertest.Run(t, func(start time.Time) ratelimit.Limiter { … })
//	}
//
// cases.go holds the rules one by one, properties.go what must hold of any
// traffic, model.go a slow limiter that says what the right answer is.
package limitertest

import (
	"fmt"
	"testing"
	"time"

	"kong-plugin-auth-diagnosis/pkg/ratelimit"
)

// Maker returns a fresh, empty limiter with room for at least 1,000 keys and as
// many fallback addresses. start is the time of its clock; the suite calls Allow
// with times from there on. A store with a clock of its own sets it to now.
type Maker func(start time.Time) ratelimit.Limiter

// Run runs the suite.
func Run(t *testing.T, limiter Maker) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { c.run(t, limiter) })
	}
	for _, p := range properties {
		t.Run(p.name, func(t *testing.T) { p.run(t, limiter) })
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

func newClient(t testing.TB, limiter Maker, start time.Time, tier ratelimit.Tier) *client {
	t.Helper()
	return &client{t: t, l: limiter(start), cal: ratelimit.NewCalendar(start.Location()), now: start, key: alice, tier: tier}
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
