package access_test

import (
	"testing"
	"time"

	"kong-plugin-auth-diagnosis/pkg/access"
	"kong-plugin-auth-diagnosis/pkg/standin/ping"
)

// replayed is a gateway whose answers are made beforehand, so that what is
// measured is the plugin.
type replayed map[string][]byte // by method

func newReplayed(g *gateway) replayed {
	r := replayed{}
	for _, method := range []string{"kong.request.get_headers", "kong.nginx.get_var"} {
		r[method], _ = g.Ask(method, nil)
	}
	return r
}

func (r replayed) Ask(method string, _ []byte) ([]byte, error) { return r[method], nil }
func (r replayed) Tell(string, []byte) error                   { return nil }
func (r replayed) Exit([]byte) error                           { return nil }

// BenchmarkAccess is whole requests, without their transport.
func BenchmarkAccess(b *testing.B) {
	issuer := newIssuer(b)
	one := func(second int) map[string]any {
		tier := map[string]any{"name": "all", "second": second, "day": 1e9}
		return map[string]any{"rate_limiting": map[string]any{"default_tier": "all", "tiers": []any{tier}}}
	}
	for _, row := range []struct {
		name   string
		config map[string]any
		g      *gateway
	}{
		{"accepted", one(1e6), bearer(issuer.Token())},
		{"rate limited", one(1), bearer(issuer.Token())},
		{"expired", nil, bearer(issuer.Token(ping.Expires(time.Now().Add(-time.Hour))))},
		{"tampered", nil, bearer(ping.Tamper(issuer.Token()))},
		{"not a token", nil, bearer("abc")},
		{"nothing came", nil, &gateway{headers: map[string][]string{"host": {"api.example"}}}},
	} {
		b.Run(row.name, func(b *testing.B) {
			r := start(b, issuer, row.config)
			gw := newReplayed(row.g)
			b.ReportAllocs()
			for b.Loop() {
				if err := r.Access(access.Kong(gw)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
