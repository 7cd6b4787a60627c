package redisstore_test

import (
	"math"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"kong-plugin-auth-diagnosis/pkg/ratelimit"
	"kong-plugin-auth-diagnosis/pkg/ratelimit/redisstore"
	"kong-plugin-auth-diagnosis/pkg/ratelimit/redisstore/redistest"
)

// middle is a calendar in which it is the middle of the day, so that no test
// runs into midnight.
func middle() *ratelimit.Calendar {
	now := time.Now().UTC()
	return ratelimit.NewCalendar(time.FixedZone("middle", (12-now.Hour())*3600))
}

// crowd is some stores that share one Redis, and what they have admitted.
type crowd struct {
	t     *testing.T
	cal   *ratelimit.Calendar
	views []ratelimit.Limiter
	skews []time.Duration
	key   ratelimit.Key
	tier  ratelimit.Tier

	mu     sync.Mutex
	passed []time.Time
}

// newCrowd opens a store for each skew of a clock.
func newCrowd(t *testing.T, o redisstore.Options, v redisstore.View, report func(redisstore.Event), skews ...time.Duration) *crowd {
	c := &crowd{t: t, cal: middle(), skews: skews, key: alice}
	v.Nodes = len(skews)
	for _, skew := range skews {
		s := open(t, o, redisstore.Hooks{Now: func() time.Time { return time.Now().Add(skew) }, Report: report})
		c.views = append(c.views, s.Limiter(v))
	}
	return c
}

// send sends one request to a node.
func (c *crowd) send(node int) ratelimit.Decision {
	now := time.Now()
	d := c.views[node].Allow(now.Add(c.skews[node]), c.key, c.tier, c.cal)
	if d.Allowed {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.passed = append(c.passed, now)
	}
	return d
}

// load sends requests to all nodes, much more than they admit.
func (c *crowd) load(wg *sync.WaitGroup, span time.Duration) {
	for node := range c.views {
		wg.Go(func() {
			tick := time.NewTicker(2 * time.Millisecond)
			defer tick.Stop()
			for end := time.Now().Add(span); time.Now().Before(end); <-tick.C {
				c.send(node)
			}
		})
	}
}

func (c *crowd) admitted() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return int64(len(c.passed))
}

// inRedis adds up what Redis has of the key's day.
func (c *crowd) inRedis(s *redistest.Server) (total int64) {
	c.t.Helper()
	fields, err := s.Client().HVals(c.t.Context(), redisstore.AsyncKey(c.key, c.cal.Day(time.Now()).Number)).Result()
	if err != nil {
		c.t.Fatal(err)
	}
	for _, field := range fields {
		day, _, err := redisstore.ReadDay(field)
		if err != nil {
			c.t.Fatal(err)
		}
		total += day
	}
	return total
}

// until asks ok again and again, with a request to each node in between.
func (c *crowd) until(what string, ok func(last []ratelimit.Decision) bool) {
	c.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	last := make([]ratelimit.Decision, len(c.views))
	for end := time.Now().Add(15 * time.Second); time.Now().Before(end); <-tick.C {
		for node := range c.views {
			last[node] = c.send(node)
		}
		if ok(last) {
			return
		}
	}
	c.t.Fatalf("still not so: %s; last %+v", what, last)
}

// settled waits without any further request until Redis has every admission.
func (c *crowd) settled(s *redistest.Server) {
	c.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	var got int64
	for end := time.Now().Add(15 * time.Second); time.Now().Before(end); <-tick.C {
		if got = c.inRedis(s); got == c.admitted() {
			return
		}
	}
	c.t.Fatalf("expected %d admissions in Redis, got %d", c.admitted(), got)
}

// TestThreeNodesKeepToOneLimit has three nodes, whose clocks differ, under more
// load than they may admit.
func TestThreeNodesKeepToOneLimit(t *testing.T) {
	each := threeNodes(t)
	for again := 0; again < 2 && math.Abs(each-100) > 2; again++ {
		// A machine that stalls takes requests away: one run may fall short, not three.
		t.Logf("%.1f per second; once more", each)
		each = threeNodes(t)
	}
	if math.Abs(each-100) > 2 {
		t.Errorf("expected 100 per second, got %.1f", each)
	}
}

// threeNodes lets three nodes decide for some seconds, holds what passed against the
// bounds and returns how many requests passed a second.
func threeNodes(t *testing.T) float64 {
	const rate, span, warm = 50 * time.Millisecond, 6 * time.Second, time.Second
	s := redistest.Start(t, redistest.Options{})
	paced := newCrowd(t, options(s.Addr), redisstore.View{SyncRate: rate}, nil, -100*time.Millisecond, 0, 100*time.Millisecond)
	paced.tier = ratelimit.Tier{Name: "paced", Second: 100, Day: 1_000_000}
	daily := &crowd{t: t, cal: paced.cal, views: paced.views, skews: paced.skews, key: ratelimit.ByConsumer("", "bob"), tier: ratelimit.Tier{Name: "daily", Second: 100, Day: 250}}
	begin := time.Now()
	var wg sync.WaitGroup
	paced.load(&wg, span)
	daily.load(&wg, span)
	wg.Wait()

	const unseen = 2 * 100 * (0.050*1.1 + 0.010) // 2r(S+d), on a busy machine
	const overshoot, second = 2 * (33 + unseen), 3*33 + 100 + 2*unseen
	slices.SortFunc(paced.passed, time.Time.Compare)
	sustained, worst, first := 0, 0, 0
	for i, at := range paced.passed {
		if at.Sub(begin) >= warm {
			sustained++
		}
		for at.Sub(paced.passed[first]) >= time.Second {
			first++
		}
		worst = max(worst, i-first+1)
	}
	each := float64(sustained) / (span - warm).Seconds()
	t.Logf("sustained %.1f per second, worst second %d of %.0f; day %d of 250 and %.0f", each, worst, second, daily.admitted(), overshoot)
	if float64(worst) > second {
		t.Errorf("expected at most %.0f in a second, got %d", second, worst)
	}
	if n := daily.admitted(); n < 250 || float64(n) > 250+overshoot {
		t.Errorf("expected 250 and at most %.0f more in the day, got %d", overshoot, n)
	}
	paced.settled(s)
	daily.settled(s)
	if calls := s.Calls(); calls["evalsha"] != 0 || calls["hset"] == 0 || calls["hset"] > calls["hvals"] || calls["expireat"] > 2*3 {
		t.Errorf("expected plain commands, and each hash's end once from each node, got %v", calls)
	}
	return each
}

// TestAsyncOutlivesItsRedis flushes, pauses and kills Redis under load.
func TestAsyncOutlivesItsRedis(t *testing.T) {
	t.Parallel() // it waits for the most part
	s := redistest.Start(t, redistest.Options{})
	var (
		mu   sync.Mutex
		told []redisstore.Fault
	)
	report := func(e redisstore.Event) {
		mu.Lock()
		defer mu.Unlock()
		told = append(told, e.Fault)
	}
	o := options(s.Addr)
	o.Timeout = 50 * time.Millisecond
	c := newCrowd(t, o, redisstore.View{SyncRate: 20 * time.Millisecond}, report, 0, 0)
	c.tier = ratelimit.Tier{Name: "t", Second: 100, Day: 1_000_000}
	degraded := func(expected bool) func([]ratelimit.Decision) bool {
		return func(last []ratelimit.Decision) bool {
			return last[0].Degraded == expected && last[1].Degraded == expected
		}
	}
	shared := func(what string) {
		t.Helper()
		c.until(what, func(last []ratelimit.Decision) bool {
			return degraded(false)(last) && last[0].Day.Remaining == last[1].Day.Remaining && c.inRedis(s) > 0
		})
		c.settled(s)
	}
	shared("nodes that see each other")

	s.Flush()
	shared("both counts again in the flushed Redis")

	s.Pause()
	begin := time.Now()
	c.until("deciding alone", degraded(true))
	if took := time.Since(begin); took < time.Second {
		t.Errorf("expected a second of patience, got %v", took)
	}
	s.Resume()
	shared("nodes that see each other after a pause")

	s.Kill()
	c.until("deciding alone", degraded(true))
	s.Restart()
	shared("both counts again in the new Redis")

	mu.Lock()
	defer mu.Unlock()
	faults := []redisstore.Fault{redisstore.FaultTimeout, redisstore.FaultUnreachable}
	var down [2]int
	for _, f := range told {
		switch {
		case f == "":
			down[0]++
		case slices.Contains(faults, f):
			down[1]++
		default:
			t.Errorf("expected a time-out or no connection, got %q", f)
		}
	}
	if len(told) != 8 || down != [2]int{4, 4} {
		t.Errorf("expected each change told once by each of two nodes, got %q", told)
	}
}

func TestAsyncCommands(t *testing.T) {
	s := redistest.Start(t, redistest.Options{})
	c := newCrowd(t, options(s.Addr), redisstore.View{SyncRate: 20 * time.Millisecond}, nil, 0)
	c.tier = ratelimit.Tier{Name: "t", Second: 2, Day: 2}
	expect := func(what string, hset, hvals, expireat int) {
		t.Helper()
		expected := map[string]int{"hset": hset, "hvals": hvals, "expireat": expireat, "evalsha": 0}
		if err := eventually(func() bool {
			calls := s.Calls()
			for name, n := range expected {
				if calls[name] != n {
					return false
				}
			}
			return true
		}); !err {
			t.Fatalf("%s: expected %v, got %v", what, expected, s.Calls())
		}
	}
	c.send(0)
	expect("a new key", 1, 1, 1)
	c.send(0)
	expect("a known key", 2, 2, 1)
	for range 1000 {
		c.send(0)
	}
	expect("a storm of denied requests", 3, 3, 1)
	name := redisstore.AsyncKey(alice, c.cal.Day(time.Now()).Number)
	ttl, err := s.Client().TTL(t.Context(), name).Result()
	if err != nil || ttl <= 0 || ttl > 25*time.Hour {
		t.Errorf("expected a life of at most 25 hours, got %v, %v", ttl, err)
	}
	if keys := s.Keys(); !slices.Equal(keys, []string{name}) {
		t.Errorf("expected one key %q, got %q", name, keys)
	}
}

// eventually asks ok until it is true, for as long as a real server may take.
func eventually(ok func() bool) bool {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); <-tick.C {
		if ok() {
			return true
		}
	}
	return false
}

func TestAsyncRestartKeepsTheDay(t *testing.T) {
	s := redistest.Start(t, redistest.Options{})
	cal, tier := middle(), ratelimit.Tier{Name: "t", Day: 100}
	for round := range 3 {
		store, err := redisstore.Open(options(s.Addr), redisstore.Hooks{})
		if err != nil {
			t.Fatal(err)
		}
		l := store.Limiter(redisstore.View{SyncRate: 20 * time.Millisecond})
		sent := int64(0)
		if !eventually(func() bool {
			sent++
			return l.Allow(time.Now(), alice, tier, cal).Day.Remaining == 100-int64(10*round)-sent
		}) {
			t.Fatalf("process %d: expected what the ones before it had used", round)
		}
		for ; sent < 10; sent++ {
			l.Allow(time.Now(), alice, tier, cal)
		}
		if err := store.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
	c := &crowd{t: t, cal: cal, key: alice}
	if n := c.inRedis(s); n != 30 {
		t.Errorf("expected 30 admissions in Redis, got %d", n)
	}
}

func TestAsyncOnACluster(t *testing.T) {
	t.Parallel() // it waits for the most part
	cluster := redistest.StartCluster(t)
	o := redisstore.Options{ClusterNodes: cluster.Addrs()[:1], Timeout: patience}
	c := newCrowd(t, o, redisstore.View{SyncRate: 20 * time.Millisecond}, nil, 0, 0)
	c.tier = ratelimit.Tier{Name: "t", Day: 100}
	for i := range 30 {
		c.key = ratelimit.ByConsumer("", strconv.Itoa(i))
		c.send(0)
		c.send(1)
	}
	for i := range 30 {
		c.key = ratelimit.ByConsumer("", strconv.Itoa(i))
		c.until("both nodes count the same", func(last []ratelimit.Decision) bool {
			return last[1].Day.Remaining <= last[0].Day.Remaining && last[0].Day.Remaining-last[1].Day.Remaining <= 1 && last[0].Day.Remaining < 98
		})
	}
	for _, node := range cluster.Nodes {
		if len(node.Keys()) == 0 {
			t.Errorf("node %s has no key", node.Addr)
		}
	}
}

func TestAsyncFailover(t *testing.T) {
	t.Parallel() // it waits for the most part
	sentinel := redistest.StartSentinel(t)
	o := redisstore.Options{SentinelNodes: sentinel.Addrs, SentinelMaster: redistest.MasterName, Timeout: 100 * time.Millisecond}
	c := newCrowd(t, o, redisstore.View{SyncRate: 20 * time.Millisecond}, nil, 0, 0)
	c.tier = ratelimit.Tier{Name: "t", Day: 1_000_000}
	c.until("nodes that see each other", func(last []ratelimit.Decision) bool { return c.inRedis(sentinel.Master) > 10 })
	sentinel.Failover()
	c.until("nodes on the new master", func(last []ratelimit.Decision) bool {
		return !last[0].Degraded && !last[1].Degraded && c.inRedis(sentinel.Master) > 20
	})
	c.settled(sentinel.Master)
}
