// Package config holds the plugin's configuration as Kong hands it over.
//
// [Load] is the way in: it decodes ([Parse]), fills in defaults and checks
// ([Config.Validate]), and names every problem at once with its path. The
// struct tags of [Config] are the only description of a field: decoding,
// defaults and checks read them here, pkg/schema makes Kong's schema and the
// documentation of them (the tags are explained in pkg/schema/shape).
// [Formats] beside them holds the syntax rules, rules.go what relates one
// field to another. pkg/config/deck checks whole deck files.
//
// A Config is plain data. [ParsePath], [Prefixes], [Certificates] and
// [Location] turn its strings into what they stand for.
package config

import (
	"reflect"
	"time"

	"kong-plugin-auth-diagnosis/pkg/schema/shape"
)

// Values of the fields that have a closed list of them.
const (
	ModeEnforce = "enforce"
	ModeAdvise  = "advise"

	ExpectBearer = "bearer"
	ExpectBasic  = "basic"
	ExpectKey    = "key"

	ConsumerByUsername = "username"
	ConsumerByID       = "id"

	LimitByConsumer = "consumer"
	LimitByClaim    = "claim"
	LimitByIP       = "ip"

	PolicyLocal = "local"
	PolicyRedis = "redis"

	FaultPolicyLocal = "local"
	FaultPolicyAllow = "allow"
	FaultPolicyDeny  = "deny"

	HeaderStyleKong = "kong"
	HeaderStyleIETF = "ietf"
	HeaderStyleBoth = "both"
	HeaderStyleNone = "none"

	WitnessOff      = "off"
	WitnessOptional = "optional"
	WitnessRequired = "required"

	DetailMinimal  = "minimal"
	DetailStandard = "standard"
	DetailFull     = "full"
)

// Seconds is a span of whole seconds.
type Seconds int

// Duration converts the span.
func (s Seconds) Duration() time.Duration { return time.Duration(s) * time.Second }

// Milliseconds is a span of whole milliseconds, Kong's unit for timeouts.
type Milliseconds int

// Duration converts the span.
func (m Milliseconds) Duration() time.Duration { return time.Duration(m) * time.Millisecond }

// Config is one instance's configuration. What a field means, its default and
// its bounds stand in its tags.
type Config struct {
	Mode             string            `json:"mode" default:"enforce" one_of:"enforce,advise" doc:"enforce rejects; advise only sets the diagnosis header and lets the plugins behind it decide."`
	Expects          []string          `json:"expects" type:"set" default:"bearer" one_of:"bearer,basic,key" len_min:"1" doc:"Credentials that requests must bring. Basic and key are only looked at for being there and undamaged; whether they are valid is for other plugins."`
	KeyNames         []string          `json:"key_names" default:"apikey" format:"token" doc:"Header or query names that carry an API key, for expects key."`
	Issuers          []Issuer          `json:"issuers" default:"" doc:"Trusted token issuers; at least one when expects has bearer."`
	Leeway           Seconds           `json:"leeway" default:"30" between:"0,3600" doc:"Seconds of clock skew allowed for exp, nbf and iat."`
	MaximumLifetime  Seconds           `json:"maximum_lifetime" default:"0" between:"0,31536000" doc:"Longest time in seconds from iat to exp that a token may have; 0 sets no limit."`
	MaximumTokenSize int               `json:"maximum_token_size" default:"16384" between:"256,1048576" doc:"Longest credential in bytes; a longer one is refused unread. Kong itself refuses lines above 8 KB unless its header buffers are raised."`
	HeaderNames      []string          `json:"header_names" type:"set" default:"authorization" format:"token" doc:"Request headers that may carry the token."`
	CookieNames      []string          `json:"cookie_names" type:"set" default:"" format:"cookie" doc:"Cookies that may carry the token, without a scheme. Browsers send cookies unasked: guard such routes against cross-site request forgery."`
	URIParamNames    []string          `json:"uri_param_names" type:"set" default:"" format:"text" doc:"Query arguments that may carry the token, without a scheme. Addresses end in logs and histories: prefer a header. Costs a call to Kong per request."`
	RequiredClaims   []RequiredClaim   `json:"required_claims" default:"" doc:"Claims that a token must have; without values and match, presence is enough."`
	ScopesRequired   []string          `json:"scopes_required" default:"" format:"words" doc:"Required scopes: an entry needs all of its space-separated words, one entry is enough."`
	ScopesClaim      []string          `json:"scopes_claim" default:"scope,scp" format:"claim_path" doc:"Claim paths that hold the scopes; the first one present counts."`
	RolesRequired    []string          `json:"roles_required" default:"" format:"words" doc:"Required roles: an entry needs all of its space-separated words, one entry is enough."`
	RolesClaim       []string          `json:"roles_claim" default:"roles" format:"claim_path" doc:"Claim paths that hold the roles; the first one present counts."`
	GroupsRequired   []string          `json:"groups_required" default:"" format:"words" doc:"Required groups: an entry needs all of its space-separated words, one entry is enough."`
	GroupsClaim      []string          `json:"groups_claim" default:"groups" format:"claim_path" doc:"Claim paths that hold the groups; the first one present counts."`
	ConsumerClaim    []string          `json:"consumer_claim" default:"" format:"claim_path" doc:"Claim paths that name the Kong consumer of a token; the first one present counts. Empty: tokens have no consumer."`
	ConsumerBy       []string          `json:"consumer_by" default:"username,id" one_of:"username,id" len_min:"1" doc:"What of a consumer the claim has to equal. With id, whoever can choose the claim's value can name any consumer by its UUID."`
	ConsumerOptional bool              `json:"consumer_optional" default:"true" doc:"Accept a token whose claim names no consumer."`
	Anonymous        string            `json:"anonymous" format:"text" len_max:"256" doc:"Username or id of the consumer as which requests go on that fail with 400, 401 or 403. Give every auth plugin of the route one to accept any of their credentials."`
	ACLGroupsClaim   string            `json:"authenticated_groups_claim" format:"claim_path" doc:"Claim path of the groups that Kong's acl plugin decides on, and that X-Authenticated-Groups names upstream."`
	UpstreamHeaders  map[string]string `json:"upstream_headers" default:"X-Authenticated-Userid=sub" key_format:"token" format:"claim_path" doc:"Headers set upstream from verified claims: header name to claim path. The same names from the client are always cleared. Giving the map replaces the default."`
	HideCredentials  bool              `json:"hide_credentials" default:"false" doc:"Do not pass the credential on to the upstream service."`
	RunOnPreflight   bool              `json:"run_on_preflight" default:"true" doc:"Judge OPTIONS preflight requests too."`
	Realm            string            `json:"realm" format:"realm" len_max:"128" doc:"Realm of the WWW-Authenticate challenge; without it the challenge has no realm."`
	JWKS             JWKS              `json:"jwks" doc:"How the issuers' key sets are fetched and kept."`
	Edge             Edge              `json:"edge" doc:"The proxy or load balancer in front of the gateway."`
	RateLimiting     RateLimiting      `json:"rate_limiting" doc:"Rate limits by tier; off while tiers is empty."`
	Diagnosis        Diagnosis         `json:"diagnosis" doc:"What a diagnosis tells, where and to whom."`

	// Scope is filled in by Parse from what Kong adds to the configuration.
	Scope Scope `json:"-"`
}

// Issuer is a party whose tokens are trusted. Keys are bound to it.
type Issuer struct {
	Issuer              string   `json:"issuer" required:"true" format:"url" doc:"The exact iss claim of this issuer's tokens. Prefer https; http is accepted with a warning."`
	JWKSURIs            []string `json:"jwks_uris" type:"set" default:"" format:"url" doc:"Key set addresses of this issuer (PingFederate has one per access token manager). Empty: OpenID Connect discovery at the issuer."`
	Audiences           []string `json:"audiences" type:"set" default:"" doc:"Accepted audiences; the token needs any one of them."`
	SkipAudienceCheck   bool     `json:"skip_audience_check" default:"false" doc:"Accept this issuer's tokens whatever their audience is."`
	Algorithms          []string `json:"algorithms" type:"set" default:"RS256,RS384,RS512,PS256,PS384,PS512,ES256,ES384,ES512,EdDSA" one_of:"RS256,RS384,RS512,PS256,PS384,PS512,ES256,ES384,ES512,EdDSA" len_min:"1" doc:"Accepted signature algorithms. HMAC and none are never accepted."`
	TokenTypes          []string `json:"token_types" type:"set" default:"at+jwt,JWT" len_min:"1" doc:"Accepted typ headers, compared without regard to case or an application/ prefix."`
	RequireTokenType    bool     `json:"require_token_type" default:"false" doc:"Refuse a token that has no typ header."`
	RequireKid          bool     `json:"require_kid" default:"false" doc:"Refuse a token that has no kid header."`
	AcceptMissingIssuer bool     `json:"accept_missing_issuer" default:"false" doc:"Take tokens without an iss claim for this issuer's (PingFederate); only with exactly one issuer."`
}

// RequiredClaim is a condition on one claim.
type RequiredClaim struct {
	Name   string   `json:"name" required:"true" format:"claim_path" doc:"Claim path: names joined by dots, with a backslash before a dot that belongs to a name."`
	Values []string `json:"values" default:"" doc:"Accepted values; the claim needs any one of them."`
	Match  string   `json:"match" format:"regex" len_max:"1024" doc:"Regular expression (RE2 syntax) that must match somewhere in the claim's value; anchor it with ^ and $ to match all of it."`
}

// JWKS says how key sets are fetched and kept.
type JWKS struct {
	RefreshInterval    Seconds      `json:"refresh_interval" default:"900" between:"1,31536000" doc:"Seconds between refreshes of a key set."`
	Timeout            Milliseconds `json:"timeout" default:"5000" between:"1,2147483646" doc:"Timeout of a key set request in milliseconds."`
	MaxStale           Seconds      `json:"max_stale" default:"86400" between:"0,31536000" doc:"Seconds for which the last good key set serves while refreshes fail."`
	UnknownKidCooldown Seconds      `json:"unknown_kid_cooldown" default:"30" between:"0,31536000" doc:"Least seconds between two refreshes caused by unknown kids."`
	SSLVerify          bool         `json:"ssl_verify" default:"true" doc:"Verify the certificate of the key set's server."`
	CACertificates     []string     `json:"ca_certificates" default:"" format:"pem" referenceable:"true" doc:"PEM certificates trusted for key set servers besides the system's."`
	HTTPProxy          string       `json:"http_proxy" format:"url" referenceable:"true" doc:"Proxy for key set requests; without it they go out directly."`
}

// Edge says what stands in front of the gateway.
type Edge struct {
	Witness    string    `json:"witness" default:"off" one_of:"off,optional,required" doc:"Statements of the edge in X-Auth-Witness. optional: evidence for explaining a request that is refused anyway. required: without a valid one, or with a credential that differs from it, a request is refused."`
	Keys       []EdgeKey `json:"keys" default:"" len_max:"16" doc:"Keys that the edge signs its statements with; several while one is rotated."`
	MaxAge     Seconds   `json:"max_age" default:"30" between:"1,3600" doc:"Seconds for which a statement is good, before and after its time: the clocks of edge and gateway may differ."`
	TrustedIPs []string  `json:"trusted_ips" default:"" format:"cidr" doc:"Addresses or CIDR blocks of the edge, compared with the TCP peer. With any, statements count only from there."`
	Name       string    `json:"name" default:"edge" format:"label" len_max:"64" doc:"What the edge is called in diagnoses, such as f5; its signing points are NAME-in and NAME-out unless a key lists others."`
}

// EdgeKey is a secret that the edge shares with the gateway.
type EdgeKey struct {
	ID     string   `json:"id" required:"true" format:"label" len_max:"64" doc:"Name of the key, as statements give it."`
	Secret Secret   `json:"secret" required:"true" format:"secret" len_min:"32" len_max:"128" referenceable:"true" encrypted:"true" doc:"The key: its bytes as they stand here."`
	Points []string `json:"points" default:"" format:"point" len_max:"16" doc:"Signing points that may use the key. Empty: NAME-in and NAME-out."`
}

// Diagnosis says what is told, and to whom.
type Diagnosis struct {
	HeaderName    string   `json:"header_name" default:"X-Auth-Diagnosis" format:"token" doc:"Response header that carries the diagnosis."`
	Detail        string   `json:"detail" default:"standard" one_of:"minimal,standard,full" doc:"How much a diagnosis tells the client; the log always has everything."`
	FullDetailIPs []string `json:"full_detail_ips" default:"" format:"cidr" doc:"Clients (addresses or CIDR blocks) that get full detail whatever detail says."`
	Body          bool     `json:"body" default:"true" doc:"Put the diagnosis into the body of a rejection too."`
	OnAccept      bool     `json:"on_accept" default:"false" doc:"Send the header with accepted requests too."`
	LogIdentity   bool     `json:"log_identity" default:"false" doc:"Log client_id and sub of verified tokens with the diagnosis."`
}

// Scope is where an instance is attached. Kong sends it beside the fields;
// an id is empty when the instance is not attached to such an entity.
type Scope struct {
	PluginID     string // __plugin_id, stable over reloads and equal in all workers
	WorkspaceID  string // __ws_id; consumers of two workspaces may share a name
	RouteID      string
	ServiceID    string
	InstanceName string
}

var root = shape.MustRead(reflect.TypeFor[Config]())

// Shape describes Config as a record. The caller must not change it.
func Shape() *shape.Field { return root }

// LimitNamespace returns the name under which the instance's counters stand:
// the configured one, else the narrowest entity that the instance is attached
// to, else "global", as Kong's rate-limiting does.
func (c *Config) LimitNamespace() string {
	for _, name := range []string{c.RateLimiting.Namespace, c.Scope.RouteID, c.Scope.ServiceID} {
		if name != "" {
			return name
		}
	}
	return "global"
}
