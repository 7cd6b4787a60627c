package edge

import (
	"slices"

	"kong-plugin-auth-diagnosis/pkg/diagnosis"
)

// Seen is what the request shows.
type Seen struct {
	// Headers by lower-case name.
	Headers map[string][]string
	// Names are the headers in which the route looks for a credential, in lower
	// case; none stands for Authorization.
	Names []string
	// Token is the bearer token as it arrived, "" without one.
	Token string
	// Issuer is the token's iss claim, unverified, "" without one.
	Issuer string
	// Edge is what the configuration calls the edge, such as "f5"; "" or "edge"
	// if it has no name of its own.
	Edge string
}

var usualNames = []string{authorization}

func (s *Seen) names() []string {
	if len(s.Names) == 0 {
		return usualNames
	}
	return s.Names
}

// Explain returns the failure with the hop that the request's traces point to:
// before its detail stand what is known of that hop, where to look and what to
// set there. Without a trace it returns f itself; f is never changed.
func Explain(f *diagnosis.Failure, s Seen) *diagnosis.Failure {
	if f == nil {
		return nil
	}
	for i := range signs {
		sign := &signs[i]
		if !slices.Contains(sign.codes, f.Code) || !sign.seen(&s) {
			continue
		}
		g := *f
		g.Code, g.Hop, g.Certainty = sign.code(f.Code), diagnosis.Edge, diagnosis.Weak
		if g.Code != f.Code {
			g.By = nil
		}
		g.Detail = sign.says
		if s.Edge != "" && s.Edge != "edge" {
			g.Detail += " (the edge here is " + s.Edge + ")"
		}
		g.Detail = join(g.Detail+"; look at "+sign.look+": "+sign.fix, f.Detail)
		return &g
	}
	return f
}

// code is what a code becomes by the sign.
func (s *sign) code(c diagnosis.Code) diagnosis.Code {
	switch {
	case s.becomes != "":
		return s.becomes
	case c == diagnosis.CredentialMissing:
		return diagnosis.StrippedSuspected
	}
	return c
}
