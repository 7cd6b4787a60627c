package token

import (
	"slices"
	"strings"

	"kong-plugin-auth-diagnosis/pkg/diagnosis"
)

// Issuer returns the iss claim as it stands, unverified; "" if it is absent or
// not a string.
func (t *Token) Issuer() string { return t.Claims.text("iss") }

// SelectIssuer finds the policy whose issuer equals the iss claim byte for byte
// (RFC 7519 section 4.1.1 compares case-sensitively). Keys are looked up at that
// issuer alone, so a key of one issuer never vouches for another.
func (r *Rules) SelectIssuer(t *Token) (*Policy, *diagnosis.Failure) {
	if i := r.policy(t); i >= 0 {
		return &r.Issuers[i], nil
	}
	return nil, t.damaged(r.refuseIssuer(t))
}

// policy returns the index of the policy that iss names, -1 if there is none.
func (r *Rules) policy(t *Token) int {
	v, present := t.Claims["iss"]
	if !present {
		if len(r.Issuers) == 1 && r.Issuers[0].AcceptMissingIssuer {
			return 0
		}
		return -1
	}
	iss, isText := v.(string)
	if !isText {
		return -1
	}
	return slices.IndexFunc(r.Issuers, func(p Policy) bool { return p.Issuer == iss })
}

// candidates returns the policies that may still judge the token: the named one,
// or all of them.
func (r *Rules) candidates(t *Token) []Policy {
	if i := r.policy(t); i >= 0 {
		return r.Issuers[i : i+1]
	}
	return r.Issuers
}

func (r *Rules) refuseIssuer(t *Token) *diagnosis.Failure {
	v, present := t.Claims["iss"]
	if !present {
		return diagnosis.Fail(diagnosis.IssuerMissing, withHint("no iss", t))
	}
	iss, isText := v.(string)
	if !isText {
		return diagnosis.Fail(diagnosis.IssuerUntrusted, "iss is not a string")
	}
	for i := range r.Issuers {
		if configured := r.Issuers[i].Issuer; nearIssuers(configured, iss) {
			return diagnosis.Fail(diagnosis.IssuerNearMiss, "expected "+quote(configured)+", received "+quote(iss))
		}
	}
	names := make([]string, len(r.Issuers))
	for i := range r.Issuers {
		names[i] = r.Issuers[i].Issuer
	}
	return diagnosis.Fail(diagnosis.IssuerUntrusted, withHint("expected "+oneOf(names)+", received "+quote(iss), t))
}

// nearIssuers reports whether two names differ only in what spellings of one
// issuer differ in: case, white space, scheme, port, trailing slashes, and the
// long form of a PingAM realm path (/realms/root/realms/alpha for /alpha). It
// serves messages only.
//
// A port counts as spelling when one of the two is a default port or left out,
// as happens behind a load balancer. Two ports of a host's own are two servers.
func nearIssuers(a, b string) bool {
	plainA, portA := plainIssuer(a)
	plainB, portB := plainIssuer(b)
	return plainA == plainB && (portA == portB || portA == "" || portB == "")
}

// plainIssuer returns an issuer without its differences in spelling, and its
// port unless that is a default one.
func plainIssuer(s string) (plain, port string) {
	s = strings.ToLower(strings.TrimSpace(s))
	if _, rest, ok := strings.Cut(s, "://"); ok {
		s = rest
	}
	host, path, _ := strings.Cut(s, "/")
	if at := strings.LastIndexByte(host, ':'); at >= 0 && isPort(host[at+1:]) {
		host, port = host[:at], host[at+1:]
	}
	if port == "443" || port == "80" {
		port = ""
	}
	path = "/" + strings.TrimRight(path, "/") + "/"
	path = strings.ReplaceAll(path, "/realms/root/", "/")
	path = strings.ReplaceAll(path, "/realms/", "/")
	return host + path, port
}

func isPort(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}
