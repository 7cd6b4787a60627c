package access

import (
	"slices"
	"strings"

	"kong-plugin-auth-diagnosis/pkg/diagnosis"
	"kong-plugin-auth-diagnosis/pkg/token"
)

// upstream lists what changes in the request to the service: names of claims
// that the token has are set, all others of the list are removed.
func (r *Route) upstream(v *verdict) []Header {
	h := slices.Concat(r.cleared, v.spoof)
	if v.token != nil { // what this route's issuers have not signed may be for a plugin behind
		h = append(h, v.carriers...)
	}
	h = v.nameCaller(h)
	if v.pass != passToken {
		return h
	}
	for _, u := range r.upstreamClaim {
		value, ok := v.token.Find(u.path)
		if !ok {
			continue
		}
		text, ok := token.Text(value)
		if !ok {
			v.diagnosis.Findings = append(v.diagnosis.Findings, diagnosis.Finding{Name: diagnosis.ClaimNotForwarded, Detail: u.header})
			continue
		}
		set(h, u.header, text)
	}
	return h
}

// set gives the header of that name in the list a value, if it is there.
func set(h []Header, name, value string) {
	for i := range h {
		if h[i].Name == name {
			h[i] = one(name, value)
		}
	}
}

// lookalikes removes names that differ from ours in "_" for "-" alone. Kong lets
// such fields pass, and CGI, WSGI and Rack make one variable of both.
func (r *Route) lookalikes(headers map[string][]string) (h []Header) {
	for name := range headers {
		if !strings.Contains(name, "_") || r.clears(name) {
			continue
		}
		if slices.ContainsFunc(r.cleared, func(c Header) bool { return strings.EqualFold(dashed(c.Name), dashed(name)) }) {
			h = append(h, Header{Name: name})
		}
	}
	return h
}

// clears reports whether a name is removed, or set, whatever the request has:
// naming it a second time would leave the order to Kong.
func (r *Route) clears(name string) bool {
	return slices.ContainsFunc(r.cleared, func(c Header) bool { return strings.EqualFold(c.Name, name) })
}

func dashed(name string) string { return strings.ReplaceAll(name, "_", "-") }
