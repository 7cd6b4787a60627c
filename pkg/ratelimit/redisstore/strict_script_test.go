package redisstore_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"kong-plugin-auth-diagnosis/pkg/ratelimit"
	"kong-plugin-auth-diagnosis/pkg/ratelimit/redisstore"
	"kong-plugin-auth-diagnosis/pkg/ratelimit/redisstore/redistest"
)

// servers are what the script has to run on.
var servers = map[string]func(t *testing.T) string{
	"redis-server": func(t *testing.T) string { return redistest.Start(t, redistest.Options{}).Addr },
	"miniredis":    func(t *testing.T) string { return miniredis.RunT(t).Addr() },
}

// TestScriptAgreesWithSpend replays what the script says in Go: at the time that
// it read, and from the state that it found, Spend must come to the same verdict
// and to the state that the next run finds.
func TestScriptAgreesWithSpend(t *testing.T) {
	for name, server := range servers {
		t.Run(name, func(t *testing.T) {
			client := redis.NewClient(&redis.Options{Addr: server(t), Protocol: 2, DisableIdentity: true})
			defer client.Close()
			random := rand.New(rand.NewPCG(1, 2))
			admitted, denied, righted := 0, 0, 0
			for range 40 {
				state, tier := ratelimit.State{}, drawTier(random)
				if err := client.Del(t.Context(), redisstore.StrictKey(alice)).Err(); err != nil {
					t.Fatal(err)
				}
				for step := range 25 {
					if random.IntN(5) == 0 {
						tier = drawTier(random)
					}
					// Days that other zones and wrong clocks have, too.
					day := ratelimit.Day{Number: 20_000 + int32(random.IntN(3)), End: time.Now().Unix() + random.Int64N(300_000) - 100_000}
					if random.IntN(4) == 0 {
						by := time.Duration(random.Int64N(int64(4*time.Minute))) - 2*time.Minute
						state = age(t, client, state, by.Truncate(time.Microsecond), random.Int64N(5)-2)
					}
					r, err := redisstore.RunStrict(t.Context(), client, alice, tier, day)
					if err != nil {
						t.Fatal(err)
					}
					if ahead := state.Last - r.At; ahead > time.Second { // the script puts it right
						state.Last, state.TAT = r.At, state.TAT-ahead
						righted++
					}
					if diff := cmp.Diff(state, r.State); diff != "" {
						t.Fatalf("step %d: the state in redis is not what Spend left (-expected +got):\n%s", step, diff)
					}
					next, d := state.Spend(r.At, time.Unix(0, int64(r.At)), tier, day, 1)
					if d.Allowed != r.Admitted {
						t.Fatalf("step %d: %+v from %+v: expected %+v, got admitted %t", step, tier, state, d, r.Admitted)
					}
					state = next
					if r.Admitted {
						admitted++
					} else {
						denied++
					}
				}
			}
			if admitted < 200 || denied < 150 || righted < 20 {
				t.Errorf("expected at least 200 admissions, 150 denials and 20 clocks put back, got %d, %d and %d", admitted, denied, righted)
			}
		})
	}
}

// drawTier draws limits from one request to more than any test sends, and odd
// intervals with them.
func drawTier(random *rand.Rand) ratelimit.Tier {
	some := func(most int64) int64 { return max(0, random.Int64N(2*most)-most) }
	tier := ratelimit.Tier{Name: "drawn", Second: some([]int64{7, 3000, 999_999_937}[random.IntN(3)]), Minute: some(30), Hour: some(40), Day: some(60)}
	if tier.Second > 0 {
		tier.Burst = some(30)
	}
	if tier.Second+tier.Minute+tier.Hour+tier.Day == 0 {
		tier.Second = 1
	}
	return tier
}

// age makes the last admission older by some time and the windows by some, as if
// time had passed or, if they are negative, the clock had been stepped back. It
// returns the state that is then there.
func age(t *testing.T, client *redis.Client, s ratelimit.State, by time.Duration, windows int64) ratelimit.State {
	t.Helper()
	set := func(field string, value int64) {
		if err := client.HSet(t.Context(), redisstore.StrictKey(alice), field, value).Err(); err != nil {
			t.Fatal(err)
		}
	}
	if s.Interval > 0 {
		s.Last -= by
		s.TAT -= by
		set("l", int64(s.Last/time.Microsecond))
	}
	if s.Minute.Used > 0 {
		s.Minute.Number = uint32(int64(s.Minute.Number) - windows)
		set("m", int64(s.Minute.Number))
	}
	if s.Hour.Used > 0 {
		s.Hour.Number = uint32(int64(s.Hour.Number) - windows)
		set("h", int64(s.Hour.Number))
	}
	return s
}

func TestScriptTellsFallbacksApart(t *testing.T) {
	digest := alice.Digest()
	if a, b := redisstore.StrictKey(alice), redisstore.StrictKey(ratelimit.RestoreKey(digest, true)); a == b {
		t.Errorf("expected two names, got %q for both", a)
	}
}

// TestHashOutlivesItsWindows: a hash is gone ten minutes after the last window in
// it, and not before.
func TestHashOutlivesItsWindows(t *testing.T) {
	server := redistest.Start(t, redistest.Options{})
	const grace = 10 * time.Minute
	midnight := time.Now().Add(10 * time.Hour).Truncate(time.Second)
	second := func(at time.Time) time.Time { return at.Add(time.Second - 1).Truncate(time.Second) } // rounded up
	ending := func(length time.Duration) func(time.Time) time.Time {
		return func(at time.Time) time.Time { return at.Truncate(length).Add(length) }
	}
	for _, c := range []struct {
		name  string
		tiers []ratelimit.Tier
		ends  func(last time.Time) time.Time
	}{
		{"second", []ratelimit.Tier{{Second: 1000}}, func(at time.Time) time.Time { return second(at.Add(time.Millisecond)) }},
		{"a slow bucket", []ratelimit.Tier{{Second: 1, Burst: 90_000}}, func(at time.Time) time.Time { return second(at.Add(time.Second)) }},
		{"minute", []ratelimit.Tier{{Minute: 10}}, ending(time.Minute)},
		{"hour", []ratelimit.Tier{{Minute: 2, Hour: 10}}, ending(time.Hour)},
		{"day", []ratelimit.Tier{{Second: 1, Minute: 2, Hour: 5, Day: 10}}, func(time.Time) time.Time { return midnight }},
		{"the day of an earlier tier", []ratelimit.Tier{{Day: 10}, {Second: 10}}, func(time.Time) time.Time { return midnight }},
		{"the hour of an earlier tier", []ratelimit.Tier{{Hour: 10}, {Minute: 10}}, ending(time.Hour)},
	} {
		t.Run(c.name, func(t *testing.T) {
			server.Flush()
			day := ratelimit.Day{Number: 20_000, End: midnight.Unix()}
			var last time.Time
			for _, tier := range c.tiers {
				r, err := redisstore.RunStrict(t.Context(), server.Client(), alice, tier, day)
				if err != nil || !r.Admitted {
					t.Fatalf("expected an admission, got %+v, %v", r, err)
				}
				last = time.Unix(0, int64(r.At))
				day.End -= 2 * 60 * 60 // the zone of the next tier
			}
			at, err := server.Client().PExpireTime(t.Context(), redisstore.StrictKey(alice)).Result()
			if expected := c.ends(last).Add(grace).UnixMilli(); err != nil || at.Milliseconds() != expected {
				t.Errorf("expected the end at %d ms, got %d, %v", expected, at.Milliseconds(), err)
			}
		})
	}
}

// TestWrongDayIsNotKeptForever: a node whose clock is years ahead leaves no key
// behind.
func TestWrongDayIsNotKeptForever(t *testing.T) {
	server := redistest.Start(t, redistest.Options{})
	day := ratelimit.Day{Number: 40_000, End: time.Now().AddDate(50, 0, 0).Unix()}
	if _, err := redisstore.RunStrict(t.Context(), server.Client(), alice, ratelimit.Tier{Day: 10}, day); err != nil {
		t.Fatal(err)
	}
	ttl, err := server.Client().TTL(t.Context(), redisstore.StrictKey(alice)).Result()
	if err != nil || ttl <= 0 || ttl > 73*time.Hour {
		t.Errorf("expected a time to live of at most three days, got %v, %v", ttl, err)
	}
}

func TestReplyIsChecked(t *testing.T) {
	good := func() []int64 {
		return []int64{1, 1_700_000_000_000_000, 1_699_999_999_000_000, 50_000_000, 50_000_000, 28_000_000, 3, 470_000, 4, 19_000, 5, 1_700_000_500}
	}
	r, err := redisstore.ReadReply(good())
	if err != nil {
		t.Fatal(err)
	}
	if again, err := redisstore.ReadReply(good()); err != nil || again != r {
		t.Errorf("expected %+v again, got %+v, %v", r, again, err)
	}
	for name, v := range map[string][]int64{"nothing": nil, "too little": good()[:11], "too much": append(good(), 0)} {
		if _, err := redisstore.ReadReply(v); !errors.Is(err, redisstore.ErrReply) {
			t.Errorf("%s: expected %v, got %v", name, redisstore.ErrReply, err)
		}
	}
	for i := range good() {
		v := good()
		v[i] = -1
		if _, err := redisstore.ReadReply(v); !errors.Is(err, redisstore.ErrReply) {
			t.Errorf("value %d negative: expected %v, got %v", i, redisstore.ErrReply, err)
		}
	}
	for i := range good() {
		v := good()
		v[i] = math.MaxInt64
		if _, err := redisstore.ReadReply(v); !errors.Is(err, redisstore.ErrReply) {
			t.Errorf("value %d too large: expected %v, got %v", i, redisstore.ErrReply, err)
		}
	}
}

// FuzzReply reads any values: a state that comes out can be gone on with.
func FuzzReply(f *testing.F) {
	f.Add(int64(1), int64(1_700_000_000_000_000), int64(1_699_999_999_000_000), int64(50_000_000), int64(50_000_000), int64(5), int64(1_700_000_500))
	f.Add(int64(0), int64(math.MaxInt64/1000), int64(math.MaxInt64/1000), int64(math.MaxInt64), int64(1), int64(math.MaxInt64), int64(math.MaxInt64))
	tier := ratelimit.Tier{Second: 20, Minute: 100, Hour: 1000, Day: 50_000}
	f.Fuzz(func(t *testing.T, verdict, at, last, debt, interval, used, end int64) {
		r, err := redisstore.ReadReply([]int64{verdict, at, last, debt, interval, 28_000_000, 3, 470_000, 4, 19_000, used, end})
		if err != nil {
			return
		}
		s := redisstore.StateOf(r)
		if s.TAT < s.Last || s.Last < 0 {
			t.Errorf("expected times in order, got %+v", s)
		}
		now := time.UnixMicro(at)
		if _, d := s.Spend(time.Duration(at)*time.Microsecond, now, tier, utc.Day(now), 1); d.RetryAfter < 0 || d.Day.Remaining < 0 {
			t.Errorf("from %+v: %+v", s, d)
		}
	})
}
