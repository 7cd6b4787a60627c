package access_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"kong-plugin-auth-diagnosis/pkg/access"
	"kong-plugin-auth-diagnosis/pkg/standin/ping"
)

// quota is a rate_limiting with day quotas by tier; over replaces fields.
func quota(over map[string]any) map[string]any {
	rl := map[string]any{
		"default_tier": "free", "retry_after_jitter_max": 0,
		"tiers": []any{map[string]any{"name": "free", "day": 1}, map[string]any{"name": "gold", "day": 2}, map[string]any{"name": "7", "day": 3}},
	}
	for name, value := range over {
		rl[name] = value
	}
	return map[string]any{"rate_limiting": rl}
}

// passes counts how many of a request's repetitions are let through.
func passes(t *testing.T, r *access.Route, g func() *gateway) (n int) {
	t.Helper()
	for ; n < 9; n++ {
		if run(t, r, g()).exited {
			return n
		}
	}
	return n
}

func TestHostileTierClaims(t *testing.T) {
	b := newBench(t, ping.Options{})
	for i, tt := range []struct {
		name   string
		claims claims
		want   int
	}{
		{"named", claims{"tier": "gold"}, 2},
		{"another case", claims{"tier": "Gold"}, 1},
		{"a space behind", claims{"tier": "gold "}, 1},
		{"a number", claims{"tier": 7}, 3},
		{"a list of one", claims{"tier": []any{"gold"}}, 2},
		{"a list of two", claims{"tier": []any{"gold", "7"}}, 1},
		{"an object", claims{"tier": claims{"gold": true}}, 1},
		{"null and another path", claims{"tier": number("null"), "plan": claims{"name": "gold"}}, 2},
		{"the first path counts", claims{"tier": "x", "plan": claims{"name": "gold"}}, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := b.route(quota(map[string]any{"tier_claim": []any{"tier", "plan.name"}}))
			token := b.issuer.Token(ping.Claims(tt.claims), ping.ForClient("client-"+strconv.Itoa(i)))
			if n := passes(t, r, func() *gateway { return bearer(token) }); n != tt.want {
				t.Errorf("%d passed, want %d", n, tt.want)
			}
		})
	}
}

func TestHostileIdentities(t *testing.T) {
	b := newBench(t, ping.Options{})
	r := b.route(quota(map[string]any{"limit_by_claim": []any{"client_id", "sub"}}))
	who := func(c claims) func() *gateway {
		c["tier"] = "gold"
		for _, name := range []string{"client_id", "sub"} {
			if _, ok := c[name]; !ok {
				c[name] = nil
			}
		}
		token := b.issuer.Token(ping.Claims(c))
		return func() *gateway {
			g := bearer(token)
			g.forwarded = "192.0.2.9" // all come from one address
			return g
		}
	}
	// Each is somebody of its own, at its own tier.
	for name, c := range map[string]claims{
		"a name":                     {"client_id": "a"},
		"a name of another alphabet": {"sub": "Jürgen"},
		"one more of them":           {"sub": "Zoë"},
		"a long name":                {"sub": strings.Repeat("x", 2000)},
		"a longer name":              {"sub": strings.Repeat("x", 2001)},
		"a number":                   {"client_id": 42},
		"with a line break":          {"sub": "a\nb"},
		"the same in another claim":  {"sub": "a"},
	} {
		if n := passes(t, r, who(c)); n != 2 {
			t.Errorf("%s: %d passed, want the 2 of its tier", name, n)
		}
	}
	// These are nobody: they share their address at the default tier.
	total := 0
	for _, c := range []claims{{}, {"client_id": ""}, {"client_id": number("null")}, {"client_id": claims{"a": 1}}, {"client_id": []any{1}}} {
		total += passes(t, r, who(c))
	}
	if total != 1 {
		t.Errorf("%d requests of nobody passed, want the 1 of the default tier", total)
	}
}

func TestHostileAddresses(t *testing.T) {
	b := newBench(t, ping.Options{})
	from := func(peer, forwarded string) func() *gateway {
		return func() *gateway {
			g := bearer(b.issuer.Token(ping.Tier("gold")))
			g.peer, g.forwarded = peer, forwarded
			return g
		}
	}
	for i, tt := range []struct {
		name       string
		one, other string
		shared     bool
	}{
		{"two addresses", "192.0.2.1", "192.0.2.2", false},
		{"IPv4 in IPv6", "192.0.2.1", "::ffff:192.0.2.1", true},
		{"one IPv6 network", "2001:db8::1", "2001:db8::ffff:1", true},
		{"two IPv6 networks", "2001:db8:0:1::1", "2001:db8:0:2::1", false},
		{"two zones", "fe80::1%eth0", "fe80::1%eth1", true},
		{"no addresses", "unix:", "", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := b.route(quota(map[string]any{"limit_by": "ip", "namespace": fmt.Sprint("n", i)}))
			first, second := passes(t, r, from("198.51.100.1", tt.one)), passes(t, r, from("198.51.100.1", tt.other))
			if first != 2 || (second == 0) != tt.shared {
				t.Errorf("%d and %d passed, want 2 and shared %v", first, second, tt.shared)
			}
		})
	}
}

func TestNamespaces(t *testing.T) {
	b := newBench(t, ping.Options{})
	at := func(over map[string]any, ids map[string]any) *access.Route {
		c := quota(over)
		c["route_id"] = nil
		for k, v := range ids {
			c[k] = v
		}
		return b.route(c)
	}
	token := func(client string) func() *gateway {
		raw := b.issuer.Token(ping.ForClient(client), ping.Tier("gold"))
		return func() *gateway { return bearer(raw) }
	}
	for name, tt := range map[string]struct {
		one, other *access.Route
		shared     bool
	}{
		"one name, two routes":            {at(map[string]any{"namespace": "n"}, map[string]any{"route_id": "a"}), at(map[string]any{"namespace": "n"}, map[string]any{"route_id": "b"}), true},
		"two routes":                      {at(nil, map[string]any{"route_id": "a"}), at(nil, map[string]any{"route_id": "b"}), false},
		"one route, configured again":     {at(nil, map[string]any{"route_id": "a"}), at(map[string]any{"error_code": 420}, map[string]any{"route_id": "a"}), true},
		"a route and its service":         {at(nil, map[string]any{"route_id": "a", "service_id": "s"}), at(nil, map[string]any{"service_id": "s"}), false},
		"two that are global":             {at(nil, nil), at(nil, nil), true},
		"other limits under the one name": {at(map[string]any{"namespace": "m"}, nil), at(map[string]any{"namespace": "m", "tiers": []any{map[string]any{"name": "free", "day": 1}, map[string]any{"name": "gold", "day": 2, "second": 2}}}, nil), true},
	} {
		t.Run(name, func(t *testing.T) {
			client := token(name)
			if n := passes(t, tt.one, client); n != 2 {
				t.Fatalf("%d passed at first, want 2", n)
			}
			if n := passes(t, tt.other, client); (n == 0) != tt.shared {
				t.Errorf("%d passed at the other, want shared %v", n, tt.shared)
			}
		})
	}
}

func TestHostileDenials(t *testing.T) {
	b := newBench(t, ping.Options{})
	for name, tt := range map[string]struct {
		over         map[string]any
		status       int
		retry, shown bool
	}{
		"as it is":           {nil, 429, true, true},
		"own status":         {map[string]any{"error_code": 420}, 420, true, true},
		"503":                {map[string]any{"error_code": 503}, 503, true, true},
		"401":                {map[string]any{"error_code": 401}, 401, true, true},
		"hidden":             {map[string]any{"hide_client_headers": true}, 429, false, false},
		"hidden, with 503":   {map[string]any{"hide_client_headers": true, "error_code": 503}, 503, true, false},
		"no style":           {map[string]any{"header_style": "none"}, 429, true, false},
		"an awkward message": {map[string]any{"error_message": "\"slow\" <down> \u00e9"}, 429, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			c := quota(tt.over)
			c["route_id"] = name
			r := b.route(c)
			token := b.issuer.Token(ping.Tier("free"))
			if g := run(t, r, bearer(token)); g.exited || (g.header("X-RateLimit-Limit-Day") == "1") != tt.shown {
				t.Errorf("the first: exited %v, %v", g.exited, g.response)
			}
			g := run(t, r, bearer(token))
			if g.status != tt.status || code(t, g) != "quota_exceeded" || g.header("WWW-Authenticate") != "" {
				t.Errorf("%d %v", g.status, g.response)
			}
			// Noon to midnight, without jitter.
			if retry := g.header("Retry-After"); (retry != "") != tt.retry || retry != "" && retry != "43200" {
				t.Errorf("Retry-After %q", retry)
			}
			if (g.header("X-RateLimit-Remaining-Day") == "0") != tt.shown {
				t.Errorf("header fields %v", g.response)
			}
			if status := logObject(t, g)["status"]; status != float64(tt.status) {
				t.Errorf("the log says %v, the client got %d", status, tt.status)
			}
			if m := tt.over["error_message"]; m != nil && !strings.HasPrefix(string(g.body), `{"message":"\"slow\" <down> é"`) {
				t.Errorf("body %s", g.body)
			}
		})
	}
}

func TestSecondsAndDaysTogether(t *testing.T) {
	b := newBench(t, ping.Options{})
	r := b.route(quota(map[string]any{"tiers": []any{map[string]any{"name": "free", "second": 2, "burst": 3, "day": 5}}}))
	var got []string
	for _, at := range []int64{0, 0, 0, 0, 1, 1, 1, 2, 3, 43199, 43200} {
		b.clock.Store(at)
		c := "passed"
		g := bearer(b.issuer.Token(ping.ForClient("free-client"), ping.Claims(claims{"exp": noon.Unix() + 90000})))
		if run(t, r, g); g.exited {
			c = code(t, g) + " " + g.header("Retry-After")
		}
		got = append(got, c)
	}
	want := "passed,passed,passed,rate_limited 1,passed,passed,quota_exceeded 43199,quota_exceeded 43198,quota_exceeded 43197,quota_exceeded 1,passed"
	if strings.Join(got, ",") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, ","), want)
	}
}
