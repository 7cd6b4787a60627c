//go:build spec

package main

import (
	"time"

	"kong-plugin-auth-diagnosis/pkg/standin/ping"
	"kong-plugin-auth-diagnosis/spec/bench/measure"
)

// requestTables measures whole requests, good and hostile ones.
func requestTables(b *bench) ([]measure.Table, error) {
	issuer, err := startIssuer()
	if err != nil {
		return nil, err
	}
	defer issuer.Close()
	g, err := b.start("", []route{{path: "/bare"}, {"/guarded", []map[string]any{guard(issuer)}}}, nil, plugin)
	if err != nil {
		return nil, err
	}
	defer g.stop()
	good := issuer.Token()
	if err := g.ready(b, "/guarded", good); err != nil {
		return nil, err
	}
	// A token that was never seen costs its signature check, and the making of
	// it costs more than that: fewer of them.
	few := b.requests / 4
	fresh, err := mint(issuer, (b.runs+1)*(few+warmups*usualConns))
	if err != nil {
		return nil, err
	}
	guarded := func(token string) func(int) []byte { return always(get("/guarded", token)) }
	accepted := "accepted, one token"
	rejected := func(request func(int) []byte, n int) func() (measure.Sample, error) {
		return stream{gateway: g, plugin: plugin, status: 401, request: request}.of(b, n)
	}
	return tables(b, measure.Suite{
		Title: "Accepted, rejected, flooded",
		Notes: []string{
			"RS256, a required scope, two headers for the service, a tier with two windows and its headers for the client. A refused token is remembered for some seconds, as a good one is until it expires; what was never seen costs a signature check.",
		},
		Columns: requestColumns,
		Ratios:  []int{bothCPU},
		Cases: []measure.Case{
			{Name: "no plugin", Against: accepted, Measure: stream{gateway: g, request: always(get("/bare", good))}.of(b, b.requests)},
			{Name: accepted, Measure: stream{gateway: g, plugin: plugin, request: guarded(good)}.of(b, b.requests)},
			{Name: "accepted, every token new", Against: accepted, Measure: stream{gateway: g, plugin: plugin,
				request: func(i int) []byte { return get("/guarded", fresh[i]) }}.of(b, few)},
			{Name: "rejected: no credential", Against: accepted, Measure: rejected(guarded(""), b.requests)},
			{Name: "rejected: expired", Against: accepted, Measure: rejected(guarded(issuer.Token(ping.Expires(time.Now().Add(-time.Hour)))), b.requests)},
			{Name: "flood of one bad token", Against: accepted, Measure: rejected(guarded(ping.FlipSignature(good)), b.requests)},
			{Name: "flood of distinct bad tokens", Against: accepted, Measure: rejected(
				func(i int) []byte { return get("/guarded", forge(good, i)) }, few)},
		},
	})
}
