package access_test

import (
	"slices"
	"strings"
	"testing"

	"kong-plugin-auth-diagnosis/pkg/standin/ping"
)

func TestHostileClaimsForTheService(t *testing.T) {
	b := newBench(t, ping.Options{})
	r := b.route(map[string]any{"upstream_headers": map[string]any{"X-Value": "v"}})
	for name, tt := range map[string]struct {
		value any
		want  string // "-" is not set, and reported
	}{
		"string":                  {"alice", "alice"},
		"empty string":            {"", ""},
		"number as written":       {number("1.50e3"), "1.50e3"},
		"boolean":                 {false, "false"},
		"strings joined":          {[]any{"a", "b"}, "a,b"},
		"an empty list":           {[]any{}, ""},
		"1,024 bytes":             {strings.Repeat("x", 1024), strings.Repeat("x", 1024)},
		"1,025 bytes":             {strings.Repeat("x", 1025), "-"},
		"1,025 bytes when joined": {[]any{strings.Repeat("x", 512), strings.Repeat("x", 512)}, "-"},
		"list with a number":      {[]any{"a", 1}, "-"},
		"nested list":             {[]any{[]any{"a"}}, "-"},
		"object":                  {claims{"a": 1}, "-"},
		"null":                    {number("null"), "-"},
		"line break":              {"a\r\nX-Admin: 1", "-"},
		"tab":                     {"a\tb", "-"},
		"UTF-8":                   {"Jürgen", "-"},
		"DEL":                     {"a\x7f", "-"},
	} {
		t.Run(name, func(t *testing.T) {
			g := run(t, r, bearer(b.issuer.Token(ping.Claims(claims{"v": tt.value}))))
			got, there := g.upstream["X-Value"]
			switch {
			case g.exited || !there:
				t.Fatalf("exited %v, header %v", g.exited, there)
			case tt.want == "-" && (len(got) != 0 || !logged(g, "claim_not_forwarded")):
				t.Errorf("got %q, want it removed and reported", got)
			case tt.want != "-" && !slices.Equal(got, []string{tt.want}):
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if s, ok := tt.value.(string); ok && len(s) > 3 && logged(g, s) {
				t.Errorf("the value is in the log")
			}
		})
	}
}

// changes counts how often a request to the service has a header changed, in any
// case: Kong applies a second change of one name in no certain order.
func changes(g *gateway, name string) (n int, value []string) {
	for k, v := range g.upstream {
		if strings.EqualFold(k, name) {
			n, value = n+1, v
		}
	}
	return n, value
}

func TestForgedIdentityNeverReachesTheService(t *testing.T) {
	b := newBench(t, ping.Options{})
	forged := func(headers map[string][]string) *gateway {
		g := bearer(b.issuer.Token(ping.Subject("alice"), ping.Claims(claims{"groups": []any{"ops"}})))
		for name, value := range headers {
			g.headers[name] = value
		}
		return g
	}
	t.Run("underscores, which CGI makes dashes of", func(t *testing.T) {
		g := run(t, b.route(nil), forged(map[string][]string{"x_authenticated_userid": {"admin"}, "x-consumer_username": {"admin"}, "x_other": {"kept"}}))
		for _, name := range []string{"x_authenticated_userid", "x-consumer_username"} {
			if v, ok := g.upstream[name]; !ok || len(v) != 0 {
				t.Errorf("%s passes", name)
			}
		}
		if _, ok := g.upstream["x_other"]; ok {
			t.Errorf("x_other is nobody's")
		}
		if v := g.upstream["X-Authenticated-Userid"]; !slices.Equal(v, []string{"alice"}) {
			t.Errorf("the true one: %q", v)
		}
	})
	t.Run("a claim in an identity header of another case", func(t *testing.T) {
		g := run(t, b.route(map[string]any{"upstream_headers": map[string]any{"x-authenticated-groups": "groups", "X_User": "sub"}}), forged(map[string][]string{"x_user": {"admin"}}))
		for name, want := range map[string]string{"X-Authenticated-Groups": "ops", "X_User": "alice"} {
			if n, v := changes(g, name); n != 1 || !slices.Equal(v, []string{want}) {
				t.Errorf("%s is changed %d times, to %q", name, n, v)
			}
		}
	})
	t.Run("a claim in the header that is to be hidden", func(t *testing.T) {
		g := forged(nil)
		g.headers = map[string][]string{"x-user": g.headers["authorization"]}
		run(t, b.route(map[string]any{"hide_credentials": true, "header_names": []any{"X-User"}, "upstream_headers": map[string]any{"X-User": "sub"}}), g)
		if n, v := changes(g, "X-User"); n != 1 || !slices.Equal(v, []string{"alice"}) {
			t.Errorf("changed %d times, to %q", n, v)
		}
	})
	t.Run("a preflight that is not judged", func(t *testing.T) {
		g := &gateway{method: "OPTIONS"}
		run(t, b.route(map[string]any{"run_on_preflight": false}), g)
		for _, name := range []string{"X-Consumer-Username", "X-Authenticated-Userid", "X-Auth-Diagnosis"} {
			if n, v := changes(g, name); n != 1 || len(v) != 0 {
				t.Errorf("%s passes", name)
			}
		}
		if g.exited || g.response != nil {
			t.Errorf("answered: %d %v", g.status, g.response)
		}
	})
	t.Run("a preflight that is judged", func(t *testing.T) {
		if g := run(t, b.route(nil), &gateway{method: "OPTIONS"}); code(t, g) != "credential_missing" {
			t.Errorf("got %q", code(t, g))
		}
	})
}

func TestBrokenConfigurationIsNotWorkedAround(t *testing.T) {
	b := newBench(t, ping.Options{})
	const secret = "hunter2-hunter2"
	for name, tt := range map[string]struct {
		over   map[string]any
		header string
	}{
		"preflight too":              {map[string]any{"run_on_preflight": false, "leeway": -1}, "X-Auth-Diagnosis"},
		"a header name of another's": {map[string]any{"diagnosis": map[string]any{"header_name": "Content-Length"}}, "X-Auth-Diagnosis"},
		"no header name at all":      {map[string]any{"diagnosis": map[string]any{"header_name": "X Auth\r\nX: y"}}, "X-Auth-Diagnosis"},
		"a good name of its own":     {map[string]any{"diagnosis": map[string]any{"header_name": "X-Why", "detail": "verbose"}}, "X-Why"},
		"a proxy with a password":    {map[string]any{"diagnosis": map[string]any{"detail": "full"}, "jwks": map[string]any{"http_proxy": "ftp://user:" + secret + "@proxy"}}, "X-Auth-Diagnosis"},
		"a vault's empty answer":     {map[string]any{"jwks": map[string]any{"http_proxy": "", "$refs": map[string]any{"http_proxy": "{vault://env/proxy}"}}}, "X-Auth-Diagnosis"},
		"a certificate that is none": {map[string]any{"diagnosis": map[string]any{"detail": "full"}, "jwks": map[string]any{"ca_certificates": []any{"-----BEGIN CERTIFICATE-----\n" + secret}}}, "X-Auth-Diagnosis"},
		"a pattern that is none":     {map[string]any{"required_claims": []any{map[string]any{"name": "a", "match": "(?<=x)"}}}, "X-Auth-Diagnosis"},
		"an unknown field":           {map[string]any{"verify_signature": false}, "X-Auth-Diagnosis"},
	} {
		t.Run(name, func(t *testing.T) {
			g := bearer(b.issuer.Token())
			g.method = "OPTIONS"
			run(t, b.route(tt.over), g)
			if !g.exited || g.status != 500 || !strings.HasPrefix(g.header(tt.header), "config_invalid") || len(g.response) != 3 {
				t.Errorf("%d %v", g.status, g.response)
			}
			out := string(g.body) + strings.Join(g.response[tt.header], "")
			for _, c := range g.told {
				out += string(c.args)
			}
			if strings.Contains(out, secret) {
				t.Errorf("a secret is shown: %s", out)
			}
		})
	}
}

func TestDetailNamesAndNeverTells(t *testing.T) {
	b := newBench(t, ping.Options{})
	full := map[string]any{"diagnosis": map[string]any{"detail": "full", "log_identity": false, "on_accept": true},
		"required_claims": []any{map[string]any{"name": "mail", "values": []any{"a"}}, map[string]any{"name": "level", "match": "^9"}}, "roles_required": []any{"r"}, "groups_required": []any{"g"}}
	const private = "PRIVATE-claim-value"
	c := claims{"sub": private, "mail": private, "level": private, "roles": []any{private}, "groups": private, "scope": private, "jti": private, "tier": private}
	g := run(t, b.route(full), bearer(b.issuer.Token(ping.Claims(c))))
	out := string(g.body) + strings.Join(g.response["X-Auth-Diagnosis"], "")
	for _, told := range g.told {
		out += string(told.args)
	}
	if code(t, g) != "claim_value_mismatch" || strings.Contains(out, private) {
		t.Errorf("%s in %s", code(t, g), out)
	}
	for _, want := range []string{"mail", "level", "role_insufficient", "group_insufficient", "keys fetched 0 s ago"} {
		if !strings.Contains(g.header("X-Auth-Diagnosis"), want) {
			t.Errorf("%q is missing in %s", want, g.header("X-Auth-Diagnosis"))
		}
	}
}

func TestLevelsOfAddresses(t *testing.T) {
	b := newBench(t, ping.Options{})
	for name, tt := range map[string]struct {
		full, trusted   []any
		peer, forwarded string
		want            bool
	}{
		"IPv6, direct":                  {[]any{"2001:db8::/32"}, nil, "2001:db8::1", "2001:db8::1", true},
		"IPv4 in IPv6":                  {[]any{"10.0.0.0/8"}, nil, "::ffff:10.1.1.1", "10.1.1.1", true},
		"forwarded by a stranger":       {[]any{"10.0.0.0/8"}, nil, "192.0.2.1", "10.1.1.1", false},
		"forwarded by the edge, IPv6":   {[]any{"10.0.0.0/8"}, []any{"2001:db8::1"}, "2001:db8::1", "10.1.1.1", true},
		"everybody, through a stranger": {[]any{"0.0.0.0/0"}, nil, "192.0.2.1", "10.1.1.1", false},
		"a unix socket":                 {[]any{"0.0.0.0/0", "::/0"}, nil, "unix:", "unix:", false},
		"no address at all":             {[]any{"0.0.0.0/0", "::/0"}, nil, "", "", false},
		"an address with a zone":        {[]any{"fe80::/10"}, nil, "fe80::1%eth0", "fe80::1%eth0", false},
		"the mask's host bits set":      {[]any{"10.9.9.9/8"}, nil, "10.1.1.1", "10.1.1.1", true},
	} {
		t.Run(name, func(t *testing.T) {
			over := map[string]any{"diagnosis": map[string]any{"full_detail_ips": tt.full}}
			if tt.trusted != nil {
				over["edge"] = map[string]any{"trusted_ips": tt.trusted}
			}
			g := bearer(b.issuer.Token(ping.Audience("x")))
			g.peer, g.forwarded = tt.peer, tt.forwarded
			if run(t, b.route(over), g); strings.Contains(g.header("X-Auth-Diagnosis"), "detail=") != tt.want {
				t.Errorf("want detail %v: %s", tt.want, g.header("X-Auth-Diagnosis"))
			}
		})
	}
}

func TestAdviseWithEverything(t *testing.T) {
	b := newBench(t, ping.Options{})
	over := map[string]any{
		"mode": "advise", "expects": []any{"bearer", "basic", "key"}, "realm": "x", "maximum_lifetime": 60,
		"scopes_required": []any{"a"}, "upstream_headers": map[string]any{"X-User": "sub"},
		"rate_limiting": map[string]any{"report_only": true, "default_tier": "one", "tiers": []any{map[string]any{"name": "one", "day": 1}}},
		"diagnosis":     map[string]any{"detail": "full", "on_accept": true, "log_identity": true, "header_name": "X-Why"},
	}
	r := b.route(over)
	for range 3 {
		g := run(t, r, bearer(b.issuer.Token()))
		if g.exited || !strings.Contains(g.header("X-Why"), "lifetime_too_long;hop=idp;certainty=definite;by=7140") || !strings.Contains(g.header("X-Why"), "mode=advise") || len(g.response) != 1 {
			t.Fatalf("exited %v: %v", g.exited, g.response)
		}
		if n, v := changes(g, "X-User"); n != 1 || len(v) != 0 {
			t.Errorf("X-User: %q", v)
		}
		if object := logObject(t, g); object["mode"] != "advise" || object["also"] != "scope_insufficient" || object["status"] != float64(0) {
			t.Errorf("logged %v", object)
		}
	}
	over["scopes_required"], over["maximum_lifetime"] = []any{}, 0
	r = b.route(over)
	for _, want := range []string{"accepted", "quota_exceeded", "quota_exceeded"} {
		g := run(t, r, bearer(b.issuer.Token()))
		if g.exited || !strings.HasPrefix(g.header("X-Why"), want+";") || g.header("Retry-After") != "" || !strings.Contains(g.header("X-Why"), "mode=advise") {
			t.Errorf("want %s: exited %v %v", want, g.exited, g.response)
		}
	}
	g := run(t, r, &gateway{headers: map[string][]string{"apikey": {"k"}}})
	if !strings.HasPrefix(g.header("X-Why"), "credential_arrived;") {
		t.Errorf("an API key: %v", g.response)
	}
}
