// Package redis_test has the benchmarks of a decision with the counters in a real
// redis-server, which the group limiter of the benchmarks' page runs.
package redis_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"kong-plugin-auth-diagnosis/pkg/ratelimit"
	"kong-plugin-auth-diagnosis/pkg/ratelimit/redisstore"
	"kong-plugin-auth-diagnosis/pkg/ratelimit/redisstore/redistest"
)

// plenty is a tier that nobody exhausts, with the two windows that most have.
var plenty = ratelimit.Tier{Name: "plenty", Second: 1_000_000_000, Day: 1_000_000_000_000}

// BenchmarkDecision is of one identity, allowed, by the view and by how many
// goroutines decide at a time: async/1, async/2, strict/1, strict/2.
func BenchmarkDecision(b *testing.B) {
	server := redistest.Start(b, redistest.Options{})
	for _, view := range []struct {
		name     string
		syncRate time.Duration
	}{
		{"async", redisstore.DefaultSyncRate},
		{"strict", -1},
	} {
		for _, goroutines := range []int{1, 2} {
			b.Run(fmt.Sprint(view.name, "/", goroutines), func(b *testing.B) {
				decide(b, server, view.syncRate, goroutines)
			})
		}
	}
}

// decide makes b.N decisions. Those of a strict view are a call to Redis each,
// those of an asynchronous one are told to it by the end.
func decide(b *testing.B, server *redistest.Server, syncRate time.Duration, goroutines int) {
	store, err := redisstore.Open(redisstore.Options{
		Host: server.Host, Port: server.Port,
		Timeout: 10 * time.Second, // a busy machine is no fault of Redis
	}, redisstore.Hooks{})
	if err != nil {
		b.Fatal(err)
	}
	limiter := store.Limiter(redisstore.View{SyncRate: syncRate, Fault: redisstore.FaultDeny})
	key, day := ratelimit.ByConsumer("bench", "alice"), ratelimit.NewCalendar(time.UTC)
	limiter.Allow(time.Now(), key, plenty, day) // connects, and loads the script
	server.ResetCalls()

	b.ReportAllocs()
	b.ResetTimer()
	var all sync.WaitGroup
	for g := range goroutines {
		share := b.N / goroutines
		if g < b.N%goroutines {
			share++
		}
		all.Go(func() {
			for range share {
				if d := limiter.Allow(time.Now(), key, plenty, day); !d.Allowed || d.Degraded {
					b.Errorf("expected to be allowed with Redis, got %+v", d)
					return
				}
			}
		})
	}
	all.Wait()
	b.StopTimer()

	if err := store.Close(context.Background()); err != nil {
		b.Error(err)
	}
	switch calls := server.Calls(); {
	case syncRate < 0 && calls["evalsha"] != b.N:
		b.Errorf("expected a call for each of %d decisions, got %v", b.N, calls)
	case syncRate > 0 && calls["hset"] == 0:
		b.Errorf("expected Redis to be told, got %v", calls)
	}
}
