package edge

import (
	"strings"

	"kong-plugin-auth-diagnosis/pkg/diagnosis"
)

// Findings lists what of a refused request is odd and may explain it, without
// being what it was refused for. A client can write all of it.
func Findings(s Seen) (found []diagnosis.Finding) {
	for i := range oddities {
		if what := oddities[i].seen(&s); what != "" {
			found = append(found, diagnosis.Finding{Name: oddities[i].name, Detail: what})
		}
	}
	return found
}

// oddity is a fact about a request's context; seen returns its detail, "" if it
// does not hold.
type oddity struct {
	name diagnosis.FindingName
	seen func(*Seen) string
}

var oddities = []oddity{
	// Kong answers 426, or redirects, if the route is for https only.
	{diagnosis.ForwardedProtoHTTP, func(s *Seen) string {
		if s.lastIs("x-forwarded-proto", "http") && s.hadTLS() {
			return "x-forwarded-proto says http of a request that came by TLS"
		}
		return ""
	}},
	{diagnosis.ConsumerHeaderFromOutside, func(s *Seen) string {
		for _, name := range consumerHeaders {
			if s.has(name) {
				return name
			}
		}
		return ""
	}},
	// A proxy deletes the fields that Connection names (RFC 9110 section 7.6.1).
	{diagnosis.ConnectionNominatesAuthorization, func(s *Seen) string {
		for _, name := range []string{authorization, WitnessHeader} {
			if s.nominates(name) {
				return "connection names " + name
			}
		}
		return ""
	}},
	{diagnosis.ClientCertHeaderMalformed, func(s *Seen) string {
		for _, name := range certHeaders {
			for _, value := range s.Headers[name] {
				if what := certFault(name, value); what != "" {
					return name + ": " + what
				}
			}
		}
		return ""
	}},
}

// consumerHeaders are those in which a gateway says who a request is from.
var consumerHeaders = []string{
	"x-consumer-id", "x-consumer-username", "x-consumer-custom-id",
	"x-credential-identifier", "x-anonymous-consumer", "x-authenticated-groups",
}

// tlsSigns are headers whose value tells that a hop took the request by TLS.
var tlsSigns = map[string]string{"x-forwarded-port": "443", "x-forwarded-ssl": "on", "front-end-https": "on", "cf-visitor": `{"scheme":"https"}`, "cloudfront-forwarded-proto": "https"}

func (s *Seen) hadTLS() bool {
	for name, value := range tlsSigns {
		if s.lastIs(name, value) {
			return true
		}
	}
	return false
}

// lastIs reports whether the last element of a header's list is a value, case
// ignored.
func (s *Seen) lastIs(name, value string) bool {
	lines := s.Headers[name]
	if len(lines) == 0 {
		return false
	}
	list := lines[len(lines)-1]
	return strings.EqualFold(trim(list[strings.LastIndexByte(list, ',')+1:]), value)
}
