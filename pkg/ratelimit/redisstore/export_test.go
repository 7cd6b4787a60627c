package redisstore

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/sony/gobreaker/v2"

	"kong-plugin-auth-diagnosis/pkg/ratelimit"
)

// What tests look at that callers need not.
var (
	Classify  = classify
	ReadReply = readReply
	StrictKey = strictKey
	Bucket    = bucket
	ErrReply  = errReply
)

// Reply is what a run of the script says.
type Reply struct {
	Admitted bool
	At       time.Duration
	State    ratelimit.State
}

// RunStrict runs the script once, with nothing in front of it.
func RunStrict(ctx context.Context, c redis.Scripter, key ratelimit.Key, tier ratelimit.Tier, day ratelimit.Day) (Reply, error) {
	r, err := runStrict(ctx, c, &request{key: key, tier: tier, day: day}, "", arrears{})
	return Reply{r.admitted, r.at, r.state}, err
}

// RunStrictOwing runs the script with what a process has to tell.
func RunStrictOwing(ctx context.Context, c redis.Scripter, key ratelimit.Key, tier ratelimit.Tier, day ratelimit.Day, process string, count uint32, of ratelimit.Day) (Reply, error) {
	r, err := runStrict(ctx, c, &request{key: key, tier: tier, day: day}, process, arrears{count, of.Number, of.End})
	return Reply{r.admitted, r.at, r.state}, err
}

// Client is the store's connection to Redis.
func (s *Store) Client() redis.UniversalClient { return s.client }

// StateOf is the state that a reply found.
func StateOf(r reply) ratelimit.State { return r.state }

// NewBreaker returns the ask function of a breaker.
func NewBreaker(hold time.Duration, changed func(Fault)) func(func() error) error {
	b := newBreaker(hold, changed)
	return func(call func() error) error {
		_, err := b.ask(func() (reply, error) { return reply{}, call() })
		return err
	}
}

// NewOutage returns the function that makes another part.
func NewOutage(store string, report func(Event)) func() func(Fault) {
	return newOutage(store, report).part
}

// Rejected reports whether err is the breaker's: Redis was not asked.
func Rejected(err error) bool {
	return errors.Is(err, gobreaker.ErrOpenState) || errors.Is(err, gobreaker.ErrTooManyRequests)
}
