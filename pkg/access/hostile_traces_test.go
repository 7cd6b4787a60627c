package access_test

import (
	"strings"
	"testing"

	"kong-plugin-auth-diagnosis/pkg/standin/ping"
)

// TestTracesFollowTheRoute: what a hop does to Authorization says nothing of a
// route that reads another header, and what it does to names does.
func TestTracesFollowTheRoute(t *testing.T) {
	b := newBench(t, ping.Options{})
	keys := func(names ...any) map[string]any {
		return map[string]any{"mode": "advise", "expects": []any{"key"}, "issuers": []any{}, "key_names": names}
	}
	squid := map[string][]string{"via": {"1.1 proxy (squid/5.7)"}}
	for name, tt := range map[string]struct {
		over    map[string]any
		headers map[string][]string
		want    string
	}{
		"a token, behind Squid":                  {nil, squid, "credential_stripped_suspected;hop=edge;certainty=weak;"},
		"a token in another header":              {map[string]any{"header_names": []any{"X-Token"}}, squid, "credential_missing;hop=client;certainty=weak;"},
		"a key, behind Squid":                    {keys("apikey"), squid, "credential_missing;hop=client;certainty=weak;"},
		"a key with an underscore":               {keys("Api_Key"), squid, "credential_stripped_suspected;hop=edge;certainty=weak;"},
		"a key with an underscore, not passed":   {keys("api_key"), nil, "credential_missing;hop=client;certainty=weak;"},
		"keys, one of them with an underscore":   {keys("apikey", "api_key"), squid, "credential_missing;hop=client;certainty=weak;"},
		"a password, behind Squid":               {map[string]any{"mode": "advise", "expects": []any{"basic"}, "issuers": []any{}}, squid, "credential_stripped_suspected;hop=edge;certainty=weak;"},
		"a token or a key, the key not enforced": {map[string]any{"expects": []any{"bearer", "key"}, "key_names": []any{"api_key"}, "header_names": []any{"x_token"}}, squid, "credential_stripped_suspected;hop=edge;certainty=weak;"},
	} {
		t.Run(name, func(t *testing.T) {
			g := run(t, b.route(tt.over), &gateway{headers: tt.headers})
			if got := g.header("X-Auth-Diagnosis"); !strings.HasPrefix(got, tt.want) {
				t.Errorf("expected %q, got %q", tt.want, got)
			}
		})
	}
}

// TestCandidatesAreForFull: what may have happened without a trace is for those
// who may see all, and names no hop.
func TestCandidatesAreForFull(t *testing.T) {
	b := newBench(t, ping.Options{})
	for level, told := range map[string]bool{"minimal": false, "standard": false, "full": true} {
		g := run(t, b.route(map[string]any{"diagnosis": map[string]any{"detail": level}}), &gateway{headers: map[string][]string{"x-forwarded-for": {"192.0.2.1"}}})
		if got := g.header("X-Auth-Diagnosis"); strings.Contains(got, "may be a proxy's rule") != told || strings.Contains(got, "hop=edge") {
			t.Errorf("%s: expected candidates %v, got %q", level, told, got)
		}
	}
}
