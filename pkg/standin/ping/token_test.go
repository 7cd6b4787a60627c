package ping_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"

	"kong-plugin-auth-diagnosis/pkg/standin/ping"
)

// random are the members whose values differ from run to run.
var random = []string{"kid", "jti", "p1.rid", "sid", "auditTrackingId", "authGrantId", "nonce", "at_hash"}

// TestShapes holds header and claims of every kind of token against golden files: the
// random values are masked, everything else is literal.
func TestShapes(t *testing.T) {
	kinds := map[string][]ping.TokenOption{
		"client": nil,
		"user":   {ping.Subject("user-17")},
		"id":     {ping.Subject("user-17"), ping.IDToken()},
	}
	for _, product := range products {
		t.Run(string(product), func(t *testing.T) {
			iss := start(t, ping.Options{Product: product, PublicURL: "https://ping.example.com"})
			shapes := map[string]any{}
			for kind, options := range kinds {
				header, claims := decode(t, iss.Token(options...))
				for _, members := range []map[string]any{header, claims} {
					for _, name := range random {
						if members[name] != nil {
							members[name] = "RANDOM"
						}
					}
				}
				shapes[kind] = map[string]any{"header": header, "claims": claims}
			}
			got, err := json.MarshalIndent(shapes, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			golden(t, string(product)+".golden.json", string(got)+"\n")
		})
	}
}

func TestTokenOptions(t *testing.T) {
	federate := start(t, ping.Options{Product: ping.PingFederate})
	arrays := start(t, ping.Options{Product: ping.PingFederate, ScopeAsArray: true, OmitIssuer: true})
	one := start(t, ping.Options{Product: ping.PingOne})
	am := start(t, ping.Options{Product: ping.PingAM})
	at := func(d time.Duration) (time.Time, float64) { return noon.Add(d), float64(noon.Add(d).Unix()) }
	early, earlyUnix := at(-5 * time.Minute)
	late, lateUnix := at(time.Hour)
	tests := map[string]struct {
		iss     *ping.Issuer
		options []ping.TokenOption
		header  map[string]any // nil value: absent
		claims  map[string]any
	}{
		"client of the table":    {federate, []ping.TokenOption{ping.ForClient("premium-client")}, nil, map[string]any{"client_id": "premium-client", "tier": "premium"}},
		"unknown client":         {federate, []ping.TokenOption{ping.ForClient("stranger")}, nil, map[string]any{"client_id": "stranger", "tier": nil, "scope": "read"}},
		"tier":                   {federate, []ping.TokenOption{ping.Tier("gold")}, nil, map[string]any{"tier": "gold"}},
		"one audience":           {federate, []ping.TokenOption{ping.Audience("a")}, nil, map[string]any{"aud": "a"}},
		"two audiences":          {federate, []ping.TokenOption{ping.Audience("a", "b")}, nil, map[string]any{"aud": []any{"a", "b"}}},
		"pingone audience":       {one, []ping.TokenOption{ping.Audience("a")}, nil, map[string]any{"aud": []any{"a"}}},
		"pingam audience":        {am, []ping.TokenOption{ping.ForClient("x")}, nil, map[string]any{"aud": "x"}},
		"scope string":           {federate, []ping.TokenOption{ping.Scope("a", "b")}, nil, map[string]any{"scope": "a b"}},
		"scope array":            {am, []ping.TokenOption{ping.Scope("a")}, nil, map[string]any{"scope": []any{"a"}}},
		"older pingfederate":     {arrays, []ping.TokenOption{ping.Scope("a")}, nil, map[string]any{"scope": []any{"a"}, "iss": nil}},
		"no scope":               {federate, []ping.TokenOption{ping.Scope()}, nil, map[string]any{"scope": nil}},
		"issuer":                 {federate, []ping.TokenOption{ping.IssuedBy("https://other")}, nil, map[string]any{"iss": "https://other"}},
		"expired":                {federate, []ping.TokenOption{ping.Expires(early)}, nil, map[string]any{"exp": earlyUnix, "iat": earlyUnix - 7200}},
		"expired and issued":     {federate, []ping.TokenOption{ping.Expires(early), ping.IssuedAt(noon)}, nil, map[string]any{"exp": earlyUnix, "iat": float64(noon.Unix())}},
		"issued later":           {federate, []ping.TokenOption{ping.IssuedAt(late)}, nil, map[string]any{"iat": lateUnix, "exp": lateUnix + 7200}},
		"not before":             {am, []ping.TokenOption{ping.NotBefore(late)}, nil, map[string]any{"nbf": lateUnix}},
		"claims have last word":  {federate, []ping.TokenOption{ping.Claims(map[string]any{"tier": "x", "exp": nil, "deep": map[string]any{"a": 1.0}}), ping.Tier("y")}, nil, map[string]any{"tier": "x", "exp": nil, "deep": map[string]any{"a": 1.0}}},
		"header has last word":   {federate, []ping.TokenOption{ping.Header(map[string]any{"typ": nil, "crit": []any{"x"}})}, map[string]any{"typ": nil, "crit": []any{"x"}}, nil},
		"key id":                 {federate, []ping.TokenOption{ping.KeyID("other")}, map[string]any{"kid": "other"}, nil},
		"no key id":              {federate, []ping.TokenOption{ping.WithoutKid()}, map[string]any{"kid": nil}, nil},
		"token manager":          {federate, []ping.TokenOption{ping.FromManager("5")}, map[string]any{"kid": "JwtDefault1", "pi.atm": "5"}, nil},
		"token manager, a curve": {federate, []ping.TokenOption{ping.FromManager("5"), ping.Algorithm("ES256")}, map[string]any{"kid": "JwtDefault1-P-256"}, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			header, claims := decode(t, tt.iss.Token(tt.options...))
			for _, part := range []struct{ want, got map[string]any }{{tt.header, header}, {tt.claims, claims}} {
				for member, want := range part.want {
					if diff := cmp.Diff(want, part.got[member]); diff != "" {
						t.Errorf("%s (-want +got):\n%s", member, diff)
					}
				}
			}
		})
	}
}

func TestEveryAlgorithmVerifies(t *testing.T) {
	iss := start(t, ping.Options{Product: ping.PingFederate})
	for _, alg := range []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"} {
		t.Run(alg, func(t *testing.T) {
			token := iss.Token(ping.Algorithm(alg), ping.IDToken())
			if header, _ := decode(t, token); header["alg"] != alg {
				t.Errorf("got alg %q", header["alg"])
			}
			if err := verify(t, iss.JWKSURL(), token); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestMintErrors(t *testing.T) {
	iss := start(t, ping.Options{Product: ping.PingFederate})
	curve, err := ping.NewKey("ES256")
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string][]ping.TokenOption{
		`"HS256"`: {ping.Algorithm("HS256")},
		`"9"`:     {ping.FromManager("9")},
		"RS256":   {ping.SignedBy(curve)},
		"ES384":   {ping.SignedBy(curve), ping.Algorithm("ES384")},
	}
	for want, options := range tests {
		if token, err := iss.Mint(options...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got token %q, error %v, want an error that names %s", token, err, want)
		}
	}
	if _, err := ping.NewKey("none"); err == nil {
		t.Error("a key for none: got no error")
	}
}

func TestForgeriesDoNotVerify(t *testing.T) {
	iss := start(t, ping.Options{Product: ping.PingOne})
	stranger, err := ping.NewKey("RS256")
	if err != nil {
		t.Fatal(err)
	}
	own, err := iss.Keys().Key("RS256")
	if err != nil {
		t.Fatal(err)
	}
	good := iss.Token()
	forgeries := map[string]string{
		"alg none":                 ping.AlgNone(good),
		"hmac":                     ping.AlgHS256(good, []byte("public key")),
		"tampered":                 ping.Tamper(good),
		"tampered twice":           ping.Tamper(ping.Tamper(good)),
		"flipped signature":        ping.FlipSignature(good),
		"cut":                      ping.Truncate(good, 40),
		"key nobody publishes":     iss.Token(ping.SignedBy(stranger)),
		"key under somebody's kid": iss.Token(ping.SignedBy(stranger), ping.KeyID(own.ID)),
	}
	seen := map[string]string{good: "the good token"}
	for name, token := range forgeries {
		if err := verify(t, iss.JWKSURL(), token); err == nil {
			t.Errorf("%s: verified", name)
		}
		if twin, twice := seen[token]; twice {
			t.Errorf("%s: the same as %s", name, twin)
		}
		seen[token] = name
	}
	if err := verify(t, iss.JWKSURL(), good); err != nil {
		t.Error(err)
	}
	_, before := decode(t, good)
	if _, after := decode(t, ping.Tamper(good)); after["exp"] != before["exp"] || after["tampered"] == nil {
		t.Errorf("tampered claims: got %v", after)
	}
	secret := []byte("public key")
	_, err = jwt.NewParser(jwt.WithoutClaimsValidation()).Parse(ping.AlgHS256(good, secret), func(*jwt.Token) (any, error) { return secret, nil })
	if err != nil {
		t.Errorf("hmac under the secret it was made with: %v", err)
	}
}

func TestForgeriesPanicOnAnythingElse(t *testing.T) {
	tests := map[string]func(){
		"two segments": func() { ping.Tamper("a.b") },
		"unsigned":     func() { ping.AlgNone("e30.e30.") },
		"not json":     func() { ping.AlgNone("QQ.e30.QQ") },
		"cut nothing":  func() { ping.Truncate("e30.e30.QQ", 0) },
		"cut all":      func() { ping.Truncate("e30.e30.QQ", 10) },
	}
	for name, forge := range tests {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("got no panic")
				}
			}()
			forge()
		})
	}
}

func TestPingOneTokensAgreeWithThemselves(t *testing.T) {
	iss := start(t, ping.Options{Product: ping.PingOne})
	_, claims := decode(t, iss.Token())
	if claims["p1.rid"] != claims["jti"] {
		t.Errorf("got p1.rid %q, want the jti %q", claims["p1.rid"], claims["jti"])
	}
	if env, _ := claims["env"].(string); env == "" || !strings.Contains(claims["iss"].(string), env) {
		t.Errorf("got env %q, want the one in iss %q", env, claims["iss"])
	}
}
