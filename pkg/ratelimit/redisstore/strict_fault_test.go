package redisstore_test

import (
	"sync"
	"testing"
	"time"

	"kong-plugin-auth-diagnosis/pkg/ratelimit"
	"kong-plugin-auth-diagnosis/pkg/ratelimit/redisstore"
	"kong-plugin-auth-diagnosis/pkg/ratelimit/redisstore/redistest"
)

// diary keeps the events of a store.
type diary struct {
	mu     sync.Mutex
	events []redisstore.Event
}

func (d *diary) report(e redisstore.Event) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.events = append(d.events, e)
}

func (d *diary) expect(t *testing.T, faults ...redisstore.Fault) {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.events) != len(faults) {
		t.Fatalf("expected events %q, got %+v", faults, d.events)
	}
	for i, fault := range faults {
		if d.events[i].Fault != fault {
			t.Errorf("event %d: expected %q, got %+v", i, fault, d.events[i])
		}
	}
}

// within runs f, which may take a little longer than most on a busy machine.
func within(t *testing.T, most time.Duration, f func()) {
	t.Helper()
	start := time.Now()
	f()
	if spent := time.Since(start); spent > most+time.Second {
		t.Errorf("expected an answer within %v, got it after %v", most, spent)
	}
}

// recovers sends until Redis decides again: the breaker lets one request ask
// after a second or so.
func recovers(t *testing.T, l ratelimit.Limiter, tier ratelimit.Tier) ratelimit.Decision {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(3 * patience); time.Now().Before(deadline); <-tick.C {
		if d := send(l, tier); !d.Degraded {
			return d
		}
	}
	t.Fatal("redis is back and not asked")
	return ratelimit.Decision{}
}

const brief = 200 * time.Millisecond

// TestRedisGoesAndComesBack takes Redis away in two ways: what a request then
// waits, that soon nobody asks any more, that this is told once, and that one
// request finds out when it is back.
func TestRedisGoesAndComesBack(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name       string
		away, back func(*redistest.Server)
		expected   redisstore.Fault
	}{
		{"killed", (*redistest.Server).Kill, (*redistest.Server).Restart, redisstore.FaultUnreachable},
		{"paused", (*redistest.Server).Pause, (*redistest.Server).Resume, redisstore.FaultTimeout},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			server := redistest.Start(t, redistest.Options{})
			var told diary
			o := options(server.Addr)
			o.Timeout = brief
			l := strictly(t, o, redisstore.Hooks{Report: told.report})
			for range 20 { // a busy machine may miss the brief timeout at first
				if d := send(l, slow); !d.Degraded {
					break
				}
			}
			told.expect(t)
			c.away(server)
			tier := slow
			tier.Burst = 100
			for range 5 {
				within(t, brief, func() {
					if d := send(l, tier); !d.Allowed || !d.Degraded {
						t.Errorf("expected to go on without redis, got %+v", d)
					}
				})
			}
			told.expect(t, c.expected)
			// From here on nothing is asked: a thousand decisions take no timeout.
			within(t, 0, func() {
				for range 1000 {
					if d := send(l, tier); !d.Degraded {
						t.Fatalf("expected a decision without redis, got %+v", d)
					}
				}
			})
			c.back(server)
			tier.Burst = 1000
			recovers(t, l, tier)
			told.expect(t, c.expected, "")
		})
	}
}

// TestOpenBreakerAsksNothing counts what Redis sees while the breaker is open.
func TestOpenBreakerAsksNothing(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redistest.Options{Users: []string{"counter on >pw ~auth-diagnosis:* +@all"}})
	o := options(server.Addr)
	o.Username, o.Password = "counter", "pw"
	var told diary
	l := open(t, o, redisstore.Hooks{Report: told.report}).Limiter(redisstore.View{SyncRate: -1, Fault: redisstore.FaultAllow})
	send(l, free)
	set := func(rule string) {
		t.Helper()
		if err := server.Client().Do(t.Context(), "ACL", "SETUSER", "counter", rule).Err(); err != nil {
			t.Fatal(err)
		}
	}
	set("-evalsha")
	burst(l, free, 5)
	told.expect(t, redisstore.FaultPermission)
	server.ResetCalls()
	start := time.Now()
	burst(l, free, 1000)
	if asked, spent := server.Calls()["evalsha"], time.Since(start); asked > int(spent/time.Second) {
		t.Errorf("expected no question but one a second, got %d in %v", asked, spent)
	}
	set("+evalsha")
	recovers(t, l, free)
	told.expect(t, redisstore.FaultPermission, "")
}

func TestFaultPolicies(t *testing.T) {
	server := redistest.Start(t, redistest.Options{})
	s := open(t, options(server.Addr), redisstore.Hooks{})
	view := func(p redisstore.FaultPolicy, nodes int) ratelimit.Limiter {
		return s.Limiter(redisstore.View{SyncRate: -1, Fault: p, Nodes: nodes})
	}
	tier := ratelimit.Tier{Name: "t", Second: 1, Burst: 40, Day: 1000}
	burst(view(redisstore.FaultLocal, 4), tier, 10)
	server.Kill()

	if passed, d := burst(view(redisstore.FaultAllow, 4), tier, 100); passed != 100 || d != (ratelimit.Decision{Allowed: true, Degraded: true}) {
		t.Errorf("allow: expected 100 admissions without a quota, got %d, at last %+v", passed, d)
	}
	if passed, d := burst(view(redisstore.FaultDeny, 4), tier, 100); passed != 0 || d != (ratelimit.Decision{Degraded: true, RetryAfter: time.Second}) {
		t.Errorf("deny: expected no admission and no quota, got %d, at last %+v", passed, d)
	}
	// Of the 40 at once, 10 are taken: a quarter of the other 30, and the part of
	// a second that the test has taken.
	passed, d := burst(view(redisstore.FaultLocal, 4), tier, 100)
	if passed < 7 || passed > 9 || !d.Degraded || d.Window != ratelimit.WindowSecond {
		t.Errorf("local: expected 7 or 8 admissions, got %d, at last %+v", passed, d)
	}
}

// TestLocalShareOfTheDay: without Redis each of the nodes takes its share of
// what was left of the day.
func TestLocalShareOfTheDay(t *testing.T) {
	server := redistest.Start(t, redistest.Options{})
	l := open(t, options(server.Addr), redisstore.Hooks{}).Limiter(redisstore.View{SyncRate: -1, Nodes: 3})
	tier := ratelimit.Tier{Name: "t", Day: 100}
	burst(l, tier, 40)
	server.Kill()
	passed, d := burst(l, tier, 100)
	if passed != 20 || d.Window != ratelimit.WindowDay || !d.Degraded {
		t.Errorf("expected a third of the other 60, got %d, at last %+v", passed, d)
	}
}

// TestNeverSeenKeysAreLimited: Redis was never there.
func TestNeverSeenKeysAreLimited(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redistest.Options{})
	server.Kill()
	l := strictly(t, options(server.Addr), redisstore.Hooks{})
	if passed, d := burst(l, ratelimit.Tier{Name: "t", Day: 5}, 100); passed != 5 || d.Window != ratelimit.WindowDay {
		t.Errorf("expected 5 admissions, got %d, at last %+v", passed, d)
	}
	server.Restart()
	if d := recovers(t, l, free); !d.Allowed {
		t.Errorf("expected redis to know nothing of the key, got %+v", d)
	}
}

// TestFullMirrorSharesOneCounter: keys that Redis cannot be asked about and that
// found no room here.
func TestFullMirrorSharesOneCounter(t *testing.T) {
	server := redistest.Start(t, redistest.Options{})
	s := open(t, options(server.Addr), redisstore.Hooks{})
	l := s.Limiter(redisstore.View{SyncRate: -1, MaxKeys: 1})
	key := func(name string) ratelimit.Key { return ratelimit.ByClaim("route", "iss", "client_id", name) }
	tier := ratelimit.Tier{Name: "t", Day: 3}
	for _, name := range []string{"first", "second", "third"} {
		if d := l.Allow(time.Now(), key(name), tier, midday); !d.Allowed || d.Overflow || d.Day.Remaining != 2 {
			t.Errorf("%s: expected a counter of its own in redis, got %+v", name, d)
		}
	}
	server.Kill()
	passed := 0
	for _, name := range []string{"second", "third", "fourth", "fifth", "sixth"} {
		d := l.Allow(time.Now(), key(name), tier, midday)
		if !d.Overflow {
			t.Errorf("%s: expected the shared counter, got %+v", name, d)
		}
		if d.Allowed {
			passed++
		}
	}
	if passed != 3 {
		t.Errorf("expected 3 admissions of all of them, got %d", passed)
	}
}

// TestForeignKeyIsAFault: something else has taken the name of the counter.
func TestForeignKeyIsAFault(t *testing.T) {
	server := redistest.Start(t, redistest.Options{})
	if err := server.Client().Set(t.Context(), redisstore.StrictKey(alice), "theirs", 0).Err(); err != nil {
		t.Fatal(err)
	}
	l := strictly(t, options(server.Addr), redisstore.Hooks{})
	if d := send(l, free); !d.Allowed || !d.Degraded {
		t.Errorf("expected a local decision, got %+v", d)
	}
}
