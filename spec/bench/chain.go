//go:build spec

package main

import (
	"debug/buildinfo"
	"fmt"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"kong-plugin-auth-diagnosis/spec/bench/measure"
)

// notRun stands where the figures of a real Kong would. They are never taken
// from anything else.
const notRun = "Not run: needs a real Kong. `make bench KONG_BIN=/path/to/kong` measures it: no plugin, " +
	"the bundled `jwt` (HS256) with `rate-limiting` (local, second and day), and auth-diagnosis with an RS256 token, " +
	"a tier and client headers, each by the CPU time per request of nginx's worker and of the plugin's process; " +
	"and the two servers above, again.\n"

// kongTables measures on the program that -kong names.
func kongTables(b *bench) ([]measure.Table, error) {
	if b.kong == "" {
		return nil, nil
	}
	chain, err := chainTables(b)
	if err != nil {
		return nil, err
	}
	servers, err := serversOn(b, b.kong)
	return append(chain, servers...), err
}

// chainTables sets auth-diagnosis beside the bundled plugins that do part of its
// work, as far as the gateway has them.
func chainTables(b *bench) ([]measure.Table, error) {
	issuer, err := startIssuer()
	if err != nil {
		return nil, err
	}
	defer issuer.Close()
	routes := []route{{path: "/bare"}, {"/guarded", []map[string]any{guard(issuer)}}}
	missing, err := lacking(b, "jwt", "rate-limiting")
	if err != nil {
		return nil, err
	}
	var more map[string]any
	if len(missing) == 0 {
		routes, more = append(routes, route{"/bundled", bundledChain()}), jwtConsumers()
	}
	g, err := b.start(b.kong, routes, more, plugin)
	if err != nil {
		return nil, err
	}
	defer g.stop()
	token := issuer.Token()
	if err := g.ready(b, "/guarded", token); err != nil {
		return nil, err
	}
	s := measure.Suite{
		Title:   "Beside the bundled plugins, on " + kindOf(g),
		Columns: requestColumns,
		Ratios:  []int{bothCPU, latency},
		Cases:   []measure.Case{{Name: "no plugin", Measure: stream{gateway: g, request: always(get("/bare", token))}.of(b, b.requests)}},
	}
	ours := measure.Case{Name: "auth-diagnosis: RS256, tier, client headers", Against: "no plugin",
		Measure: stream{gateway: g, plugin: plugin, request: always(get("/guarded", token))}.of(b, b.requests)}
	if len(missing) == 0 {
		hs256, err := bundledToken()
		if err != nil {
			return nil, err
		}
		bundled := measure.Case{Name: "bundled: `jwt` HS256, `rate-limiting` local", Against: "no plugin",
			Measure: stream{gateway: g, request: always(get("/bundled", hs256))}.of(b, b.requests)}
		ours.Against, ours.Goal = bundled.Name, 0.85
		s.Cases = append(s.Cases, bundled)
	} else {
		s.Notes = append(s.Notes, fmt.Sprintf("Left out: this gateway has no %s.", strings.Join(missing, ", ")))
	}
	s.Cases = append(s.Cases, ours)
	return tables(b, s)
}

// embedded reports whether a program is this project's own gateway. A Kong is no
// Go program at all.
func embedded(program string) bool {
	info, err := buildinfo.ReadFile(program)
	return err == nil && strings.HasPrefix(info.Path, "kong-plugin-auth-diagnosis/")
}

func kindOf(g *gateway) string {
	if g.nginx {
		return "a real Kong"
	}
	return "the embedded gateway"
}

// lacking asks a gateway without configuration which of the plugins it does not
// have.
func lacking(b *bench, plugins ...string) (missing []string, err error) {
	g, err := b.start(b.kong, nil, nil)
	if err != nil {
		return nil, err
	}
	defer g.stop()
	for _, p := range plugins {
		has, err := g.has(p)
		if err != nil {
			return nil, err
		}
		if !has {
			missing = append(missing, "`"+p+"`")
		}
	}
	return missing, nil
}

// The one consumer of the bundled chain.
const (
	consumerKey    = "bench"
	consumerSecret = "a-shared-secret-of-32-bytes-or-so"
)

// bundledChain verifies a token and counts its consumer's requests in the
// worker's memory.
func bundledChain() []map[string]any {
	return []map[string]any{
		{"name": "jwt", "config": map[string]any{"claims_to_verify": []any{"exp"}}},
		{"name": "rate-limiting", "config": map[string]any{
			"policy": "local", "limit_by": "consumer", "second": 1_000_000, "day": 1_000_000_000,
		}},
	}
}

func jwtConsumers() map[string]any {
	return map[string]any{"consumers": []any{map[string]any{
		"username":    "bench",
		"jwt_secrets": []any{map[string]any{"key": consumerKey, "secret": consumerSecret, "algorithm": "HS256"}},
	}}}
}

func bundledToken() (string, error) {
	return jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
		"iss": consumerKey, "sub": "bench", "aud": "https://api.example.com", "scope": "read",
		"exp": time.Now().Add(2 * time.Hour).Unix(),
	}).SignedString([]byte(consumerSecret))
}
