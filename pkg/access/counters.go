package access

import (
	"sync"
	"time"

	"kong-plugin-auth-diagnosis/pkg/config"
	"kong-plugin-auth-diagnosis/pkg/ratelimit"
	"kong-plugin-auth-diagnosis/pkg/ratelimit/memory"
	"kong-plugin-auth-diagnosis/pkg/ratelimit/redisstore"
)

// counters are where the process counts: in its memory, and in each Redis that
// an instance names. All instances share them: a quota may span several.
type counters struct {
	now     func() time.Time
	notices *notices
	file    string // where local counts outlive the process; "" for nowhere

	mu    sync.Mutex
	local *memory.Limiter // nil until an instance counts here
	saver *memory.Saver   // nil without a file
	redis *stores
}

// WithCounterFile lets local counters outlive the process in the file at path,
// whose directory nobody else may write to.
func WithCounterFile(path string) Option {
	return func(e *Engine) { e.counters.file = path }
}

// start readies the counters. Each change between counting in a Redis and without
// it is one line of the log.
func (c *counters) start(now func() time.Time, n *notices) {
	c.now, c.notices = now, n
	c.redis = newStores(redisstore.Hooks{Now: now, Report: func(e redisstore.Event) { n.add(e.String()) }})
}

// limiter returns where a configuration counts. It does not wait for a network.
func (c *counters) limiter(rl *config.RateLimiting) (ratelimit.Limiter, error) {
	if rl.Policy == config.PolicyRedis {
		return c.redis.limiter(redisOptions(&rl.Redis), redisView(rl), c.now())
	}
	return c.memory(rl.MaxKeys), nil
}

// memory returns the limiter of the process, with room for maxKeys at least. The
// first caller waits for the file of saved counts to be read.
func (c *counters) memory(maxKeys int) *memory.Limiter {
	o := memory.Options{MaxKeys: maxKeys}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.local == nil {
		c.local = memory.New(c.now(), o)
		if c.file != "" {
			c.saver = c.local.Persist(c.file, memory.Hooks{Now: c.now, Report: c.saved})
		}
	}
	c.local.Raise(o)
	return c.local
}

// saved tells of the first of a series of faults with the file, and of its end.
func (c *counters) saved(err error) {
	if err != nil {
		c.notices.add("saved counters are not in use: " + err.Error())
		return
	}
	c.notices.add("saved counters are in use again")
}

// close writes down what has been counted, here and in each Redis at once.
func (c *counters) close() {
	c.mu.Lock()
	saver := c.saver
	c.mu.Unlock()
	var ending sync.WaitGroup
	if saver != nil {
		ending.Go(saver.Close)
	}
	ending.Go(c.redis.closeAll)
	ending.Wait()
}
