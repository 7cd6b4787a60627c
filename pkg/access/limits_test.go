package access_test

import (
	"strconv"
	"strings"
	"testing"

	"kong-plugin-auth-diagnosis/pkg/standin/ping"
)

func TestLimitsByTier(t *testing.T) {
	issuer := newIssuer(t)
	two := map[string]any{"rate_limiting": map[string]any{
		"default_tier": "small",
		"tiers":        []any{map[string]any{"name": "small", "day": 2}, map[string]any{"name": "large", "day": 5}},
	}}
	r := start(t, issuer, two)
	admitted := func(token string) (n int, last *gateway) {
		for range 10 {
			g := bearer(token)
			g.forwarded = "192.0.2.7"
			if run(t, r, g); g.exited {
				return n, g
			}
			n++
		}
		return n, nil
	}
	for name, tt := range map[string]struct {
		token string
		want  int
	}{
		"a named tier":               {issuer.Token(ping.ForClient("a"), ping.Tier("large")), 5},
		"no tier is the default":     {issuer.Token(ping.ForClient("b")), 2},
		"an unknown tier too":        {issuer.Token(ping.ForClient("c"), ping.Tier("huge")), 2},
		"no identity: the address":   {issuer.Token(ping.Claims(map[string]any{"client_id": nil, "sub": nil, "tier": "large"})), 2},
		"the tier of another client": {issuer.Token(ping.ForClient("d"), ping.Tier("large")), 5},
	} {
		t.Run(name, func(t *testing.T) {
			n, denial := admitted(tt.token)
			if n != tt.want {
				t.Fatalf("%d passed, want %d", n, tt.want)
			}
			retry, err := strconv.Atoi(denial.header("Retry-After"))
			if denial.status != 429 || code(t, denial) != "quota_exceeded" || err != nil || retry < 1 || denial.header("WWW-Authenticate") != "" {
				t.Errorf("denial %d %v", denial.status, denial.response)
			}
			if denial.header("X-RateLimit-Remaining-Day") != "0" || denial.header("X-RateLimit-Limit-Day") != strconv.Itoa(tt.want) {
				t.Errorf("header fields %v", denial.response)
			}
		})
	}
}

func TestReportOnlyLetsThroughAndSays(t *testing.T) {
	issuer := newIssuer(t)
	r := start(t, issuer, limiting(map[string]any{
		"report_only": true, "default_tier": "one",
		"tiers": []any{map[string]any{"name": "one", "day": 1}},
	}))
	token := issuer.Token(ping.Tier("one"))
	run(t, r, bearer(token))
	g := run(t, r, bearer(token))
	if g.exited || code(t, g) != "quota_exceeded" || !strings.Contains(g.header("X-Auth-Diagnosis"), "mode=advise") {
		t.Errorf("exited %v: %v", g.exited, g.response)
	}
	if !logged(g, "quota_exceeded") {
		t.Errorf("not logged")
	}
}

func TestOwnErrorCodeAndMessage(t *testing.T) {
	issuer := newIssuer(t)
	r := start(t, issuer, limiting(map[string]any{
		"error_code": 420, "error_message": "slow down", "hide_client_headers": true, "default_tier": "one",
		"tiers": []any{map[string]any{"name": "one", "day": 1}},
	}))
	token := issuer.Token()
	run(t, r, bearer(token))
	g := run(t, r, bearer(token))
	if g.status != 420 || !strings.HasPrefix(string(g.body), `{"message":"slow down"`) {
		t.Errorf("got %d %s", g.status, g.body)
	}
	for name := range g.response {
		if strings.Contains(strings.ToLower(name), "ratelimit") || name == "Retry-After" {
			t.Errorf("%s is not hidden", name)
		}
	}
}

func TestBadTokensCountNowhere(t *testing.T) {
	issuer := newIssuer(t)
	r := start(t, issuer, limiting(map[string]any{"default_tier": "one", "tiers": []any{map[string]any{"name": "one", "day": 1}}}))
	good := issuer.Token()
	for range 5 {
		run(t, r, bearer(ping.Tamper(good)))
	}
	if g := run(t, r, bearer(good)); g.exited {
		t.Errorf("forged tokens used up the quota: %s", g.header("X-Auth-Diagnosis"))
	}
}
