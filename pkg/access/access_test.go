package access_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dunglas/httpsfv"

	"kong-plugin-auth-diagnosis/pkg/access"
	"kong-plugin-auth-diagnosis/pkg/standin/ping"
)

func code(t *testing.T, g *gateway) string {
	t.Helper()
	h := g.header("X-Auth-Diagnosis")
	if h == "" {
		return ""
	}
	item, err := httpsfv.UnmarshalItem([]string{h})
	if err != nil {
		t.Fatalf("%q: %v", h, err)
	}
	return string(item.Value.(httpsfv.Token))
}

func TestRejection(t *testing.T) {
	issuer := newIssuer(t)
	r := start(t, issuer, map[string]any{"realm": "api"})
	g := run(t, r, bearer(issuer.Token(ping.Expires(time.Now().Add(-time.Hour)))))

	if g.status != 401 || code(t, g) != "token_expired" {
		t.Errorf("got %d %s", g.status, g.header("X-Auth-Diagnosis"))
	}
	if got, want := g.header("WWW-Authenticate"), `Bearer realm="api", error="invalid_token", error_description="the token has expired"`; got != want {
		t.Errorf("challenge %s, want %s", got, want)
	}
	if g.header("Cache-Control") != "no-store" || g.header("Content-Type") != "application/json; charset=utf-8" {
		t.Errorf("header fields %v", g.response)
	}
	var body struct {
		Message   string
		RequestID string `json:"request_id"`
		Diagnosis map[string]any
	}
	if err := json.Unmarshal(g.body, &body); err != nil {
		t.Fatal(err)
	}
	if body.Message != "Unauthorized" || body.RequestID != requestID || body.Diagnosis["code"] != "token_expired" {
		t.Errorf("body %s", g.body)
	}
	if g.upstream != nil {
		t.Errorf("a rejected request must not be changed: %v", g.upstream)
	}
}

func TestAcceptedRequestCarriesOnlyVerifiedIdentity(t *testing.T) {
	issuer := newIssuer(t)
	r := start(t, issuer, map[string]any{"upstream_headers": map[string]any{"X-User": "sub", "X-Absent": "no.such.claim"}, "hide_credentials": true})
	g := run(t, r, bearer(issuer.Token(ping.Subject("alice"))))
	if g.exited || g.response != nil {
		t.Fatalf("not let through: %d %v", g.status, g.response)
	}
	if !slices.Equal(g.upstream["X-User"], []string{"alice"}) {
		t.Errorf("X-User: %v", g.upstream["X-User"])
	}
	for _, name := range []string{"X-Absent", "authorization", "X-Auth-Diagnosis", "X-Consumer-ID", "X-Consumer-Username", "X-Consumer-Custom-ID", "X-Credential-Identifier", "X-Anonymous-Consumer", "X-Authenticated-Groups"} {
		if v, ok := g.upstream[name]; !ok || len(v) != 0 {
			t.Errorf("%s must be removed, got %v", name, v)
		}
	}
}

func TestUnfitClaimIsNotForwarded(t *testing.T) {
	issuer := newIssuer(t)
	r := start(t, issuer, map[string]any{"upstream_headers": map[string]any{"X-User": "sub"}})
	g := run(t, r, bearer(issuer.Token(ping.Subject("al\r\nX-Admin: yes"))))
	if v := g.upstream["X-User"]; len(v) != 0 {
		t.Errorf("X-User: %q", v)
	}
	if !logged(g, "claim_not_forwarded") {
		t.Errorf("the finding is not logged")
	}
}

// logged reports whether the log object holds a text.
func logged(g *gateway, text string) bool {
	return slices.ContainsFunc(g.told, func(c call) bool {
		return c.method == "kong.log.set_serialize_value" && strings.Contains(string(c.args), text)
	})
}

func TestAdviseChangesNothingAndExplains(t *testing.T) {
	issuer := newIssuer(t)
	r := start(t, issuer, map[string]any{"mode": "advise"})
	for name, tt := range map[string]struct {
		g    *gateway
		want string
	}{
		"a bad token":  {bearer("eyJhbGciOiJSUzI1NiJ9.e30"), "token_segments"},
		"a good token": {bearer(issuer.Token()), "accepted"},
		"nothing":      {&gateway{}, "credential_missing"},
	} {
		t.Run(name, func(t *testing.T) {
			g := run(t, r, tt.g)
			if g.exited || code(t, g) != tt.want || !strings.Contains(g.header("X-Auth-Diagnosis"), "mode=advise") {
				t.Errorf("exited %v, header %q", g.exited, g.header("X-Auth-Diagnosis"))
			}
			if _, ok := g.upstream["X-Consumer-ID"]; ok {
				t.Errorf("identity headers are the deciding plugin's in advise mode: %v", g.upstream)
			}
			if v, ok := g.upstream["X-Authenticated-Userid"]; !ok || len(v) != 0 {
				t.Errorf("X-Authenticated-Userid must be removed, got %v", v)
			}
		})
	}
}

func TestOnlyAGoodTokenPassesEnforceMode(t *testing.T) {
	issuer := newIssuer(t)
	r := start(t, issuer, map[string]any{"expects": []any{"bearer", "basic", "key"}})
	for name, g := range map[string]*gateway{
		"an API key":         {headers: map[string][]string{"apikey": {"some-key"}}},
		"a Basic credential": {headers: map[string][]string{"authorization": {"Basic YTpi"}}},
	} {
		if run(t, r, g); !g.exited {
			t.Errorf("%s was let through", name)
		}
	}
}

func TestBrokenConfigurationAnswers500(t *testing.T) {
	for name, tt := range map[string]struct {
		config string
		exits  bool
	}{
		"enforce":  {`{"issuers":[{"issuer":"https://a.example","audiences":[]}]}`, true},
		"no JSON":  {`{`, true},
		"advising": {`{"mode":"advise","expects":["key"],"diagnosis":{"full_detail_ips":["999.1.1.1"]}}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			e := access.New()
			defer e.Close()
			r := e.Start([]byte(tt.config))
			for n := range 2 {
				g := run(t, r, bearer("x"))
				if code(t, g) != "config_invalid" || g.exited != tt.exits || g.exited && g.status != 500 {
					t.Errorf("exited %v with %d %s", g.exited, g.status, g.header("X-Auth-Diagnosis"))
				}
				errors := slices.ContainsFunc(g.told, func(c call) bool { return c.method == "kong.log.err" })
				if first := n == 0; errors != first {
					t.Errorf("request %d: error line %v, want it with the first request only", n, errors)
				}
			}
		})
	}
}

func TestFullDetailNeedsATrustedWay(t *testing.T) {
	issuer := newIssuer(t)
	r := start(t, issuer, map[string]any{
		"diagnosis": map[string]any{"full_detail_ips": []any{"10.0.0.0/8"}},
		"edge":      map[string]any{"trusted_ips": []any{"192.0.2.1"}},
	})
	token := issuer.Token(ping.Audience("https://other.example"))
	for name, tt := range map[string]struct {
		peer, forwarded string
		want            bool
	}{
		"direct, inside":              {"10.1.1.1", "10.1.1.1", true},
		"behind the edge, inside":     {"192.0.2.1", "10.1.1.1", true},
		"behind anybody else, inside": {"198.51.100.7", "10.1.1.1", false},
		"direct, outside":             {"198.51.100.7", "198.51.100.7", false},
	} {
		t.Run(name, func(t *testing.T) {
			g := bearer(token)
			g.peer, g.forwarded = tt.peer, tt.forwarded
			run(t, r, g)
			if got := strings.Contains(g.header("X-Auth-Diagnosis"), "detail="); got != tt.want {
				t.Errorf("detail %v, want %v: %s", got, tt.want, g.header("X-Auth-Diagnosis"))
			}
		})
	}
}

func TestLogIdentityIsOfVerifiedTokensOnly(t *testing.T) {
	issuer := newIssuer(t)
	r := start(t, issuer, map[string]any{"diagnosis": map[string]any{"log_identity": true}, "scopes_required": []any{"nobody:has"}})
	good := issuer.Token(ping.Subject("alice"))
	if g := run(t, r, bearer(good)); !logged(g, "alice") || code(t, g) != "scope_insufficient" {
		t.Errorf("sub of a verified token is not logged: %s", g.header("X-Auth-Diagnosis"))
	}
	if g := run(t, r, bearer(ping.Tamper(good))); logged(g, "alice") {
		t.Errorf("sub of a forged token is logged")
	}
}

func TestMaliciousTokensEndInAVerdict(t *testing.T) {
	issuer := newIssuer(t)
	r := start(t, issuer, nil)
	good := issuer.Token()
	key, err := ping.NewKey("RS256")
	if err != nil {
		t.Fatal(err)
	}
	for want, token := range map[string]string{
		"alg_none":                ping.AlgNone(good),
		"alg_symmetric_forbidden": ping.AlgHS256(good, []byte("secret")),
		"signature_invalid":       ping.Tamper(good),
		"kid_unknown":             issuer.Token(ping.SignedBy(key)),
		"credential_truncated":    good[:len(good)-40],
		"embedded_key_forbidden":  issuer.Token(ping.Header(map[string]any{"jku": "https://evil.example"})),
		"crit_unsupported":        issuer.Token(ping.Header(map[string]any{"crit": []string{"x"}})),
		"issuer_untrusted":        issuer.Token(ping.IssuedBy("https://evil.example")),
		"issuer_near_miss":        issuer.Token(ping.IssuedBy(issuer.IssuerURL() + "/")),
		"token_is_id_token":       issuer.Token(ping.IDToken()),
		"token_opaque":            "2YotnFZFEjr1zCsicMWpAA",
		"token_bad_charset":       good + "\xff",
	} {
		t.Run(want, func(t *testing.T) {
			if g := run(t, r, bearer(token)); code(t, g) != want {
				t.Errorf("got %s", g.header("X-Auth-Diagnosis"))
			}
		})
	}
}
