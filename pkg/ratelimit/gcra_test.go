package ratelimit_test

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/throttled/throttled/v2"

	"kong-plugin-auth-diagnosis/pkg/ratelimit"
)

// steppedStore keeps the one arrival time of a throttled limiter and has the
// time that the test gives it. It forgets nothing: a limiter that may not rely
// on the expiry of its keys decides the same.
type steppedStore struct {
	now   time.Time
	value int64 // -1 for none
}

func (s *steppedStore) GetWithTime(context.Context, string) (int64, time.Time, error) {
	return s.value, s.now, nil
}

func (s *steppedStore) SetIfNotExistsWithTTL(_ context.Context, _ string, value int64, _ time.Duration) (bool, error) {
	return s.CompareAndSwapWithTTL(context.Background(), "", -1, value, 0)
}

func (s *steppedStore) CompareAndSwapWithTTL(_ context.Context, _ string, old, value int64, _ time.Duration) (bool, error) {
	if s.value != old {
		return false, nil
	}
	s.value = value
	return true, nil
}

// The second window and another project's GCRA agree on a million random steps
// to the nanosecond: whether a request of some cost passes, when it would, how
// many fit, and when the bucket is empty. The one rounding is that of the
// interval, which both are given in whole nanoseconds.
func TestAgreesWithThrottled(t *testing.T) {
	const tiers, steps = 500, 2000
	random := rand.New(rand.NewPCG(1, 2))
	denials := 0
	for range tiers {
		tier := ratelimit.Tier{Second: 1 + random.Int64N(1000), Burst: 1 + random.Int64N(50)}
		interval := (time.Second + time.Duration(tier.Second) - 1) / time.Duration(tier.Second)
		store := &steppedStore{now: noon, value: -1}
		other, err := throttled.NewGCRARateLimiterCtx(store, throttled.RateQuota{
			MaxRate: throttled.PerDuration(1, interval), MaxBurst: int(tier.Burst) - 1,
		})
		if err != nil {
			t.Fatal(err)
		}
		var s ratelimit.State
		at := time.Duration(0)
		for step := range steps {
			// Around the interval, now and then to the nanosecond, rarely a long rest.
			switch random.IntN(100) {
			case 0:
				at += time.Duration(random.Int64N(int64(time.Duration(tier.Burst) * interval)))
			case 1, 2, 3, 4, 5:
				at += interval
			case 6, 7, 8, 9, 10:
				at = max(at, s.TAT-time.Duration(tier.Burst-1)*interval-time.Duration(random.Int64N(2)))
			default:
				at += time.Duration(random.Int64N(int64(interval) * 2))
			}
			cost := int64(1)
			if random.IntN(4) == 0 {
				cost += random.Int64N(tier.Burst)
			}
			store.now = noon.Add(at)
			limited, expected, err := other.RateLimitCtx(context.Background(), "", int(cost))
			if err != nil {
				t.Fatal(err)
			}
			next, d := s.Spend(at, noon, tier, utc.Day(noon), cost)
			s = next
			if limited {
				denials++
			} else {
				expected.RetryAfter = 0 // it says -1
			}
			if d.Allowed == limited || d.RetryAfter != expected.RetryAfter ||
				d.Second.Remaining != min(tier.Second, int64(expected.Remaining)/cost) ||
				d.Allowed && d.Second.Reset != expected.ResetAfter {
				t.Fatalf("tier %+v, step %d, cost %d: expected denied %v, %+v; got %+v", tier, step, cost, limited, expected, d)
			}
		}
	}
	if denials < tiers*steps/10 || denials > tiers*steps*9/10 {
		t.Errorf("expected a trace of both kinds, got %d denials of %d", denials, tiers*steps)
	}
}

// FuzzSpend decides by states that no tier could have made, such as a store may
// read from outside: whatever they say, the answer is one that can be told.
func FuzzSpend(f *testing.F) {
	f.Add(int64(1)<<60, int64(0), uint32(0), int64(1), int64(5), uint32(3), uint32(4), int64(1), int64(100), int64(1))
	f.Add(int64(1)<<62, int64(1)<<61, uint32(1), int64(7), int64(1)<<40, uint32(9), uint32(1<<31), int64(1_000_000_000), int64(1_000_000_000), int64(3))
	f.Add(int64(999_999_999)*4_294_967_295, int64(0), uint32(1<<32-1), int64(0), int64(0), uint32(0), uint32(0), int64(1), int64(1_000_000_000), int64(1))
	f.Add(int64(0), int64(0), uint32(1), int64(math.MaxInt64), noon.Unix()+1, uint32(utc.Day(noon).Number), uint32(0), int64(1), int64(1), int64(2))
	f.Fuzz(func(t *testing.T, tat, last int64, interval uint32, used, end int64, number, count uint32, second, burst, cost int64) {
		const at = time.Hour
		tier := ratelimit.Tier{Second: second, Burst: burst, Minute: 60, Hour: 600, Day: 6000}
		s := ratelimit.State{
			TAT: time.Duration(tat), Last: min(at, time.Duration(last)), Interval: interval,
			Used: used & math.MaxInt64, Day: int32(number), DayEnd: end,
			Minute: ratelimit.Count{Number: number, Used: count}, Hour: ratelimit.Count{Number: count, Used: number},
		}
		if tier.Validate() != nil || second == 0 || cost < 1 || cost > 1000 {
			return
		}
		next, d := s.Spend(at, noon, tier, utc.Day(noon), cost)
		s.Idle(at, noon)
		for _, q := range []ratelimit.Quota{d.Second, d.Minute, d.Hour, d.Day} {
			if q.Remaining < 0 || q.Remaining > q.Limit || q.Reset < 0 {
				t.Errorf("quota %+v of %+v", q, d)
			}
		}
		debt, most := next.TAT-next.Last, max(tier.Burst, tier.Second, cost)+cost
		switch {
		case d.Allowed && s.Day == utc.Day(noon).Number && s.Used > tier.Day-1:
			t.Errorf("allowed with %d used of %d", s.Used, tier.Day)
		case !d.Allowed && (next != s || d.RetryAfter <= 0 || d.Window == ratelimit.WindowNone):
			t.Errorf("denied: %+v, from %+v to %+v", d, s, next)
		case d.Allowed && (d.RetryAfter != 0 || debt <= 0 || debt > time.Duration(most)*time.Second):
			t.Errorf("allowed: %+v with a debt of %v", d, debt)
		}
	})
}
