package access

import (
	"encoding/base64"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"time"
	"unsafe"

	"kong-plugin-auth-diagnosis/pkg/diagnosis"
	"kong-plugin-auth-diagnosis/pkg/standin/ping"
	"kong-plugin-auth-diagnosis/pkg/token"
)

// A crowd is tokens that differ in a number alone. One buffer holds the token in
// turn: a request's token is fresh in the processor's cache as well, whoever
// sends it.
type crowd struct {
	raw    []byte
	number []byte // where the number's digits are in raw, in base64
}

// numbered begins a payload so that the digits of the number fill whole groups
// of base64.
const numbered, digits = `{"n":"`, 9

func newCrowd(t testing.TB, good string) *crowd {
	t.Helper()
	part := strings.Split(good, ".")
	claims, err := base64.RawURLEncoding.DecodeString(part[1])
	if err != nil {
		t.Fatal(err)
	}
	payload := numbered + strings.Repeat("0", digits) + `",` + string(claims[1:])
	c := &crowd{raw: []byte(part[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(payload)) + "." + part[2])}
	at := len(part[0]) + 1 + base64.RawURLEncoding.EncodedLen(len(numbered))
	c.number = c.raw[at : at+base64.RawURLEncoding.EncodedLen(digits)]
	return c
}

// token returns the i-th token, good until the next call.
func (c *crowd) token(i int) string {
	var text [digits]byte
	for at := digits - 1; at >= 0; at-- {
		text[at], i = byte('0'+i%10), i/10
	}
	base64.RawURLEncoding.Encode(c.number, text[:])
	return unsafe.String(&c.raw[0], len(c.raw))
}

// remember puts n tokens of a crowd into the cache as if their signatures had
// held, each with memory of its own.
func (c *crowd) remember(t testing.TB, r *Route, j *judged, n int) {
	t.Helper()
	for i := range n {
		raw := strings.Clone(c.token(i))
		parsed, f := token.Parse(raw, token.Limits{})
		if f != nil {
			t.Fatal(f.Code)
		}
		own := &judged{
			token: parsed.Keep(r.asked), untrusted: j.untrusted, issuer: j.issuer, kid: strings.Clone(j.kid),
			generation: j.generation, before: j.before, after: j.after,
		}
		r.engine.tokens.put(r.engine.tokens.key(r.policy, raw), own)
	}
}

// crowded is a route with a limiter and n good tokens in its cache.
func crowded(t testing.TB, n int) (*Route, *crowd) {
	t.Helper()
	r, issuer := cached(t, time.Now, limiterAlone)
	good := issuer.Token()
	if code := codeOf(r, good); code != "" {
		t.Fatal(code)
	}
	j, _ := r.engine.tokens.get(r.engine.tokens.key(r.policy, good))
	c := newCrowd(t, good)
	c.remember(t, r, j, n)
	r.engine.checks.Store(0)
	return r, c
}

func TestCacheKeepsTheTokensOfACrowdApart(t *testing.T) {
	const n = 1000
	r, c := crowded(t, n)
	for i := range n {
		if code := codeOf(r, c.token(i)); code != "" {
			t.Fatalf("token %d: %q", i, code)
		}
	}
	if checks := r.engine.checks.Load(); checks != 0 {
		t.Errorf("%d of %d tokens were checked again", checks, n)
	}
	if code := codeOf(r, c.token(n)); code != diagnosis.SignatureInvalid {
		t.Errorf("a token that nobody signed: got %q, want signature_invalid", code)
	}
}

// heap returns the bytes that live objects have. What earlier tests had goes while
// they are counted: it is awaited.
func heap() int64 {
	const noise = 64 << 10
	var m runtime.MemStats
	for last := int64(math.MaxInt64); ; last = int64(m.HeapAlloc) {
		runtime.GC()
		if runtime.ReadMemStats(&m); last-int64(m.HeapAlloc) < noise {
			return int64(m.HeapAlloc)
		}
	}
}

func TestCacheHasRoomForACrowd(t *testing.T) {
	const tokens = 100_000
	r, c := crowded(t, 1)
	j, _ := r.engine.tokens.get(r.engine.tokens.key(r.policy, c.token(0)))
	if need := tokens * uint64(j.weight()); need > mostGoodBytes {
		t.Errorf("%d tokens of %d bytes need %d bytes, expected at most %d", tokens, len(c.raw), need, mostGoodBytes)
	}
}

// TestCacheKnowsWhatTokensTake: what it believes of an entry's size bounds it.
func TestCacheKnowsWhatTokensTake(t *testing.T) {
	const sample = 3000
	r, issuer := cached(t, time.Now, limiterAlone)
	for name, options := range map[string][]ping.TokenOption{
		"good":                   nil,
		"good, with many claims": {ping.Claims(map[string]any{"groups": strings.Split(strings.Repeat("group ", 100), " ")})},
		"another audience":       {ping.Audience("https://other.example/" + strings.Repeat("a", 200))},
	} {
		t.Run(name, func(t *testing.T) {
			minted := make([]string, sample)
			for i := range minted {
				minted[i] = issuer.Token(append(options, ping.Algorithm("ES256"), ping.Subject(fmt.Sprint("subject ", i)))...)
			}
			before, weighed := heap(), int64(r.engine.tokens.good.WeightedSize())
			for _, raw := range minted {
				if v := new(verdict); codeOf(r, raw) == "" {
					judgeAndCount(t, r, v, raw, r.engine.now())
				}
			}
			took := (heap() - before) / sample
			if weight := (int64(r.engine.tokens.good.WeightedSize()) - weighed) / sample; took > weight+weight/20 || took < weight/2 {
				t.Errorf("an entry takes %d bytes, believed to take %d", took, weight)
			}
			runtime.KeepAlive(minted)
		})
	}
}

// TestCacheKeepsNoTextOfRefusedTokens: they are as large as their sender likes.
func TestCacheKeepsNoTextOfRefusedTokens(t *testing.T) {
	const most, tokens = 4 << 10, 500
	r, issuer := cached(t, time.Now, nil)
	c := newCrowd(t, issuer.Token(ping.Claims(map[string]any{"padding": strings.Repeat("x", 8<<10)})))
	before := heap()
	for i := range tokens {
		if code := codeOf(r, c.token(i)); code != diagnosis.SignatureInvalid {
			t.Fatalf("token %d: got %q, expected signature_invalid", i, code)
		}
	}
	if took := (heap() - before) / tokens; took > most {
		t.Errorf("an entry for a token of %d bytes takes %d, expected at most %d", len(c.raw), took, most)
	}
}

func TestCacheTakesAShareOfTheMemory(t *testing.T) {
	for limit, want := range map[int64]uint64{
		math.MaxInt64: mostGoodBytes,
		4 << 30:       mostGoodBytes,
		256 << 20:     64 << 20,
		1 << 20:       1 << 18,
	} {
		if got := goodBytes(limit); got != want {
			t.Errorf("memory limit %d: got %d bytes, want %d", limit, got, want)
		}
	}
}

// BenchmarkCachedTokens is a verdict with limiter on one of so many cached
// tokens, in random order.
func BenchmarkCachedTokens(b *testing.B) {
	for _, n := range []int{10, 100, 1000, 10_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			r, c := crowded(b, n)
			v := new(verdict)
			b.ReportAllocs()
			for b.Loop() {
				judgeAndCount(b, r, v, c.token(rand.IntN(n)), r.engine.now())
			}
			if checks := r.engine.checks.Load(); checks != 0 {
				b.Errorf("%d tokens were checked again", checks)
			}
		})
	}
}
