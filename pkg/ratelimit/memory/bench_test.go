package memory_test

import (
	"sync/atomic"
	"testing"
	"time"

	"kong-plugin-auth-diagnosis/pkg/ratelimit"
	"kong-plugin-auth-diagnosis/pkg/ratelimit/memory"
)

func benchmark(b *testing.B, keys int, pause time.Duration) {
	l := memory.New(start, memory.Options{})
	known := make([]ratelimit.Key, keys)
	for i := range known {
		known[i] = key(i)
		l.Allow(start, known[i], free, utc)
	}
	var turn atomic.Int64
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		now, i := start, int(turn.Add(1)*7919)
		for pb.Next() {
			i++
			now = now.Add(pause)
			l.Allow(now, known[i%keys], free, utc)
		}
	})
}

func BenchmarkAllow100000Keys(b *testing.B) { benchmark(b, 100_000, time.Microsecond) }

func BenchmarkAllowOneKey(b *testing.B) { benchmark(b, 1, 50*time.Millisecond) }

func BenchmarkDenyOneKey(b *testing.B) { benchmark(b, 1, 0) }

func BenchmarkKey(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		ratelimit.ByClaim("5c0a9a3e-9c2a-4d5c-8d55-2d8f5d2a7c11", "https://idp.example.com/as", "client_id", "alice@example.com")
	}
}

func BenchmarkHeaders(b *testing.B) {
	d := memory.New(start, memory.Options{}).Allow(start, key(0), free, utc)
	var buf [8]ratelimit.Header
	b.ReportAllocs()
	for b.Loop() {
		ratelimit.AppendHeaders(buf[:0], d)
	}
}
