package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"kong-plugin-auth-diagnosis/pkg/kongdev/subschema"
	"kong-plugin-auth-diagnosis/pkg/schema"
)

// related are configurations that break one entity check of Kong's schema each,
// by the words that a gateway has for it.
var related = map[string]struct {
	config string // of one instance, see withIssuers
	want   string // all that -check says
}{
	"mode enforce needs bearer in expects": {`expects: [key]`,
		`config.expects: expected bearer with mode enforce, got "key"`},
	"mode advise cannot hide credentials: the plugins behind need them": {`mode: advise, hide_credentials: true`,
		`config.hide_credentials: expected false with mode advise, got true: the plugins behind need the credential`},
	"mode advise cannot have anonymous: it authenticates nobody": {`mode: advise, anonymous: guest`,
		`config.anonymous: expected none with mode advise, got "guest": advise authenticates nobody`},
	"mode advise cannot require a witness: it never rejects": {`mode: advise, edge: {name: edge, witness: required, keys: [{id: a, secret: ` + secret + `}]}`,
		`config.edge.witness: expected off or optional with mode advise, got "required": advise never rejects`},
	"accept_missing_issuer is allowed with a single issuer only": {`issuers: [{issuer: https://a.example, audiences: [x], accept_missing_issuer: true}, {issuer: https://b.example, audiences: [x]}]`,
		`config.issuers[0].accept_missing_issuer: expected false with more than one issuer, got true`},
	"bearer in expects needs issuers": {`issuers: []`,
		`config.issuers: expected at least 1 element with bearer in expects, got 0`},
	"bearer in expects needs header_names, cookie_names or uri_param_names": {`header_names: []`,
		`config.header_names: expected at least 1 element here, in cookie_names or in uri_param_names with bearer in expects, got 0`},
	"key in expects needs key_names": {`expects: [bearer, key], key_names: []`,
		`config.key_names: expected at least 1 element with key in expects, got 0`},
	"scopes_required needs scopes_claim": {`scopes_required: [read], scopes_claim: []`,
		`config.scopes_claim: expected at least 1 element with scopes_required, got 0`},
	"roles_required needs roles_claim": {`roles_required: [admin], roles_claim: []`,
		`config.roles_claim: expected at least 1 element with roles_required, got 0`},
	"groups_required needs groups_claim": {`groups_required: [staff], groups_claim: []`,
		`config.groups_claim: expected at least 1 element with groups_required, got 0`},
	"consumer_optional false needs consumer_claim": {`consumer_optional: false`,
		`config.consumer_claim: expected at least 1 element with consumer_optional false, got 0`},
	"limit_by consumer needs consumer_claim": {`rate_limiting: {limit_by: consumer}`,
		`config.consumer_claim: expected at least 1 element with limit_by consumer, got 0`},
	"audiences must not be empty unless skip_audience_check is true": {`issuers: [{issuer: https://a.example, audiences: []}]`,
		`config.issuers[0].audiences: expected at least 1 element unless skip_audience_check is true, got 0`},
	"witness needs keys": {`edge: {name: edge, witness: optional}`,
		`config.edge.keys: expected at least 1 element with witness optional, got 0`},
	"tiers need default_tier": {`rate_limiting: {tiers: [{name: gold, second: 1}]}`,
		`config.rate_limiting.default_tier: expected the name of a tier with tiers, got none`},
	"limit_by claim needs limit_by_claim": {`rate_limiting: {limit_by: claim, limit_by_claim: []}`,
		`config.rate_limiting.limit_by_claim: expected at least 1 element with limit_by claim, got 0`},
	"policy redis needs redis.host, redis.cluster_nodes or redis.sentinel_nodes": {`rate_limiting: {policy: redis}`,
		`config.rate_limiting.redis.host: expected a value here, in cluster_nodes or in sentinel_nodes with policy redis, got none`},
	"sync_rate is -1 or 0.02 to 3600": {`rate_limiting: {sync_rate: 0.01}`,
		`config.rate_limiting.sync_rate: expected -1 or 0.02 to 3600, got 0.01`},
	"at least one of these fields must be non-empty: 'second', 'minute', 'hour', 'day'": {`rate_limiting: {default_tier: gold, tiers: [{name: gold}]}`,
		`config.rate_limiting.tiers[0]: expected second, minute, hour or day, got none`},
	"burst needs second": {`rate_limiting: {default_tier: gold, tiers: [{name: gold, day: 5, burst: 2}]}`,
		`config.rate_limiting.tiers[0].second: expected a limit with burst, got none`},
	"only one or none of these fields must be set: 'host', 'cluster_nodes', 'sentinel_nodes'": {`rate_limiting: {redis: {host: a, cluster_nodes: [{ip: 10.0.0.1}]}}`,
		`config.rate_limiting.redis: expected host, cluster_nodes or sentinel_nodes, got 2 of them`},
	"all or none of these fields must be set: 'sentinel_nodes', 'sentinel_master'": {`rate_limiting: {redis: {sentinel_master: counters}}`,
		`config.rate_limiting.redis.sentinel_master: expected both sentinel_nodes and sentinel_master, got one of them`},
}

// secret is one that an edge may sign with.
const secret = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

// withIssuers adds an issuer that is good to a configuration without any.
func withIssuers(config string) string {
	if strings.Contains(config, "issuers:") {
		return config
	}
	return config + ", issuers: [{issuer: https://sso.example.com, audiences: [orders]}]"
}

// checkText returns what -check prints of one instance, without file and plugin.
func checkText(t *testing.T, config string) (lines []string, code int) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "kong.yml")
	text := fmt.Sprintf("_format_version: \"3.0\"\nplugins:\n- name: %s\n  config: {%s}\n", name, withIssuers(config))
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, problems strings.Builder
	code = check(file, &out, &problems)
	for line := range strings.Lines(out.String() + problems.String()) {
		lines = append(lines, strings.TrimPrefix(strings.TrimSuffix(line, "\n"), file+":4: plugins[0]."))
	}
	return lines, code
}

// Where fields do not go together, Kong's schema and the plugin's rules both know.
func TestEachProblemIsToldOnce(t *testing.T) {
	for broken, tt := range related {
		t.Run(broken, func(t *testing.T) {
			got, code := checkText(t, tt.config)
			if diff := cmp.Diff([]string{tt.want}, got); diff != "" || code != 1 {
				t.Errorf("exit code %d, lines (-want +got):\n%s", code, diff)
			}
		})
	}
}

// TestEveryEntityCheckIsToldByARule: what -check leaves to the plugin's rules is
// all that a gateway would refuse for it.
func TestEveryEntityCheckIsToldByARule(t *testing.T) {
	text, err := json.Marshal(schema.Kong(name))
	if err != nil {
		t.Fatal(err)
	}
	kong, err := subschema.Load(text)
	if err != nil {
		t.Fatal(err)
	}
	for broken, tt := range related {
		var config map[string]any
		if err := yaml.Unmarshal([]byte("{"+withIssuers(tt.config)+"}"), &config); err != nil {
			t.Fatal(err)
		}
		var got []string
		_, errs := kong.Process(config)
		for _, p := range errs.Flat() {
			if p.Entity {
				got = append(got, p.Message)
			}
		}
		if diff := cmp.Diff([]string{broken}, got); diff != "" {
			t.Errorf("%s: entity checks that fail (-want +got):\n%s", tt.config, diff)
		}
	}
	var tree any
	if err := json.Unmarshal(text, &tree); err != nil {
		t.Fatal(err)
	}
	if n := countEntityChecks(tree); n != len(related) {
		t.Errorf("%d entity checks in the schema, expected the %d here", n, len(related))
	}
}

func countEntityChecks(node any) (n int) {
	switch node := node.(type) {
	case []any:
		for _, element := range node {
			n += countEntityChecks(element)
		}
	case map[string]any:
		checks, _ := node[entityChecks].([]any)
		n = len(checks)
		for _, value := range node {
			n += countEntityChecks(value)
		}
	}
	return n
}
