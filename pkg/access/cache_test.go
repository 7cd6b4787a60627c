package access

import (
	"encoding/json"
	"maps"
	"runtime"
	"testing"
	"time"

	"kong-plugin-auth-diagnosis/pkg/diagnosis"
	"kong-plugin-auth-diagnosis/pkg/standin/ping"
)

// cached is a route whose keys are loaded, and the issuer of them.
func cached(t testing.TB, now func() time.Time, over map[string]any) (*Route, *ping.Issuer) {
	t.Helper()
	issuer, err := ping.Start(ping.Options{Product: ping.PingFederate})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { issuer.Close() })
	e := New(WithClock(now))
	t.Cleanup(e.Close)
	settings := map[string]any{
		"issuers": []any{map[string]any{"issuer": issuer.IssuerURL(), "jwks_uris": []any{issuer.JWKSURL()}, "audiences": []any{ping.DefaultAudience}}},
	}
	maps.Copy(settings, over)
	config, err := json.Marshal(settings)
	if err != nil {
		t.Fatal(err)
	}
	r := e.Start(config)
	for deadline := time.Now().Add(10 * time.Second); codeOf(r, issuer.Token()) != ""; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatal("keys never came")
		}
	}
	e.checks.Store(0)
	return r, issuer
}

// codeOf judges a token; "" is a good one.
func codeOf(r *Route, raw string) diagnosis.Code {
	var v verdict
	_, failures := r.judgeToken(&v, raw, r.engine.now())
	if len(failures) == 0 {
		return ""
	}
	return failures[0].Code
}

func TestOneTokenCostsOneSignatureCheck(t *testing.T) {
	r, issuer := cached(t, time.Now, nil)
	for want, raw := range map[diagnosis.Code]string{
		"":                         issuer.Token(ping.Subject("somebody")),
		diagnosis.SignatureInvalid: ping.Tamper(issuer.Token()),
		diagnosis.AudienceMismatch: issuer.Token(ping.Audience("https://other.example")),
		diagnosis.TokenExpired:     issuer.Token(ping.Expires(time.Now().Add(-time.Hour))),
	} {
		r.engine.checks.Store(0)
		for range 100 {
			if got := codeOf(r, raw); got != want {
				t.Fatalf("got %q, want %q", got, want)
			}
		}
		if n := r.engine.checks.Load(); n != 1 {
			t.Errorf("%q: 100 requests cost %d signature checks, want 1", want, n)
		}
	}
}

func TestACachedTokenExpiresOnTime(t *testing.T) {
	now := time.Now()
	r, issuer := cached(t, func() time.Time { return now }, nil)
	raw := issuer.Token(ping.IssuedAt(now.Add(-time.Hour)), ping.Expires(now.Add(time.Minute)))
	if got := codeOf(r, raw); got != "" {
		t.Fatalf("got %q", got)
	}
	now = now.Add(time.Minute + 31*time.Second) // past exp and the default leeway
	if got := codeOf(r, raw); got != diagnosis.TokenExpired {
		t.Errorf("got %q, want token_expired", got)
	}
}

func TestAnotherPolicyJudgesAnew(t *testing.T) {
	r, issuer := cached(t, time.Now, nil)
	raw := issuer.Token()
	if got := codeOf(r, raw); got != "" {
		t.Fatalf("got %q", got)
	}
	config, err := json.Marshal(map[string]any{
		"issuers": []any{map[string]any{"issuer": issuer.IssuerURL(), "jwks_uris": []any{issuer.JWKSURL()}, "audiences": []any{"https://stricter.example"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := codeOf(r.engine.Start(config), raw); got != diagnosis.AudienceMismatch {
		t.Errorf("got %q, want audience_mismatch", got)
	}
}

// TestCachedVerdictAllocatesNothing holds the budget of the happy path.
func TestCachedVerdictAllocatesNothing(t *testing.T) {
	for name, over := range map[string]map[string]any{"alone": nil, "with limiter": limiterAlone} {
		r, issuer := cached(t, time.Now, over)
		raw, now := issuer.Token(), time.Now()
		v := new(verdict)
		if n := testing.AllocsPerRun(1000, func() { judgeAndCount(t, r, v, raw, now) }); n != 0 {
			t.Errorf("%s: a cached verdict allocates %v times, want none", name, n)
		}
	}
}

// limiterAlone counts requests and says nothing of it to the client.
var limiterAlone = map[string]any{"rate_limiting": map[string]any{
	"default_tier": "free", "hide_client_headers": true,
	"tiers": []any{map[string]any{"name": "free", "second": 1_000_000, "day": 1_000_000_000}},
}}

// judgeAndCount is what a request with a cached token costs between the headers
// that it reads and the headers that it writes.
func judgeAndCount(t testing.TB, r *Route, v *verdict, raw string, now time.Time) {
	*v = verdict{}
	if _, failures := r.judgeToken(v, raw, now); len(failures) > 0 {
		t.Fatalf("refused: %v", failures[0])
	}
	if r.limits == nil {
		return
	}
	if err := r.limit(nil, v, now); err != nil || v.diagnosis.Code != "" {
		t.Fatalf("not counted: %v, %q", err, v.diagnosis.Code)
	}
}

func benchmarkCached(b *testing.B, over map[string]any) {
	r, issuer := cached(b, time.Now, over)
	raw, v := issuer.Token(), new(verdict)
	b.ReportAllocs()
	for b.Loop() {
		judgeAndCount(b, r, v, raw, r.engine.now())
	}
}

func BenchmarkCachedVerdict(b *testing.B) { benchmarkCached(b, nil) }

func BenchmarkCachedVerdictWithLimiter(b *testing.B) { benchmarkCached(b, limiterAlone) }
