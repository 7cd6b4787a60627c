package config

import (
	"maps"
	"slices"
	"strings"

	"kong-plugin-auth-diagnosis/pkg/schema/shape"
)

// rules relate fields to each other. Those that Kong's schema language can
// express stand in pkg/schema as well.
var rules = []func(*Config, *problems){
	checkMode,
	checkExpects,
	checkIssuers,
	checkRequired,
	checkConsumer,
	checkEdge,
	checkUpstreamHeaders,
	checkDiagnosisHeader,
	checkTiers,
	checkLimitBy,
	checkRedis,
}

func checkMode(c *Config, p *problems) {
	switch c.Mode {
	case ModeEnforce:
		if !slices.Contains(c.Expects, ExpectBearer) {
			p.add("config.expects", "expected bearer with mode enforce, got %s", show(strings.Join(c.Expects, " "), false))
		}
	case ModeAdvise:
		if c.HideCredentials {
			p.add("config.hide_credentials", "expected false with mode advise, got true: the plugins behind need the credential")
		}
		if c.Anonymous != "" {
			p.add("config.anonymous", "expected none with mode advise, got %s: advise authenticates nobody", show(c.Anonymous, false))
		}
		if len(c.RateLimiting.Tiers) > 0 && !c.RateLimiting.ReportOnly {
			p.add("config.rate_limiting.report_only", "expected true with mode advise and tiers, got false: advise never rejects")
		}
	}
}

func checkExpects(c *Config, p *problems) {
	if slices.Contains(c.Expects, ExpectBearer) {
		if len(c.Issuers) == 0 {
			p.add("config.issuers", "expected at least 1 element with bearer in expects, got 0")
		}
		if len(c.HeaderNames)+len(c.CookieNames)+len(c.URIParamNames) == 0 {
			p.add("config.header_names", "expected at least 1 element here, in cookie_names or in uri_param_names with bearer in expects, got 0")
		}
	}
	if slices.Contains(c.Expects, ExpectKey) && len(c.KeyNames) == 0 {
		p.add("config.key_names", "expected at least 1 element with key in expects, got 0")
	}
	unique(p, "config.header_names", "", c.HeaderNames, strings.ToLower)
	unique(p, "config.key_names", "", c.KeyNames, strings.ToLower)
}

func checkIssuers(c *Config, p *problems) {
	names := make([]string, len(c.Issuers))
	for i, issuer := range c.Issuers {
		names[i] = issuer.Issuer
		at := shape.At("config.issuers", i)
		if len(issuer.Audiences) == 0 && !issuer.SkipAudienceCheck {
			p.add(at+".audiences", "expected at least 1 element unless skip_audience_check is true, got 0")
		}
		if issuer.AcceptMissingIssuer && len(c.Issuers) > 1 {
			p.add(at+".accept_missing_issuer", "expected false with more than one issuer, got true")
		}
	}
	unique(p, "config.issuers", ".issuer", names, exact)
}

// checkRequired refuses requirements that no token can meet.
func checkRequired(c *Config, p *problems) {
	for _, r := range []struct {
		what            string
		required, claim []string
	}{
		{"scopes", c.ScopesRequired, c.ScopesClaim},
		{"roles", c.RolesRequired, c.RolesClaim},
		{"groups", c.GroupsRequired, c.GroupsClaim},
	} {
		if len(r.required) > 0 && len(r.claim) == 0 {
			p.add("config."+r.what+"_claim", "expected at least 1 element with %s_required, got 0", r.what)
		}
	}
}

func checkConsumer(c *Config, p *problems) {
	if !c.ConsumerOptional && len(c.ConsumerClaim) == 0 {
		p.add("config.consumer_claim", "expected at least 1 element with consumer_optional false, got 0")
	}
	unique(p, "config.consumer_by", "", c.ConsumerBy, exact)
}

func checkUpstreamHeaders(c *Config, p *problems) {
	seen := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(c.UpstreamHeaders)) {
		at, lower := shape.Join("config.upstream_headers", name), strings.ToLower(name)
		if first, twice := seen[lower]; twice {
			p.add(at, "expected each header once, got it as %s too", show(first, false))
		}
		seen[lower] = name
		switch {
		case IsReservedUpstream(name):
			p.add(at, "expected a header that is free for claims, got %s: the gateway or another plugin owns it", show(name, false))
		case strings.EqualFold(name, c.Diagnosis.HeaderName):
			p.add(at, "expected a header other than diagnosis.header_name, got %s", show(name, false))
		}
	}
}

// Request headers that must not carry a claim: they frame or route the request,
// hold the credential, or tell the upstream who Kong says the caller is.
var (
	reservedUpstream = []string{
		"authorization", "connection", "content-length", "host", "transfer-encoding",
		"x-anonymous-consumer", "x-credential-identifier",
	}
	reservedUpstreamPrefixes = []string{"proxy-", "x-auth-", "x-consumer-", "x-kong-"}
)

// IsReservedUpstream reports whether upstream_headers may not name the header.
func IsReservedUpstream(name string) bool {
	lower := strings.ToLower(name)
	return slices.Contains(reservedUpstream, lower) ||
		slices.ContainsFunc(reservedUpstreamPrefixes, func(prefix string) bool { return strings.HasPrefix(lower, prefix) })
}

// reservedDiagnosis are response headers that already mean something to clients
// or to the gateway.
var reservedDiagnosis = []string{
	"cache-control", "connection", "content-length", "content-type", "location",
	"retry-after", "set-cookie", "transfer-encoding", "www-authenticate",
	"ratelimit", "ratelimit-limit", "ratelimit-policy", "ratelimit-remaining", "ratelimit-reset",
}

func checkDiagnosisHeader(c *Config, p *problems) {
	name := c.Diagnosis.HeaderName
	if lower := strings.ToLower(name); slices.Contains(reservedDiagnosis, lower) || strings.HasPrefix(lower, "x-ratelimit-") {
		p.add("config.diagnosis.header_name", "expected a header of its own, got %s", show(name, false))
	}
}

// unique reports each value that an earlier element has as well; values are
// compared as fold makes them, and suffix names the field in the element.
func unique(p *problems, path, suffix string, values []string, fold func(string) string) {
	first := map[string]int{}
	for i, value := range values {
		key := fold(value)
		if earlier, twice := first[key]; twice && key != "" {
			p.add(shape.At(path, i)+suffix, "expected a value of its own, got that of %s", shape.At(path, earlier))
			continue
		}
		first[key] = i
	}
}

func exact(s string) string { return s }
