package memory_test

import (
	"testing"
	"time"

	"kong-plugin-auth-diagnosis/pkg/ratelimit"
	"kong-plugin-auth-diagnosis/pkg/ratelimit/limitertest"
	"kong-plugin-auth-diagnosis/pkg/ratelimit/memory"
)

// coarse reads times as a store with a clock of microseconds does.
type coarse struct{ ratelimit.Limiter }

func (c coarse) Allow(now time.Time, key ratelimit.Key, tier ratelimit.Tier, cal *ratelimit.Calendar) ratelimit.Decision {
	return c.Limiter.Allow(now.Truncate(time.Microsecond), key, tier, cal)
}

// The suite must suit stores with such a clock, and this one alone.
func TestConformanceByMicroseconds(t *testing.T) {
	limitertest.Run(t, func(start time.Time) ratelimit.Limiter {
		return coarse{memory.New(start, memory.Options{MaxKeys: 1000, MaxFallbacks: 1000})}
	}, limitertest.Tick(time.Microsecond))
}
