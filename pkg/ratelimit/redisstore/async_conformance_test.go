package redisstore

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"pgregory.net/rapid"

	"kong-plugin-auth-diagnosis/pkg/ratelimit"
	"kong-plugin-auth-diagnosis/pkg/ratelimit/limitertest"
	"kong-plugin-auth-diagnosis/pkg/ratelimit/memory"
)

// prompt is a view that exchanges after every request, if it exchanges at all.
type prompt struct {
	*async
	exchanges bool

	mu  sync.Mutex
	now time.Time
}

func newPrompt(start time.Time, w wire) *prompt {
	p := &prompt{now: start, exchanges: w != nil}
	p.async = newAsync(newClock(p.clock), w, 0, func(Fault) {}).view(View{SyncRate: time.Millisecond})
	return p
}

func (p *prompt) clock() time.Time { return p.now }

// Allow implements [ratelimit.Limiter].
func (p *prompt) Allow(now time.Time, key ratelimit.Key, tier ratelimit.Tier, cal *ratelimit.Calendar) ratelimit.Decision {
	d := p.async.Allow(now, key, tier, cal)
	if p.exchanges {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.now = now
		p.judge(p.round(context.Background()))
	}
	return d
}

func TestAsyncConformance(t *testing.T) {
	t.Run("a node without an answer yet", func(t *testing.T) {
		limitertest.Run(t, func(start time.Time) ratelimit.Limiter { return newPrompt(start, nil) })
	})
	t.Run("an exchange after each request", func(t *testing.T) {
		limitertest.Run(t, func(start time.Time) ratelimit.Limiter {
			return newPrompt(start, &direct{hashes: hashes{}, field: "n"})
		})
	})
}

// TestAsyncOverARealProtocol is a short run over the real pipelines.
func TestAsyncOverARealProtocol(t *testing.T) {
	mini := miniredis.RunT(t)
	client := newClient(Options{Host: mini.Host(), Port: mini.Server().Addr().Port, Timeout: 10 * time.Second})
	defer client.Close()
	few(t, func(rt *rapid.T) {
		mini.FlushAll()
		mini.SetTime(noon)
		sameAsMemory(rt, &pipelines{client, "n", 10 * time.Second}, func() {})
	})
}

// TestOneNodeDecidesAsMemoryDoes lets exchanges succeed, fail and half fail at
// any time: none of it changes a decision of a node that is alone.
func TestOneNodeDecidesAsMemoryDoes(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := &direct{hashes: hashes{}, field: "n"}
		sameAsMemory(rt, w, func() {
			w.broken.Store(rapid.IntRange(0, 5).Draw(rt, "broken") == 0)
			w.deaf.Store(rapid.IntRange(0, 5).Draw(rt, "deaf") == 0)
			if rapid.IntRange(0, 20).Draw(rt, "flushed") == 0 {
				clear(w.hashes)
			}
		})
	})
}

func sameAsMemory(rt *rapid.T, w wire, meanwhile func()) {
	now := noon
	s := newAsync(newClock(func() time.Time { return now }), w, 0, func(Fault) {})
	l, m := s.view(View{SyncRate: time.Millisecond}), memory.New(now, memory.Options{})
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		rt.Fatal(err)
	}
	cals := []*ratelimit.Calendar{utc, ratelimit.NewCalendar(berlin)}
	pauses := []time.Duration{0, time.Millisecond, 70 * time.Millisecond, time.Second, time.Minute, 50 * time.Minute, 9 * time.Hour, -time.Second, -2 * time.Hour}
	limit := rapid.SampledFrom([]int64{0, 3, 10})
	for range rapid.IntRange(1, 80).Draw(rt, "requests") {
		tier := ratelimit.Tier{Name: "t", Second: rapid.SampledFrom([]int64{0, 5, 7}).Draw(rt, "second"),
			Minute: limit.Draw(rt, "minute"), Hour: limit.Draw(rt, "hour"), Day: limit.Draw(rt, "day")}
		if tier.Validate() != nil {
			tier.Day = 5
		}
		cal := rapid.SampledFrom(cals).Draw(rt, "zone")
		now = now.Add(rapid.SampledFrom(pauses).Draw(rt, "pause"))
		got, expected := l.Allow(now, alice, tier, cal), m.Allow(now, alice, tier, cal)
		if got != expected {
			rt.Fatalf("at %v, tier %+v:\nexpected %+v\ngot      %+v", now, tier, expected, got)
		}
		if rapid.Bool().Draw(rt, "exchange") {
			meanwhile()
			s.round(context.Background()) // not judged: the store never counts as down
		}
	}
}
