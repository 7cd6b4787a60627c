//go:build spec

package spec

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"kong-plugin-auth-diagnosis/pkg/standin/ping"
	"kong-plugin-auth-diagnosis/spec/rig"
)

func TestRejectionSaysTheSameEverywhere(t *testing.T) {
	resp := get(t, shared, shared.Edge.URL()+"/orders", shared.PingFederate.Token(ping.Expires(time.Now().Add(-312*time.Second))))
	v := diagnosisOf(t, resp)
	if by, _ := v.params["by"].(int64); by < 312 || by > 330 {
		t.Errorf("by=%v, want the seconds past expiry, about 312", v.params["by"])
	}
	if id := resp.Header.Get("X-Kong-Request-Id"); id == "" || v.params["id"] != id {
		t.Errorf("id=%v, X-Kong-Request-Id is %q", v.params["id"], id)
	}
	var body struct {
		Message   string         `json:"message"`
		RequestID string         `json:"request_id"`
		Diagnosis map[string]any `json:"diagnosis"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&body); err != nil {
		t.Fatal(err)
	}
	if body.Message != "Unauthorized" || body.RequestID != v.params["id"] || body.Diagnosis["code"] != v.code || body.Diagnosis["fix"] != v.params["fix"] {
		t.Errorf("body %+v does not say what the header says: %+v", body, v)
	}
	for name, want := range map[string]string{
		"Content-Type":     "application/json; charset=utf-8",
		"Cache-Control":    "no-store",
		"Www-Authenticate": `Bearer realm="orders", error="invalid_token", error_description="the token has expired"`,
	} {
		if got := resp.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func TestScopeChallengeNamesTheScope(t *testing.T) {
	resp := get(t, shared, shared.Edge.URL()+"/orders", shared.PingFederate.Token(ping.ForClient("premium-client"), ping.Scope("profile")))
	if got := resp.Header.Get("Www-Authenticate"); !strings.Contains(got, `error="insufficient_scope"`) || !strings.Contains(got, `scope="orders:read"`) {
		t.Errorf("challenge %s", got)
	}
}

func TestNothingOfTheRequestIsReflected(t *testing.T) {
	const mark = "XmarkX"
	token := shared.PingFederate.Token(ping.Subject(mark), ping.IssuedBy("https://"+mark+".example"), ping.KeyID(mark))
	resp := get(t, shared, shared.Edge.URL()+"/orders?"+mark, token)
	for name, values := range resp.Header {
		if strings.Contains(strings.Join(values, " "), mark) {
			t.Errorf("%s reflects the request: %q", name, values)
		}
	}
	var text strings.Builder
	if err := resp.Write(&text); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(text.String(), mark) || strings.Contains(shared.ErrorLog(), mark+".example") {
		t.Errorf("the answer or the error log reflects the request")
	}
}

func TestCorsExposesTheDiagnosis(t *testing.T) {
	req, _ := http.NewRequest("GET", shared.Edge.URL()+"/orders", nil)
	req.Header.Set("Origin", "https://app.example.com")
	resp, err := rig.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	exposed := resp.Header.Get("Access-Control-Expose-Headers")
	for _, name := range []string{"X-Auth-Diagnosis", "Retry-After", "WWW-Authenticate"} {
		if !strings.Contains(exposed, name) {
			t.Errorf("a browser cannot read %s: exposed are %q", name, exposed)
		}
	}
	if resp.StatusCode != 401 || diagnosisOf(t, resp).code != "credential_missing" {
		t.Errorf("got %d", resp.StatusCode)
	}
}

func TestPreflightIsAnsweredByCors(t *testing.T) {
	req, _ := http.NewRequest("OPTIONS", shared.Edge.URL()+"/orders", nil)
	req.Header.Set("Origin", "https://app.example.com")
	req.Header.Set("Access-Control-Request-Method", "GET")
	resp, err := rig.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != 200 || resp.Header.Get("X-Auth-Diagnosis") != "" {
		t.Errorf("got %d %q", resp.StatusCode, resp.Header.Get("X-Auth-Diagnosis"))
	}
}

func TestAdviseExplainsWhatKeyAuthRejects(t *testing.T) {
	for name, tt := range map[string]struct {
		key    string // the apikey header; "-" for none
		query  string
		status int
		code   string
	}{
		"no key":           {"-", "", 401, "credential_missing"},
		"a wrong key":      {"wrong", "", 401, "credential_arrived"},
		"the right key":    {"partner-one-key", "", 200, "credential_arrived"},
		"a blank key":      {"", "", 401, "credential_empty"},
		"key in the query": {"-", "?apikey=partner-one-key", 200, "credential_arrived"},
	} {
		t.Run(name, func(t *testing.T) {
			req, _ := http.NewRequest("GET", shared.Edge.URL()+"/partners"+tt.query, nil)
			if tt.key != "-" {
				req.Header.Set("apikey", tt.key)
			}
			resp, err := rig.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			v := diagnosisOf(t, resp)
			if resp.StatusCode != tt.status || v.code != tt.code || v.params["mode"] != "advise" {
				t.Errorf("got %d %q, want %d %q", resp.StatusCode, resp.Header.Get("X-Auth-Diagnosis"), tt.status, tt.code)
			}
			if tt.status == 401 && !strings.HasPrefix(resp.Header.Get("Www-Authenticate"), "Key") {
				t.Errorf("the 401 is not key-auth's: %v", resp.Header)
			}
		})
	}
}
