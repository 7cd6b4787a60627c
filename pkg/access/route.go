package access

import (
	"crypto/sha256"
	"encoding/json"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"

	"kong-plugin-auth-diagnosis/pkg/config"
	"kong-plugin-auth-diagnosis/pkg/credential"
	"kong-plugin-auth-diagnosis/pkg/diagnosis"
	"kong-plugin-auth-diagnosis/pkg/jwks"
	"kong-plugin-auth-diagnosis/pkg/token"
)

// Route is one instance's configuration, compiled. It is safe for concurrent
// use.
type Route struct {
	engine   *Engine
	instance *instance // what the engine knows of it

	// broken lists what is wrong with the configuration; nothing but the
	// answers' settings below is usable then.
	broken []config.Problem
	// warnings are for the error log, once.
	warnings []string
	told     atomic.Bool
	// toldAnonymous is set once the log has been told of a missing consumer.
	toldAnonymous atomic.Bool

	advises       bool
	want          credential.Want
	policy        policy // names all that tokens are judged by
	tokenLimits   token.Limits
	rules         token.Rules
	keys          map[string]*jwks.Set // by exact issuer
	limits        *limits              // nil while there are no tiers
	consumers     consumers
	preflight     bool
	edgeName      string
	witness       witness
	upstreamClaim []upstreamClaim
	asked         []string // claims that are looked at after the checks
	cleared       []Header // what never passes from the client to the service
	hide          bool

	headerName    string
	realm         string
	detail        diagnosis.Level
	body          bool
	onAccept      bool
	logIdentity   bool
	fullDetailIPs []netip.Prefix
	trustedIPs    []netip.Prefix
}

type upstreamClaim struct {
	header string
	path   []string
}

// configure takes over what an answer needs, also of a broken configuration.
func (r *Route) configure(c *config.Config) {
	r.advises = c.Mode == config.ModeAdvise
	r.headerName = c.Diagnosis.HeaderName
	r.realm = c.Realm
	r.detail = diagnosis.ParseLevel(c.Diagnosis.Detail)
	r.body = c.Diagnosis.Body
	r.onAccept = c.Diagnosis.OnAccept
	r.logIdentity = c.Diagnosis.LogIdentity
	r.preflight = c.RunOnPreflight
	r.cleared = []Header{{Name: r.headerName}}
	if c.Edge.Witness != config.WitnessOff {
		r.cleared = append(r.cleared, Header{Name: witnessHeader})
	}
}

// compile makes a checked configuration runnable and starts the fetches of its
// key sets.
func (r *Route) compile(c *config.Config) (err error) {
	if r.fullDetailIPs, err = config.Prefixes(c.Diagnosis.FullDetailIPs); err != nil {
		return err
	}
	if r.trustedIPs, err = config.Prefixes(c.Edge.TrustedIPs); err != nil {
		return err
	}
	if err = r.compileClaims(c); err != nil {
		return err
	}
	if r.limits, err = r.engine.newLimits(c); err != nil {
		return err
	}
	if rl := &c.RateLimiting; r.limits != nil && rl.Policy == config.PolicyRedis && rl.SyncRate.Swings() {
		r.warnings = append(r.warnings, "auth-diagnosis: rate_limiting.sync_rate is above 0.25: the nodes together may go well over a rate, and fall under it in turn")
	}
	if r.consumers, err = newConsumers(c); err != nil {
		return err
	}
	if !r.advises {
		for _, name := range identityHeaders {
			if !r.clears(name) { // upstream_headers may name it, in any case
				r.cleared = append(r.cleared, Header{Name: name})
			}
		}
	}
	r.asked = r.claimsAsked()
	r.hide = c.HideCredentials
	r.edgeName, r.witness = c.Edge.Name, newWitness(c)
	r.want = want(c)
	text, err := json.Marshal(c) // the configuration without where it is attached
	if err != nil {
		return err
	}
	r.policy = sha256.Sum256(text)
	r.tokenLimits = token.Limits{Size: c.MaximumTokenSize}
	r.trust(c)
	return nil
}

// trust binds each issuer to its policy and its key set.
func (r *Route) trust(c *config.Config) {
	r.keys = make(map[string]*jwks.Set, len(c.Issuers))
	for _, i := range c.Issuers {
		r.rules.Issuers = append(r.rules.Issuers, token.Policy{
			Issuer:              i.Issuer,
			Audiences:           i.Audiences,
			SkipAudience:        i.SkipAudienceCheck,
			Algorithms:          i.Algorithms,
			TokenTypes:          i.TokenTypes,
			RequireType:         i.RequireTokenType,
			RequireKid:          i.RequireKid,
			AcceptMissingIssuer: i.AcceptMissingIssuer,
		})
		r.keys[i.Issuer] = r.engine.keys.Set(jwks.Source{
			Issuer: i.Issuer,
			URIs:   i.JWKSURIs,
			Options: jwks.Options{
				RefreshInterval:    c.JWKS.RefreshInterval.Duration(),
				Timeout:            c.JWKS.Timeout.Duration(),
				MaxStale:           c.JWKS.MaxStale.Duration(),
				UnknownKidCooldown: c.JWKS.UnknownKidCooldown.Duration(),
				InsecureSkipVerify: !c.JWKS.SSLVerify,
				CACertificates:     c.JWKS.CACertificates,
				HTTPProxy:          c.JWKS.HTTPProxy,
			},
		})
	}
	if slices.ContainsFunc(c.Issuers, plain) {
		r.warnings = append(r.warnings, "auth-diagnosis: an issuer's keys are fetched over http: anybody on the way can replace them")
	}
}

// plain reports whether an issuer's keys come over http.
func plain(i config.Issuer) bool {
	from := i.JWKSURIs
	if len(from) == 0 {
		from = []string{i.Issuer}
	}
	return slices.ContainsFunc(from, func(u string) bool { return strings.HasPrefix(strings.ToLower(u), "http:") })
}

// want says what credential to look for, and where.
func want(c *config.Config) credential.Want {
	w := credential.Want{
		HeaderNames:   lower(c.HeaderNames),
		CookieNames:   c.CookieNames,
		ArgumentNames: c.URIParamNames,
		KeyNames:      c.KeyNames,
		MaxSize:       c.MaximumTokenSize,
	}
	if c.Mode != config.ModeAdvise {
		// Fail closed: whether a key or a password is good is not known here, so
		// neither lets a request through, whatever else the route expects.
		w.Expects = []credential.Kind{credential.Bearer}
		return w
	}
	for _, e := range c.Expects {
		switch e {
		case config.ExpectBearer:
			w.Expects = append(w.Expects, credential.Bearer)
		case config.ExpectBasic:
			w.Expects = append(w.Expects, credential.Basic)
		case config.ExpectKey:
			w.Expects = append(w.Expects, credential.Key)
		}
	}
	return w
}

func lower(names []string) []string {
	all := make([]string, len(names))
	for i, n := range names {
		all[i] = strings.ToLower(n)
	}
	return all
}

// within reports whether an address lies in one of the blocks.
func within(blocks []netip.Prefix, a netip.Addr) bool {
	return slices.ContainsFunc(blocks, func(p netip.Prefix) bool { return p.Contains(a) })
}
