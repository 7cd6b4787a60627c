//go:build spec

package spec

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"kong-plugin-auth-diagnosis/pkg/standin/ping"
	"kong-plugin-auth-diagnosis/spec/rig"
)

// TestVerdicts sends one call a row, through the edge or straight, and reads
// the verdict. Nothing of a row is known to the gateway but its bytes.
func TestVerdicts(t *testing.T) {
	issuer := shared.PingFederate
	mint := func(o ...ping.TokenOption) string {
		return issuer.Token(append([]ping.TokenOption{ping.ForClient("premium-client")}, o...)...)
	}
	good := mint()
	bearer := func(token string) string { return "Bearer " + token }
	ago := func(d time.Duration) time.Time { return time.Now().Add(-d) }
	otherKey, err := ping.NewKey("RS256")
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		prefix        string // of the edge; "" passes
		authorization string // "" sends none
		status        int
		code          string // "" for none
		hop           string
	}{
		"PingFederate":                  {"", bearer(good), 200, "", ""},
		"PingFederate, token manager":   {"", bearer(mint(ping.FromManager("5"))), 200, "", ""},
		"PingFederate, no kid":          {"", bearer(mint(ping.WithoutKid())), 200, "", ""},
		"PingOne":                       {"", bearer(shared.PingOne.Token(ping.ForClient("premium-client"))), 200, "", ""},
		"PingAM":                        {"", bearer(shared.PingAM.Token(ping.ForClient("premium-client"))), 200, "", ""},
		"PS256":                         {"", bearer(mint(ping.Algorithm("PS256"))), 200, "", ""},
		"ES256":                         {"", bearer(mint(ping.Algorithm("ES256"))), 200, "", ""},
		"ES512":                         {"", bearer(mint(ping.Algorithm("ES512"))), 200, "", ""},
		"EdDSA":                         {"", bearer(mint(ping.Algorithm("EdDSA"))), 200, "", ""},
		"lower-case scheme":             {"", "bearer " + good, 200, "", ""},
		"upper-case scheme":             {"", "BEARER " + good, 200, "", ""},
		"expired":                       {"", bearer(mint(ping.Expires(ago(312 * time.Second)))), 401, "token_expired", "client"},
		"expired within the leeway":     {"", bearer(mint(ping.Expires(ago(10 * time.Second)))), 200, "", ""},
		"fresh but expired: clock skew": {"", bearer(mint(ping.Expires(ago(45*time.Second)), ping.IssuedAt(ago(90*time.Second)))), 401, "token_expired_skew", "idp"},
		"not valid yet":                 {"", bearer(mint(ping.NotBefore(ago(-time.Hour)))), 401, "token_not_yet_valid", "idp"},
		"issued in the future":          {"", bearer(mint(ping.IssuedAt(ago(-time.Hour)), ping.Expires(ago(-2*time.Hour)))), 401, "token_issued_in_future", "idp"},
		"exp in milliseconds":           {"", bearer(mint(ping.Claims(map[string]any{"exp": time.Now().Add(time.Hour).UnixMilli()}))), 401, "time_claim_milliseconds", "idp"},
		"no exp":                        {"", bearer(mint(ping.Claims(map[string]any{"exp": nil}))), 401, "exp_missing", "idp"},
		"another audience":              {"", bearer(mint(ping.Audience("https://other.example"))), 401, "audience_mismatch", "client"},
		"no audience":                   {"", bearer(mint(ping.Claims(map[string]any{"aud": nil}))), 401, "audience_missing", "idp"},
		"audience of a wrong type":      {"", bearer(mint(ping.Claims(map[string]any{"aud": 5}))), 401, "audience_bad_type", "idp"},
		"untrusted issuer":              {"", bearer(mint(ping.IssuedBy("https://elsewhere.example"))), 401, "issuer_untrusted", "gateway"},
		"issuer with a slash too many":  {"", bearer(mint(ping.IssuedBy(issuer.IssuerURL() + "/"))), 401, "issuer_near_miss", "gateway"},
		"no issuer":                     {"", bearer(mint(ping.Claims(map[string]any{"iss": nil}))), 401, "issuer_missing", "idp"},
		"unknown kid":                   {"", bearer(mint(ping.KeyID("nobody"))), 401, "kid_unknown", "idp"},
		"another issuer's key":          {"", bearer(shared.PingOne.Token(ping.IssuedBy(issuer.IssuerURL()))), 401, "kid_unknown", "idp"},
		"a key of its own":              {"", bearer(mint(ping.SignedBy(otherKey))), 401, "kid_unknown", "idp"},
		"a key of its own, our kid":     {"", bearer(forged(t, otherKey)), 401, "signature_invalid", "client"},
		"tampered":                      {"", bearer(ping.Tamper(good)), 401, "signature_invalid", "client"},
		"a bit of the signature":        {"", bearer(ping.FlipSignature(good)), 401, "signature_invalid", "client"},
		"alg none":                      {"", bearer(ping.AlgNone(good)), 401, "alg_none", "client"},
		"HMAC with the public key":      {"", bearer(ping.AlgHS256(good, []byte("public key"))), 401, "alg_symmetric_forbidden", "client"},
		"embedded key":                  {"", bearer(mint(ping.Header(map[string]any{"jwk": map[string]any{"kty": "RSA"}}))), 401, "embedded_key_forbidden", "client"},
		"crit":                          {"", bearer(mint(ping.Header(map[string]any{"crit": []string{"x"}}))), 401, "crit_unsupported", "idp"},
		"foreign typ":                   {"", bearer(mint(ping.Header(map[string]any{"typ": "secret+jwt"}))), 401, "typ_not_allowed", "idp"},
		"logout token":                  {"", bearer(mint(ping.Header(map[string]any{"typ": "logout+jwt"}))), 401, "token_wrong_kind", "client"},
		"ID token":                      {"", bearer(mint(ping.IDToken())), 401, "token_is_id_token", "client"},
		"missing scope":                 {"", bearer(mint(ping.Scope("profile"))), 403, "scope_insufficient", "client"},
		"no scope claim":                {"", bearer(mint(ping.Claims(map[string]any{"scope": nil}))), 403, "scope_claim_missing", "client"},
		"nothing":                       {"", "", 401, "credential_missing", "client"},
		"scheme only":                   {"", "Bearer", 400, "scheme_only", "client"},
		"no scheme":                     {"", good, 400, "scheme_missing", "client"},
		"scheme twice":                  {"", "Bearer Bearer " + good, 400, "scheme_repeated", "client"},
		"Basic":                         {"", "Basic dXNlcjpwYXNz", 401, "scheme_unsupported", "client"},
		"undefined":                     {"", bearer("undefined"), 400, "token_placeholder", "client"},
		"template":                      {"", bearer("{{token}}"), 400, "token_placeholder", "client"},
		"quotes":                        {"", `Bearer "` + good + `"`, 400, "token_bad_charset", "client"},
		"opaque":                        {"", bearer("2YotnFZFEjr1zCsicMWpAA"), 401, "token_opaque", "idp"},
		"JWE":                           {"", bearer("eyJhbGciOiJSU0EtT0FFUCJ9.a.b.c.d"), 401, "token_encrypted", "idp"},
		"edge strips":                   {"/strip", bearer(good), 401, "credential_missing", "client"},
		"edge blanks":                   {"/blank", bearer(good), 400, "credential_empty", "edge"},
		"edge moves":                    {"/move", bearer(good), 401, "credential_moved", "edge"},
		"edge joins":                    {"/join", bearer(good), 400, "credential_comma_joined", "edge"},
		"edge cuts one byte":            {"/cut", bearer(good), 401, "credential_truncated", "edge"},
		"edge signs in itself":          {"/rewrite", bearer(good), 401, "scheme_unsupported", "client"},
	} {
		t.Run(name, func(t *testing.T) {
			req, err := http.NewRequest("GET", shared.Edge.URL()+tt.prefix+"/orders", nil)
			if err != nil {
				t.Fatal(err)
			}
			if tt.authorization != "" {
				req.Header.Set("Authorization", tt.authorization)
			}
			resp, v := settled(t, req)
			if resp.StatusCode != tt.status || v.code != tt.code {
				t.Fatalf("got %d %q, want %d %q", resp.StatusCode, resp.Header.Get("X-Auth-Diagnosis"), tt.status, tt.code)
			}
			if tt.hop != "" && v.params["hop"] != tt.hop {
				t.Errorf("hop %v, want %q", v.params["hop"], tt.hop)
			}
		})
	}
}

// forged is a token that names the issuer's key and is signed with another.
func forged(t *testing.T, key *ping.Key) string {
	t.Helper()
	named, err := shared.PingFederate.Keys().Key("RS256")
	if err != nil {
		t.Fatal(err)
	}
	return shared.PingFederate.Token(ping.SignedBy(key), ping.KeyID(named.ID))
}

// settled sends a request again while its key is being looked up: that is a
// state on the way to a verdict.
func settled(t *testing.T, req *http.Request) (resp *http.Response, v verdict) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := rig.Until(ctx, func() (err error) {
		if resp, err = rig.Do(req); err != nil {
			return err
		}
		if v = diagnosisOf(t, resp); v.code == "kid_unknown_throttled" {
			return errors.New(v.code)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return resp, v
}
