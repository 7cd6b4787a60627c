package diagnosis

// The rows about issuers, keys, the fetches that bring them, and signatures.

var keyRows = []Row{
	{IssuerMissing, FamilyKey, hops(IdP), Definite, 401, InvalidToken, "the token names no issuer", "set the issuer in the access token manager, or accept_missing_issuer", ""},
	{IssuerUntrusted, FamilyKey, hops(Gateway, Client, Edge), Definite, 401, InvalidToken, "the token's issuer is not trusted here", "get the token from the right environment, or add its issuer to issuers", ""},
	{IssuerNearMiss, FamilyKey, hops(Gateway), Definite, 401, InvalidToken, "the token's issuer differs from a trusted one only in spelling", "copy the iss claim into issuers exactly (slash, case, scheme, port)", ""},
	{KidUnknown, FamilyKey, hops(IdP, Client), Definite, 401, InvalidToken, "the issuer does not publish the key that signed this token", "check the environment and that jwks_uris holds this token's keys", ""},
	{KidUnknownThrottled, FamilyKey, hops(Gateway, IdP), Definite, 503, "", "the key that signed this token is being looked up", "repeat the request after Retry-After", ""},
	{KidRetired, FamilyKey, hops(Client), Definite, 401, InvalidToken, "the token names a key that the issuer has withdrawn", "get a new access token", ""},
	{KidOtherIssuer, FamilyKey, hops(Client), Definite, 401, InvalidToken, "the token names a key of another issuer", "get the token from the issuer it names", ""},
	{KidAmbiguous, FamilyKey, hops(IdP), Definite, 401, InvalidToken, "the issuer publishes several keys under one key ID", "publish unique key IDs", ""},
	{KeyUseForbidden, FamilyKey, hops(IdP), Definite, 401, InvalidToken, "the key is not published for signatures", "publish the key with use sig", ""},
	{KeyUnusable, FamilyKey, hops(IdP), Definite, 401, InvalidToken, "the published key cannot be used", "fix this key in the issuer's JWKS", ""},
	{KeyTooWeak, FamilyKey, hops(IdP), Definite, 401, InvalidToken, "the published key is too weak", "rotate to an RSA key of 2048 bits or more", ""},
	{JWKSNeverLoaded, FamilyKey, hops(IdP, Gateway), Definite, 503, "", "no key of this issuer has been loaded yet", "repeat the request; if it stays, check the issuer's JWKS URL", ""},
	{JWKSStaleExpired, FamilyKey, hops(IdP, Gateway), Definite, 503, "", "the issuer's keys could not be refreshed for too long", "restore the issuer's JWKS endpoint", "seconds since the last good fetch"},
}

var fetchRows = []Row{
	{JWKSDNS, FamilyKey, hops(Gateway, IdP), Definite, 503, "", "the key server's name does not resolve", "check the JWKS host name and the gateway's DNS", ""},
	{JWKSConnect, FamilyKey, hops(Gateway, IdP), Definite, 503, "", "the key server refuses connections", "check the firewall and that the key server runs", ""},
	{JWKSTimeout, FamilyKey, hops(Gateway, IdP), Definite, 503, "", "the key server did not answer in time", "check the way to the key server; raise jwks.timeout if it is slow", ""},
	{JWKSTLSUntrusted, FamilyKey, hops(Gateway, IdP), Definite, 503, "", "the key server's certificate is not trusted", "add its CA to jwks.ca_certificates", ""},
	{JWKSTLSHostname, FamilyKey, hops(Gateway, IdP), Definite, 503, "", "the key server's certificate names another host", "use the host name that the certificate names", ""},
	{JWKSTLSExpired, FamilyKey, hops(IdP, Gateway), Definite, 503, "", "the key server's certificate is outside its validity", "renew the key server's certificate; check the gateway's clock", ""},
	{JWKSTLSHandshake, FamilyKey, hops(Gateway, IdP), Definite, 503, "", "the TLS handshake with the key server failed", "check the URL's scheme and port and the TLS versions", ""},
	{JWKSProxy, FamilyKey, hops(Gateway, IdP), Definite, 503, "", "the proxy towards the key server failed", "check jwks.http_proxy", ""},
	{JWKSStatus, FamilyKey, hops(IdP), Definite, 503, "", "the key server answered with an error", "open the JWKS URL from the gateway's host and fix what it answers", "HTTP status"},
	{JWKSRedirect, FamilyKey, hops(IdP, Edge), Definite, 503, "", "the key server redirects, which is not followed", "configure the final JWKS URL", "HTTP status"},
	{JWKSNotJSON, FamilyKey, hops(Edge), Definite, 503, "", "the key server's answer is not JSON", "look for a login or block page in front of the JWKS URL", ""},
	{JWKSInvalid, FamilyKey, hops(IdP), Definite, 503, "", "the key server's answer is not a key set", "configure a URL that answers with a JWKS", ""},
	{JWKSEmpty, FamilyKey, hops(IdP), Definite, 503, "", "the key server publishes no usable key", "publish a signature key; check that this JWKS belongs to the access token manager", ""},
	{JWKSTooLarge, FamilyKey, hops(IdP), Definite, 503, "", "the key server's answer is too large", "configure a URL that answers with a JWKS", ""},
	{DiscoveryFailed, FamilyKey, hops(Gateway, IdP), Definite, 503, "", "the issuer's discovery document could not be loaded", "check the issuer URL, or set jwks_uris", ""},
	{DiscoveryIssuerMismatch, FamilyKey, hops(Gateway, IdP), Definite, 503, "", "the discovery document names another issuer", "copy its issuer into issuers exactly, or set jwks_uris", ""},
	{DiscoveryNoJWKSURI, FamilyKey, hops(IdP, Gateway), Definite, 503, "", "the discovery document names no jwks_uri", "set jwks_uris", ""},
}

var signatureRows = []Row{
	{SignatureInvalid, FamilySignature, hops(Client, Edge), Weak, 401, InvalidToken, "the signature does not fit the token", "send the token exactly as issued, from the right environment", ""},
	{SignatureLength, FamilySignature, hops(Client, Edge), Weak, 401, InvalidToken, "the signature has the wrong length for its key", "send the token exactly as issued", "bytes over the right length"},
	{SignatureOtherKey, FamilySignature, hops(IdP), Definite, 401, InvalidToken, "the token was signed with another key than it names", "fix the key ID that the issuer writes", ""},
	{SignatureKeyReusedKid, FamilySignature, hops(IdP), Definite, 401, InvalidToken, "the key under this kid was replaced", "get a new access token; publish unique key IDs", ""},
}
