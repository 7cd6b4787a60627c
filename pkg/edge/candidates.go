package edge

import (
	"slices"

	"kong-plugin-auth-diagnosis/pkg/diagnosis"
)

// Candidates lists what is known to cause such a failure and leaves no trace of
// its own, or one that fits much else too. It accuses nobody: it is for people
// who look for the rule, at the full level and in the log. f is a failure that
// [Explain] had nothing to say of.
func Candidates(f *diagnosis.Failure, s Seen) (may []string) {
	for i := range candidates {
		if c := &candidates[i]; len(may) < maxCandidates && slices.Contains(c.codes, f.Code) && c.seen(&s) {
			may = append(may, c.says)
		}
	}
	return may
}

// maxCandidates bounds what is listed: a detail has room for little more, and
// nobody reads it.
const maxCandidates = 5

// candidate is a sign that is too weak for an accusation.
type candidate struct {
	codes []diagnosis.Code
	name  string // for testdata/observed.json
	seen  func(*Seen) bool
	says  string
}

// candidates have the more telling first. What fits every request that lacks its
// credential is only told of those that some hop has passed on.
var candidates = []candidate{
	{onMissing, "AWS sign-in", header("x-amzn-oidc-data", "x-amzn-oidc-identity"), "an AWS load balancer signed the user in and keeps the identity in x-amzn-oidc-data"},
	{onMissing, "Cloudflare Access", header("cf-access-jwt-assertion"), "Cloudflare Access signed the user in and keeps the identity in cf-access-jwt-assertion"},
	{onMissing, "Identity-Aware Proxy", header("x-goog-iap-jwt-assertion"), "Google's Identity-Aware Proxy signed the user in and keeps the identity in x-goog-iap-jwt-assertion"},
	{onMissing, "AWS signature", header("x-amzn-apigateway-api-id"), "AWS API Gateway signs for its integrations and drops Authorization then"},
	{onMissing, "underscores", all((*Seen).forwarded, func(s *Seen) bool { return slices.ContainsFunc(s.names(), unfitName) }), "a hop that drops header names with an underscore or a dot (nginx, AWS, Envoy)"},
	{onMissing, "F5 rule", all(authorized, (*Seen).throughF5), "an LTM policy or iRule that removes the header (tmsh list ltm policy; tmsh list ltm rule)"},
	{onMissing, "proxy rule", all(authorized, (*Seen).forwarded), "a proxy's rule that removes the header (F5 policy or iRule, nginx proxy_set_header, Traefik removeHeader)"},
	{onMissing, "forward proxy", all(authorized, header("via")), "a forward proxy that signs in or strips (Zscaler, Blue Coat)"},
	{onMissing, "redirect", all(authorized, (*Seen).forwarded), "a redirect to another host or port, at which clients drop the header"},
	{codes(diagnosis.SchemeMissing), "scheme cut", (*Seen).forwarded, "a hop that cuts the scheme off (nginx auth_jwt modules, an F5 APM variable without Bearer before it)"},
	{codes(diagnosis.SchemeRepeated), "scheme added", (*Seen).forwarded, "a hop that adds the scheme to a value that has it"},
	{onJoined, "header agent", (*Seen).forwarded, "a hop that appends instead of replacing (Apache, an F5 APM HTTP Headers agent)"},
	{codes(diagnosis.TokenBadCharset), "folded line", func(s *Seen) bool { return s.headerHolds(authorization, "  ") }, "a folded line that a hop unfolded to spaces (F5 LWS settings, base64 in lines of 76)"},
	{onSignature, "token exchange", (*Seen).forwarded, "a hop that exchanges or rewrites tokens"},
}
