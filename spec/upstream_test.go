//go:build spec

package spec

import (
	"encoding/json"
	"net/http"
	"slices"
	"testing"

	"kong-plugin-auth-diagnosis/pkg/standin/ping"
	"kong-plugin-auth-diagnosis/pkg/standin/upstream"
	"kong-plugin-auth-diagnosis/spec/rig"
)

// echo sends a request and returns what the upstream saw of it.
func echo(t *testing.T, req *http.Request) upstream.Echo {
	t.Helper()
	resp, err := rig.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != 200 {
		t.Fatalf("got %d %s", resp.StatusCode, resp.Header.Get("X-Auth-Diagnosis"))
	}
	var e upstream.Echo
	if err := json.NewDecoder(resp.Body).Decode(&e); err != nil {
		t.Fatal(err)
	}
	return e
}

func TestUpstreamGetsTheVerifiedIdentityOnly(t *testing.T) {
	req, _ := http.NewRequest("GET", shared.Edge.URL()+"/orders", nil)
	req.Header.Set("Authorization", "Bearer "+shared.PingFederate.Token(ping.ForClient("premium-client"), ping.Subject("alice")))
	forged := []string{"X-Consumer-Id", "X-Consumer-Username", "X-Consumer-Custom-Id", "X-Credential-Identifier", "X-Anonymous-Consumer", "X-Authenticated-Groups", "X-Auth-Diagnosis"}
	for _, name := range append(forged, "X-Authenticated-Userid", "X-Authenticated-Client") {
		req.Header.Set(name, "mallory")
	}
	e := echo(t, req)
	for _, name := range forged {
		if v, ok := e.Get(name); ok {
			t.Errorf("the client's %s: %q reached the upstream", name, v)
		}
	}
	for name, want := range map[string]string{"X-Authenticated-Userid": "alice", "X-Authenticated-Client": "premium-client"} {
		if v, _ := e.Get(name); v != want {
			t.Errorf("%s: %q, want %q", name, v, want)
		}
	}
}

func TestBytesThatAreNoUTF8(t *testing.T) {
	token := shared.PingFederate.Token(ping.ForClient("premium-client"))
	t.Run("a Latin-1 cookie beside a good token passes unchanged", func(t *testing.T) {
		req, _ := http.NewRequest("GET", shared.Edge.URL()+"/orders", nil)
		req.Header.Set("Authorization", "Bearer "+token)
		req.Header.Set("Cookie", "name=Jos\xe9")
		e := echo(t, req)
		if v, _ := e.Get("Cookie"); v != upstream.Latin1("name=Jos\xe9") {
			t.Errorf("the upstream saw %q", v)
		}
	})
	t.Run("a 0xFF inside the token is a verdict", func(t *testing.T) {
		resp := get(t, shared, shared.Edge.URL()+"/orders", token[:40]+"\xff"+token[40:])
		if v := diagnosisOf(t, resp); resp.StatusCode != 400 || v.code != "token_bad_charset" {
			t.Errorf("got %d %q", resp.StatusCode, resp.Header.Get("X-Auth-Diagnosis"))
		}
	})
}

func TestManyHeadersDoNotHideTheCredential(t *testing.T) {
	req, _ := http.NewRequest("GET", shared.Edge.URL()+"/orders", nil)
	for n := range 150 {
		req.Header.Set("A-"+string(rune('a'+n/26))+string(rune('a'+n%26)), "x")
	}
	req.Header.Set("Authorization", "Bearer "+shared.PingFederate.Token(ping.ForClient("premium-client")))
	echo(t, req)
}

func TestGatewayRefusesWhatNginxRefuses(t *testing.T) {
	token := "Bearer " + shared.PingFederate.Token(ping.ForClient("premium-client"))
	for name, lines := range map[string][]string{
		"two Authorization lines": {token, token},
		"a line over 8 KB":        {"Bearer " + string(slices.Repeat([]byte("a"), 9<<10))},
	} {
		t.Run(name, func(t *testing.T) {
			req, _ := http.NewRequest("GET", shared.Proxy+"/orders", nil)
			req.Header["Authorization"] = lines
			resp, err := rig.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			if resp.StatusCode != 400 || resp.Header.Get("X-Auth-Diagnosis") != "" {
				t.Errorf("got %d %q, want nginx's own 400", resp.StatusCode, resp.Header.Get("X-Auth-Diagnosis"))
			}
		})
	}
}
