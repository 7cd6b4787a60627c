package ping_test

import (
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"

	"kong-plugin-auth-diagnosis/pkg/standin/ping"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var products = []ping.Product{ping.PingFederate, ping.PingOne, ping.PingAM}

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// start runs an issuer whose clock stands at noon.
func start(t *testing.T, o ping.Options) *ping.Issuer {
	t.Helper()
	if o.Now == nil {
		o.Now = func() time.Time { return noon }
	}
	iss, err := ping.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := iss.Close(); err != nil {
			t.Error(err)
		}
	})
	return iss
}

// get returns the status and the body of a GET that follows no redirect.
func get(t *testing.T, url string) (int, string) {
	t.Helper()
	client := http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// verify checks a signature the way a gateway would: the key comes from the document
// behind url, read by a library that knows nothing of this package.
func verify(t *testing.T, url, token string) error {
	t.Helper()
	_, document := get(t, url)
	keys, err := keyfunc.NewJWKSetJSON(json.RawMessage(document))
	if err != nil {
		t.Fatalf("key set at %s: %v", url, err)
	}
	_, err = jwt.NewParser(jwt.WithoutClaimsValidation()).Parse(token, keys.Keyfunc)
	return err
}

// decode returns the header and the claims of a token, its signature unread.
func decode(t *testing.T, token string) (header, claims map[string]any) {
	t.Helper()
	for n, into := range []*map[string]any{&header, &claims} {
		raw, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[n])
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(raw, into); err != nil {
			t.Fatal(err)
		}
	}
	return header, claims
}

// golden compares got with a file below testdata, or writes it under -update.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

func TestDiscoveryLeadsToKeysThatVerifyTokens(t *testing.T) {
	paths := map[ping.Product][3]string{ // issuer, keys, tokens
		ping.PingFederate: {"", "/pf/JWKS", "/as/token.oauth2"},
		ping.PingOne:      {"/" + ping.DefaultEnvironment + "/as", "/" + ping.DefaultEnvironment + "/as/jwks", "/" + ping.DefaultEnvironment + "/as/token"},
		ping.PingAM:       {"/am/oauth2/alpha", "/am/oauth2/alpha/connect/jwk_uri", "/am/oauth2/alpha/access_token"},
	}
	for _, product := range products {
		t.Run(string(product), func(t *testing.T) {
			iss := start(t, ping.Options{Product: product})
			status, body := get(t, iss.IssuerURL()+"/.well-known/openid-configuration")
			var document struct {
				Issuer  string `json:"issuer"`
				JWKSURI string `json:"jwks_uri"`
				Token   string `json:"token_endpoint"`
			}
			if err := json.Unmarshal([]byte(body), &document); err != nil || status != http.StatusOK {
				t.Fatalf("discovery: status %d, %v", status, err)
			}
			base, want := "http://"+iss.Addr(), paths[product]
			got := [3]string{document.Issuer, document.JWKSURI, document.Token}
			if diff := cmp.Diff([3]string{base + want[0], base + want[1], base + want[2]}, got); diff != "" {
				t.Errorf("discovery (-want +got):\n%s", diff)
			}
			if err := verify(t, document.JWKSURI, iss.Token()); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestPublicURL(t *testing.T) {
	tests := map[string]struct {
		product ping.Product
		url     string
		issuer  string
	}{
		"name in a container network": {ping.PingFederate, "http://ping:9031", "http://ping:9031"},
		"slash at the end":            {ping.PingFederate, "https://sso.example.com/", "https://sso.example.com"},
		"pingam writes the port out":  {ping.PingAM, "https://sso.example.com", "https://sso.example.com:443/am/oauth2/alpha"},
		"pingam keeps a port":         {ping.PingAM, "https://sso.example.com:8443", "https://sso.example.com:8443/am/oauth2/alpha"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			iss := start(t, ping.Options{Product: tt.product, PublicURL: tt.url})
			_, claims := decode(t, iss.Token())
			if iss.IssuerURL() != tt.issuer || claims["iss"] != tt.issuer {
				t.Errorf("got issuer %q and iss %q, want %q", iss.IssuerURL(), claims["iss"], tt.issuer)
			}
		})
	}
}

func TestServesHTTPS(t *testing.T) {
	model := httptest.NewTLSServer(nil) // for its certificate and a client that trusts it
	defer model.Close()
	iss := start(t, ping.Options{Product: ping.PingOne, TLS: &tls.Config{Certificates: model.TLS.Certificates}})
	resp, err := model.Client().Get(iss.JWKSURL())
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK || !strings.HasPrefix(iss.IssuerURL(), "https://") {
		t.Errorf("got status %d from %s", resp.StatusCode, iss.IssuerURL())
	}
}

func TestStartRefusesWrongOptions(t *testing.T) {
	manager := func(id, path string) ping.TokenManager {
		return ping.TokenManager{ID: id, Path: path, KeyPrefix: "k"}
	}
	tests := map[string]struct {
		options ping.Options
		want    string
	}{
		"no product":             {ping.Options{}, `got ""`},
		"address":                {ping.Options{Product: ping.PingOne, Addr: "127.0.0.1:99999"}, "99999"},
		"url with a path":        {ping.Options{Product: ping.PingOne, PublicURL: "http://a/b"}, `"http://a/b"`},
		"no client":              {ping.Options{Product: ping.PingOne, Clients: []ping.Client{}}, "at least one client"},
		"two clients of an id":   {ping.Options{Product: ping.PingOne, Clients: []ping.Client{{ID: "a"}, {ID: "a"}}}, `"a"`},
		"no iss on pingone":      {ping.Options{Product: ping.PingOne, OmitIssuer: true}, `"pingone"`},
		"manager outside /ext/":  {ping.Options{Product: ping.PingFederate, TokenManagers: []ping.TokenManager{manager("1", "/pf/JWKS")}}, `"/pf/JWKS"`},
		"two managers of a path": {ping.Options{Product: ping.PingFederate, TokenManagers: []ping.TokenManager{manager("1", "/ext/a"), manager("2", "/ext/a")}}, `"/ext/a"`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			iss, err := ping.Start(tt.options)
			if err == nil {
				iss.Close()
				t.Fatal("got no error")
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %q, want it to name %q", err, tt.want)
			}
		})
	}
}
