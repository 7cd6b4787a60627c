package access

import (
	"slices"
	"strings"

	"kong-plugin-auth-diagnosis/pkg/credential"
)

// carriers removes the credential from every header that it came in, and the
// configured cookies from the Cookie lines. A header for tokens may carry
// something else, which is the service's; a cookie for tokens may not.
func (r *Route) carriers(headers map[string][]string, token string) (h []Header) {
	carries := func(line string) bool { return strings.HasSuffix(strings.TrimRight(line, " \t"), token) }
	for _, name := range r.want.HeaderNames {
		if slices.ContainsFunc(headers[name], carries) && !r.clears(name) {
			h = append(h, Header{Name: name})
		}
	}
	const cookie = "cookie"
	if r.clears(cookie) || slices.ContainsFunc(h, func(c Header) bool { return c.Name == cookie }) {
		return h
	}
	lines := headers[cookie]
	if rest := credential.WithoutCookies(lines, r.want.CookieNames); !slices.Equal(rest, lines) {
		h = append(h, Header{Name: cookie, Values: rest})
	}
	return h
}

// hideArguments removes the configured arguments from the query, like carriers
// when the token is one that this route's issuers have signed.
func (r *Route) hideArguments(g Gateway, v *verdict) error {
	if !r.hide || v.token == nil {
		return nil
	}
	rest := credential.WithoutArguments(v.query, r.want.ArgumentNames)
	if rest == v.query {
		return nil
	}
	return g.SetRawQuery(rest)
}
