package redisstore

import (
	"crypto/rand"
	"encoding/hex"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"kong-plugin-auth-diagnosis/pkg/ratelimit"
	"kong-plugin-auth-diagnosis/pkg/ratelimit/table"
)

// Counting asynchronously, every decision is made from what is in memory, and
// puts its key into a queue. Beside the requests one goroutine exchanges the
// queued keys with Redis, every SyncRate, a tenth more or less: it writes what
// this node has admitted and reads what the others have (share.go). With S for
// the longest such interval, d for the time an exchange takes, N nodes, a rate of
// r and a burst of b requests, of which a node's part is p = max(1, b/N), the
// nodes together admit at most
//
//   - limit + (N-1)·(p + 2r(S+d)) requests in a minute, an hour or a day,
//   - N·p + r + (N-1)·2r(S+d) requests in any second, and r per second in the
//     long run.
//
// async.go decides, async_queue.go is the queue, sync.go exchanges, sync_loop.go
// says when, sync_redis.go speaks to Redis; share*.go is the arithmetic.

// async is the view that never waits for Redis.
type async struct {
	*asyncStore
	fault FaultPolicy
	nodes int64
}

// asyncStore is what all asynchronous views of a store share.
type asyncStore struct {
	clock  *clock
	table  *table.Table[share]
	queue  queue
	wire   wire
	report func(Fault)

	rate  atomic.Int64 // the smallest SyncRate of any view, in nanoseconds
	nodes atomic.Int64 // the most Nodes of any view
	down  atomic.Bool  // Redis has not answered for longer than the patience

	wake   chan struct{} // has a token while new keys wait to be read
	ending chan struct{} // closed by close
	ended  chan struct{} // closed when the goroutine has ended
	begin  sync.Once
	end    sync.Once

	// Of the goroutine, and of close when that has ended.
	health  health
	batch   batch
	closing bool
}

// newAsync returns the store for asynchronous views, which has no goroutine yet.
func newAsync(c *clock, w wire, maxKeys int, report func(Fault)) *asyncStore {
	return &asyncStore{
		clock:  c,
		table:  table.New(table.Options{MaxKeys: maxKeys}, pinned),
		wire:   w,
		report: report,
		wake:   make(chan struct{}, 1),
		ending: make(chan struct{}),
		ended:  make(chan struct{}),
	}
}

// pinned reports whether an entry is still needed although its state is idle.
func pinned(e *table.Entry[share]) bool {
	return e.Extra.place != placeNone || e.Extra.lines != 0 || e.Extra.has(isNews|isFlight)
}

// view returns a view. The smallest interval and the most room that any view
// asked for hold for all of them.
func (s *asyncStore) view(v View) *async {
	nodes := int64(max(1, v.Nodes))
	s.table.Raise(table.Options{MaxKeys: v.MaxKeys})
	for rate := s.rate.Load(); rate == 0 || int64(v.SyncRate) < rate; rate = s.rate.Load() {
		if s.rate.CompareAndSwap(rate, int64(v.SyncRate)) {
			break
		}
	}
	for most := s.nodes.Load(); nodes > most && !s.nodes.CompareAndSwap(most, nodes); most = s.nodes.Load() {
	}
	return &async{asyncStore: s, fault: v.Fault, nodes: nodes}
}

// Allow implements [ratelimit.Limiter]. It makes no call to Redis.
func (l *async) Allow(now time.Time, key ratelimit.Key, tier ratelimit.Tier, cal *ratelimit.Calendar) ratelimit.Decision {
	at, day := l.clock.since(now), cal.Day(now)
	e := l.table.Lock(key, tier.Name, at, now)
	defer e.Unlock()
	x := &e.Extra
	if e.Overflow { // counted here alone, so for all nodes
		d := x.admit(&e.State, at, now, tier, day, l.nodes, true)
		d.Overflow = true
		return d
	}
	var d ratelimit.Decision
	switch alone := l.alone(x, at); {
	case alone && l.fault != FaultLocal:
		if x.end == 0 {
			x.meet(day.Number, day.End)
		}
		d = l.fault.decide()
	case alone:
		d = x.admit(&e.State, at, now, tier, day, l.nodes, true)
		d.Degraded = true
	default:
		d = x.admit(&e.State, at, now, portion(tier, l.nodes), day, 1, false)
	}
	l.enqueue(key, x, d)
	return d
}

// alone reports whether what the nodes share has not been seen for too long. In
// a cluster of which a part is gone that is so for the keys of that part.
func (s *asyncStore) alone(x *share, at time.Duration) bool {
	return s.down.Load() && (x.met == 0 || at-x.met > s.patience())
}

// patience is how long exchanges may fail before decisions count as made alone.
func (s *asyncStore) patience() time.Duration {
	return max(time.Second, 3*time.Duration(s.rate.Load()))
}

// enqueue sees to it that the key is exchanged: at once if it never was, first
// if it is denied or near a limit, and else in its turn.
func (s *asyncStore) enqueue(key ratelimit.Key, x *share, d ratelimit.Decision) {
	p := placeCalm
	switch {
	case x.met == 0:
		p = placeNew
	case !d.Allowed || near(d.Minute) || near(d.Hour) || near(d.Day):
		p = placeUrgent
	}
	if p <= x.place {
		return
	}
	s.stand(key, x, p)
	if p == placeNew {
		select {
		case s.wake <- struct{}{}:
		default: // it is awake
		}
	}
}

// near reports whether less than a fifth of a window is left.
func near(q ratelimit.Quota) bool { return q.Limit > 0 && q.Remaining < q.Limit/5 }

// incarnation names this process among all that ever wrote to Redis: a restarted
// one counts from 0 and must not write over what it had counted before.
func incarnation() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	var nonce [8]byte
	_, _ = rand.Read(nonce[:]) // never fails
	const longest = 63
	return strings.Join([]string{host[:min(len(host), longest)], strconv.Itoa(os.Getpid()), hex.EncodeToString(nonce[:])}, "-")
}

// Interface guard.
var _ ratelimit.Limiter = (*async)(nil)
