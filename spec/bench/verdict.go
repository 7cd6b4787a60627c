//go:build spec

package main

import (
	"time"

	"kong-plugin-auth-diagnosis/pkg/standin/ping"
	"kong-plugin-auth-diagnosis/spec/bench/measure"
)

// verdictTables measures without a gateway: the parts of a verdict by the
// packages' own benchmarks, and whole requests by what they are rejected for.
func verdictTables(b *bench) ([]measure.Table, error) {
	parts := measure.Suite{
		Title: "Its parts",
		Notes: []string{
			"Go benchmarks of the packages, by the clock. *Cold* is from the token's text to its claims; *bare* is the signature check in it alone.",
		},
		Columns: goColumns,
		Ratios:  []int{0},
		Cases: []measure.Case{
			{Name: "cached", Measure: b.goBenchmark("./pkg/access", "BenchmarkCachedVerdict")},
			{Name: "cached, with limiter", Goal: 2, Measure: b.goBenchmark("./pkg/access", "BenchmarkCachedVerdictWithLimiter")},
			{Name: "witness of the edge, two members", Measure: b.goBenchmark("./pkg/edge", "BenchmarkVerify")},
		},
	}
	for _, alg := range []string{"RS256", "PS256", "ES256", "EdDSA"} {
		bare := alg + ", bare"
		parts.Cases = append(parts.Cases,
			measure.Case{Name: bare, Measure: b.goBenchmark("./pkg/token", "BenchmarkVerdict/"+alg+"/bare")},
			measure.Case{Name: alg + ", cold", Against: bare, Measure: b.goBenchmark("./pkg/token", "BenchmarkVerdict/"+alg+"/verdict")},
		)
	}
	part, err := tables(b, parts)
	if err != nil {
		return nil, err
	}
	whole, err := rejectionTables(b)
	return append(part, whole...), err
}

// rejectionTables has a request of each family of verdicts.
func rejectionTables(b *bench) ([]measure.Table, error) {
	j, err := newJudge()
	if err != nil {
		return nil, err
	}
	defer j.close()
	open, err := j.route(b, plenty)
	if err != nil {
		return nil, err
	}
	spent, err := j.route(b, nothing)
	if err != nil {
		return nil, err
	}
	good, past := j.issuer.Token(), time.Now().Add(-time.Hour)
	const accepted = "accepted, cached, with limiter"
	s := measure.Suite{
		Title: "Whole, by family",
		Notes: []string{
			"From Kong's reply with the headers to the answer, in this process and without a gateway; CPU time, with garbage collection. A token is remembered once its signature was checked, so all but the floods of distinct ones are answered from memory from the second request on.",
		},
		Columns: []string{"CPU, µs", "allocations"},
		Ratios:  []int{0},
		Cases:   []measure.Case{{Name: accepted, Measure: cost(b, open, false, always(headersOf(good)))}},
	}
	for _, r := range []struct{ name, authorization string }{
		{"credential: missing", ""},
		{"credential: another scheme", "Basic dXNlcjpwYXNz"},
		{"structure: opaque token", "Bearer 2YotnFZFEjr1zCsicMWpAA"},
		{"header: alg none", "Bearer " + ping.AlgNone(good)},
		{"issuer: not trusted", "Bearer " + j.issuer.Token(ping.IssuedBy("https://other.example.com"))},
		{"key: unknown kid", "Bearer " + j.issuer.Token(ping.KeyID("nobody"))},
		{"signature: one bad token", "Bearer " + ping.FlipSignature(good)},
		{"time: expired", "Bearer " + j.issuer.Token(ping.Expires(past))},
		{"claim: audience", "Bearer " + j.issuer.Token(ping.Audience("https://other.example.com"))},
		{"authorization: scope", "Bearer " + j.issuer.Token(ping.Scope("other"))},
	} {
		s.Cases = append(s.Cases, measure.Case{Name: r.name, Against: accepted, Measure: cost(b, open, true, always(headersWith(r.authorization)))})
	}
	s.Cases = append(s.Cases,
		measure.Case{Name: "signature: distinct bad tokens", Against: accepted,
			Measure: cost(b, open, true, func(i int) []byte { return headersOf(forge(good, i)) })},
		measure.Case{Name: "limit: quota spent", Against: accepted, Measure: cost(b, spent, true, always(headersOf(good)))},
	)
	return tables(b, s)
}
