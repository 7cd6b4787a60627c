package token

import "regexp"

// Product names a Ping product by the shape of its tokens. It rests on
// unverified claims and serves messages only, never a decision.
type Product string

// Products that can be told apart.
const (
	UnknownProduct Product = ""
	PingFederate   Product = "PingFederate"
	PingOne        Product = "PingOne"
	PingAM         Product = "PingAM"
)

var pingOneIssuer = regexp.MustCompile(`^https://auth\.pingone\.[a-z.]+/`)

// Product recognises the product that seems to have issued the token.
func (t *Token) Product() Product {
	switch c := t.Claims; {
	case t.Header.Has("pi.atm"):
		return PingFederate
	case pingOneIssuer.MatchString(t.Issuer()), c.has("env") && c.has("org"):
		return PingOne
	case c.has("cts"), c.has("auditTrackingId"), c.has("tokenName"):
		return PingAM
	}
	return UnknownProduct
}

// Hint says for an operator where the token seems to come from, "" if unknown.
// With PingFederate it names the access token manager: each has key sets,
// issuer and audience settings of its own.
func (t *Token) Hint() string {
	p := t.Product()
	if p == UnknownProduct {
		return ""
	}
	hint := "it looks like a token of " + string(p)
	if atm, ok := t.Header.members["pi.atm"].(string); ok {
		hint += ", access token manager index " + quote(atm)
	}
	return hint
}

func withHint(detail string, t *Token) string { return hinted(detail, t.Hint()) }

func hinted(detail, hint string) string {
	if hint != "" {
		return detail + "; " + hint
	}
	return detail
}
