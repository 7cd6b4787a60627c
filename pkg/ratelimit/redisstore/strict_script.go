package redisstore

import (
	"context"
	_ "embed" // strict.lua
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"kong-plugin-auth-diagnosis/pkg/ratelimit"
)

//go:embed strict.lua
var strictSource string

var strictScript = redis.NewScript(strictSource)

// strictKey names a key's hash. The braces keep all that will ever be stored of
// a key in one slot of a cluster; the last letter tells the ways of counting
// apart, which share nothing, and those keys that stand in for an identity.
func strictKey(key ratelimit.Key) string {
	kind := "s"
	if key.Fallback() {
		kind = "sf"
	}
	return "auth-diagnosis:{" + key.String() + "}:" + kind
}

// arrears are what this process has admitted of a key, in a day, while Redis was
// away: all of it, whether Redis has been told since or not. Zero arrears are
// nothing to tell.
type arrears struct {
	count uint32
	day   int32
	end   int64 // of the day, in Unix seconds
}

// toldKey names what Redis has been told of arrears by one process.
func toldKey(hash, process string, day int32) string {
	return hash + ":" + process + ":" + strconv.Itoa(int(day))
}

// reply is what the script says: whether it counted the request, when that was
// by the clock of Redis, and the state that it found.
type reply struct {
	admitted bool
	at       time.Duration   // since the Unix epoch
	state    ratelimit.State // on the time line of at
}

// replyLength is the number of values in a reply: the verdict, the time, and
// ten of the state.
const replyLength = 12

// Bounds of what a reply holds. Within them no arithmetic of Spend overflows.
const (
	maxMicros = 7_000_000_000_000_000 // a time in the year 2191
	maxExact  = 1 << 53               // whole numbers that Lua counts without gaps
)

// runStrict decides one request in Redis and tells it of arrears.
func runStrict(ctx context.Context, c redis.Scripter, r *request, process string, owed arrears) (reply, error) {
	interval, burst := bucket(r.tier)
	keys := []string{strictKey(r.key)}
	args := []any{interval, burst, r.tier.Minute, r.tier.Hour, r.tier.Day, r.day.Number, r.day.End}
	if owed.count > 0 {
		keys = append(keys, toldKey(keys[0], process, owed.day))
		args = append(args, owed.count, owed.day, owed.end)
	}
	values, err := strictScript.Run(ctx, c, keys, args...).Int64Slice()
	if err != nil {
		return reply{}, err
	}
	return readReply(values)
}

// bucket is the second window as [ratelimit.State.Spend] sees it: the interval in
// nanoseconds, rounded up, 0 without the window, and the size in requests.
func bucket(tier ratelimit.Tier) (interval, burst int64) {
	if tier.Second == 0 {
		return 0, 0
	}
	if burst = tier.Burst; burst == 0 {
		burst = tier.Second
	}
	return (int64(time.Second) + tier.Second - 1) / tier.Second, burst
}

// readReply checks the values and puts them into a State whose time line is the
// clock of Redis.
func readReply(v []int64) (reply, error) {
	if len(v) != replyLength {
		return reply{}, fmt.Errorf("%w: expected %d values, got %d", errReply, replyLength, len(v))
	}
	for i, most := range [replyLength]int64{
		1, maxMicros, // verdict and time
		maxMicros, v[4] * ratelimit.MaxRate, int64(time.Second), // last, debt, interval
		math.MaxUint32, math.MaxUint32, math.MaxUint32, math.MaxUint32, // minute and hour
		math.MaxInt32, maxExact, maxExact, // day
	} {
		if v[i] < 0 || v[i] > most {
			return reply{}, fmt.Errorf("%w: value %d: expected 0 to %d, got %d", errReply, i, most, v[i])
		}
	}
	last := micros(v[2])
	return reply{
		admitted: v[0] == 1,
		at:       micros(v[1]),
		state: ratelimit.State{
			TAT: last + time.Duration(v[3]), Last: last, Interval: uint32(v[4]),
			Minute: ratelimit.Count{Number: uint32(v[5]), Used: uint32(v[6])},
			Hour:   ratelimit.Count{Number: uint32(v[7]), Used: uint32(v[8])},
			Day:    int32(v[9]), Used: v[10], DayEnd: v[11],
		},
	}, nil
}

func micros(n int64) time.Duration { return time.Duration(n) * time.Microsecond }
