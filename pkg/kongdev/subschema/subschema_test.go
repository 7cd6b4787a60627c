package subschema_test

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kong-plugin-auth-diagnosis/pkg/kongdev/subschema"
)

func load(t *testing.T) *subschema.Schema {
	t.Helper()
	src, err := os.ReadFile("testdata/wide.json")
	if err != nil {
		t.Fatal(err)
	}
	s, err := subschema.Load(src)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func table(t *testing.T, text string) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// sent processes a config and returns what a plugin would receive.
func sent(t *testing.T, config string) map[string]any {
	t.Helper()
	s := load(t)
	filled, errs := s.Process(table(t, config))
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	return s.Resolve(filled, func(ref string) (string, bool) { return "resolved", ref == "{vault://env/known}" })
}

func TestDefaultsAreFilledAndNullsDropped(t *testing.T) {
	want := table(t, `{"mode":"strict","kinds":["a"],"limit":10,"flag":false,"tiers":[],"labels":{"k":"v"},
		"redis":{"nodes":[],"port":6379}}`)
	for name, in := range map[string]string{
		"empty config":         `{}`,
		"null without default": `{"rate": null, "optional": null}`,
		"object for an array":  `{"tiers": {}}`,
	} {
		if diff := cmp.Diff(want, sent(t, in)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestGivenValuesReplaceDefaults(t *testing.T) {
	got := sent(t, `{"labels":{"x":"y"},"kinds":["b","a","b"],"limit":3.0,"tiers":[{"name":"n","second":1}]}`)
	want := table(t, `{"mode":"strict","kinds":["b","a"],"limit":3,"flag":false,"tiers":[{"name":"n","second":1}],
		"labels":{"x":"y"},"redis":{"nodes":[],"port":6379}}`)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	text, err := json.Marshal(got["limit"])
	if err != nil || string(text) != "3" {
		t.Errorf("an integer given as 3.0: expected 3 in JSON, got %s %v", text, err)
	}
}

func TestReferencesAreResolvedAndKept(t *testing.T) {
	got := sent(t, `{"secret":"{vault://env/nope}","certs":["plain","{vault://env/known}"],"labels":{"a":"{vault://env/known}"},
		"name":null}`)
	for key, want := range map[string]any{
		"secret": "", // unresolvable, and len_min does not apply
		"certs":  []any{"plain", "resolved"},
		"labels": map[string]any{"a": "resolved"},
		"$refs": map[string]any{"secret": "{vault://env/nope}", "certs": []any{nil, "{vault://env/known}"},
			"labels": map[string]any{"a": "{vault://env/known}"}},
	} {
		if diff := cmp.Diff(want, got[key]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", key, diff)
		}
	}
}

func TestErrorsAsKongWordsThem(t *testing.T) {
	s := load(t)
	for _, c := range []struct {
		name, config string
		want         []string
	}{
		{"unknown field", `{"nope": 1}`, []string{"config.nope: unknown field"}},
		{"one_of", `{"mode": "x"}`, []string{"config.mode: expected one of: strict, lax"}},
		{"null for a required field", `{"mode": null}`, []string{"config.mode: required field missing"}},
		{"len_min of a set", `{"kinds": [], "mode": "lax"}`, []string{"config.kinds: length must be at least 1"}},
		{"not an array", `{"certs": "x"}`, []string{"config.certs: expected an array"}},
		{"not a set", `{"kinds": {"a": 1}, "mode": "lax"}`, []string{"config.kinds: expected a set"}},
		{"not a map", `{"labels": "x"}`, []string{"config.labels: expected a map"}},
		{"not a record", `{"redis": 1}`, []string{"config.redis: expected a record"}},
		{"not a boolean", `{"flag": "true"}`, []string{"config.flag: expected a boolean"}},
		{"not a string", `{"name": 1}`, []string{"config.name: expected a string"}},
		{"not an integer", `{"limit": 1.5}`, []string{"config.limit: expected an integer"}},
		{"between", `{"limit": 101, "rate": 2}`, []string{"config.limit: value should be between 0 and 100"}},
		{"gt", `{"rate": 0}`, []string{"config.rate: value must be greater than 0"}},
		{"match", `{"name": "ABC"}`, []string{"config.name: invalid value: ABC"}},
		{"not_match", `{"name": "xyz"}`, []string{"config.name: invalid value: xyz"}},
		{"own err", `{"url": "http://x"}`, []string{"config.url: expected an https URL"}},
		{"match_any", `{"address": "name"}`, []string{"config.address: expected an address"}},
		{"match_all", `{"code": "A"}`, []string{"config.code: no digit"}},
		{"match_none", `{"word": "a b"}`, []string{"config.word: has a blank"}},
		{"is_regex", `{"expr": "("}`, []string{"config.expr: not a valid regex: ("}},
		{"uuid", `{"id": "1"}`, []string{"config.id: expected a valid UUID"}},
		{"len_max", `{"note": "123456"}`, []string{"config.note: length must be at most 5"}},
		{"empty string", `{"name": ""}`, []string{"config.name: length must be at least 1"}},
		{"ne", `{"never": "no"}`, []string{"config.never: value must not be no"}},
		{"not_one_of", `{"never": "nein"}`, []string{"config.never: must not be one of: nein"}},
		{"map key", `{"labels": {"1": "x"}}`, []string{"config.labels: invalid value: 1"}},
		{"short secret", `{"secret": "short"}`, []string{"config.secret: length must be at least 8"}},
		{"optional record", `{"optional": {}}`, []string{"config.optional.must: required field missing"}},
		{"element of an array", `{"tiers": [{"name": "a", "second": 1}, {"second": 0}]}`, []string{
			"config.tiers[1].name: required field missing", "config.tiers[1].second: value must be greater than 0"}},
		{"checks of an element", `{"tiers": [{"name": "a", "burst": 1}]}`, []string{
			"config.tiers[0].second: required field missing",
			"config.tiers[0]: failed conditional validation given value of field 'burst'"}},
		{"at_least_one_of", `{"tiers": [{"name": "a"}]}`, []string{
			"config.tiers[0]: at least one of these fields must be non-empty: 'second', 'burst'"}},
		{"mutually_exclusive", `{"redis": {"host": "h", "nodes": ["n"]}}`, []string{
			"config.redis: only one or none of these fields must be set: 'host', 'nodes'"}},
		{"mutually_required", `{"redis": {"user": "u"}}`, []string{
			"config.redis: all or none of these fields must be set: 'user', 'password'"}},
		{"distinct", `{"redis": {"user": "u", "password": "p", "host": "u"}}`, []string{
			"config.redis: values of these fields must be distinct: 'user', 'host'"}},
		{"conditional with then_err", `{"kinds": ["b"]}`, []string{
			"config.kinds: expected to contain: a", "config: strict needs a (mode)"}},
		{"conditional_at_least_one_of on nested paths", `{"flag": true}`, []string{
			"config: flag needs one of 'redis.host', 'redis.nodes'"}},
		{"check at top level", `{"limit": 95}`, []string{
			"config.rate: required field missing", "failed conditional validation given value of field 'config.limit'"}},
		{"all at once", `{"mode": "x", "rate": -1, "zz": 0}`, []string{"config.mode: expected one of: strict, lax",
			"config.rate: value must be greater than 0", "config.zz: unknown field"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, errs := s.Process(table(t, c.config))
			if diff := cmp.Diff(c.want, errs.Lines()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestAcceptedCorners(t *testing.T) {
	s := load(t)
	for name, config := range map[string]string{
		"lookahead that only PCRE has":   `{"expr": "^(?=a)a$"}`,
		"empty string with len_min 0":    `{"note": ""}`,
		"reference of any length":        `{"secret": "{vault://env/x}"}`,
		"condition that does not hold":   `{"mode": "lax", "kinds": ["b"]}`,
		"nested record of an element":    `{"tiers": [{"name": "a", "second": 1}]}`,
		"flag with what it needs":        `{"flag": true, "redis": {"host": "h"}}`,
		"top-level check that is passed": `{"limit": 95, "rate": 2}`,
	} {
		if _, errs := s.Process(table(t, config)); len(errs) > 0 {
			t.Errorf("%s: %v", name, errs)
		}
	}
}

func TestNestedErrorsKeepKongsShape(t *testing.T) {
	_, errs := load(t).Process(table(t, `{"tiers": [{"name": "a", "second": 1}, {"name": "b"}]}`))
	got, err := json.Marshal(errs)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"config":{"tiers":[null,{"@entity":["at least one of these fields must be non-empty: 'second', 'burst'"]}]}}`
	if string(got) != want {
		t.Errorf("expected %s, got %s", want, got)
	}
}

func TestProcessPluginJudgesTheWholeEntity(t *testing.T) {
	s := load(t)
	_, errs := s.ProcessPlugin(table(t, `{"name": "wide", "config": {}, "consumer": {"id": "f3ef8bde-817d-5a84-b4cd-13f35d3bbb53"},
		"protocols": ["tcp"], "enabled": "yes", "colour": 1}`))
	want := []string{"colour: unknown field", "consumer: value must be null", "enabled: expected a boolean",
		"protocols[0]: expected one of: http, https"}
	if diff := cmp.Diff(want, errs.Lines()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	got, errs := s.ProcessPlugin(table(t, `{"name": "wide", "config": {}}`))
	if len(errs) > 0 || got["enabled"] != true || !cmp.Equal(got["protocols"], []any{"http", "https"}) {
		t.Errorf("defaults of the entity: got %v %v", got, errs)
	}
}
