package access_test

import (
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"kong-plugin-auth-diagnosis/pkg/standin/ping"
)

// Every PDK call costs about as much as the rest of the plugin. These are the
// calls of the default configuration; an option adds exactly what stands in the
// table below.
const (
	acceptedCalls = 3 // headers; upstream headers, rate-limit headers
	rejectedCalls = 5 // headers, request id; log line, log object, exit
	rejectedWaits = 2
)

var tiers = map[string]any{
	"default_tier": "free",
	"tiers":        []any{map[string]any{"name": "free", "second": 20, "day": 50000}},
}

func with(more map[string]any) map[string]any {
	c := map[string]any{"rate_limiting": tiers}
	for k, v := range more {
		c[k] = v
	}
	return c
}

// redisTiers are the tiers in a Redis that is asked each time.
func redisTiers(addr string) map[string]any {
	return map[string]any{"rate_limiting": redisAt(addr, tiers)["rate_limiting"]}
}

func limiting(more map[string]any) map[string]any {
	rl := map[string]any{}
	for _, m := range []map[string]any{tiers, more} {
		for k, v := range m {
			rl[k] = v
		}
	}
	return map[string]any{"rate_limiting": rl}
}

func TestCallBudget(t *testing.T) {
	issuer := newIssuer(t)
	good := issuer.Token()
	expired := issuer.Token(ping.Expires(time.Now().Add(-time.Hour)))
	for name, tt := range map[string]struct {
		config map[string]any
		g      *gateway
		calls  int
		waits  int
	}{
		"accepted":                             {with(nil), bearer(good), acceptedCalls, 1},
		"accepted, no limits":                  {nil, bearer(good), acceptedCalls - 1, 1},
		"accepted, client headers hidden":      {limiting(map[string]any{"hide_client_headers": true}), bearer(good), acceptedCalls - 1, 1},
		"accepted, hide_credentials":           {with(map[string]any{"hide_credentials": true}), bearer(good), acceptedCalls, 1},
		"accepted, from a cookie":              {with(sources(nil)), sent("access_token="+good, ""), acceptedCalls + 1, 2},
		"accepted, cookies only":               {with(map[string]any{"cookie_names": []any{"jwt"}, "hide_credentials": true}), sent("jwt="+good, "jwt=x"), acceptedCalls, 1},
		"accepted, uri_param_names: query":     {with(sources(nil)), bearer(good), acceptedCalls + 1, 2},
		"accepted, argument hidden: query":     {with(sources(map[string]any{"hide_credentials": true})), sent("a=1", "jwt="+good), acceptedCalls + 2, 2},
		"rejected, uri_param_names: query":     {with(sources(nil)), sent("", "jwt="+expired), rejectedCalls + 1, rejectedWaits + 1},
		"accepted, by address: address":        {limiting(map[string]any{"limit_by": "ip"}), bearer(good), acceptedCalls + 1, 2},
		"accepted, on_accept: request id":      {with(map[string]any{"diagnosis": map[string]any{"on_accept": true}}), bearer(good), acceptedCalls + 1, 2},
		"accepted, no preflight: method":       {with(map[string]any{"run_on_preflight": false}), bearer(good), acceptedCalls + 1, 2},
		"accepted, Redis":                      {redisTiers(miniredis.RunT(t).Addr()), bearer(good), acceptedCalls, 1},
		"accepted, Redis away: id, log object": {redisTiers(nobody(t)), bearer(good), acceptedCalls + 2, 2},
		"rejected":                             {with(nil), bearer(expired), rejectedCalls, rejectedWaits},
		"rejected, nothing came":               {with(nil), &gateway{}, rejectedCalls, rejectedWaits},
		"rejected, full_detail_ips: addresses": {with(map[string]any{"diagnosis": map[string]any{"full_detail_ips": []any{"127.0.0.1"}}}), &gateway{peer: "127.0.0.1", forwarded: "127.0.0.1"}, rejectedCalls + 2, rejectedWaits + 2},
		"advised":                              {map[string]any{"mode": "advise"}, bearer(expired), 6, 2},
		"advised, token and key: query once":   {sources(map[string]any{"mode": "advise", "expects": []any{"bearer", "key"}}), sent("", "apikey=k"), 6, 3},
		"advised, key in the query: query":     {map[string]any{"mode": "advise", "expects": []any{"key"}, "issuers": []any{}}, &gateway{query: "apikey=k"}, 6, 3},
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t, issuer, nil)
			if tt.config != nil {
				r = start(t, issuer, tt.config)
			}
			g := *tt.g
			run(t, r, &g)
			calls := len(g.asked) + len(g.told)
			if g.exited {
				calls++
			}
			if calls != tt.calls || len(g.asked) != tt.waits {
				t.Errorf("%d calls of which %d waited for, want %d and %d: %v %d", calls, len(g.asked), tt.calls, tt.waits, g.asked, len(g.told))
			}
		})
	}
}
