package ping_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kong-plugin-auth-diagnosis/pkg/standin/ping"
)

const form = "application/x-www-form-urlencoded"

// ask posts to the token endpoint.
func ask(t *testing.T, iss *ping.Issuer, contentType, body string, basic *url.Userinfo) (int, http.Header, map[string]any) {
	t.Helper()
	request, err := http.NewRequest(http.MethodPost, iss.TokenURL(), strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", contentType)
	if basic != nil {
		password, _ := basic.Password()
		request.SetBasicAuth(basic.Username(), password)
	}
	transport := &http.Transport{DisableKeepAlives: true}
	resp, err := transport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, answer
}

func TestGrant(t *testing.T) {
	for _, product := range products {
		t.Run(string(product), func(t *testing.T) {
			iss := start(t, ping.Options{Product: product})
			status, header, answer := ask(t, iss, form, "grant_type=client_credentials&client_id=standard-client&client_secret=standard-secret&scope=read", nil)
			if status != http.StatusOK || header.Get("Cache-Control") != "no-store" {
				t.Fatalf("got status %d, %v: %v", status, header, answer)
			}
			token, _ := answer["access_token"].(string)
			if err := verify(t, iss.JWKSURL(), token); err != nil {
				t.Error(err)
			}
			_, claims := decode(t, token)
			got := map[string]any{"client_id": claims["client_id"], "tier": claims["tier"], "expires_in": answer["expires_in"], "token_type": answer["token_type"]}
			want := map[string]any{"client_id": "standard-client", "tier": "standard", "expires_in": claims["exp"].(float64) - claims["iat"].(float64), "token_type": "Bearer"}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("grant (-want +got):\n%s", diff)
			}
			if scope := claims["scope"]; !cmp.Equal(scope, any("read")) && !cmp.Equal(scope, any([]any{"read"})) {
				t.Errorf("got scope %v", scope)
			}
		})
	}
}

func TestGrantByBasicGivesEveryScope(t *testing.T) {
	iss := start(t, ping.Options{Product: ping.PingFederate, Clients: []ping.Client{
		{ID: "a b", Secret: "c:d", Scopes: []string{"x", "y"}, Claims: map[string]any{"plan": "q"}},
	}})
	status, _, answer := ask(t, iss, form, "grant_type=client_credentials", url.UserPassword("a+b", "c%3Ad"))
	if status != http.StatusOK {
		t.Fatalf("got status %d: %v", status, answer)
	}
	_, claims := decode(t, answer["access_token"].(string))
	if claims["scope"] != "x y" || claims["plan"] != "q" || claims["client_id"] != "a b" {
		t.Errorf("got claims %v", claims)
	}
}

func TestGrantErrors(t *testing.T) {
	iss := start(t, ping.Options{Product: ping.PingOne, Clients: []ping.Client{{ID: "a", Secret: "s"}, {ID: "public"}}})
	const good = "client_id=a&client_secret=s&grant_type=client_credentials"
	tests := map[string]struct {
		contentType, body string
		basic             *url.Userinfo
		status            int
		want              string
	}{
		"not a form":            {"application/json", `{"grant_type":"client_credentials"}`, nil, 400, "invalid_request"},
		"broken form":           {form, "%zz", nil, 400, "invalid_request"},
		"too long":              {form, good + "&x=" + strings.Repeat("y", 70_000), nil, 400, "invalid_request"},
		"no client":             {form, "grant_type=client_credentials", nil, 401, "invalid_client"},
		"wrong secret":          {form, "client_id=a&client_secret=t&grant_type=client_credentials", nil, 401, "invalid_client"},
		"client without secret": {form, "client_id=public&client_secret=&grant_type=client_credentials", nil, 401, "invalid_client"},
		"two ways at once":      {form, good, url.UserPassword("a", "s"), 401, "invalid_client"},
		"basic badly encoded":   {form, "grant_type=client_credentials", url.UserPassword("a", "%zz"), 401, "invalid_client"},
		"another grant":         {form, "client_id=a&client_secret=s&grant_type=password", nil, 400, "unsupported_grant_type"},
		"scope it may not have": {form, good + "&scope=read+admin", nil, 400, "invalid_scope"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			status, header, answer := ask(t, iss, tt.contentType, tt.body, tt.basic)
			if status != tt.status || answer["error"] != tt.want {
				t.Errorf("got %d %v, want %d %q", status, answer, tt.status, tt.want)
			}
			if (status == http.StatusUnauthorized) != (header.Get("WWW-Authenticate") != "") {
				t.Errorf("status %d: got challenge %q", status, header.Get("WWW-Authenticate"))
			}
		})
	}
	if status, _ := get(t, iss.TokenURL()); status != http.StatusMethodNotAllowed {
		t.Errorf("GET: got status %d, want %d", status, http.StatusMethodNotAllowed)
	}
}
