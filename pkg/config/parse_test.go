package config_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kong-plugin-auth-diagnosis/pkg/config"
)

// fresh is the configuration of an empty object, written out by hand.
func fresh() *config.Config {
	return &config.Config{
		Mode: "enforce", Expects: []string{"bearer"}, KeyNames: []string{"apikey"}, Issuers: []config.Issuer{},
		Leeway: 30, MaximumTokenSize: 16384, HeaderNames: []string{"authorization"},
		CookieNames: []string{}, URIParamNames: []string{},
		RequiredClaims: []config.RequiredClaim{},
		ScopesRequired: []string{}, ScopesClaim: []string{"scope", "scp"},
		RolesRequired: []string{}, RolesClaim: []string{"roles"},
		GroupsRequired: []string{}, GroupsClaim: []string{"groups"},
		ConsumerClaim: []string{}, ConsumerBy: []string{"username", "id"}, ConsumerOptional: true,
		UpstreamHeaders: map[string]string{"X-Authenticated-Userid": "sub"},
		RunOnPreflight:  true,
		JWKS: config.JWKS{RefreshInterval: 900, Timeout: 5000, MaxStale: 86400, UnknownKidCooldown: 30,
			SSLVerify: true, CACertificates: []string{}},
		Edge: config.Edge{Witness: "off", Keys: []config.EdgeKey{}, MaxAge: 30, TrustedIPs: []string{}, Name: "edge"},
		RateLimiting: config.RateLimiting{Tiers: []config.Tier{}, TierClaim: []string{"tier"}, LimitBy: "claim",
			LimitByClaim: []string{"client_id", "azp", "sub"}, Policy: "local", SyncRate: 0.1, Nodes: 1, FaultPolicy: "local",
			Redis:   config.Redis{Port: 6379, Timeout: 100, SSLVerify: true, ClusterNodes: []config.ClusterNode{}, SentinelNodes: []config.SentinelNode{}},
			MaxKeys: 1000000, DayTimezone: "UTC", HeaderStyle: "kong",
			RetryAfterJitterMax: 30, ErrorCode: 429, ErrorMessage: "API rate limit exceeded"},
		Diagnosis: config.Diagnosis{HeaderName: "X-Auth-Diagnosis", Detail: "standard", FullDetailIPs: []string{}, Body: true},
	}
}

// newIssuer is an issuer with nothing but its required fields.
func newIssuer(name string, audiences ...string) config.Issuer {
	return config.Issuer{Issuer: name, JWKSURIs: []string{}, Audiences: append([]string{}, audiences...),
		Algorithms: []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"},
		TokenTypes: []string{"at+jwt", "JWT"}}
}

func TestParseFillsInDefaults(t *testing.T) {
	for name, data := range map[string]string{
		"absent fields": `{}`,
		"null fields":   `{"leeway": null, "issuers": null, "jwks": null, "upstream_headers": null, "realm": null}`,
		"empty records": `{"jwks": {}, "edge": [], "rate_limiting": {}, "diagnosis": {}}`,
	} {
		t.Run(name, func(t *testing.T) {
			got, err := config.Parse([]byte(data))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(fresh(), got); diff != "" {
				t.Errorf("config (-want +got):\n%s", diff)
			}
		})
	}
	first := config.Default()
	first.UpstreamHeaders["X-Other"] = "other"
	first.ScopesClaim[0] = "other"
	if diff := cmp.Diff(fresh(), config.Default()); diff != "" {
		t.Errorf("defaults share memory (-want +got):\n%s", diff)
	}
}

func TestLoadReadsWhatKongSends(t *testing.T) {
	minimal := fresh()
	minimal.Issuers = []config.Issuer{newIssuer("https://idp.example.com", "api")}
	minimal.Scope = config.Scope{PluginID: "1628767d-fa4b-5d65-ad5d-bb1ca5ef9878", WorkspaceID: "0dc6f45b-8f8d-40d2-a504-473544ee190b", RouteID: "f3ef8bde-817d-5a84-b4cd-13f35d3bbb53"}

	second := newIssuer("https://other.example.com/tenant")
	second.SkipAudienceCheck = true
	maximal := &config.Config{
		Mode: "enforce", Expects: []string{"key", "bearer"}, KeyNames: []string{"apikey", "X-Api-Key"},
		Issuers: []config.Issuer{{Issuer: "https://idp.example.com",
			JWKSURIs:  []string{"https://idp.example.com/ext/one", "https://idp.example.com/ext/two"},
			Audiences: []string{"b", "a"}, Algorithms: []string{"RS256", "EdDSA"}, TokenTypes: []string{"at+jwt"},
			RequireTokenType: true, RequireKid: true}, second},
		Leeway: 60, MaximumLifetime: 3600, MaximumTokenSize: 8192, HeaderNames: []string{"authorization", "x-token"},
		CookieNames: []string{"access_token"}, URIParamNames: []string{"jwt", "access token"},
		RequiredClaims: []config.RequiredClaim{
			{Name: "realm_access.roles", Values: []string{"x", "y"}},
			{Name: `https://example\.com/claim`, Values: []string{}, Match: "^a+$"},
			{Name: "sub", Values: []string{}}},
		ScopesRequired: []string{"orders:read orders:write", "admin"}, ScopesClaim: []string{"scope"},
		RolesRequired: []string{"r1"}, RolesClaim: []string{"roles"},
		GroupsRequired: []string{"g1"}, GroupsClaim: []string{"groups"},
		ConsumerClaim: []string{"azp", "client_id"}, ConsumerBy: []string{"id"}, Anonymous: "nobody", ACLGroupsClaim: "realm_access.groups",
		UpstreamHeaders: map[string]string{}, HideCredentials: true, Realm: "api",
		JWKS: config.JWKS{RefreshInterval: 600, Timeout: 1000, MaxStale: 3600, UnknownKidCooldown: 10,
			CACertificates: []string{readFile(t, "testdata/ca.pem")}, HTTPProxy: "http://proxy.local:3128"},
		Edge: config.Edge{Witness: "optional", MaxAge: 60, TrustedIPs: []string{"10.0.0.0/8", "fd00::/8", "192.0.2.1"}, Name: "f5", Keys: []config.EdgeKey{
			{ID: "2026a", Secret: "0123456789abcdef0123456789abcdef", Points: []string{"f5-in", "cdn"}},
			{ID: "2026b", Secret: "fedcba9876543210fedcba9876543210", Points: []string{}}}},
		RateLimiting: config.RateLimiting{
			Tiers:     []config.Tier{{Name: "free", Second: 20, Day: 50000}, {Name: "standard", Second: 60, Burst: 120, Minute: 3000, Hour: 100000, Day: 250000}},
			TierClaim: []string{"tier"}, DefaultTier: "free", LimitBy: "ip", LimitByClaim: []string{"client_id"},
			Policy: "redis", SyncRate: 0.05, Nodes: 3, FaultPolicy: "deny",
			Redis: config.Redis{Port: 6380, Username: "limiter", Password: "redis-password", Timeout: 50, SSL: true, ServerName: "redis.example.com",
				ClusterNodes: []config.ClusterNode{}, SentinelMaster: "limits",
				SentinelNodes: []config.SentinelNode{{Host: "sentinel-1", Port: 26379}, {Host: "10.0.0.2", Port: 26380}}},
			Namespace: "shared", MaxKeys: 1000, DayTimezone: "Europe/Berlin", HeaderStyle: "none", HideClientHeaders: true,
			RetryAfterJitterMax: 0, ErrorCode: 503, ErrorMessage: "slow down", ReportOnly: true},
		Diagnosis: config.Diagnosis{HeaderName: "X-Diag", Detail: "full", FullDetailIPs: []string{"127.0.0.1/32", "::1"},
			OnAccept: true, LogIdentity: true},
		Scope: config.Scope{PluginID: "1628767d-fa4b-5d65-ad5d-bb1ca5ef9878", WorkspaceID: "0dc6f45b-8f8d-40d2-a504-473544ee190b", ServiceID: "service", InstanceName: "orders"},
	}
	for file, want := range map[string]*config.Config{"minimal": minimal, "maximal": maximal} {
		t.Run(file, func(t *testing.T) {
			data := strings.Replace(readFile(t, "testdata/"+file+".json"), "@CA@",
				strings.ReplaceAll(readFile(t, "testdata/ca.pem"), "\n", `\n`), 1)
			got, err := config.Load([]byte(data))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("config (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseToleratesLuaTables(t *testing.T) {
	got, err := config.Parse([]byte(`{"issuers": {}, "upstream_headers": [], "leeway": 3.0, "maximum_lifetime": 1e3,
		"header_names": ["a", "b", "a"], "key_names": ["a", "a"], "edge": {"$refs": {"x": 1}}, "consumer_group_id": "x", "__anything": {}}`))
	if err != nil {
		t.Fatal(err)
	}
	want := fresh()
	want.UpstreamHeaders = map[string]string{}
	want.Leeway, want.MaximumLifetime = 3, 1000
	want.HeaderNames, want.KeyNames = []string{"a", "b"}, []string{"a", "a"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("config (-want +got):\n%s", diff)
	}
}

func TestParseNamesEveryProblem(t *testing.T) {
	for name, tc := range map[string]struct {
		data string
		want []string
	}{
		"no JSON":    {`{"mode":`, []string{"config: expected a JSON object, got 8 bytes that are no single JSON value"}},
		"two values": {`{} {}`, []string{"config: expected a JSON object, got 5 bytes that are no single JSON value"}},
		"no object":  {`"x"`, []string{"config: expected an object, got a string"}},
		"several types": {`{"mode": 1, "leeway": "x", "hide_credentials": "yes", "issuers": true, "upstream_headers": ["x"], "jwks": 1}`, []string{
			"config.mode: expected a string, got a number",
			"config.issuers: expected a list, got a boolean",
			"config.leeway: expected an integer, got a string",
			"config.upstream_headers: expected a map, got a list",
			"config.hide_credentials: expected a boolean, got a string",
			"config.jwks: expected an object, got a number",
		}},
		"elements": {`{"issuers": [{}, 1, null], "scopes_claim": ["a", {}], "upstream_headers": {"X-A": 1}}`, []string{
			"config.issuers[1]: expected an object, got a number",
			"config.issuers[2]: expected an object, got null",
			"config.scopes_claim[1]: expected a string, got an object",
			"config.upstream_headers.X-A: expected a string, got a number",
		}},
		"fractions and giants": {`{"leeway": 1.5, "maximum_lifetime": 1e300, "maximum_token_size": 1e999}`, []string{
			`config.leeway: expected an integer, got "1.5"`,
			`config.maximum_lifetime: expected an integer, got "1e300"`,
			`config.maximum_token_size: expected an integer, got "1e999"`,
		}},
		"numbers": {`{"rate_limiting": {"sync_rate": "fast", "nodes": 1.5, "redis": {"port": "6379"}}}`, []string{
			"config.rate_limiting.sync_rate: expected a number, got a string",
			"config.rate_limiting.redis.port: expected an integer, got a string",
			`config.rate_limiting.nodes: expected an integer, got "1.5"`,
		}},
		"a number beyond any": {`{"rate_limiting": {"sync_rate": 1e999}}`, []string{
			`config.rate_limiting.sync_rate: expected a number, got "1e999"`,
		}},
		"zero where a limit stands": {`{"rate_limiting": {"tiers": [{"name": "a", "second": 0, "day": 1}]}}`, []string{
			"config.rate_limiting.tiers[0].second: expected an integer from 1 to 1000000000, got 0",
		}},
		"empty strings": {`{"realm": "", "scopes_claim": [""]}`, []string{
			"config.scopes_claim[0]: expected a value, got an empty string",
			"config.realm: expected a value, got an empty string",
		}},
		"unresolved vault references": {`{"jwks": {"http_proxy": "", "ca_certificates": [""],
			"$refs": {"http_proxy": "{vault://env/p}", "ca_certificates": ["{vault://env/c}"]}},
			"rate_limiting": {"redis": {"password": "", "$refs": {"password": "{vault://env/r}"}}}}`, []string{
			"config.jwks.ca_certificates[0]: expected a value, got a vault reference that could not be resolved",
			"config.jwks.http_proxy: expected a value, got a vault reference that could not be resolved",
			"config.rate_limiting.redis.password: expected a value, got a vault reference that could not be resolved",
		}},
		"unknown fields": {`{"moed": "enforce", "edge": {"wittness": "required", "route_id": "x"}}`, []string{
			"config.edge.route_id: expected a known field, got one that no schema of this version has",
			"config.edge.wittness: expected a known field, got one that no schema of this version has",
			"config.moed: expected a known field, got one that no schema of this version has",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := config.Parse([]byte(tc.data))
			if diff := cmp.Diff(tc.want, lines(err)); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
			if got == nil {
				t.Error("no config")
			}
		})
	}
}

func TestLoadKeepsWhatARefusalNeeds(t *testing.T) {
	c, err := config.Load([]byte(`{"mode": "advise", "leeway": "soon", "issuers": 7, "diagnosis": {"header_name": "X-Why", "body": 1}}`))
	want := []string{
		"config.issuers: expected a list, got a number",
		"config.leeway: expected an integer, got a string",
		"config.diagnosis.body: expected a boolean, got a number",
	}
	if diff := cmp.Diff(want, lines(err)); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	if c.Mode != config.ModeAdvise || c.Diagnosis.HeaderName != "X-Why" {
		t.Errorf("got mode %q and header %q", c.Mode, c.Diagnosis.HeaderName)
	}
	if c, _ := config.Load([]byte(`{"mode": 1}`)); c.Mode != config.ModeEnforce {
		t.Errorf("an unreadable mode became %q", c.Mode)
	}
}

func TestLimitNamespaceIsTheNarrowestScope(t *testing.T) {
	for want, c := range map[string]config.Config{
		"mine":    {RateLimiting: config.RateLimiting{Namespace: "mine"}, Scope: config.Scope{RouteID: "route", ServiceID: "service"}},
		"route":   {Scope: config.Scope{RouteID: "route", ServiceID: "service"}},
		"service": {Scope: config.Scope{ServiceID: "service", PluginID: "plugin"}},
		"global":  {Scope: config.Scope{PluginID: "plugin"}},
	} {
		if got := c.LimitNamespace(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestUnitsConvert(t *testing.T) {
	if got := config.Seconds(90).Duration(); got != 90*time.Second {
		t.Errorf("90 seconds are %v", got)
	}
	if got := config.SyncRate(0.1).Duration(); got != 100*time.Millisecond {
		t.Errorf("0.1 seconds are %v", got)
	}
	if strict := config.SyncRate(-1); strict.Duration() >= 0 || !strict.Strict() || config.SyncRate(0.02).Strict() {
		t.Error("-1 is not what asks each time")
	}
	if config.SyncRate(0.25).Swings() || !config.SyncRate(0.3).Swings() {
		t.Error("0.25 is not the bound of calm exchanges")
	}
	if got := (config.ClusterNode{IP: "::1", Port: 7000}).Address(); got != "[::1]:7000" {
		t.Errorf("got address %s", got)
	}
	if got := (config.SentinelNode{Host: "s1", Port: 26379}).Address(); got != "s1:26379" {
		t.Errorf("got address %s", got)
	}
	if got := config.Milliseconds(1500).Duration(); got != 1500*time.Millisecond {
		t.Errorf("1500 milliseconds are %v", got)
	}
}

func FuzzParse(f *testing.F) {
	for _, file := range []string{"testdata/minimal.json", "testdata/maximal.json"} {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(`{"issuers": [{"issuer": ["x"]}], "upstream_headers": {"a.b": "c..d"}, "leeway": -1e5}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := config.Load(data)
		if c == nil {
			t.Fatal("no config")
		}
		if again, errAgain := config.Load(data); !cmp.Equal(c, again) || !cmp.Equal(lines(err), lines(errAgain)) {
			t.Error("two readings differ")
		}
		for _, p := range config.Problems(err) {
			if !strings.HasPrefix(p.Path, "config") || p.Message == "" {
				t.Errorf("problem without a path or a message: %q", p.Error())
			}
		}
		if err == nil && c.Validate() != nil {
			t.Errorf("an accepted configuration does not validate: %v", c.Validate())
		}
	})
}

func lines(err error) []string {
	var all []string
	for _, p := range config.Problems(err) {
		all = append(all, p.Error())
	}
	return all
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
