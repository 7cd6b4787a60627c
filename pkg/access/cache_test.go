package access

import (
	"encoding/json"
	"runtime"
	"testing"
	"time"

	"kong-plugin-auth-diagnosis/pkg/diagnosis"
	"kong-plugin-auth-diagnosis/pkg/standin/ping"
)

// cached is a route whose keys are loaded, and the issuer of them.
func cached(t testing.TB, now func() time.Time) (*Route, *ping.Issuer) {
	t.Helper()
	issuer, err := ping.Start(ping.Options{Product: ping.PingFederate})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { issuer.Close() })
	e := New(WithClock(now))
	t.Cleanup(e.Close)
	config, err := json.Marshal(map[string]any{
		"issuers": []any{map[string]any{"issuer": issuer.IssuerURL(), "jwks_uris": []any{issuer.JWKSURL()}, "audiences": []any{ping.DefaultAudience}}},
	})
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
	r, issuer := cached(t, time.Now)
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
	r, issuer := cached(t, func() time.Time { return now })
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
	r, issuer := cached(t, time.Now)
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

// TestCachedVerdictAllocations holds the budget of the happy path: hashing the
// token is the one allocation.
func TestCachedVerdictAllocations(t *testing.T) {
	r, issuer := cached(t, time.Now)
	raw, now := issuer.Token(), time.Now()
	var v verdict
	if n := testing.AllocsPerRun(1000, func() { r.judgeToken(&v, raw, now) }); n > 1 {
		t.Errorf("a cached verdict allocates %v times, want at most 1", n)
	}
}

func BenchmarkCachedVerdict(b *testing.B) {
	r, issuer := cached(b, time.Now)
	raw, now := issuer.Token(), time.Now()
	b.ReportAllocs()
	for b.Loop() {
		var v verdict
		r.judgeToken(&v, raw, now)
	}
}
