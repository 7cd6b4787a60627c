package redisstore

import (
	"flag"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"kong-plugin-auth-diagnosis/pkg/ratelimit"
)

// simulation is some nodes and a Redis that is delay away, in a time of its own
// that goes on in milliseconds. Every node exchanges as its goroutine would:
// every SyncRate, a tenth more or less, and one exchange at a time.
type simulation struct {
	h        hashes
	nodes    []*simulated
	delay    time.Duration // of an exchange, half of it each way
	random   *rand.Rand
	tier     ratelimit.Tier
	from     time.Time
	admitted []time.Duration // when each request was admitted
}

type simulated struct {
	*peer
	rate    time.Duration
	offered float64       // requests per millisecond
	skew    time.Duration // of its clock
	next    time.Duration // the next round
	apply   time.Duration // when the exchange under way reaches Redis, or 0
	settle  time.Duration // and when its answer comes
}

func newSimulation(seed uint64, nodes int, tier ratelimit.Tier, rate, delay time.Duration) *simulation {
	s := &simulation{h: hashes{}, delay: delay, random: rand.New(rand.NewPCG(seed, 0)), tier: tier, from: noon}
	for i := range nodes {
		n := &simulated{peer: newPeer(s.h, strconv.Itoa(i), View{SyncRate: rate, Nodes: nodes}), rate: rate}
		n.next = time.Duration(s.random.Int64N(int64(rate)))
		n.skew = time.Duration(s.random.Int64N(int64(200*time.Millisecond))) - 100*time.Millisecond
		s.nodes = append(s.nodes, n)
	}
	return s
}

// run goes on for some time. bursty clients send all of a quarter of a second at
// once, to one node after the other.
func (s *simulation) run(span time.Duration, bursty bool) {
	for t := time.Duration(0); t < span; t += time.Millisecond {
		for i, n := range s.nodes {
			n.now = s.from.Add(t + n.skew)
			n.exchange(s, t)
			offered := n.offered
			if bursty {
				if offered = 0; int(t/time.Millisecond)%250 == i*250/len(s.nodes) {
					offered = n.offered * 250
				}
			}
			requests := int(offered)
			if s.random.Float64() < offered-float64(requests) {
				requests++
			}
			for range requests {
				if n.send(s.tier).Allowed {
					s.admitted = append(s.admitted, t)
				}
			}
		}
	}
}

// exchange does what is due at t.
func (n *simulated) exchange(s *simulation, t time.Duration) {
	if n.apply > 0 && t >= n.apply {
		s.h.apply(n.wire.field, n.batch.queries)
		n.apply = 0
	}
	if n.settle > 0 && t >= n.settle {
		n.asyncStore.settle(&n.batch)
		n.settle = 0
		n.next = t + n.rate - n.rate/10 + time.Duration(s.random.Int64N(int64(n.rate/5)))
	}
	if n.settle > 0 || t < n.next && len(n.wake) == 0 {
		return
	}
	select {
	case <-n.wake:
	default:
	}
	n.batch.waiting = n.queue.take(n.batch.waiting, chunk)
	n.collect(&n.batch, n.batch.waiting)
	n.apply, n.settle = t+s.delay/2, t+s.delay
	if s.delay == 0 {
		n.exchange(s, t)
	}
}

// worst returns the most admissions in any stretch of a length.
func (s *simulation) worst(length time.Duration) (most int) {
	first := 0
	for i, at := range s.admitted {
		for s.admitted[first] <= at-length {
			first++
		}
		most = max(most, i-first+1)
	}
	return most
}

// few checks a property that takes long on a quarter of the usual traffic.
func few(t *testing.T, property func(*rapid.T)) {
	t.Helper()
	checks := flag.Lookup("rapid.checks")
	n, err := strconv.Atoi(checks.Value.String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = checks.Value.Set(strconv.Itoa(n)) }()
	if err := checks.Value.Set(strconv.Itoa(max(1, n/4))); err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, property)
}

// bounds are those that async.go publishes, with S at its latest.
func bounds(nodes int, tier ratelimit.Tier, rate, delay time.Duration) (overshoot, second float64) {
	part := float64(max(1, tier.Burst/int64(nodes)))
	unseen := 2 * float64(tier.Second) * (rate + rate/10 + delay + time.Millisecond).Seconds()
	others := float64(nodes - 1)
	return others * (part + unseen), float64(nodes)*part + float64(tier.Second) + others*unseen
}

func TestOvershootStaysWithinTheBounds(t *testing.T) {
	var closestDay, closestSecond float64
	few(t, func(rt *rapid.T) {
		var (
			nodes = rapid.IntRange(1, 6).Draw(rt, "nodes")
			rate  = time.Duration(rapid.IntRange(20, 250).Draw(rt, "sync rate")) * time.Millisecond
			delay = time.Duration(rapid.IntRange(0, 20).Draw(rt, "delay")) * time.Millisecond
			tier  = ratelimit.Tier{Name: "t", Second: rapid.Int64Range(5, 150).Draw(rt, "second")}
		)
		tier.Burst = rapid.Int64Range(1, 2*tier.Second).Draw(rt, "burst")
		tier.Day = rapid.Int64Range(tier.Second, 6*tier.Second).Draw(rt, "day")
		s := newSimulation(rapid.Uint64().Draw(rt, "seed"), nodes, tier, rate, delay)
		for _, n := range s.nodes {
			n.offered = rapid.SampledFrom([]float64{0.01, 0.05, 0.2, 0.5}).Draw(rt, "offered")
		}
		s.run(3*time.Second, rapid.Bool().Draw(rt, "bursty"))
		overshoot, second := bounds(nodes, tier, rate, delay)
		if got := float64(len(s.admitted)); got > float64(tier.Day)+overshoot {
			rt.Fatalf("expected at most %d and %.1f, got %v", tier.Day, overshoot, got)
		} else if nodes > 1 {
			closestDay = max(closestDay, (got-float64(tier.Day))/overshoot)
		}
		if got := float64(s.worst(time.Second)); got > second {
			rt.Fatalf("expected at most %.1f in a second, got %v", second, got)
		} else if nodes > 1 {
			closestSecond = max(closestSecond, got/second)
		}
	})
	t.Logf("closest to the bounds: overshoot %.0f %%, worst second %.0f %%", 100*closestDay, 100*closestSecond)
}

func TestSaturatedNodesKeepToOneRate(t *testing.T) {
	for _, c := range []struct {
		nodes  int
		second int64
		rate   time.Duration
		bursty bool
	}{
		{3, 20, 100 * time.Millisecond, false},
		{3, 100, 100 * time.Millisecond, false},
		{3, 100, 100 * time.Millisecond, true},
		{10, 100, 100 * time.Millisecond, false},
		{3, 100, 250 * time.Millisecond, false},
		{3, 60, 20 * time.Millisecond, false},
	} {
		tier := ratelimit.Tier{Name: "t", Second: c.second, Burst: c.second}
		const delay, span = 2 * time.Millisecond, 12 * time.Second
		s := newSimulation(1, c.nodes, tier, c.rate, delay)
		for i, n := range s.nodes {
			n.offered = 0.2 + 0.1*float64(i%3)
		}
		s.run(span, c.bursty)
		warm := 0
		for s.admitted[warm] < 2*time.Second {
			warm++
		}
		sustained := float64(len(s.admitted)-warm) / (span - 2*time.Second).Seconds()
		overshoot, second := bounds(c.nodes, tier, c.rate, delay)
		worst := s.worst(time.Second)
		t.Logf("%2d nodes, %3d/s, %v, bursty %t: sustained %.1f, worst second %d of %.0f, overshoot bound %.0f", c.nodes, c.second, c.rate, c.bursty, sustained, worst, second, overshoot)
		if off := sustained/float64(c.second) - 1; off > 0.02 || off < -0.02 && !c.bursty {
			t.Errorf("%d nodes, %v: expected %d per second, got %.1f", c.nodes, c.rate, c.second, sustained)
		}
		if float64(worst) > second {
			t.Errorf("%d nodes, %v: expected at most %.0f in a second, got %d", c.nodes, c.rate, second, worst)
		}
	}
}
