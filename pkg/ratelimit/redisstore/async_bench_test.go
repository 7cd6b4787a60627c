package redisstore_test

import (
	"strconv"
	"testing"
	"time"

	"kong-plugin-auth-diagnosis/pkg/ratelimit"
	"kong-plugin-auth-diagnosis/pkg/ratelimit/redisstore"
	"kong-plugin-auth-diagnosis/pkg/ratelimit/redisstore/redistest"
)

// BenchmarkAsyncFlush tells what it costs to exchange one key with a Redis on the
// same machine, both sides of it, in rounds of 4,000.
func BenchmarkAsyncFlush(b *testing.B) {
	const keys = 4000
	s := redistest.Start(b, redistest.Options{})
	store := open(b, options(s.Addr), redisstore.Hooks{})
	l, round := redisstore.ManualView(store, redisstore.View{SyncRate: time.Hour})
	known := make([]ratelimit.Key, keys)
	for i := range known {
		known[i] = ratelimit.ByConsumer("", strconv.Itoa(i))
	}
	for b.Loop() {
		for _, key := range known {
			l.Allow(time.Now(), key, free, utc)
		}
		for n := 0; n < keys; {
			n += round()
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*keys), "ns/key")
	usage, err := s.Client().MemoryUsage(b.Context(), s.Keys()[0]).Result()
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(usage), "redis-B/key")
}
