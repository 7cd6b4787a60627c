//go:build spec

package main

import (
	"fmt"
	"math/rand/v2"

	"kong-plugin-auth-diagnosis/pkg/standin/ping"
	"kong-plugin-auth-diagnosis/spec/bench/measure"
)

// flat is the goal of growth: that there is next to none.
const flat = 1.10

// growthTables measures one thing while there is more and more of another.
func growthTables(b *bench) ([]measure.Table, error) {
	issuer, err := startIssuer()
	if err != nil {
		return nil, err
	}
	defer issuer.Close()
	var all []measure.Table
	for _, grow := range []func(*bench, *ping.Issuer) ([]measure.Table, error){growConns, growTokens, growRoutes} {
		t, err := grow(b, issuer)
		if err != nil {
			return nil, err
		}
		all = append(all, t...)
	}
	alone, err := tables(b, growVerdicts(b))
	return append(all, alone...), err
}

// growConns: one gateway, more and more connections to it.
func growConns(b *bench, issuer *ping.Issuer) ([]measure.Table, error) {
	g, err := guarded(b, issuer, 1)
	if err != nil {
		return nil, err
	}
	defer g.stop()
	s := growth("Connections", "Clients that each send their next request when the last is answered. Latency grows as the machine's CPUs are shared, client and service included.")
	for _, n := range b.conns {
		add(&s, "connections", n, 0, stream{gateway: g, plugin: plugin, conns: n, request: always(get("/guarded-0", issuer.Token()))}.of(b, b.requests))
	}
	return tables(b, s)
}

// growTokens: a gateway per size, whose plugin has seen so many tokens.
func growTokens(b *bench, issuer *ping.Issuer) ([]measure.Table, error) {
	s := growth("Cached tokens", "Each request brings one of so many tokens, at random, all of which the plugin has seen before. EdDSA. Each size has a gateway and a plugin process of its own.")
	tokens, err := mint(issuer, b.tokens[len(b.tokens)-1], ping.Algorithm("EdDSA"))
	if err != nil {
		return nil, err
	}
	for _, n := range b.tokens {
		g, err := guarded(b, issuer, 1)
		if err != nil {
			return nil, err
		}
		defer g.stop()
		seen := stream{gateway: g, request: func(i int) []byte { return get("/guarded-0", tokens[i%n]) }}
		if _, err := seen.measure(b, n); err != nil {
			return nil, err
		}
		add(&s, "tokens", n, flat, stream{gateway: g, plugin: plugin, request: func(int) []byte { return get("/guarded-0", tokens[rand.IntN(n)]) }}.of(b, b.requests))
	}
	return tables(b, s)
}

// growVerdicts: the same without a gateway, where next to nothing hides growth.
func growVerdicts(b *bench) measure.Suite {
	s := measure.Suite{
		Title:   "Cached tokens, the verdict alone",
		Notes:   []string{"Go benchmarks of the package, by the clock: a verdict with limiter on one of so many tokens, at random."},
		Columns: goColumns,
		Ratios:  []int{0},
	}
	for _, n := range b.crowds {
		add(&s, "tokens", n, flat, b.goBenchmark("./pkg/access", fmt.Sprintf("BenchmarkCachedTokens/%d", n)))
	}
	return s
}

// growRoutes: a gateway per size, with so many instances of the plugin.
func growRoutes(b *bench, issuer *ping.Issuer) ([]measure.Table, error) {
	s := growth("Plugin instances", "Requests go to so many routes in turn, each with an instance of its own. Each size has a gateway and a plugin process of its own.")
	for _, n := range b.routes {
		g, err := guarded(b, issuer, n)
		if err != nil {
			return nil, err
		}
		defer g.stop()
		token := issuer.Token()
		every := stream{gateway: g, request: func(i int) []byte { return get(fmt.Sprintf("/guarded-%d", i%n), token) }}
		if _, err := every.measure(b, n); err != nil { // an instance starts with its first request
			return nil, err
		}
		every.plugin = plugin
		add(&s, "instances", n, flat, every.of(b, b.requests))
	}
	return tables(b, s)
}

func growth(title, note string) measure.Suite {
	return measure.Suite{Title: title, Notes: []string{note}, Columns: requestColumns, Ratios: []int{pluginCPU, latency}}
}

// add adds a size, to be compared with the smallest.
func add(s *measure.Suite, of string, n int, goal float64, sample func() (measure.Sample, error)) {
	c := measure.Case{Name: fmt.Sprintf("%s: %d", of, n), Measure: sample}
	if len(s.Cases) > 0 {
		c.Against, c.Goal = s.Cases[0].Name, goal
	}
	s.Cases = append(s.Cases, c)
}

// guarded starts a gateway with routes /guarded-0, /guarded-1 and so on, each
// with the plugin, and waits until it has the issuer's keys.
func guarded(b *bench, issuer *ping.Issuer, n int) (*gateway, error) {
	var routes []route
	for i := range n {
		routes = append(routes, route{fmt.Sprintf("/guarded-%d", i), []map[string]any{guard(issuer)}})
	}
	g, err := b.start("", routes, nil, plugin)
	if err != nil {
		return nil, err
	}
	if err := g.ready(b, "/guarded-0", issuer.Token()); err != nil {
		return nil, g.failed(err)
	}
	return g, nil
}
