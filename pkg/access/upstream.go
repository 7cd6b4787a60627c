package access

import (
	"kong-plugin-auth-diagnosis/pkg/diagnosis"
	"kong-plugin-auth-diagnosis/pkg/token"
)

// upstream lists what changes in the request to the service: names of claims
// that the token has are set, all others of the list are removed.
func (r *Route) upstream(v *verdict) []Header {
	h := make([]Header, 0, len(r.cleared)+len(r.upstreamClaim)+1)
	h = append(h, r.cleared...)
	if r.hide && v.source != "" {
		h = append(h, Header{Name: v.source})
	}
	if v.token == nil {
		return h
	}
	for _, u := range r.upstreamClaim {
		value, ok := v.token.Claims.Find(u.path)
		if !ok {
			continue
		}
		text, ok := token.Text(value)
		if !ok {
			v.diagnosis.Findings = append(v.diagnosis.Findings, diagnosis.Finding{Name: diagnosis.ClaimNotForwarded, Detail: u.header})
			continue
		}
		for i := range h {
			if h[i].Name == u.header {
				h[i] = one(u.header, text)
			}
		}
	}
	return h
}
