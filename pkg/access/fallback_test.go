package access_test

import (
	"strings"
	"testing"
	"time"

	"kong-plugin-auth-diagnosis/pkg/access"
	"kong-plugin-auth-diagnosis/pkg/standin/ping"
)

func TestAnonymousGoesOnMarked(t *testing.T) {
	issuer, route := routes(t)
	alice := named(issuer, "alice")
	expired := issuer.Token(ping.Expires(time.Now().Add(-time.Hour)), ping.Subject("alice"))
	for name, tt := range map[string]struct {
		g    *gateway
		over map[string]any
		code string
	}{
		"nothing":               {&gateway{headers: map[string][]string{}}, nil, "credential_missing"},
		"a bad token":           {bearer(ping.Tamper(alice)), nil, "signature_invalid"},
		"an expired token":      {bearer(expired), nil, "token_expired"},
		"an empty credential":   {line(""), nil, "credential_empty"},
		"a password":            {line("Basic YTpi"), nil, "scheme_unsupported"},
		"a missing scope":       {bearer(alice), map[string]any{"scopes_required": []any{"nobody:has"}}, "scope_insufficient"},
		"no consumer, required": {bearer(named(issuer, "carol")), mapping(map[string]any{"consumer_optional": false}), "authorization_denied"},
	} {
		t.Run(name, func(t *testing.T) {
			over := map[string]any{"anonymous": "nobody", "authenticated_groups_claim": "azp", "upstream_headers": map[string]any{"X-User": "sub"}}
			for k, v := range tt.over {
				over[k] = v
			}
			g := registered(tt.g)
			forge(g.gateway)
			g.at(t, route(over))
			if g.exited || code(t, g.gateway) != tt.code || !strings.Contains(g.header("X-Auth-Diagnosis"), "mode=advise") {
				t.Fatalf("exited %v: %s", g.exited, g.header("X-Auth-Diagnosis"))
			}
			if g.consumer == nil || g.consumer.ID != nobodyID || g.credential != nil || g.alone != "" || g.grouped {
				t.Errorf("authenticated as %v by %v %q in %v", g.consumer, g.credential, g.alone, g.groups)
			}
			for name, want := range map[string]string{
				"X-Consumer-ID": nobodyID, "X-Consumer-Username": "nobody", "X-Consumer-Custom-ID": "",
				"X-Credential-Identifier": "", "X-Anonymous-Consumer": "true", "X-Authenticated-Groups": "",
				"X-User": "", // not even of a token that is only expired
			} {
				if got := g.shown(t, name); got != want {
					t.Errorf("%s: %q, want %q", name, got, want)
				}
			}
			if !logged(g.gateway, nobodyID) {
				t.Error("the consumer is not in the log")
			}
		})
	}
}

func TestAnonymousIsForFailedAuthenticationOnly(t *testing.T) {
	issuer, route := routes(t)
	one := map[string]any{"default_tier": "one", "tiers": []any{map[string]any{"name": "one", "day": 1}}}
	away := newIssuer(t)
	if err := away.Refuse(); err != nil {
		t.Fatal(err)
	}
	trust := []any{map[string]any{"issuer": away.IssuerURL(), "jwks_uris": []any{away.JWKSURL()}, "audiences": []any{ping.DefaultAudience}}}
	for name, tt := range map[string]struct {
		token  string
		over   map[string]any
		times  int
		status int
	}{
		"an issuer that is down":     {away.Token(), map[string]any{"issuers": trust}, 1, 503},
		"a limit":                    {named(issuer, "alice"), map[string]any{"rate_limiting": one}, 2, 429},
		"a token too large":          {strings.Repeat("a", 300), map[string]any{"maximum_token_size": 256}, 1, 431},
		"a configuration with fault": {named(issuer, "alice"), map[string]any{"leeway": -1}, 1, 500},
	} {
		t.Run(name, func(t *testing.T) {
			over := map[string]any{"anonymous": "nobody"}
			for k, v := range tt.over {
				over[k] = v
			}
			r := route(over)
			var g *registry
			for range tt.times {
				g = registered(bearer(tt.token)).at(t, r)
			}
			if !g.exited || g.status != tt.status || g.consumer != nil {
				t.Errorf("exited %v with %d %s, consumer %v", g.exited, g.status, g.header("X-Auth-Diagnosis"), g.consumer)
			}
		})
	}
}

func TestAnonymousByID(t *testing.T) {
	_, route := routes(t)
	g := registered(&gateway{}).at(t, route(map[string]any{"anonymous": nobodyID}))
	if g.consumer == nil || g.consumer.Username != "nobody" {
		t.Errorf("authenticated as %v", g.consumer)
	}
}

func TestUnknownAnonymousIsThePluginsOwnFault(t *testing.T) {
	_, route := routes(t)
	r := route(map[string]any{"anonymous": "no such consumer"})
	for n := range 2 {
		g := registered(&gateway{}).at(t, r)
		if g.status != 500 || code(t, g.gateway) != "config_invalid" || g.header("WWW-Authenticate") != "" || g.consumer != nil {
			t.Errorf("got %d %v", g.status, g.response)
		}
		errors := 0
		for _, c := range g.told {
			if c.method == "kong.log.err" && strings.Contains(string(c.args), "config.anonymous") {
				errors++
			}
		}
		if first := n == 0; (errors == 1) != first {
			t.Errorf("request %d: %d error lines, want one with the first request only", n, errors)
		}
		if !logged(g.gateway, "credential_missing") {
			t.Error("the log has lost what the request lacked")
		}
	}
}

func TestGoodTokenIsNobodysAnonymous(t *testing.T) {
	issuer, route := routes(t)
	g := registered(bearer(named(issuer, "alice"))).at(t, route(map[string]any{"anonymous": "nobody"}))
	if g.exited || g.consumer != nil || g.alone == "" || g.header("X-Auth-Diagnosis") != "" || g.shown(t, "X-Anonymous-Consumer") != "" {
		t.Errorf("exited %v, consumer %v, credential %q: plugins behind must see one, to stand back", g.exited, g.consumer, g.alone)
	}
}

// A plugin before this one, such as session, has authenticated the request.
func TestEarlierAuthentication(t *testing.T) {
	issuer, route := routes(t)
	session := access.Credential{ID: "session", ConsumerID: bobID}
	names := []string{"X-Consumer-ID", "X-Consumer-Username", "X-Consumer-Custom-ID", "X-Credential-Identifier", "X-Anonymous-Consumer"}

	t.Run("stays without a good token", func(t *testing.T) {
		g := registered(&gateway{})
		g.earlier = session
		g.at(t, route(map[string]any{"anonymous": "nobody"}))
		if g.exited || g.consumer != nil || g.alone != "" || g.grouped {
			t.Errorf("exited %v, authenticated anew as %v %q", g.exited, g.consumer, g.alone)
		}
		for _, name := range names {
			if v, touched := g.upstream[name]; touched {
				t.Errorf("%s, of the earlier plugin, becomes %q", name, v)
			}
		}
		if g.shown(t, "X-Authenticated-Groups") != "" || g.shown(t, "X-Authenticated-Userid") != "" {
			t.Errorf("what no plugin has set reaches the service: %v", g.upstream)
		}
	})
	t.Run("counts less than a good token", func(t *testing.T) {
		g := registered(bearer(named(issuer, "alice")))
		g.earlier = session
		g.at(t, route(mapping(map[string]any{"anonymous": "nobody"})))
		if g.consumer == nil || g.consumer.ID != aliceID || g.shown(t, "X-Consumer-Username") != "alice" {
			t.Errorf("authenticated as %v", g.consumer)
		}
	})
	t.Run("is not asked for without anonymous", func(t *testing.T) {
		g := registered(&gateway{})
		g.earlier = session
		if g.at(t, route(mapping(nil))); g.status != 401 {
			t.Errorf("exited %v with %d", g.exited, g.status)
		}
	})
}

func TestHiddenCredentialOfAnotherPlugin(t *testing.T) {
	issuer, route := routes(t)
	r := route(map[string]any{"anonymous": "nobody", "hide_credentials": true, "scopes_required": []any{"nobody:has"}})
	for name, tt := range map[string]struct {
		g      *gateway
		hidden bool
	}{
		"this route's, of no use":    {bearer(issuer.Token()), true},
		"signed by nobody here":      {bearer(ping.Tamper(issuer.Token())), false},
		"a password for basic-auth ": {line("Basic YTpi"), false},
	} {
		t.Run(name, func(t *testing.T) {
			g := registered(tt.g).at(t, r)
			if _, hidden := g.upstream["authorization"]; hidden != tt.hidden || g.exited {
				t.Errorf("exited %v, hidden %v, want %v", g.exited, hidden, tt.hidden)
			}
		})
	}
}
