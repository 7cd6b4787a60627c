package access_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kong-plugin-auth-diagnosis/pkg/access"
	"kong-plugin-auth-diagnosis/pkg/standin/ping"
)

// routes returns an issuer whose keys are loaded, and a maker of routes that
// trust it, all of one process.
func routes(t *testing.T) (*ping.Issuer, func(over map[string]any) *access.Route) {
	t.Helper()
	issuer := newIssuer(t)
	e := access.New()
	t.Cleanup(e.Close)
	first := e.Start(config(issuer, nil))
	for deadline := time.Now().Add(10 * time.Second); ; {
		if g := run(t, first, bearer(issuer.Token())); !g.exited {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("keys never came")
		}
	}
	return issuer, func(over map[string]any) *access.Route { return e.Start(config(issuer, over)) }
}

// named is a token whose claim azp names a consumer.
func named(i *ping.Issuer, name any) string { return i.Token(ping.Claims(map[string]any{"azp": name})) }

func mapping(over map[string]any) map[string]any {
	m := map[string]any{"consumer_claim": []any{"azp"}}
	maps.Copy(m, over)
	return m
}

func TestTokenIsMappedToItsConsumer(t *testing.T) {
	issuer, route := routes(t)
	byID, byName := map[string]any{"consumer_by": []any{"id"}}, map[string]any{"consumer_by": []any{"username"}}
	for name, tt := range map[string]struct {
		over  map[string]any
		claim any
		want  string // id of the consumer, "" for none
		code  string // of the rejection when a consumer is required
	}{
		"by username":                           {nil, "alice", aliceID, ""},
		"by id":                                 {nil, aliceID, aliceID, ""},
		"by username only":                      {byName, "alice", aliceID, ""},
		"by id only":                            {byID, aliceID, aliceID, ""},
		"a list of one":                         {nil, []any{"alice"}, aliceID, ""},
		"an id where names are asked for":       {byName, bobID, "", "consumer_ambiguous"},
		"a name where ids are asked for":        {byID, "alice", "", "consumer_not_found"},
		"an id that nobody has":                 {byID, "3f0c1f9e-0000-4000-8000-000000000000", "", "consumer_not_found"},
		"another case of a name":                {nil, "Alice", "", "consumer_not_found"},
		"another case of an id":                 {byID, strings.ToUpper(aliceID), "", "consumer_not_found"},
		"a custom id":                           {nil, "A-1", "", "consumer_not_found"},
		"a number nobody has":                   {nil, 17, "", "consumer_not_found"},
		"a list of two":                         {nil, []any{"alice", "bob"}, "", "consumer_ambiguous"},
		"an empty list":                         {nil, []any{}, "", "consumer_not_found"},
		"an object":                             {nil, map[string]any{"name": "alice"}, "", "consumer_not_found"},
		"a boolean":                             {nil, true, "", "consumer_not_found"},
		"an empty name":                         {nil, "", "", "consumer_not_found"},
		"a name with a line break":              {nil, "alice\n", "", "consumer_not_found"},
		"a name longer than any":                {nil, strings.Repeat("a", 257), "", "consumer_not_found"},
		"no claim":                              {nil, nil, "", "consumer_not_found"},
		"the first claim present":               {map[string]any{"consumer_claim": []any{"no.such", "azp"}}, "alice", aliceID, ""},
		"a claim before it that names nobody":   {map[string]any{"consumer_claim": []any{"client_id", "azp"}}, "alice", "", "consumer_not_found"},
		"a null before it is as good as absent": {map[string]any{"consumer_claim": []any{"nothing", "azp"}}, "alice", aliceID, ""},
	} {
		t.Run(name, func(t *testing.T) {
			token := issuer.Token(ping.Claims(map[string]any{"azp": tt.claim}))
			g := registered(bearer(token)).at(t, route(mapping(tt.over)))
			got := ""
			if g.consumer != nil {
				got = g.consumer.ID
			}
			if g.exited || got != tt.want || g.shown(t, "X-Consumer-ID") != tt.want {
				t.Errorf("optional: exited %v, consumer %q, X-Consumer-ID %q, want %q", g.exited, got, g.shown(t, "X-Consumer-ID"), tt.want)
			}
			over := mapping(map[string]any{"consumer_optional": false, "diagnosis": map[string]any{"detail": "full"}})
			maps.Copy(over, tt.over)
			g = registered(bearer(token)).at(t, route(over))
			if g.exited != (tt.code != "") || code(t, g.gateway) != tt.code || g.exited && g.status != 403 {
				t.Errorf("required: exited %v with %d %s, want %q", g.exited, g.status, g.header("X-Auth-Diagnosis"), tt.code)
			}
		})
	}
}

func TestMappedConsumerIsAuthenticated(t *testing.T) {
	issuer, route := routes(t)
	g := registered(bearer(named(issuer, "alice")))
	forge(g.gateway)
	g.at(t, route(mapping(nil)))
	want := registered(nil).consumers[0]
	if diff := cmp.Diff(&want, g.consumer); diff != "" {
		t.Errorf("consumer (-want +got):\n%s", diff)
	}
	if g.credential == nil || g.credential.ConsumerID != aliceID || len(g.credential.ID) != 36 || g.alone != "" {
		t.Fatalf("credential %+v, without a consumer %q", g.credential, g.alone)
	}
	for name, want := range map[string]string{
		"X-Consumer-ID": aliceID, "X-Consumer-Username": "alice", "X-Consumer-Custom-ID": "A-1",
		"X-Credential-Identifier": g.credential.ID, "X-Anonymous-Consumer": "", "X-Authenticated-Groups": "",
	} {
		if got := g.shown(t, name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// forge adds every header in which a client could claim to be somebody.
func forge(g *gateway) {
	for _, name := range []string{"x-consumer-id", "x-consumer-username", "x-consumer-custom-id", "x-credential-identifier", "x-anonymous-consumer", "x-authenticated-groups"} {
		g.headers[name] = []string{"mallory"}
	}
}

func TestTokenWithoutAConsumerHasACredential(t *testing.T) {
	issuer, route := routes(t)
	r := route(mapping(nil))
	g := registered(bearer(named(issuer, "carol"))).at(t, r)
	if g.exited || g.consumer != nil || len(g.alone) != 36 || g.shown(t, "X-Credential-Identifier") != g.alone || g.shown(t, "X-Consumer-Username") != "" {
		t.Errorf("exited %v, consumer %v, credential %q, upstream %v", g.exited, g.consumer, g.alone, g.upstream)
	}
	again := registered(bearer(issuer.Token(ping.Claims(map[string]any{"azp": "carol", "jti": "another"})))).at(t, r)
	if again.alone != g.alone {
		t.Errorf("another token of the same client has credential %q, want %q", again.alone, g.alone)
	}
	for name, other := range map[string]string{
		"another client": named(issuer, "dave"),
		"another user":   issuer.Token(ping.Claims(map[string]any{"azp": "carol", "sub": "someone"})),
	} {
		if o := registered(bearer(other)).at(t, r); o.alone == g.alone || o.alone == "" {
			t.Errorf("%s has credential %q", name, o.alone)
		}
	}
}

func TestNobodyIsAuthenticatedUnasked(t *testing.T) {
	issuer, route := routes(t)
	alice := named(issuer, "alice")
	for name, tt := range map[string]struct {
		over  map[string]any
		token string
	}{
		"nothing configured":    {nil, alice},
		"advise":                {mapping(map[string]any{"mode": "advise", "authenticated_groups_claim": "azp"}), alice},
		"a bad token":           {mapping(nil), ping.Tamper(alice)},
		"an expired token":      {mapping(nil), issuer.Token(ping.Expires(time.Now().Add(-time.Hour)))},
		"a missing scope":       {mapping(map[string]any{"scopes_required": []any{"nobody:has"}}), alice},
		"no consumer, required": {mapping(map[string]any{"consumer_optional": false}), named(issuer, "carol")},
	} {
		t.Run(name, func(t *testing.T) {
			g := registered(bearer(tt.token)).at(t, route(tt.over))
			if g.consumer != nil || g.credential != nil || g.alone != "" || g.grouped {
				t.Errorf("authenticated: %v %v %q %v", g.consumer, g.credential, g.alone, g.groups)
			}
		})
	}
}

func TestAdviseSaysWhichConsumerIsMissing(t *testing.T) {
	issuer, route := routes(t)
	r := route(mapping(map[string]any{"mode": "advise", "consumer_optional": false, "diagnosis": map[string]any{"detail": "full"}}))
	g := registered(bearer(named(issuer, "carol"))).at(t, r)
	if g.exited || code(t, g.gateway) != "consumer_not_found" {
		t.Errorf("exited %v: %s", g.exited, g.header("X-Auth-Diagnosis"))
	}
}

func TestMissingConsumerIsNotBetrayedBelowFull(t *testing.T) {
	issuer, route := routes(t)
	r := route(mapping(map[string]any{"consumer_optional": false, "consumer_by": []any{"username"}}))
	var answers []string
	for _, claim := range []any{"carol", bobID, []any{"alice", "bob"}, nil} {
		g := registered(bearer(named(issuer, claim))).at(t, r)
		answers = append(answers, strings.Join([]string{g.header("X-Auth-Diagnosis"), g.header("WWW-Authenticate"), string(g.body)}, "\n"))
	}
	if len(slices.Compact(slices.Clone(answers))) != 1 || !strings.HasPrefix(answers[0], "authorization_denied;hop=gateway") || !strings.Contains(answers[0], `error="insufficient_scope"`) {
		t.Errorf("answers differ, or say too much: %q", answers)
	}
}

func TestConsumerIsLogged(t *testing.T) {
	issuer, route := routes(t)
	two := map[string]any{"default_tier": "one", "tiers": []any{map[string]any{"name": "one", "day": 1}}, "limit_by": "consumer"}
	r := route(mapping(map[string]any{"rate_limiting": two}))
	registered(bearer(named(issuer, "bob"))).at(t, r)
	g := registered(bearer(named(issuer, "bob"))).at(t, r)
	if g.status != 429 || !logged(g.gateway, "consumer_id") || !logged(g.gateway, bobID) || !logged(g.gateway, "consumer_username") {
		t.Errorf("got %d, consumer in the log: %v", g.status, logged(g.gateway, bobID))
	}
}

func TestGroupsGoToTheACL(t *testing.T) {
	issuer, route := routes(t)
	for name, tt := range map[string]struct {
		claim  any
		want   []string
		header string
		found  bool // a finding says that the header is not set
	}{
		"a list":                {[]any{"gold", "silver"}, []string{"gold", "silver"}, "gold, silver", false},
		"words":                 {"gold silver", []string{"gold", "silver"}, "gold, silver", false},
		"a group with a space":  {[]any{"gold members"}, []string{"gold members"}, "gold members", false},
		"a group with a comma":  {[]any{"x, admin"}, []string{"x, admin"}, "", true},
		"a group beyond ASCII":  {[]any{"gøld"}, []string{"gøld"}, "", true},
		"none":                  {nil, nil, "", false},
		"an empty list":         {[]any{}, nil, "", false},
		"a list of other types": {[]any{1, true}, nil, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			token := issuer.Token(ping.Claims(map[string]any{"realm": map[string]any{"groups": tt.claim}}))
			g := registered(bearer(token))
			forge(g.gateway)
			g.at(t, route(map[string]any{"authenticated_groups_claim": "realm.groups"}))
			if diff := cmp.Diff(tt.want, g.groups); diff != "" || g.exited {
				t.Errorf("exited %v, groups (-want +got):\n%s", g.exited, diff)
			}
			if got := g.shown(t, "X-Authenticated-Groups"); got != tt.header || logged(g.gateway, "claim_not_forwarded") != tt.found {
				t.Errorf("X-Authenticated-Groups %q, want %q", got, tt.header)
			}
			// acl answers 401 to a request with neither.
			if len(g.groups) == 0 && g.alone == "" {
				t.Error("neither groups nor a credential")
			}
		})
	}
}

func TestEarlierGroupsDoNotOutliveTheToken(t *testing.T) {
	issuer, route := routes(t)
	g := registered(bearer(named(issuer, "alice"))).at(t, route(mapping(map[string]any{"authenticated_groups_claim": "groups"})))
	if !g.grouped || len(g.groups) != 0 {
		t.Errorf("groups set %v: %v, want them set to none", g.grouped, g.groups)
	}
}

func TestConsumersOfAWorkspaceAreItsOwn(t *testing.T) {
	issuer, route := routes(t)
	token := named(issuer, "alice")
	here := registered(bearer(token)).at(t, route(mapping(map[string]any{"__ws_id": "one"})))
	there := registered(bearer(token))
	there.consumers = []access.Consumer{{ID: bobID, Username: "alice"}}
	there.at(t, route(mapping(map[string]any{"__ws_id": "two"})))
	if here.consumer.ID != aliceID || there.consumer.ID != bobID {
		t.Errorf("got %s and %s", here.consumer.ID, there.consumer.ID)
	}
}
