package access_test

import (
	"encoding/base64"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"kong-plugin-auth-diagnosis/pkg/access"
	"kong-plugin-auth-diagnosis/pkg/standin/ping"
)

// noon is the time that stands still in the hostile cases, so that edges of a
// second can be met exactly.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// bench is a process with keys loaded, whose clock does not move.
type bench struct {
	*testing.T
	engine *access.Engine
	issuer *ping.Issuer
	clock  atomic.Int64 // seconds since noon
}

func (b *bench) now() time.Time { return noon.Add(time.Duration(b.clock.Load()) * time.Second) }

func newBench(t *testing.T, o ping.Options) *bench {
	t.Helper()
	b := &bench{T: t}
	if o.Product == "" {
		o.Product = ping.PingFederate
	}
	o.Now = func() time.Time { return noon }
	issuer, err := ping.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { issuer.Close() })
	b.issuer = issuer
	b.engine = access.New(access.WithClock(b.now))
	t.Cleanup(b.engine.Close)
	b.settle(b.route(nil))
	return b
}

// route starts an instance of the bench's issuer; over replaces fields.
func (b *bench) route(over map[string]any) *access.Route {
	return b.engine.Start(config(b.issuer, over))
}

// settle waits until the route's keys are there.
func (b *bench) settle(r *access.Route) {
	b.Helper()
	poll(b.T, "keys", func() bool {
		g := run(b.T, r, bearer(b.issuer.Token(ping.KeyID("nobody"))))
		return !strings.HasPrefix(code(b.T, g), "jwks_") && code(b.T, g) != "kid_unknown_throttled"
	})
}

// poll asks until the answer is yes: a fetch runs beside the requests.
func poll(t *testing.T, what string, yes func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !yes(); {
		if time.Now().After(deadline) {
			t.Fatalf("%s never came", what)
		}
	}
}

// issuers is the configuration's list with one issuer, changed.
func (b *bench) issuers(over map[string]any) map[string]any {
	one := map[string]any{"issuer": b.issuer.IssuerURL(), "jwks_uris": []any{b.issuer.JWKSURL()}, "audiences": []any{ping.DefaultAudience}}
	for name, value := range over {
		if one[name] = value; value == nil {
			delete(one, name)
		}
	}
	return map[string]any{"issuers": []any{one}}
}

// raw is a token of any header and payload, signed by nobody.
func raw(header, payload string) string {
	return b64(header) + "." + b64(payload) + "." + b64(strings.Repeat("s", 256))
}

func b64(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

// hostile is one request and the verdict it must get. The zero code lets it pass.
type hostile struct {
	send *gateway
	over map[string]any
	code string
	hop  string // "" is not looked at
	by   int64  // 0 for none
	also []string
}

// line is a request with an Authorization line.
func line(value string) *gateway {
	return &gateway{headers: map[string][]string{"authorization": {value}}}
}

// answers is what RFC 6750 and the catalogue's research make of each code: status
// and error parameter, written down a second time on purpose.
var answers = func() map[string]string {
	m := map[string]string{}
	for answer, codes := range map[string]string{
		"401 ":                   "credential_missing credential_moved credential_stripped_suspected scheme_unsupported",
		"400 invalid_request":    "credential_empty scheme_only scheme_missing scheme_repeated credential_comma_joined credential_conflict token_placeholder token_bad_charset",
		"431 ":                   "credential_too_large",
		"403 insufficient_scope": "scope_claim_missing scope_insufficient role_insufficient group_insufficient",
		"429 ":                   "rate_limited quota_exceeded",
		"500 ":                   "config_invalid internal_error deadline_exceeded",
		"503 ":                   "kid_unknown_throttled jwks_never_loaded jwks_stale_expired jwks_connect jwks_timeout jwks_tls_untrusted jwks_tls_handshake jwks_status jwks_redirect jwks_not_json jwks_invalid jwks_empty jwks_too_large jwks_dns jwks_proxy jwks_tls_hostname jwks_tls_expired discovery_failed discovery_issuer_mismatch discovery_no_jwks_uri",
	} {
		for _, c := range strings.Fields(codes) {
			m[c] = answer
		}
	}
	return m
}()

func answerOf(code string) (status int, err string) {
	a, ok := answers[code]
	if !ok {
		a = "401 invalid_token"
	}
	status = int(a[0]-'0')*100 + int(a[1]-'0')*10 + int(a[2]-'0')
	return status, a[4:]
}

// shownBelow is what a client is told instead of a code.
func shownBelow(code, level string) string {
	structure := "token_opaque token_encrypted token_segments token_json_serialized header_bad_base64 payload_bad_base64 signature_bad_base64 header_bad_json payload_bad_json header_duplicate_member claim_duplicate claim_name_ambiguous token_too_complex signature_empty"
	switch {
	case level != "full" && code == "signature_other_key":
		return "signature_invalid"
	case level != "full" && code == "kid_other_issuer":
		return "kid_unknown"
	case level == "minimal" && code == "issuer_near_miss":
		return "issuer_untrusted"
	case level == "minimal" && slices.Contains(strings.Fields(structure), code):
		return "token_malformed"
	}
	return code
}

// try sends a case at every level of detail and in advise mode, and holds the
// answers against what each must look like.
func (b *bench) try(name string, h hostile) {
	b.Run(name, func(t *testing.T) {
		for _, level := range []string{"minimal", "standard", "full"} {
			over := map[string]any{"realm": "api", "diagnosis": map[string]any{"detail": level}}
			maps.Copy(over, h.over)
			g := *h.send
			run(t, b.route(over), &g)
			if h.code == "" {
				if g.exited || g.response["X-Auth-Diagnosis"] != nil {
					t.Fatalf("%s: not let through: %d %s", level, g.status, g.header("X-Auth-Diagnosis"))
				}
				continue
			}
			h.examine(t, level, &g)
		}
		over := maps.Clone(h.over)
		if over == nil {
			over = map[string]any{}
		}
		over["mode"], over["hide_credentials"] = "advise", false
		g := *h.send
		run(t, b.route(over), &g)
		want := h.code
		if want == "" {
			want = "accepted"
		}
		if got := code(t, &g); g.exited || got != want && shownBelow(want, "standard") != got || !strings.Contains(g.header("X-Auth-Diagnosis"), "mode=advise") {
			t.Errorf("advise: exited %v, %s, want %s", g.exited, g.header("X-Auth-Diagnosis"), want)
		}
	})
}
