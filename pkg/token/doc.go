// Package token judges compact JWTs (RFC 7515, RFC 7519) as access tokens.
//
// The stages stand in the order in which a request flow calls them; each gives
// a [diagnosis.Failure] or nothing:
//
//	[Parse]                structure: segments, base64url, strict JSON
//	[Rules.CheckHeader]    what the header may say, before any key is looked up
//	[Rules.SelectIssuer]   the trusted issuer, by its exact name
//	[VerifyWith]           the signature, against keys of that issuer alone
//	[Rules.Judge]          kind, time, claims and authorization, all collected
//
// Nothing about a claim is reported before the signature holds: a forger must
// not learn from the answers what a token would have to say.
//
// The package is pure: keys and the time come in as values, nothing is fetched,
// logged or remembered. golang-jwt checks signatures. Everything around them is
// done here because general JWT libraries are laxer than a gateway may be: they
// take duplicate member names, ignore crit, accept any PSS salt length and lose
// the exact digits of numbers.
//
// A failure's Detail is for operators. It holds names (issuer, audience, key ID,
// algorithm, type, claim) and counts, never another claim's value and never
// bytes of the token.
package token
