//go:build spec

package spec

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"kong-plugin-auth-diagnosis/pkg/standin/ping"
	"kong-plugin-auth-diagnosis/pkg/standin/upstream"
	"kong-plugin-auth-diagnosis/spec/rig"
)

const (
	aliceID = "3f0c1f9e-0000-4000-8000-00000000000a"
	bobID   = "3f0c1f9e-0000-4000-8000-00000000000b"
)

// community is a configuration with consumers, and with a service for each way
// of dealing with them: what its plugin adds, and the plugins behind.
func community(_ []byte, r *rig.Rig) []byte {
	return fmt.Appendf(r.Declare([]rig.Service{
		{Name: "optional", Config: "consumer_claim: [client_id]"},
		{Name: "required", Config: "consumer_claim: [client_id], consumer_by: [username], consumer_optional: false"},
		{Name: "anonymous", Config: "anonymous: nobody"},
		{Name: "lost", Config: "anonymous: no-such-consumer"},
		{Name: "or", Config: "consumer_claim: [client_id], anonymous: nobody", Behind: "{name: key-auth, config: {anonymous: nobody}}"},
		{Name: "and", Config: "consumer_claim: [client_id]", Behind: "{name: key-auth}"},
		{Name: "members", Config: "consumer_claim: [client_id]", Behind: "{name: acl, config: {allow: [staff]}}"},
		{Name: "groups", Config: "authenticated_groups_claim: groups", Behind: "{name: acl, config: {allow: [gold]}}"},
		{Name: "limited", Config: "consumer_claim: [client_id], rate_limiting: {limit_by: consumer, default_tier: small, " +
			"tiers: [{name: small, day: 2}, {name: large, day: 4}]}"},
	}...), `consumers:
  - {id: %q, username: alice, custom_id: A-1, tags: ["tier:large"], acls: [{group: staff}], keyauth_credentials: [{key: alice-key}]}
  - {id: %q, username: bob}
  - {username: nobody}
`, aliceID, bobID)
}

// ask sends a request with a token and an API key, where they are not "", and
// with forged identity headers.
func ask(t *testing.T, r *rig.Rig, path, token, key string) (*http.Response, upstream.Echo) {
	t.Helper()
	req, err := http.NewRequest("GET", r.Proxy+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if key != "" {
		req.Header.Set("apikey", key)
	}
	for _, name := range identity {
		req.Header.Set(name, "mallory")
	}
	return echoed(t, req)
}

// echoed sends a request. The echo is empty unless the upstream answered.
func echoed(t *testing.T, req *http.Request) (*http.Response, upstream.Echo) {
	t.Helper()
	resp, err := rig.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	var e upstream.Echo
	if resp.StatusCode == 200 {
		if err := json.NewDecoder(resp.Body).Decode(&e); err != nil {
			t.Fatal(err)
		}
	}
	return resp, e
}

var identity = []string{"X-Consumer-ID", "X-Consumer-Username", "X-Consumer-Custom-ID", "X-Credential-Identifier", "X-Anonymous-Consumer", "X-Authenticated-Groups"}

func TestConsumers(t *testing.T) {
	r := start(t, rig.Options{Config: community})
	client := func(name string, more ...ping.TokenOption) string {
		return r.PingFederate.Token(append([]ping.TokenOption{ping.ForClient(name)}, more...)...)
	}
	awaitKeys(t, r, "/optional", client("alice"))
	grouped := func(groups ...string) string {
		return client("alice", ping.Claims(map[string]any{"groups": groups}))
	}
	bad := ping.Tamper(client("alice"))
	for name, tt := range map[string]struct {
		path, token, key string
		status           int
		code             string // of the diagnosis, "" for none
		consumer         string // X-Consumer-Username at the upstream, "" for none
		anonymous        bool
	}{
		"mapped by name":                      {"/optional", client("alice"), "", 200, "", "alice", false},
		"mapped by id":                        {"/optional", client(aliceID), "", 200, "", "alice", false},
		"mapped to nobody":                    {"/optional", client("carol"), "", 200, "", "", false},
		"an API key is no token":              {"/optional", "", "alice-key", 401, "credential_missing", "", false},
		"required":                            {"/required", client("alice"), "", 200, "", "alice", false},
		"required and not there":              {"/required", client("carol"), "", 403, "authorization_denied", "", false},
		"another consumer's id is no name":    {"/required", client(bobID), "", 403, "authorization_denied", "", false},
		"anonymous, without a token":          {"/anonymous", "", "", 200, "credential_missing", "nobody", true},
		"anonymous, with a bad token":         {"/anonymous", bad, "", 200, "signature_invalid", "nobody", true},
		"a good token is not anonymous":       {"/anonymous", client("alice"), "", 200, "", "", false},
		"anonymous that does not exist":       {"/lost", "", "", 500, "config_invalid", "", false},
		"a good token needs no anonymous":     {"/lost", client("alice"), "", 200, "", "", false},
		"or: a token":                         {"/or", client("bob"), "", 200, "", "bob", false},
		"or: a token, key-auth stands back":   {"/or", client("bob"), "alice-key", 200, "", "bob", false},
		"or: a token of no consumer, a key":   {"/or", client("carol"), "alice-key", 200, "", "", false},
		"or: a key":                           {"/or", "", "alice-key", 200, "credential_missing", "alice", false},
		"or: a key beside a bad token":        {"/or", bad, "alice-key", 200, "signature_invalid", "alice", false},
		"or: neither":                         {"/or", bad, "wrong", 200, "signature_invalid", "nobody", true},
		"and: both":                           {"/and", client("bob"), "alice-key", 200, "", "alice", false},
		"and: a token alone":                  {"/and", client("bob"), "", 401, "", "", false},
		"and: a key alone":                    {"/and", "", "alice-key", 401, "credential_missing", "", false},
		"acl: a consumer of the group":        {"/members", client("alice"), "", 200, "", "alice", false},
		"acl: a consumer of no group":         {"/members", client("bob"), "", 403, "", "", false},
		"acl: no consumer":                    {"/members", client("carol"), "", 403, "", "", false},
		"acl: a claimed group":                {"/groups", grouped("silver", "gold"), "", 200, "", "", false},
		"acl: another claimed group":          {"/groups", grouped("silver"), "", 403, "", "", false},
		"acl: no claimed group":               {"/groups", client("alice"), "", 403, "", "", false},
		"acl: a claimed group of a bad token": {"/groups", ping.Tamper(grouped("gold")), "", 401, "signature_invalid", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			resp, e := ask(t, r, tt.path, tt.token, tt.key)
			v := diagnosisOf(t, resp)
			if resp.StatusCode != tt.status || v.code != tt.code {
				t.Fatalf("got %d %q, want %d %q", resp.StatusCode, resp.Header.Get("X-Auth-Diagnosis"), tt.status, tt.code)
			}
			if tt.status != 200 {
				return
			}
			if v.code != "" && v.params["mode"] != "advise" {
				t.Errorf("a verdict that was not followed is not marked: %q", resp.Header.Get("X-Auth-Diagnosis"))
			}
			if got, _ := e.Get("X-Consumer-Username"); got != tt.consumer {
				t.Errorf("X-Consumer-Username %q, want %q", got, tt.consumer)
			}
			if got, _ := e.Get("X-Anonymous-Consumer"); (got == "true") != tt.anonymous {
				t.Errorf("X-Anonymous-Consumer %q, want it %v", got, tt.anonymous)
			}
			for _, name := range identity {
				if got, _ := e.Get(name); got == "mallory" {
					t.Errorf("the client's %s reached the upstream", name)
				}
			}
		})
	}

	t.Run("the upstream sees who it is", func(t *testing.T) {
		_, e := ask(t, r, "/optional", client("alice"), "")
		for name, want := range map[string]string{"X-Consumer-ID": aliceID, "X-Consumer-Custom-ID": "A-1"} {
			if got, _ := e.Get(name); got != want {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
		}
		if id, _ := e.Get("X-Credential-Identifier"); len(id) != 36 {
			t.Errorf("X-Credential-Identifier %q", id)
		}
		_, e = ask(t, r, "/groups", grouped("silver", "gold"), "")
		if got, _ := e.Get("X-Authenticated-Groups"); got != "silver, gold" {
			t.Errorf("X-Authenticated-Groups %q", got)
		}
	})
}

// TestConsumersHaveTheirLimits counts two clients' tokens as the one consumer
// that both name, at the size of its tag.
func TestConsumersHaveTheirLimits(t *testing.T) {
	r := start(t, rig.Options{Config: community})
	token := func(name string) string { return r.PingFederate.Token(ping.ForClient(name)) }
	awaitKeys(t, r, "/optional", token("alice"))
	for name, tt := range map[string]struct {
		clients []string
		want    int
	}{
		"a tag's tier":     {[]string{"alice", aliceID}, 4},
		"the default tier": {[]string{"bob"}, 2},
		"no consumer":      {[]string{"carol", "dave"}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			for n := range 10 {
				resp := get(t, r, r.Proxy+"/limited", token(tt.clients[n%len(tt.clients)]))
				if resp.StatusCode == 200 {
					continue
				}
				if v := diagnosisOf(t, resp); resp.StatusCode != 429 || v.code != "quota_exceeded" || n != tt.want {
					t.Errorf("request %d of %d: %d %q", n+1, tt.want, resp.StatusCode, resp.Header.Get("X-Auth-Diagnosis"))
				}
				return
			}
			t.Error("10 requests and no denial")
		})
	}
}
