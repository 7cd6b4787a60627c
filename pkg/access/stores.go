package access

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"kong-plugin-auth-diagnosis/pkg/config"
	"kong-plugin-auth-diagnosis/pkg/ratelimit"
	"kong-plugin-auth-diagnosis/pkg/ratelimit/redisstore"
)

const (
	// maxStores bounds the Redis servers that one process counts in at a time.
	maxStores = 16
	// lastFlush bounds what a store may take to write down its counts at its end.
	lastFlush = 500 * time.Millisecond
)

// stores are the process's connections to Redis, one for each way to one. They
// outlive the instances that asked for them, as all counters do.
type stores struct {
	hooks redisstore.Hooks

	mu     sync.Mutex
	open   map[string]*store // by redisstore.Options.Key
	ending sync.WaitGroup    // stores that are being closed
}

type store struct {
	*redisstore.Store
	used atomic.Int64 // when it last decided or was asked for, in Unix nanoseconds
}

func newStores(h redisstore.Hooks) *stores {
	return &stores{hooks: h, open: map[string]*store{}}
}

// limiter returns a view on the store for o, which it opens if there is none. It
// does not wait for Redis. Past maxStores the store that has been without a
// request for the longest time is closed beside the request; whoever still
// counts in it goes on by its fault_policy.
func (s *stores) limiter(o redisstore.Options, v redisstore.View, now time.Time) (ratelimit.Limiter, error) {
	key := o.Key()
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.open[key]
	if st == nil {
		opened, err := redisstore.Open(o, s.hooks)
		if err != nil {
			return nil, err
		}
		st = &store{Store: opened}
		if len(s.open) >= maxStores {
			s.closeOldest()
		}
		s.open[key] = st
	}
	st.used.Store(now.UnixNano())
	return view{st.Limiter(v), st}, nil
}

// closeOldest closes the store without a request for the longest time. s is
// locked.
func (s *stores) closeOldest() {
	var oldest string
	for key, st := range s.open {
		if oldest == "" || st.used.Load() < s.open[oldest].used.Load() {
			oldest = key
		}
	}
	s.close(oldest)
}

// close forgets a store and ends it beside the caller. s is locked.
func (s *stores) close(key string) {
	st := s.open[key]
	delete(s.open, key)
	s.ending.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), lastFlush)
		defer cancel()
		_ = st.Close(ctx) // what could not be flushed was told when Redis went
	})
}

// closeAll closes every store, all at once, and waits until they have ended.
func (s *stores) closeAll() {
	s.mu.Lock()
	for key := range s.open {
		s.close(key)
	}
	s.mu.Unlock()
	s.ending.Wait()
}

// view is a limiter that keeps its store in mind as one in use.
type view struct {
	ratelimit.Limiter
	store *store
}

// Allow implements [ratelimit.Limiter].
func (v view) Allow(now time.Time, key ratelimit.Key, tier ratelimit.Tier, cal *ratelimit.Calendar) ratelimit.Decision {
	v.store.used.Store(now.UnixNano())
	return v.Limiter.Allow(now, key, tier, cal)
}

// redisOptions is a configuration's Redis in the words of its store.
func redisOptions(r *config.Redis) redisstore.Options {
	o := redisstore.Options{
		Host:           r.Host,
		Port:           r.Port,
		SentinelMaster: r.SentinelMaster,
		Username:       r.Username,
		Password:       string(r.Password),
		Database:       r.Database,
		Timeout:        r.Timeout.Duration(),
		SSL:            r.SSL,
	}
	if r.SSL {
		o.SSLVerify, o.ServerName = r.SSLVerify, r.ServerName
	}
	for _, n := range r.ClusterNodes {
		o.ClusterNodes = append(o.ClusterNodes, n.Address())
	}
	for _, n := range r.SentinelNodes {
		o.SentinelNodes = append(o.SentinelNodes, n.Address())
	}
	return o
}

// redisView is how a configuration counts in its Redis.
func redisView(rl *config.RateLimiting) redisstore.View {
	v := redisstore.View{SyncRate: rl.SyncRate.Duration(), Nodes: rl.Nodes, MaxKeys: rl.MaxKeys}
	switch rl.FaultPolicy {
	case config.FaultPolicyAllow:
		v.Fault = redisstore.FaultAllow
	case config.FaultPolicyDeny:
		v.Fault = redisstore.FaultDeny
	}
	return v
}

// Interface guard.
var _ ratelimit.Limiter = view{}
