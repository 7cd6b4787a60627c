package access

import (
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"

	"kong-plugin-auth-diagnosis/pkg/diagnosis"
	"kong-plugin-auth-diagnosis/pkg/ratelimit"
	"kong-plugin-auth-diagnosis/pkg/token"
)

// judged is what a token is worth apart from the time: it follows from the
// token, the policy and the issuer's keys alone, and may be used again while
// all three are the same.
type judged struct {
	// token is set if its signature holds: what the route asks of it.
	token *token.Verified
	// untrusted is the token's iss, verified or not; issuer is the trusted one
	// whose keys were asked, "" if it never came to that.
	untrusted, issuer string
	kid               string
	// generation of the keys that were asked; 0 where no signature was checked,
	// which is not worth remembering.
	generation uint64
	// What failed: before the time is looked at, and after it.
	before, after []diagnosis.Failure

	counter atomic.Pointer[counted] // of the token's requests; nil until one is counted
}

// counted is the counter that a token's requests fall under. Instances with one
// policy may have different namespaces.
type counted struct {
	namespace string
	key       ratelimit.Key
}

// Bounds of the caches. A verified token is remembered until it expires, a
// refused one for moments: long enough that a flood of it costs one check. Only
// who has good tokens can fill the room for them, which is enough for 100,000 of
// a usual size where the process may have the memory.
const (
	mostGoodBytes = 80 << 20
	memoryShare   = 4 // at most a quarter of GOMEMLIMIT
	badEntries    = 1 << 14
	badLifetime   = 10 * time.Second

	bytesPerGood    = 512 // what an entry takes besides claims and failures
	bytesPerFailure = 256
)

// goodBytes bounds the good tokens of a process with that memory limit, in bytes.
func goodBytes(memoryLimit int64) uint64 {
	return uint64(min(mostGoodBytes, memoryLimit/memoryShare))
}

// cache remembers judged tokens, good and bad ones apart so that a flood of bad
// ones never drives out the good.
type cache struct {
	fingerprints *fingerprints
	good, bad    *otter.Cache[fingerprint, *judged]
}

func newCache(now func() time.Time) *cache {
	return &cache{
		fingerprints: newFingerprints(),
		good: otter.Must(&otter.Options[fingerprint, *judged]{
			MaximumWeight: goodBytes(debug.SetMemoryLimit(-1)), // reads it only
			Weigher:       func(_ fingerprint, j *judged) uint32 { return j.weight() },
			ExpiryCalculator: otter.ExpiryWritingFunc(func(e otter.Entry[fingerprint, *judged]) time.Duration {
				if at, ok := e.Value.token.ExpiresAt(); ok {
					return max(at.Sub(now()), badLifetime)
				}
				return badLifetime
			}),
		}),
		bad: otter.Must(&otter.Options[fingerprint, *judged]{
			MaximumSize:      badEntries,
			ExpiryCalculator: otter.ExpiryWriting[fingerprint, *judged](badLifetime),
		}),
	}
}

// key names a token under a policy.
func (c *cache) key(p policy, token string) fingerprint { return c.fingerprints.of(p, token) }

func (c *cache) get(k fingerprint) (*judged, bool) {
	if j, ok := c.good.GetIfPresent(k); ok {
		return j, true
	}
	return c.bad.GetIfPresent(k)
}

func (c *cache) put(k fingerprint, j *judged) {
	switch {
	case j.generation == 0:
	case j.token != nil:
		c.good.Set(k, j)
	default:
		c.bad.Set(k, j)
	}
}

func (c *cache) close() {
	c.good.StopAllGoroutines()
	c.bad.StopAllGoroutines()
}

// detach gives an entry memory of its own. What is read from a token shares the
// token's, and 16,384 refused ones may have a quarter of a gigabyte.
func (j *judged) detach() {
	j.kid = strings.Clone(j.kid)
	if j.untrusted != "" {
		j.untrusted = j.issuer // they are the same: the issuer's keys are asked
	}
}

// weight estimates a good token's bytes.
func (j *judged) weight() uint32 {
	n := bytesPerGood + j.token.Size()
	for _, failures := range [][]diagnosis.Failure{j.before, j.after} {
		for _, f := range failures {
			n += bytesPerFailure + len(f.Detail)
		}
	}
	return uint32(n)
}
