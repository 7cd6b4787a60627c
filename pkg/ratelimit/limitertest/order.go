package limitertest

import (
	"sync"
	"testing"
	"time"

	"kong-plugin-auth-diagnosis/pkg/ratelimit"
)

func outOfOrder(t *testing.T, s suite) {
	c := newClient(t, s, noonTime, free)
	c.wait(time.Second)
	passed := c.burst(100)
	for range 1000 {
		c.wait(-100 * time.Millisecond)
		passed += c.burst(100)
		c.wait(100 * time.Millisecond)
		passed += c.burst(100)
	}
	equal(t, "passed at one instant", passed, 20)
	c.wait(-100 * time.Millisecond)
	equal(t, "retry after of an early reading", c.denied(1, ratelimit.WindowSecond).RetryAfter, 150*time.Millisecond)
}

// outOfOrderTiers alternates two tiers, whose intervals differ, between two
// instants 100 ms apart, either tier being the early one.
func outOfOrderTiers(t *testing.T, s suite) {
	for _, tiers := range [][2]ratelimit.Tier{{free, premium}, {premium, free}} {
		c := newClient(t, s, noonTime, free)
		c.wait(time.Second)
		passed := 0
		for i := range 1000 {
			c.tier = tiers[i%2]
			passed += c.burst(1)
			c.wait(time.Duration(1-2*(i%2)) * 100 * time.Millisecond)
		}
		if passed > 110 {
			t.Errorf("%s early: passed within 100 ms at up to 100/s with a burst of 100: expected at most 110, got %d", tiers[0].Name, passed)
		}
	}
}

// goroutines lets 200 clients race. Their readings interleave over 500 ms and
// reach the limiter in whatever order the scheduler makes of them. The clients
// share nothing but the limiter, so that the race detector sees its locks alone.
func goroutines(t *testing.T, s suite) {
	const clients, each, span = 200, 25, 500 * time.Millisecond
	l, cal := s.limiter(noonTime), ratelimit.NewCalendar(time.UTC)
	var (
		admitted [clients]int64
		begin    = make(chan struct{})
		wg       sync.WaitGroup
	)
	for i := range clients {
		wg.Go(func() {
			<-begin
			for j := range each {
				at := time.Duration(j*clients+i) * span / (clients * each)
				if l.Allow(noonTime.Add(at), alice, free, cal).Allowed {
					admitted[i]++
				}
			}
		})
	}
	close(begin)
	wg.Wait()
	total := int64(0)
	for _, n := range admitted {
		total += n
	}
	if total < 20 || total > 20+10+1 {
		t.Errorf("admitted within %v: expected 20 to 31, got %d", span, total)
	}
	d := l.Allow(noonTime.Add(time.Hour), alice, free, cal)
	equal(t, "day remaining", d.Day.Remaining, free.Day-total-1)
}
