package edge

import (
	"encoding/base64"
	"slices"
	"strings"

	"kong-plugin-auth-diagnosis/pkg/diagnosis"
)

// Seen is what the request shows.
type Seen struct {
	// Headers by lower-case name.
	Headers map[string][]string
	// Token is the bearer token as it arrived, "" without one.
	Token string
	// Issuer is the token's iss claim, unverified, "" without one.
	Issuer string
	// Edge is what the configuration calls the edge, such as "f5"; "" or "edge"
	// if it has no name of its own.
	Edge string
}

// Explain returns the failure with the hop that the request's traces point to,
// with what is known of that hop put before its detail. Without a trace it
// returns f itself; f is never changed.
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
		g.Hop, g.Certainty = diagnosis.Edge, diagnosis.Weak
		if sign.becomes != "" {
			g.Code, g.By = sign.becomes, nil
		}
		g.Detail = sign.says
		if s.Edge != "" && s.Edge != "edge" {
			g.Detail += " (the edge here is " + s.Edge + ")"
		}
		if f.Detail != "" {
			g.Detail += "; " + f.Detail
		}
		return &g
	}
	return f
}

// has reports whether the request has a header with something in it.
func (s *Seen) has(name string) bool {
	return slices.ContainsFunc(s.Headers[name], func(v string) bool { return v != "" })
}

// headerHolds reports whether a header contains a text, case ignored.
func (s *Seen) headerHolds(name, text string) bool {
	return slices.ContainsFunc(s.Headers[name], func(v string) bool { return strings.Contains(strings.ToLower(v), text) })
}

// credentials returns what stands behind a scheme in Authorization, "" if the
// scheme is another. The scheme is given in lower case.
func (s *Seen) credentials(scheme string) string {
	for _, v := range s.Headers["authorization"] {
		if word, rest, ok := strings.Cut(strings.Trim(v, " \t"), " "); ok && strings.ToLower(word) == scheme {
			return strings.Trim(rest, " \t")
		}
	}
	return ""
}

// maxPair bounds a Basic credential that is decoded, in bytes.
const maxPair = 1024

// passwordIs reports whether Authorization is Basic with this password.
func (s *Seen) passwordIs(password string) bool {
	text := strings.TrimRight(s.credentials("basic"), "=")
	if text == "" || len(text) > maxPair {
		return false
	}
	pair, err := base64.RawStdEncoding.DecodeString(text)
	return err == nil && strings.HasSuffix(string(pair), ":"+password)
}

// bufferSizes are usual limits of a header line in bytes: an AJP packet, nginx
// and Apache lines, and the doubles of them.
var bufferSizes = []int{4096, 8190, 8192, 16384}

// endsAtBuffer reports whether the credential's line is as long as a buffer,
// give or take the header's name and the line's end.
func (s *Seen) endsAtBuffer() bool {
	for _, v := range s.Headers["authorization"] {
		for _, size := range bufferSizes {
			if len(v) <= size && size-len(v) <= len("authorization: \r\n") {
				return true
			}
		}
	}
	return false
}
