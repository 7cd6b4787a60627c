package access

import (
	"encoding/json"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"kong-plugin-auth-diagnosis/pkg/diagnosis"
	"kong-plugin-auth-diagnosis/pkg/jwks"
	"kong-plugin-auth-diagnosis/pkg/standin/ping"
	"kong-plugin-auth-diagnosis/pkg/token"
)

// TestReplacedKeysExplainAndNeverVerify has tokens that name a kid whose key
// was another one before.
func TestReplacedKeysExplainAndNeverVerify(t *testing.T) {
	issuer, err := ping.Start(ping.Options{Product: ping.PingFederate})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { issuer.Close() })
	// key is one of those that go by the same kid.
	key := func(alg string) *ping.Key {
		k, err := ping.NewKey(alg)
		if err != nil {
			t.Fatal(err)
		}
		k.ID = "same"
		return k
	}
	list := func(keys ...*ping.Key) (l []jwks.Key) {
		for _, k := range keys {
			l = append(l, jwks.Key{ID: k.ID, Public: k.Public()})
		}
		return l
	}
	now, before, other, curve := key("RS256"), key("RS256"), key("RS256"), key("ES256")
	answer := jwks.Answer{Status: jwks.Found, Keys: list(now), Replaced: list(before, other)}
	signed := func(k *ping.Key) string { return issuer.Token(ping.SignedBy(k), ping.KeyID("same")) }
	tests := map[string]struct {
		raw    string
		answer jwks.Answer
		want   diagnosis.Code
	}{
		"the key of today":              {signed(now), answer, ""},
		"the key before":                {signed(before), answer, diagnosis.SignatureKeyReusedKid},
		"one before that":               {signed(other), answer, diagnosis.SignatureKeyReusedKid},
		"the key before, cut":           {signed(before)[:len(signed(before))-20], answer, diagnosis.CredentialTruncated},
		"the key before, tampered with": {ping.Tamper(signed(before)), answer, diagnosis.SignatureInvalid},
		"a stranger's":                  {signed(key("RS256")), answer, diagnosis.SignatureInvalid},
		"nothing was replaced":          {signed(before), jwks.Answer{Status: jwks.Found, Keys: list(now)}, diagnosis.SignatureInvalid},
		"of another type today":         {signed(before), jwks.Answer{Status: jwks.Found, Keys: list(curve), Replaced: list(before)}, diagnosis.SignatureKeyReusedKid},
		"published under another kid":   {signed(before), jwks.Answer{Status: jwks.Found, Keys: list(now), Others: list(before)}, diagnosis.SignatureOtherKey},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			parsed, f := token.Parse(tt.raw, token.Limits{Size: 16384})
			if f != nil {
				t.Fatal(f)
			}
			got := diagnosis.Code("")
			if f := verify(parsed, tt.answer); f != nil {
				got = f.Code
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// TestKidOfAnotherIssuerIsNamed asks the token's own issuer first: only what it
// surely does not have is looked for elsewhere.
func TestKidOfAnotherIssuerIsNamed(t *testing.T) {
	var ahead atomic.Int64 // seconds
	now := func() time.Time { return time.Now().Add(time.Duration(ahead.Load()) * time.Second) }
	e := New(WithClock(now))
	t.Cleanup(e.Close)
	var issuers []*ping.Issuer
	var configs []any
	for range 2 {
		i, err := ping.Start(ping.Options{Product: ping.PingFederate})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { i.Close() })
		issuers = append(issuers, i)
		configs = append(configs, map[string]any{"issuer": i.IssuerURL(), "jwks_uris": []any{i.JWKSURL()}, "audiences": []any{ping.DefaultAudience}})
	}
	config, err := json.Marshal(map[string]any{"issuers": configs})
	if err != nil {
		t.Fatal(err)
	}
	r := e.Start(config)
	await := func(what string, done func() bool) {
		t.Helper()
		for deadline := time.Now().Add(10 * time.Second); !done(); runtime.Gosched() {
			if time.Now().After(deadline) {
				t.Fatalf("%s never came", what)
			}
		}
	}
	for _, i := range issuers {
		await("keys", func() bool { return codeOf(r, i.Token()) == "" })
	}
	own, other := issuers[0], issuers[1]
	claiming := other.Token(ping.IssuedBy(own.IssuerURL()))
	j, _ := r.examine(claiming)
	if f := j.before[0]; f.Code != diagnosis.KidOtherIssuer || !strings.Contains(f.Detail, other.IssuerURL()) {
		t.Errorf("got %+v, want kid_other_issuer naming %s", f, other.IssuerURL())
	}
	if got := codeOf(r, own.Token(ping.KeyID("nobody"))); got != diagnosis.KidUnknown {
		t.Errorf("a kid that nobody has: got %q, want kid_unknown", got)
	}
	// Later it may be the issuer's own by now, which has to be asked first.
	before := own.Requests("/pf/JWKS")
	ahead.Store(31)
	if got := codeOf(r, claiming); got != diagnosis.KidUnknownThrottled {
		t.Errorf("while it is looked up: got %q, want kid_unknown_throttled", got)
	}
	await("the answer", func() bool { return codeOf(r, claiming) == diagnosis.KidOtherIssuer })
	if n := own.Requests("/pf/JWKS") - before; n != 1 {
		t.Errorf("the issuer was asked %d times, want once", n)
	}
}
