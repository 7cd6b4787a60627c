package config_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kong-plugin-auth-diagnosis/pkg/config"
)

// sound is a configuration without problems.
func sound() *config.Config {
	c := fresh()
	c.Issuers = []config.Issuer{newIssuer("https://idp.example.com", "api")}
	return c
}

func TestValidateNamesTheField(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*config.Config)
		want   string // problems, one a line
	}{
		"nothing wrong": {func(*config.Config) {}, ""},

		// Rules about one field.
		"no known mode":       {func(c *config.Config) { c.Mode = "watch" }, `config.mode: expected "enforce" or "advise", got "watch"`},
		"no mode":             {func(c *config.Config) { c.Mode = "" }, `config.mode: expected a value, got none`},
		"unknown credential":  {func(c *config.Config) { c.Expects = []string{"bearer", "cookie"} }, `config.expects[1]: expected "bearer", "basic" or "key", got "cookie"`},
		"leeway too long":     {func(c *config.Config) { c.Leeway = 3601 }, `config.leeway: expected an integer from 0 to 3600, got 3601`},
		"leeway negative":     {func(c *config.Config) { c.Leeway = -1 }, `config.leeway: expected an integer from 0 to 3600, got -1`},
		"timeout of zero":     {func(c *config.Config) { c.JWKS.Timeout = 0 }, `config.jwks.timeout: expected an integer from 1 to 2147483646, got 0`},
		"no algorithm":        {func(c *config.Config) { c.Issuers[0].Algorithms = nil }, `config.issuers[0].algorithms: expected at least 1 element, got 0`},
		"HMAC":                {func(c *config.Config) { c.Issuers[0].Algorithms = []string{"HS256"} }, `config.issuers[0].algorithms[0]: expected "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512" or "EdDSA", got "HS256"`},
		"issuer without name": {func(c *config.Config) { c.Issuers[0].Issuer = "" }, `config.issuers[0].issuer: expected a value, got none`},
		"issuer is no URL":    {func(c *config.Config) { c.Issuers[0].Issuer = "idp" }, `config.issuers[0].issuer: expected an http(s) URL without spaces or fragment, got "idp": the scheme is neither http nor https`},
		"URL in capitals":     {func(c *config.Config) { c.Issuers[0].Issuer = "HTTPS://idp" }, `config.issuers[0].issuer: expected an http(s) URL without spaces or fragment, got "HTTPS://idp": the scheme is neither http nor https`},
		"URL without host":    {func(c *config.Config) { c.Issuers[0].JWKSURIs = []string{"https:///keys"} }, `config.issuers[0].jwks_uris[0]: expected an http(s) URL without spaces or fragment, got "https:///keys": no host`},
		"URL with a fragment": {func(c *config.Config) { c.Issuers[0].Issuer = "https://idp/#" }, `config.issuers[0].issuer: expected an http(s) URL without spaces or fragment, got "https://idp/#": a fragment`},
		"URL with a space":    {func(c *config.Config) { c.Issuers[0].Issuer = "https://idp/a b" }, `config.issuers[0].issuer: expected an http(s) URL without spaces or fragment, got "https://idp/a b": a character that is not allowed`},
		"URL that is broken":  {func(c *config.Config) { c.Issuers[0].Issuer = "https://[idp" }, `config.issuers[0].issuer: expected an http(s) URL without spaces or fragment, got "https://[idp": not a URL`},
		"empty audience":      {func(c *config.Config) { c.Issuers[0].Audiences = []string{""} }, `config.issuers[0].audiences[0]: expected a value, got an empty string`},
		"cookie name":         {func(c *config.Config) { c.CookieNames = []string{"a;b"} }, `config.cookie_names[0]: expected a cookie name, got "a;b": a character that is not allowed`},
		"argument name":       {func(c *config.Config) { c.URIParamNames = []string{"a\nb"} }, `config.uri_param_names[0]: expected text without control characters, got "a\nb": a character that is not allowed`},
		"header name":         {func(c *config.Config) { c.HeaderNames = []string{"x token"} }, `config.header_names[0]: expected a header name, got "x token": a character that is not allowed`},
		"diagnosis header":    {func(c *config.Config) { c.Diagnosis.HeaderName = "X:" }, `config.diagnosis.header_name: expected a header name, got "X:": a character that is not allowed`},
		"claim path":          {func(c *config.Config) { c.ScopesClaim = []string{"a..b"} }, `config.scopes_claim[0]: expected a claim path, got "a..b": an empty name at byte 2`},
		"scopes of spaces":    {func(c *config.Config) { c.ScopesRequired = []string{"  "} }, `config.scopes_required[0]: expected at least one word, got "  ": no word`},
		"regular expression":  {func(c *config.Config) { c.RequiredClaims = []config.RequiredClaim{{Name: "sub", Match: "(?=a)"}} }, `config.required_claims[0].match: expected a regular expression in RE2 syntax, got "(?=a)": invalid or unsupported Perl syntax`},
		"long expression": {func(c *config.Config) {
			c.RequiredClaims = []config.RequiredClaim{{Name: "sub", Match: strings.Repeat("a", 1025)}}
		}, `config.required_claims[0].match: expected at most 1024 bytes, got 1025`},
		"realm with a quote":   {func(c *config.Config) { c.Realm = `a"b` }, `config.realm: expected visible ASCII and spaces without quotes or backslashes, got "a\"b": a character that is not allowed`},
		"value cut in message": {func(c *config.Config) { c.Realm = strings.Repeat("é", 60) }, `config.realm: expected visible ASCII and spaces without quotes or backslashes, got "` + strings.Repeat("é", 32) + `"… (120 bytes): a character that is not allowed`},
		"address":              {func(c *config.Config) { c.Edge.TrustedIPs = []string{"10.0.0.1", "999.1.1.1/99"} }, `config.edge.trusted_ips[1]: expected an IP address or CIDR block, got "999.1.1.1/99": neither an address nor a block`},
		"address with a zone":  {func(c *config.Config) { c.Diagnosis.FullDetailIPs = []string{"fe80::1%eth0"} }, `config.diagnosis.full_detail_ips[0]: expected an IP address or CIDR block, got "fe80::1%eth0": a zone`},
		"name of the edge":     {func(c *config.Config) { c.Edge.Name = "my edge" }, `config.edge.name: expected letters, digits, dots, dashes and underscores, got "my edge": a character that is not allowed`},
		"namespace":            {func(c *config.Config) { c.RateLimiting.Namespace = "{x}" }, `config.rate_limiting.namespace: expected letters, digits, dots, dashes, underscores and colons, got "{x}": a character that is not allowed`},
		"time zone":            {func(c *config.Config) { c.RateLimiting.DayTimezone = "Europe/Bonn" }, `config.rate_limiting.day_timezone: expected an IANA time zone, got "Europe/Bonn": an unknown zone`},
		"zone of the machine":  {func(c *config.Config) { c.RateLimiting.DayTimezone = "Local" }, `config.rate_limiting.day_timezone: expected an IANA time zone, got "Local": not the name of a zone`},
		"message":              {func(c *config.Config) { c.RateLimiting.ErrorMessage = "slow\ndown" }, `config.rate_limiting.error_message: expected text without control characters, got "slow\ndown": a character that is not allowed`},
		"secret not shown":     {func(c *config.Config) { c.JWKS.HTTPProxy = "proxy:s3cret" }, `config.jwks.http_proxy: expected an http(s) URL without spaces or fragment, got a value of 12 bytes: the scheme is neither http nor https`},
		"certificate":          {func(c *config.Config) { c.JWKS.CACertificates = []string{"-----BEGIN CERTIFICATE-----\nabc"} }, `config.jwks.ca_certificates[0]: expected PEM certificates, got a value of 31 bytes: text that is no PEM block`},

		// Rules between fields.
		"enforce without bearer": {func(c *config.Config) { c.Expects = []string{"key", "basic"} },
			`config.expects: expected bearer with mode enforce, got "key basic"`},
		"advise that hides": {func(c *config.Config) { c.Mode, c.HideCredentials = "advise", true },
			`config.hide_credentials: expected false with mode advise, got true: the plugins behind need the credential`},
		"advise that limits": {func(c *config.Config) { c.Mode, c.RateLimiting = "advise", tiered(config.Tier{Name: "a", Second: 1}) },
			`config.rate_limiting.report_only: expected true with mode advise and tiers, got false: advise never rejects`},
		"bearer without issuers": {func(c *config.Config) { c.Issuers = nil },
			`config.issuers: expected at least 1 element with bearer in expects, got 0`},
		"bearer without a place": {func(c *config.Config) { c.HeaderNames = nil },
			`config.header_names: expected at least 1 element here, in cookie_names or in uri_param_names with bearer in expects, got 0`},
		"key without a name": {func(c *config.Config) { c.Expects, c.KeyNames = []string{"bearer", "key"}, nil },
			`config.key_names: expected at least 1 element with key in expects, got 0`},
		"header twice": {func(c *config.Config) { c.HeaderNames = []string{"X-Token", "x-token"} },
			`config.header_names[1]: expected a value of its own, got that of config.header_names[0]`},
		"no audience": {func(c *config.Config) { c.Issuers[0].Audiences = nil },
			`config.issuers[0].audiences: expected at least 1 element unless skip_audience_check is true, got 0`},
		"issuer twice": {func(c *config.Config) { c.Issuers = append(c.Issuers, c.Issuers[0]) },
			`config.issuers[1].issuer: expected a value of its own, got that of config.issuers[0]`},
		"missing issuer of several": {func(c *config.Config) {
			c.Issuers = append(c.Issuers, newIssuer("https://other.example.com", "api"))
			c.Issuers[1].AcceptMissingIssuer = true
		}, `config.issuers[1].accept_missing_issuer: expected false with more than one issuer, got true`},
		"scopes without a claim": {func(c *config.Config) { c.ScopesRequired, c.ScopesClaim = []string{"a"}, nil },
			`config.scopes_claim: expected at least 1 element with scopes_required, got 0`},
		"roles without a claim": {func(c *config.Config) { c.RolesRequired, c.RolesClaim = []string{"a"}, nil },
			`config.roles_claim: expected at least 1 element with roles_required, got 0`},
		"groups without a claim": {func(c *config.Config) { c.GroupsRequired, c.GroupsClaim = []string{"a"}, nil },
			`config.groups_claim: expected at least 1 element with groups_required, got 0`},
		"upstream headers": {func(c *config.Config) {
			c.UpstreamHeaders = map[string]string{"X-Consumer-ID": "sub", "X-Tier": "tier", "x-tier": "tier", "bad name": "a\\b", "x-WHY": "sub"}
			c.Diagnosis.HeaderName = "X-Why"
		}, `config.upstream_headers.bad name: expected a header name, got "bad name": a character that is not allowed
config.upstream_headers.bad name: expected a claim path, got "a\\b": a backslash before neither a dot nor a backslash at byte 1
config.upstream_headers.X-Consumer-ID: expected a header that is free for claims, got "X-Consumer-ID": the gateway or another plugin owns it
config.upstream_headers.x-WHY: expected a header other than diagnosis.header_name, got "x-WHY"
config.upstream_headers.x-tier: expected each header once, got it as "X-Tier" too`},
		"diagnosis in a header with a meaning": {func(c *config.Config) { c.Diagnosis.HeaderName = "WWW-Authenticate" },
			`config.diagnosis.header_name: expected a header of its own, got "WWW-Authenticate"`},
		"diagnosis in a header of the limiter": {func(c *config.Config) { c.Diagnosis.HeaderName = "ratelimit" },
			`config.diagnosis.header_name: expected a header of its own, got "ratelimit"`},
		"diagnosis in a header of a window": {func(c *config.Config) { c.Diagnosis.HeaderName = "X-RateLimit-Remaining-Day" },
			`config.diagnosis.header_name: expected a header of its own, got "X-RateLimit-Remaining-Day"`},
		"no default tier": {func(c *config.Config) {
			c.RateLimiting = tiered(config.Tier{Name: "a", Second: 1})
			c.RateLimiting.DefaultTier = ""
		}, `config.rate_limiting.default_tier: expected the name of a tier with tiers, got none`},
		"unknown default tier": {func(c *config.Config) {
			c.RateLimiting = tiered(config.Tier{Name: "a", Second: 1})
			c.RateLimiting.DefaultTier = "b"
		}, `config.rate_limiting.default_tier: expected the name of one of the tiers, got "b"`},
		"tiers": {func(c *config.Config) {
			c.RateLimiting = tiered(config.Tier{Name: "a", Second: 20, Day: 19}, config.Tier{Name: "a", Day: 1, Burst: 2}, config.Tier{Name: "b"})
		}, `config.rate_limiting.tiers[0].day: expected at least the 20 of second, got 19
config.rate_limiting.tiers[1].second: expected a limit with burst, got none
config.rate_limiting.tiers[2]: expected second, minute, hour or day, got none
config.rate_limiting.tiers[1].name: expected a value of its own, got that of config.rate_limiting.tiers[0]`},
		"windows in disorder": {func(c *config.Config) {
			c.RateLimiting = tiered(config.Tier{Name: "a", Second: 20, Minute: 10, Hour: 15, Day: 30}, config.Tier{Name: "b", Minute: 9, Day: 8})
		}, `config.rate_limiting.tiers[0].minute: expected at least the 20 of second, got 10
config.rate_limiting.tiers[0].hour: expected at least the 20 of second, got 15
config.rate_limiting.tiers[1].day: expected at least the 9 of minute, got 8`},
		"advise as anonymous": {func(c *config.Config) { c.Mode, c.Anonymous = "advise", "nobody" },
			`config.anonymous: expected none with mode advise, got "nobody": advise authenticates nobody`},
		"consumer of no claim": {func(c *config.Config) { c.ConsumerOptional = false },
			`config.consumer_claim: expected at least 1 element with consumer_optional false, got 0`},
		"consumer by what Kong cannot find": {func(c *config.Config) { c.ConsumerBy = []string{"custom_id"} },
			`config.consumer_by[0]: expected "username" or "id", got "custom_id"`},
		"consumer by the same twice": {func(c *config.Config) { c.ConsumerBy = []string{"id", "id"} },
			`config.consumer_by[1]: expected a value of its own, got that of config.consumer_by[0]`},
		"consumer by nothing": {func(c *config.Config) { c.ConsumerBy = nil },
			`config.consumer_by: expected at least 1 element, got 0`},
		"limit by a consumer of no claim": {func(c *config.Config) { c.RateLimiting.LimitBy = "consumer" },
			`config.consumer_claim: expected at least 1 element with limit_by consumer, got 0`},
		"limit by no claim": {func(c *config.Config) { c.RateLimiting.LimitByClaim = nil },
			`config.rate_limiting.limit_by_claim: expected at least 1 element with limit_by claim, got 0`},

		// Redis.
		"unknown policy": {func(c *config.Config) { c.RateLimiting.Policy = "cluster" },
			`config.rate_limiting.policy: expected "local" or "redis", got "cluster"`},
		"redis without an address": {func(c *config.Config) { c.RateLimiting.Policy = "redis" },
			`config.rate_limiting.redis.host: expected a value here, in cluster_nodes or in sentinel_nodes with policy redis, got none`},
		"redis at two addresses": {func(c *config.Config) {
			c.RateLimiting.Redis = redis(config.Redis{Host: "redis", ClusterNodes: []config.ClusterNode{{IP: "10.0.0.1", Port: 6379}}})
		}, `config.rate_limiting.redis: expected host, cluster_nodes or sentinel_nodes, got 2 of them`},
		"sentinels of nobody": {func(c *config.Config) {
			c.RateLimiting.Redis = redis(config.Redis{SentinelNodes: []config.SentinelNode{{Host: "s1", Port: 26379}}})
		}, `config.rate_limiting.redis.sentinel_master: expected both sentinel_nodes and sentinel_master, got one of them`},
		"a database of a cluster": {func(c *config.Config) {
			c.RateLimiting.Redis = redis(config.Redis{ClusterNodes: []config.ClusterNode{{IP: "10.0.0.1", Port: 6379}}, Database: 1})
		}, `config.rate_limiting.redis.database: expected 0 with cluster_nodes, got 1`},
		"a user without a password": {func(c *config.Config) { c.RateLimiting.Redis = redis(config.Redis{Host: "redis", Username: "limiter"}) },
			`config.rate_limiting.redis.password: expected a value with username, got none`},
		"a host with its port": {func(c *config.Config) { c.RateLimiting.Redis = redis(config.Redis{Host: "redis:6379"}) },
			`config.rate_limiting.redis.host: expected a host name or address without port, got "redis:6379": another form`},
		"a node that is no host": {func(c *config.Config) {
			c.RateLimiting.Redis = redis(config.Redis{ClusterNodes: []config.ClusterNode{{IP: "redis://a", Port: 65536}}})
		}, `config.rate_limiting.redis.cluster_nodes[0].ip: expected a host name or address without port, got "redis://a": another form
config.rate_limiting.redis.cluster_nodes[0].port: expected an integer from 1 to 65535, got 65536`},
		"a password too long to show": {func(c *config.Config) {
			c.RateLimiting.Redis = redis(config.Redis{Host: "redis", Username: "a\nb", Password: config.Secret(strings.Repeat("x", 1025))})
		}, `config.rate_limiting.redis.username: expected text without control characters, got a value of 3 bytes: a character that is not allowed
config.rate_limiting.redis.password: expected at most 1024 bytes, got 1025`},
		"exchanges without a pause": {func(c *config.Config) { c.RateLimiting.SyncRate = 0 }, `config.rate_limiting.sync_rate: expected -1 or 0.02 to 3600, got 0`},
		"exchanges too often":       {func(c *config.Config) { c.RateLimiting.SyncRate = 0.01 }, `config.rate_limiting.sync_rate: expected -1 or 0.02 to 3600, got 0.01`},
		"exchanges too seldom":      {func(c *config.Config) { c.RateLimiting.SyncRate = 3601 }, `config.rate_limiting.sync_rate: expected -1 or 0.02 to 3600, got 3601`},
		"less than never":           {func(c *config.Config) { c.RateLimiting.SyncRate = -2 }, `config.rate_limiting.sync_rate: expected -1 or 0.02 to 3600, got -2`},
		"no nodes":                  {func(c *config.Config) { c.RateLimiting.Nodes = 0 }, `config.rate_limiting.nodes: expected an integer from 1 to 1000, got 0`},

		// What looks wrong and is not.
		"redis, asked each time": {func(c *config.Config) {
			c.RateLimiting.Policy, c.RateLimiting.SyncRate, c.RateLimiting.Redis = "redis", -1, redis(config.Redis{Host: "redis", Database: 3, Username: "u", Password: "p"})
		}, ""},
		"a redis for later": {func(c *config.Config) { c.RateLimiting.Redis = redis(config.Redis{Host: "::1"}) }, ""},
		"windows of one size": {func(c *config.Config) {
			c.RateLimiting = tiered(config.Tier{Name: "a", Second: 2, Minute: 2, Hour: 2, Day: 2})
		}, ""},
		"a window left out":        {func(c *config.Config) { c.RateLimiting = tiered(config.Tier{Name: "a", Second: 2, Hour: 9}) }, ""},
		"advise for keys alone":    {func(c *config.Config) { c.Mode, c.Expects, c.Issuers = "advise", []string{"key"}, nil }, ""},
		"advise that only reports": {func(c *config.Config) { c.Mode, c.RateLimiting = "advise", reporting() }, ""},
		"consumers": {func(c *config.Config) {
			c.ConsumerClaim, c.ConsumerOptional, c.Anonymous = []string{"azp"}, false, "nobody"
		}, ""},
		"consumers in advise mode":  {func(c *config.Config) { c.Mode, c.ConsumerClaim, c.ConsumerOptional = "advise", []string{"azp"}, false }, ""},
		"limit by consumer":         {func(c *config.Config) { c.RateLimiting.LimitBy, c.ConsumerClaim = "consumer", []string{"azp"} }, ""},
		"limit by address":          {func(c *config.Config) { c.RateLimiting.LimitBy, c.RateLimiting.LimitByClaim = "ip", nil }, ""},
		"one issuer without a name": {func(c *config.Config) { c.Issuers[0].AcceptMissingIssuer = true }, ""},
		"no audience on purpose":    {func(c *config.Config) { c.Issuers[0].Audiences, c.Issuers[0].SkipAudienceCheck = nil, true }, ""},
		"tokens in cookies alone":   {func(c *config.Config) { c.HeaderNames, c.CookieNames = nil, []string{"jwt"} }, ""},
		"tokens in the query alone": {func(c *config.Config) { c.HeaderNames, c.URIParamNames = nil, []string{"jwt"} }, ""},
		"no upstream headers":       {func(c *config.Config) { c.UpstreamHeaders = nil }, ""},
		"default tier for later":    {func(c *config.Config) { c.RateLimiting.DefaultTier = "free" }, ""},
		"a day alone":               {func(c *config.Config) { c.RateLimiting = tiered(config.Tier{Name: "a", Day: 1}) }, ""},
		"plain http and a query":    {func(c *config.Config) { c.Issuers[0].Issuer = "http://[::1]:9031/as?tenant=a%20b" }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			c := sound()
			tc.change(c)
			if diff := cmp.Diff(tc.want, strings.Join(lines(c.Validate()), "\n")); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

func tiered(tiers ...config.Tier) config.RateLimiting {
	r := fresh().RateLimiting
	r.Tiers, r.DefaultTier = tiers, "a"
	return r
}

// redis is a connection with the defaults, and of r what has none.
func redis(r config.Redis) config.Redis {
	r.Port, r.Timeout, r.SSLVerify = 6379, 100, true
	return r
}

func reporting() config.RateLimiting {
	r := tiered(config.Tier{Name: "a", Second: 2, Burst: 1, Day: 2})
	r.ReportOnly = true
	return r
}

func TestReservedUpstreamHeaders(t *testing.T) {
	for name, want := range map[string]bool{
		"Host": true, "connection": true, "Content-Length": true, "Transfer-Encoding": true, "AUTHORIZATION": true,
		"Proxy-Authorization": true, "X-Auth-Diagnosis": true, "X-Auth-User": true, "X-Consumer-Username": true,
		"X-Credential-Identifier": true, "X-Anonymous-Consumer": true, "X-Kong-Request-Id": true,
		"X-Authenticated-Userid": false, "X-Tier": false, "Proxy": false, "X-Authorization": false, "X-Consumer": false,
	} {
		if got := config.IsReservedUpstream(name); got != want {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
}
