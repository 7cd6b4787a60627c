package access

import (
	"testing"
	"time"

	"kong-plugin-auth-diagnosis/pkg/ratelimit"
	"kong-plugin-auth-diagnosis/pkg/ratelimit/redisstore"
)

// redisNumber is a Redis that nobody asks: a store dials with its first decision.
func redisNumber(database int) redisstore.Options {
	return redisstore.Options{Host: "192.0.2.1", Database: database}
}

func TestStoresAreSharedByWhatTheyAre(t *testing.T) {
	s := newStores(redisstore.Hooks{})
	defer s.closeAll()
	now := time.Now()
	open := func(o redisstore.Options, v redisstore.View) *store {
		l, err := s.limiter(o, v, now)
		if err != nil {
			t.Fatal(err)
		}
		return l.(view).store
	}
	one := open(redisNumber(1), redisstore.View{})
	if again := open(redisNumber(1), redisstore.View{SyncRate: -1, Fault: redisstore.FaultDeny}); again != one {
		t.Error("one Redis has two stores")
	}
	if other := open(redisNumber(2), redisstore.View{}); other == one {
		t.Error("two databases have one store")
	}
	if _, err := s.limiter(redisstore.Options{}, redisstore.View{}, now); err == nil {
		t.Error("a Redis without an address is accepted")
	}
}

func TestStoresAreBounded(t *testing.T) {
	s := newStores(redisstore.Hooks{})
	now := time.Now()
	views := map[int]ratelimit.Limiter{}
	add := func(database int) {
		l, err := s.limiter(redisNumber(database), redisstore.View{SyncRate: -1, Fault: redisstore.FaultAllow}, now)
		if err != nil {
			t.Fatal(err)
		}
		now = now.Add(time.Second)
		views[database] = l
	}
	for n := range maxStores {
		add(n)
	}
	// The first two are the oldest by what they were made, not by use.
	views[0].(view).store.used.Store(now.UnixNano())
	views[1].(view).store.used.Store(now.UnixNano())
	add(maxStores)
	add(maxStores + 1)
	if n := len(s.open); n != maxStores {
		t.Errorf("%d stores are open, want %d", n, maxStores)
	}
	for database, open := range map[int]bool{0: true, 1: true, 2: false, 3: false, 4: true, maxStores: true, maxStores + 1: true} {
		if s.open[redisNumber(database).Key()] != nil != open {
			t.Errorf("database %d: open %v, want %v", database, !open, open)
		}
	}
	s.closeAll()
	if len(s.open) != 0 {
		t.Errorf("%d stores are open at the end", len(s.open))
	}
	// Whoever still counts in one that was closed goes on by its policy.
	tier := ratelimit.Tier{Name: "t", Day: 1}
	d := views[2].Allow(now, ratelimit.ByConsumer("n", "c"), tier, ratelimit.NewCalendar(time.UTC))
	if !d.Allowed || !d.Degraded {
		t.Errorf("got %+v, want what fault_policy allow says", d)
	}
}

func TestNoticesWaitBounded(t *testing.T) {
	var n notices
	for range 3 * maxNotices {
		n.add("x")
	}
	n.add("last")
	if len(n.lines) != maxNotices || n.lines[maxNotices-1] != "last" {
		t.Errorf("%d lines wait, ending with %q", len(n.lines), n.lines[len(n.lines)-1])
	}
}
