package redisstore_test

import (
	"flag"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"kong-plugin-auth-diagnosis/pkg/ratelimit"
	"kong-plugin-auth-diagnosis/pkg/ratelimit/limitertest"
	"kong-plugin-auth-diagnosis/pkg/ratelimit/redisstore"
)

// TestStrictConformance runs the suite on a Redis whose clock the suite's times
// set.
func TestStrictConformance(t *testing.T) {
	// Each request runs a Lua machine of its own here: a tenth of the traffic.
	checks := flag.Lookup("rapid.checks")
	before := checks.Value.String()
	if err := checks.Value.Set("10"); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = checks.Value.Set(before) }()
	mini := miniredis.RunT(t)
	limitertest.Run(t, func(start time.Time) ratelimit.Limiter {
		mini.FlushAll()
		l := &steered{mini: mini, now: start}
		s := open(t, options(mini.Addr()), redisstore.Hooks{Now: l.clock})
		l.Limiter = s.Limiter(redisstore.View{SyncRate: -1})
		return l
	}, limitertest.Tick(time.Microsecond))
}

// steered is a limiter whose store and Redis live at the time of the request.
type steered struct {
	ratelimit.Limiter
	mini *miniredis.Miniredis

	mu  sync.Mutex
	now time.Time
}

func (l *steered) clock() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.now
}

func (l *steered) Allow(now time.Time, key ratelimit.Key, tier ratelimit.Tier, cal *ratelimit.Calendar) ratelimit.Decision {
	l.mu.Lock()
	if passed := now.Sub(l.now); passed > 0 {
		l.mini.FastForward(passed)
	}
	l.mini.SetTime(now)
	l.now = now
	l.mu.Unlock()
	return l.Limiter.Allow(now, key, tier, cal)
}
