package access

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"kong-plugin-auth-diagnosis/pkg/config"
	"kong-plugin-auth-diagnosis/pkg/token"
)

func (r *Route) compileClaims(c *config.Config) (err error) {
	r.rules.Leeway = c.Leeway.Duration()
	r.rules.MaximumLifetime = c.MaximumLifetime.Duration()
	for _, rc := range c.RequiredClaims {
		rule := token.ClaimRule{Values: rc.Values}
		if rule.Path, err = config.ParsePath(rc.Name); err != nil {
			return err
		}
		if rc.Match != "" {
			if rule.Match, err = regexp.Compile(rc.Match); err != nil {
				return err
			}
		}
		r.rules.RequiredClaims = append(r.rules.RequiredClaims, rule)
	}
	for _, q := range []struct {
		to       *token.Requirement
		required []string
		claims   []string
	}{
		{&r.rules.Scopes, c.ScopesRequired, c.ScopesClaim},
		{&r.rules.Roles, c.RolesRequired, c.RolesClaim},
		{&r.rules.Groups, c.GroupsRequired, c.GroupsClaim},
	} {
		q.to.Required = q.required
		if q.to.Claims, err = paths(q.claims); err != nil {
			return err
		}
	}
	for name, claim := range c.UpstreamHeaders {
		path, err := config.ParsePath(claim)
		if err != nil {
			return err
		}
		r.upstreamClaim = append(r.upstreamClaim, upstreamClaim{name, path})
		r.cleared = append(r.cleared, Header{Name: name})
	}
	slices.SortFunc(r.upstreamClaim, func(a, b upstreamClaim) int { return strings.Compare(a.header, b.header) })
	slices.SortFunc(r.cleared, func(a, b Header) int { return strings.Compare(a.Name, b.Name) })
	return nil
}

// callerClaims name the caller in the log, and to Kong's plugins.
var callerClaims = []string{"client_id", "azp", "sub"}

// claimsAsked names the claims that anything after the checks looks at. Of a token
// no other is remembered.
func (r *Route) claimsAsked() []string {
	names := map[string]bool{}
	ask := func(paths ...[]string) {
		for _, p := range paths {
			names[p[0]] = true
		}
	}
	for _, name := range callerClaims {
		names[name] = true
	}
	ask(r.consumers.claim...)
	if r.consumers.groups != nil {
		ask(r.consumers.groups)
	}
	for _, u := range r.upstreamClaim {
		ask(u.path)
	}
	if l := r.limits; l != nil {
		ask(l.tierClaim...)
		for _, c := range l.byClaim {
			ask(c.path)
		}
	}
	return slices.Sorted(maps.Keys(names))
}

func paths(list []string) ([][]string, error) {
	all := make([][]string, len(list))
	for i, s := range list {
		p, err := config.ParsePath(s)
		if err != nil {
			return nil, err
		}
		all[i] = p
	}
	return all, nil
}
