// Package ping is a stand-in for an identity provider of the Ping family: it issues
// access tokens in the shapes of PingFederate, PingOne and PingAM and publishes the
// keys to check them with. It is for demos and tests: its keys live in memory, its
// client table is in plain text, and it can be told to fail.
//
// Where to look:
//   - [Start], [Options], [Issuer]: one running issuer; [Product] its three shapes.
//   - [Issuer.Token], [TokenOption]: tokens minted in-process, right or wrong on purpose.
//   - [KeySet]: signing keys and their rotation; [Key], [NewKey]: a key from elsewhere.
//   - [Issuer.Break], [Issuer.Refuse], [Failure]: an issuer on a bad day.
//   - [AlgNone], [Tamper], [Truncate] and the rest of forge.go: what an attacker or a
//     careless hop makes of a good token.
//
// Served per product, all below [Issuer.BaseURL]:
//
//	PingFederate  /.well-known/openid-configuration  /pf/JWKS  /ext/…  /as/token.oauth2
//	PingOne       /ENV/as/.well-known/openid-configuration  /ENV/as/jwks  /ENV/as/token
//	PingAM        /am/oauth2/alpha/.well-known/openid-configuration  …/connect/jwk_uri  …/access_token
package ping
