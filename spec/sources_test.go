//go:build spec

package spec

import (
	"net/http"
	"strings"
	"testing"

	"kong-plugin-auth-diagnosis/pkg/standin/ping"
	"kong-plugin-auth-diagnosis/pkg/standin/upstream"
	"kong-plugin-auth-diagnosis/spec/rig"
)

// places is a configuration with a service for each way of taking tokens.
func places(_ []byte, r *rig.Rig) []byte {
	var services []rig.Service
	for name, config := range map[string]string{
		"headers": "",
		"cookies": "header_names: [], cookie_names: [access_token]",
		"query":   "header_names: [], uri_param_names: [access_token, jwt]",
		"all":     "cookie_names: [access_token], uri_param_names: [access_token, jwt], diagnosis: {detail: full}",
		"hidden":  "cookie_names: [access_token], uri_param_names: [access_token, jwt], hide_credentials: true",
	} {
		services = append(services, rig.Service{Name: name, Config: config})
	}
	return r.Declare(services...)
}

// carried is a request that brings tokens, where they are not "".
type carried struct{ path, authorization, cookie, query string }

// send sends it.
func (c carried) send(t *testing.T, r *rig.Rig) (*http.Response, upstream.Echo) {
	t.Helper()
	url := r.Proxy + c.path
	if c.query != "" {
		url += "?" + c.query
	}
	req, err := http.NewRequest("GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.authorization != "" {
		req.Header.Set("Authorization", c.authorization)
	}
	if c.cookie != "" {
		req.Header.Set("Cookie", c.cookie)
	}
	return echoed(t, req)
}

func TestSources(t *testing.T) {
	r := start(t, rig.Options{Config: places})
	good, other := r.PingFederate.Token(), r.PingFederate.Token(ping.Subject("bob"))
	bearer := "Bearer " + good
	awaitKeys(t, r, "/headers", good)

	for name, tt := range map[string]struct {
		carried
		status    int
		code, hop string
	}{
		"a cookie":                           {carried{"/cookies", "", "a=1; access_token=" + good, ""}, 200, "", ""},
		"a cookie in quotes":                 {carried{"/cookies", "", `access_token="` + good + `"`, ""}, 200, "", ""},
		"an argument":                        {carried{"/query", "", "", "a=1&jwt=" + good}, 200, "", ""},
		"an argument with an encoded name":   {carried{"/query", "", "", "access%5Ftoken=" + good}, 200, "", ""},
		"the same everywhere":                {carried{"/all", bearer, "access_token=" + good, "jwt=" + good}, 200, "", ""},
		"a good cookie beside a literal":     {carried{"/all", "Bearer undefined", "access_token=" + good, ""}, 200, "", ""},
		"a cookie that nobody reads":         {carried{"/headers", "", "access_token=" + good, ""}, 401, "credential_missing", "client"},
		"an argument that nobody reads":      {carried{"/headers", "", "", "access_token=" + good}, 401, "credential_missing", "client"},
		"a header that nobody reads":         {carried{"/cookies", bearer, "", ""}, 401, "credential_moved", "edge"},
		"an unread cookie beside a header":   {carried{"/headers", bearer, "access_token=" + other, "jwt=" + other}, 200, "", ""},
		"header against cookie":              {carried{"/all", bearer, "access_token=" + other, ""}, 400, "credential_conflict", "client"},
		"header against argument":            {carried{"/all", bearer, "", "jwt=" + other}, 400, "credential_conflict", "client"},
		"cookie against argument":            {carried{"/all", "", "access_token=" + good, "jwt=" + other}, 400, "credential_conflict", "client"},
		"argument against argument":          {carried{"/query", "", "", "jwt=" + good + "&access_token=" + other}, 400, "credential_conflict", "client"},
		"a blank cookie":                     {carried{"/all", "", "access_token=", ""}, 400, "credential_empty", "client"},
		"an argument without a value":        {carried{"/all", "", "", "jwt"}, 400, "credential_empty", "client"},
		"a template in a cookie":             {carried{"/cookies", "", "access_token=${TOKEN}", ""}, 400, "token_placeholder", "client"},
		"Bearer in the query":                {carried{"/query", "", "", "jwt=Bearer%20" + good}, 400, "token_bad_charset", "client"},
		"a signature that does not hold":     {carried{"/cookies", "", "access_token=" + ping.Tamper(good), ""}, 401, "signature_invalid", "client"},
		"an argument in another one's value": {carried{"/query", "", "", "x=jwt=" + good}, 401, "credential_missing", "client"},
	} {
		t.Run(name, func(t *testing.T) {
			resp, _ := tt.send(t, r)
			v := diagnosisOf(t, resp)
			hop, _ := v.params["hop"].(string)
			if resp.StatusCode != tt.status || v.code != tt.code || hop != tt.hop {
				t.Errorf("got %d %q, want %d %q and hop %q", resp.StatusCode, resp.Header.Get("X-Auth-Diagnosis"), tt.status, tt.code, tt.hop)
			}
		})
	}

	t.Run("a conflict names both places", func(t *testing.T) {
		resp, _ := carried{"/all", "", "access_token=" + good, "jwt=" + other}.send(t, r)
		detail, _ := diagnosisOf(t, resp).params["detail"].(string)
		if !strings.Contains(detail, "cookie access_token and argument jwt") {
			t.Errorf("got %q", resp.Header.Get("X-Auth-Diagnosis"))
		}
	})
	t.Run("what is hidden", func(t *testing.T) { hidden(t, r, good) })
}

// hidden looks at what the upstream sees of the places that a token came in.
func hidden(t *testing.T, r *rig.Rig, good string) {
	const none = "none"
	bearer := "Bearer " + good
	for name, tt := range map[string]struct {
		carried
		authorization, cookie, query string // at the upstream
	}{
		"a header":                     {carried{"/hidden", bearer, "a=1", "b=2"}, none, "a=1", "b=2"},
		"a cookie":                     {carried{"/hidden", "", "a=\"x y\"; access_token=" + good + ";  b=2,3", "c"}, none, "a=\"x y\";  b=2,3", "c"},
		"the only cookie":              {carried{"/hidden", "", "access_token=" + good, ""}, none, none, ""},
		"an argument":                  {carried{"/hidden", "", "", "b=%41+z&jwt=" + good + "&a&c=d=e"}, none, none, "b=%41+z&a&c=d=e"},
		"the only argument":            {carried{"/hidden", "", "", "jw%74=" + good}, none, none, ""},
		"everywhere":                   {carried{"/hidden", bearer, "access_token=" + good + "; a=1", "access_token=" + good + "&jwt&a=1"}, none, "a=1", "a=1"},
		"nothing, unless it is hidden": {carried{"/all", bearer, "access_token=" + good, "jwt=" + good}, bearer, "access_token=" + good, "jwt=" + good},
	} {
		t.Run(name, func(t *testing.T) {
			resp, e := tt.send(t, r)
			if resp.StatusCode != 200 {
				t.Fatalf("got %d %q", resp.StatusCode, resp.Header.Get("X-Auth-Diagnosis"))
			}
			for header, want := range map[string]string{"Authorization": tt.authorization, "Cookie": tt.cookie} {
				if got, came := e.Get(header); came && got != want || !came && want != none {
					t.Errorf("%s: %q (%v), want %q", header, got, came, want)
				}
			}
			if e.Query != tt.query {
				t.Errorf("query %q, want %q", e.Query, tt.query)
			}
		})
	}
}
