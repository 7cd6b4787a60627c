package redisstore

import (
	"context"
	"net/netip"
	"runtime"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"kong-plugin-auth-diagnosis/pkg/ratelimit"
)

var free = ratelimit.Tier{Name: "free", Second: 20, Day: 50_000}

// calls counts what a client is asked.
type calls struct{ single, pipelines, commands int }

func (c *calls) DialHook(next redis.DialHook) redis.DialHook { return next }

func (c *calls) ProcessHook(redis.ProcessHook) redis.ProcessHook {
	return func(context.Context, redis.Cmder) error { c.single++; return errGone }
}

func (c *calls) ProcessPipelineHook(redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(_ context.Context, cmds []redis.Cmder) error {
		c.pipelines++
		c.commands += len(cmds)
		for _, cmd := range cmds {
			cmd.SetErr(errGone)
		}
		return errGone
	}
}

func TestDecisionsMakeNoCall(t *testing.T) {
	client := newClient(Options{Host: "127.0.0.1", Port: 1})
	defer client.Close()
	seen := &calls{}
	client.AddHook(seen)
	s := newAsync(newClock(nil), &pipelines{client, "n", time.Second}, 0, func(Fault) {})
	l, now := s.view(View{SyncRate: time.Second}), time.Now()
	for i := range 10_000 {
		l.Allow(now, ratelimit.ByConsumer("", strconv.Itoa(i%600)), free, utc)
	}
	if *seen != (calls{}) {
		t.Errorf("expected no call, got %+v", *seen)
	}
	s.round(t.Context())
	// The first 500 keys fail as a whole, so the others are not tried: a write, a
	// read and the end of the hash's life for each.
	if expected := (calls{pipelines: 1, commands: chunk * 3}); *seen != expected {
		t.Errorf("expected %+v, got %+v", expected, *seen)
	}
}

func TestADecisionAllocatesNothing(t *testing.T) {
	p := newPeer(hashes{}, "n", View{Nodes: 3})
	keys := make([]ratelimit.Key, 1000)
	for i := range keys {
		keys[i] = ratelimit.ByConsumer("", strconv.Itoa(i))
	}
	all := func() {
		for _, key := range keys {
			p.Allow(p.now, key, free, utc)
		}
	}
	for range 3 {
		all()
		p.sync()
	}
	for name, down := range map[string]bool{"with Redis": false, "alone": true} {
		p.now = p.now.Add(time.Minute)
		p.down.Store(down)
		if n := testing.AllocsPerRun(5, all); n != 0 {
			t.Errorf("%s: expected no allocation in 1000 decisions, got %v", name, n)
		}
		p.sync()
	}
}

func TestBytesPerAsyncKey(t *testing.T) {
	const n = 50_000
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	p := newPeer(hashes{}, "n", View{MaxKeys: n})
	for i := range n {
		p.Allow(p.now, ratelimit.ByConsumer("", strconv.Itoa(i)), free, utc)
	}
	each := float64(heap()-before) / n
	t.Logf("%.0f bytes for each of %d keys, all of them waiting for their first exchange", each, n)
	if each > 350 {
		t.Errorf("expected at most 350 bytes a key, got %.0f", each)
	}
	runtime.KeepAlive(p)
}

func TestQueueIsNeverLongerThanTheTable(t *testing.T) {
	p := newPeer(hashes{}, "n", View{MaxKeys: 100})
	once := ratelimit.Tier{Name: "once", Day: 1}
	for range 50 {
		for i := range 300 {
			p.Allow(p.now, ratelimit.ByConsumer("", strconv.Itoa(i)), once, utc)
		}
	}
	for line := range p.queue.lines {
		if n := len(p.queue.lines[line]); n > 100 {
			t.Errorf("place %d: expected at most 100 keys, got %d", line, n)
		}
	}
	p.sync()
	if p.wire.queries.Load() != 100 {
		t.Errorf("expected 100 queries, got %d", p.wire.queries.Load())
	}
}

func TestUrgentKeysComeFirst(t *testing.T) {
	p := newPeer(hashes{}, "n", View{})
	for i := range 3 * budget {
		p.Allow(p.now, ratelimit.ByConsumer("", strconv.Itoa(i)), free, utc)
	}
	for p.waiting() { // none of them is new any more
		p.sync()
	}
	for i := range 3 * budget {
		p.Allow(p.now, ratelimit.ByConsumer("", strconv.Itoa(i)), free, utc)
	}
	last := ratelimit.ByConsumer("", strconv.Itoa(3*budget-1))
	for range 25 { // more than the burst: denied
		p.Allow(p.now, last, free, utc)
	}
	p.wire.queries.Store(0)
	p.sync()
	e, _ := p.table.Find(last)
	if e.Extra.place != placeNone {
		t.Error("expected the denied key in the first round, it still waits")
	}
	e.Unlock()
	if p.wire.queries.Load() > budget {
		t.Errorf("expected at most %d keys in a round, got %d", budget, p.wire.queries.Load())
	}
}

func TestAFullTableIsCountedForAllNodes(t *testing.T) {
	p := newPeer(hashes{}, "n", View{MaxKeys: 1, Nodes: 3})
	day := ratelimit.Tier{Name: "day", Day: 30}
	p.send(day)
	passed := 0
	for i := range 100 {
		d := p.Allow(p.now, ratelimit.ByConsumer("", strconv.Itoa(i)), day, utc)
		if !d.Overflow {
			t.Fatalf("expected a shared counter, got %+v", d)
		}
		if d.Allowed {
			passed++
		}
	}
	if passed != 10 {
		t.Errorf("expected a third of the day, got %d", passed)
	}
}

func TestViewsShareTheSmallestInterval(t *testing.T) {
	s := newAsync(newClock(nil), nil, 0, func(Fault) {})
	for _, rate := range []time.Duration{300 * time.Millisecond, 20 * time.Millisecond, time.Second} {
		s.view(View{SyncRate: rate})
	}
	for range 100 {
		if d := s.pause(); d < 18*time.Millisecond || d > 22*time.Millisecond {
			t.Fatalf("expected 20ms and a tenth more or less, got %v", d)
		}
	}
}

func TestNamesInRedis(t *testing.T) {
	addr := netip.MustParseAddr("192.0.2.7")
	day := int32(20_577)
	own, other := asyncKey(ratelimit.ByAddress("n", addr), day), asyncKey(ratelimit.FallbackAddress("n", addr), day)
	digest := ratelimit.ByAddress("n", addr).String()
	if expected := "auth-diagnosis:{" + digest + "}:a:20577"; own != expected {
		t.Errorf("expected %q, got %q", expected, own)
	}
	if expected := "auth-diagnosis:{" + digest + "}:b:20577"; other != expected {
		t.Errorf("expected %q, got %q", expected, other)
	}
}

func BenchmarkAsyncAllow100000Keys(b *testing.B) {
	p := newPeer(hashes{}, "n", View{Nodes: 3})
	keys := make([]ratelimit.Key, 100_000)
	for i := range keys {
		keys[i] = ratelimit.ByConsumer("", strconv.Itoa(i))
		p.Allow(p.now, keys[i], free, utc)
	}
	var turn atomic.Int64
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		now, i := p.now, int(turn.Add(1)*7919)
		for pb.Next() {
			i++
			now = now.Add(time.Microsecond)
			p.Allow(now, keys[i%len(keys)], free, utc)
		}
	})
}
