package redisstore_test

import (
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"kong-plugin-auth-diagnosis/pkg/ratelimit"
	"kong-plugin-auth-diagnosis/pkg/ratelimit/redisstore"
)

// TestRedisClockPutBack: the clock of Redis was an hour ahead and is put right,
// or a replica takes over whose clock is right. No bucket waits for that hour to
// pass, whether it was full or not, and none is emptied by it.
func TestRedisClockPutBack(t *testing.T) {
	noon := time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	tier := ratelimit.Tier{Name: "t", Second: 10, Burst: 5}
	for _, c := range []struct {
		name          string
		before, later int // what the bucket admits
	}{{"a full bucket", 5, 0}, {"half a bucket", 2, 5}} {
		t.Run(c.name, func(t *testing.T) {
			mini := miniredis.RunT(t)
			start := time.Now()
			now := start
			l := strictly(t, options(mini.Addr()), redisstore.Hooks{Now: func() time.Time { return now }})
			pass := func(n int) (passed int) {
				mini.SetTime(noon.Add(now.Sub(start)))
				for range n {
					if l.Allow(now, alice, tier, utc).Allowed {
						passed++
					}
				}
				return passed
			}
			noon = noon.Add(time.Hour)
			if n := pass(c.before); n != c.before {
				t.Fatalf("expected %d admissions, got %d", c.before, n)
			}
			noon = noon.Add(-time.Hour)
			if n := pass(10); n != 5-c.before {
				t.Errorf("at that moment: expected %d admissions, got %d", 5-c.before, n)
			}
			now = now.Add(2 * time.Second) // past what is denied without asking
			if n := pass(10); n != c.later {
				t.Errorf("two seconds later: expected %d admissions, got %d", c.later, n)
			}
			total := 0
			for range 30 {
				now = now.Add(100 * time.Millisecond)
				total += pass(1)
			}
			if total < 28 {
				t.Errorf("three seconds at 10 a second: expected at least 28 admissions, got %d", total)
			}
			// Nor does the hash outlive its bucket for long.
			if ttl := mini.TTL(redisstore.StrictKey(alice)); ttl <= 0 || ttl > 15*time.Minute {
				t.Errorf("expected an end in about ten minutes, got %v", ttl)
			}
		})
	}
}
