package redisstore_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"kong-plugin-auth-diagnosis/pkg/ratelimit"
	"kong-plugin-auth-diagnosis/pkg/ratelimit/redisstore"
	"kong-plugin-auth-diagnosis/pkg/ratelimit/redisstore/redistest"
)

// strictly is a strict view on a store of its own.
func strictly(t testing.TB, o redisstore.Options, h redisstore.Hooks) ratelimit.Limiter {
	t.Helper()
	return open(t, o, h).Limiter(redisstore.View{SyncRate: -1})
}

func send(l ratelimit.Limiter, tier ratelimit.Tier) ratelimit.Decision {
	return l.Allow(time.Now(), alice, tier, midday)
}

// burst returns how many of n requests pass, and the last decision.
func burst(l ratelimit.Limiter, tier ratelimit.Tier, n int) (passed int, d ratelimit.Decision) {
	for range n {
		if d = send(l, tier); d.Allowed {
			passed++
		}
	}
	return passed, d
}

// slow is a tier that admits three requests and then hardly any.
var slow = ratelimit.Tier{Name: "slow", Second: 1, Burst: 3, Day: 1000}

func TestOneCommandForEachDecision(t *testing.T) {
	server := redistest.Start(t, redistest.Options{})
	l := strictly(t, options(server.Addr), redisstore.Hooks{})
	tier := ratelimit.Tier{Name: "t", Second: 1, Burst: 10, Minute: 1000, Hour: 1000, Day: 1000}
	start := time.Now()
	send(l, tier) // the first one also brings the script
	server.ResetCalls()
	if passed, d := burst(l, tier, 9); passed != 9 || d.Day.Remaining != 990 {
		t.Fatalf("expected 9 admissions and 990 left, got %d and %+v", passed, d)
	}
	calls := server.Calls()
	if calls["evalsha"] != 9 || calls["eval"] != 0 || calls["get"] != 0 {
		t.Errorf("expected 9 of evalsha and nothing else, got %v", calls)
	}
	// The tenth is denied by Redis, and others for as long as that must hold.
	server.ResetCalls()
	passed, d := burst(l, tier, 1000)
	asked := server.Calls()["evalsha"]
	if spent := time.Since(start); passed > int(spent/time.Second)+1 || asked > passed+int(spent/time.Second)+2 {
		t.Errorf("expected one question a second, got %d admissions and %d questions in %v", passed, asked, spent)
	}
	if d.Degraded || d.Window != ratelimit.WindowSecond || d.RetryAfter <= 0 || d.RetryAfter > time.Second {
		t.Errorf("expected a denial of the second, got %+v", d)
	}
}

// TestDenialIsAskedForAgain: a counter that somebody deletes denies no longer
// than a second.
func TestDenialIsAskedForAgain(t *testing.T) {
	server := redistest.Start(t, redistest.Options{})
	now := time.Now()
	l := strictly(t, options(server.Addr), redisstore.Hooks{Now: func() time.Time { return now }})
	tier := ratelimit.Tier{Name: "t", Day: 2}
	allow := func() ratelimit.Decision { return l.Allow(now, alice, tier, midday) }
	allow()
	allow()
	if d := allow(); d.Allowed || d.Window != ratelimit.WindowDay {
		t.Fatalf("expected a denial by the day, got %+v", d)
	}
	server.Flush()
	now = now.Add(999 * time.Millisecond)
	if d := allow(); d.Allowed {
		t.Errorf("within a second: expected the denial that is known, got %+v", d)
	}
	now = now.Add(time.Millisecond)
	if d := allow(); !d.Allowed || d.Day.Remaining != 1 {
		t.Errorf("after a second: expected what redis says, got %+v", d)
	}
}

func TestScriptIsBroughtAgain(t *testing.T) {
	server := redistest.Start(t, redistest.Options{})
	l := strictly(t, options(server.Addr), redisstore.Hooks{})
	send(l, free)
	server.FlushScripts()
	if d := send(l, free); !d.Allowed || d.Degraded || d.Day.Remaining != free.Day-2 {
		t.Errorf("expected the second request counted, got %+v", d)
	}
}

// TestNodesShareEveryLimit: two stores, whose clocks differ by 200 ms, send as
// fast as they can. Together they admit what one would.
func TestNodesShareEveryLimit(t *testing.T) {
	server := redistest.Start(t, redistest.Options{})
	const limit = 300
	tier := ratelimit.Tier{Name: "t", Second: 1000, Burst: 50, Day: limit}
	var (
		passed atomic.Int64
		wg     sync.WaitGroup
		start  = time.Now()
	)
	for _, offset := range []time.Duration{-100 * time.Millisecond, 100 * time.Millisecond} {
		clock := func() time.Time { return time.Now().Add(offset) }
		l := strictly(t, options(server.Addr), redisstore.Hooks{Now: clock})
		for range 4 {
			wg.Go(func() {
				for time.Since(start) < patience {
					d := l.Allow(clock(), alice, tier, midday)
					if d.Allowed {
						passed.Add(1)
					}
					if d.Degraded {
						t.Errorf("expected a decision of redis, got %+v", d)
						return
					}
					if d.Window == ratelimit.WindowDay {
						return
					}
				}
			})
		}
	}
	wg.Wait()
	spent := time.Since(start)
	if n := passed.Load(); n != limit {
		t.Errorf("expected %d admissions of the day, got %d", limit, n)
	}
	if least := (limit - 50) * time.Millisecond; spent < least {
		t.Errorf("expected at least %v at 1000 a second after a burst of 50, got %v", least, spent)
	}
}

// TestRestartKeepsWhatWasUsed: a process begins anew and goes on counting.
func TestRestartKeepsWhatWasUsed(t *testing.T) {
	server := redistest.Start(t, redistest.Options{})
	for i := range int64(5) {
		if d := send(strictly(t, options(server.Addr), redisstore.Hooks{}), free); d.Day.Remaining != free.Day-1-i {
			t.Errorf("process %d: expected %d left of the day, got %+v", i, free.Day-1-i, d)
		}
	}
}

func TestViewsShareCounters(t *testing.T) {
	server := redistest.Start(t, redistest.Options{})
	s := open(t, options(server.Addr), redisstore.Hooks{})
	a := s.Limiter(redisstore.View{SyncRate: -1, MaxKeys: 10})
	b := s.Limiter(redisstore.View{SyncRate: -1, Fault: redisstore.FaultDeny})
	passedA, _ := burst(a, slow, 2)
	passedB, _ := burst(b, slow, 2)
	if passedA != 2 || passedB != 1 {
		t.Errorf("expected 2 and 1 of a burst of 3, got %d and %d", passedA, passedB)
	}
}

func BenchmarkStrict(b *testing.B) {
	server := redistest.Start(b, redistest.Options{})
	l := strictly(b, options(server.Addr), redisstore.Hooks{})
	tier := ratelimit.Tier{Name: "t", Second: ratelimit.MaxRate, Minute: ratelimit.MaxRate, Hour: ratelimit.MaxRate, Day: ratelimit.MaxDay}
	b.ReportAllocs()
	for b.Loop() {
		if d := send(l, tier); !d.Allowed || d.Degraded {
			b.Fatalf("expected an admission by redis, got %+v", d)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "decisions/s")
}

func BenchmarkStrictCachedDenial(b *testing.B) {
	server := redistest.Start(b, redistest.Options{})
	now := time.Now()
	l := strictly(b, options(server.Addr), redisstore.Hooks{Now: func() time.Time { return now }})
	tier := ratelimit.Tier{Name: "t", Day: 1}
	l.Allow(now, alice, tier, midday)
	l.Allow(now, alice, tier, midday)
	b.ReportAllocs()
	for b.Loop() {
		if d := l.Allow(now, alice, tier, midday); d.Allowed {
			b.Fatalf("expected a denial, got %+v", d)
		}
	}
}
