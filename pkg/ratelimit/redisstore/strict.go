package redisstore

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"kong-plugin-auth-diagnosis/pkg/ratelimit"
)

// strict is the view that asks Redis for every request, but those that it knows
// Redis would deny, and those from more addresses without an identity than there
// is room for.
//
// strict_script.go runs the script, strict_mirror.go remembers what it said for
// denials and for when Redis is away, strict_clock.go whose clock counts.
type strict struct {
	*strictStore
	fault FaultPolicy
	nodes int64
}

// strictStore is what all strict views of a store share.
type strictStore struct {
	client  redis.Scripter
	process string // names this process among all that tell Redis of arrears
	timeout time.Duration
	breaker *breaker
	clock   *clock
	mirror  *mirror
}

// Allow implements [ratelimit.Limiter]. It waits for Redis at most as long as
// the store's timeout, and not at all while the breaker is open.
func (l *strict) Allow(now time.Time, key ratelimit.Key, tier ratelimit.Tier, cal *ratelimit.Calendar) ratelimit.Decision {
	r := request{now: now, key: key, tier: tier, day: cal.Day(l.clock.wall(now))}
	d, denied, owed := l.mirror.denied(&r)
	if denied {
		return d
	}
	if !l.mirror.admits(&r) {
		d = l.mirror.spend(&r, l.nodes)
		d.Degraded = false // Redis is not away
		return d
	}
	d, err := l.ask(&r, owed)
	switch {
	case err == nil:
		return d
	case l.fault == FaultLocal:
		return l.mirror.spend(&r, l.nodes)
	}
	return l.fault.decide()
}

// ask decides in Redis. What the script did to the state is worked out here from
// the state that it found, and has to come to the same verdict.
func (l *strict) ask(r *request, owed arrears) (d ratelimit.Decision, err error) {
	p, err := l.breaker.ask(func() (reply, error) {
		ctx, cancel := context.WithTimeout(context.Background(), l.timeout)
		defer cancel()
		p, err := runStrict(ctx, l.client, r, l.process, owed)
		if err != nil {
			return p, err
		}
		p.state, d = p.state.Spend(p.at, time.Unix(0, int64(p.at)), r.tier, r.day, 1)
		if d.Allowed != p.admitted {
			return p, fmt.Errorf("%w: expected admitted %t, got %t", errReply, d.Allowed, p.admitted)
		}
		return p, nil
	})
	if err != nil {
		return ratelimit.Decision{}, err
	}
	l.mirror.keep(r, p, owed)
	return d, nil
}

// Interface guard.
var _ ratelimit.Limiter = (*strict)(nil)
