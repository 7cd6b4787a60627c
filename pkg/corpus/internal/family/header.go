package family

import (
	"strings"

	"kong-plugin-auth-diagnosis/pkg/corpus/internal/forge"
)

func header(b *book) {
	b.under("pingfederate", b.federate())
	good := b.federateToken()
	unsigned := func(t token) token {
		return t.forged("the signature is empty", func(string) []byte { return nil })
	}

	b.add("no alg", "a signature of an unknown kind proves nothing", "RFC 7515 4.1.1", good.noH("alg"), is("alg_missing"))
	b.add("alg null", "present, and not a name", "RFC 7515 4.1.1", good.h("alg", nil), is("alg_missing"))
	b.add("alg a number", "present, and not a name", "RFC 7515 4.1.1", good.h("alg", 256), is("alg_missing"))
	b.add("alg an array", "present, and not a name", "RFC 7515 4.1.1", good.h("alg", list{"RS256"}), is("alg_missing"))
	b.add("alg empty", "an empty name is none", "RFC 7515 4.1.1", good.h("alg", ""), is("alg_missing"))

	for _, none := range []string{"none", "None", "NONE", "nOnE"} {
		b.add("alg "+none+", unsigned", "an unsecured token", "CVE-2015-2951, RFC 7519 6", unsigned(good.h("alg", none)), is("alg_none"))
	}
	b.add("alg none, signed", "a signature behind it does not help", "CVE-2015-2951", good.h("alg", "none"), is("alg_none"))
	b.add("alg none, expired", "the attack is told, not the age", "CVE-2015-2951", unsigned(good.h("alg", "none").expires(clock-5000)), is("alg_none"))

	// The modulus as text stands for the published key: what is published cannot
	// be a secret, in whatever encoding.
	published := []byte(b.ring["federate-rsa"].Public())
	confused := func(alg string) token {
		return good.h("alg", alg).forged("HMAC with the published key as the secret", func(in string) []byte { return forge.HMAC(published, in) })
	}
	b.add("alg HS256 with the public key", "key confusion", "CVE-2016-10555, Wycheproof JWS tc31", confused("HS256"), is("alg_symmetric_forbidden"))
	b.add("alg HS384", "every HMAC", "CVE-2016-10555", confused("HS384"), is("alg_symmetric_forbidden"))
	b.add("alg HS512", "every HMAC", "CVE-2016-10555", confused("HS512"), is("alg_symmetric_forbidden"))
	b.add("alg HS256 without kid", "as PingFederate signs with a symmetric key", "PingFederate symmetric keys", confused("HS256").noH("kid"), is("alg_symmetric_forbidden"))

	for _, a := range []struct{ alg, source string }{
		{"rs256", "RFC 7515 4.1.1: names have case"}, {"ES256K", "RFC 8812"}, {"RS1", "RFC 8812"}, {"Ed448", "RFC 9864"},
		{"RSA-OAEP", "an encryption algorithm"}, {"RS256 ", "a space more"}, {"dir", "an encryption algorithm"}, {"http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", "XML signatures"},
	} {
		b.add("alg "+a.alg, "not an algorithm that is known here", a.source, good.h("alg", a.alg), is("alg_unsupported"))
	}
	only := config("issuers", list{with(federateTrust(), object{"algorithms": list{"PS256", "ES256"}})})
	b.add("alg not in the list", "RS256 where PS256 and ES256 are allowed", "issuers.algorithms", good, is("alg_not_allowed"), only)
	b.add("alg in the list", "the other way round", "issuers.algorithms", good.by(b.ring["federate-p256"], "ES256"), passes(), only)

	b.add("crit with an unknown name", "a recipient must understand it or refuse", "RFC 7515 4.1.11; golang-jwt ignores it", good.h("crit", list{"exp"}).h("exp", clock), is("crit_unsupported"))
	b.add("crit empty", "an empty list is not allowed either", "RFC 7515 4.1.11", good.h("crit", list{}), is("crit_unsupported"))
	b.add("crit that names nothing present", "nor is a name that is not in the header", "RFC 7515 4.1.11", good.h("crit", list{"x"}), is("crit_unsupported"))
	b.add("crit with b64", "an unencoded payload", "RFC 7797 6", good.h("crit", list{"b64"}).h("b64", false), is("crit_unsupported"))
	b.add("b64 false without crit", "a verifier that overlooks it checks another text", "RFC 7797 6", good.h("b64", false), is("crit_unsupported"))

	stranger := b.ring["stranger-rsa"]
	b.add("jwk", "the sender's own key, which verifies", "CVE-2018-0114, Wycheproof JWS tc32", good.h("jwk", object{"kty": "RSA", "n": stranger.N, "e": stranger.E}).secretly(stranger), is("embedded_key_forbidden"))
	b.add("jku", "the sender's own key set", "RFC 7515 4.1.2, jwt_tool", good.h("jku", "https://evil.example.com/jwks").secretly(stranger), is("embedded_key_forbidden"))
	b.add("jku of the trusted issuer", "no address is taken from a token, not even a right one", "GO-2026-5363", good.h("jku", federateKeys), is("embedded_key_forbidden"))
	b.add("x5u", "the sender's own certificate's address", "RFC 7515 4.1.5", good.h("x5u", "https://evil.example.com/cert.pem"), is("embedded_key_forbidden"))
	b.add("x5c", "the sender's own certificate", "RFC 7515 4.1.6", good.h("x5c", list{"MIIBszCCAVmgAwIBAgIU"}), is("embedded_key_forbidden"))

	b.add("cty JWT", "a token in a token", "RFC 7519 5.2", good.h("cty", "JWT"), is("nested_token_unsupported"))
	b.add("cty application/jwt", "the same, written out", "RFC 7519 5.2", good.h("cty", "application/jwt"), is("nested_token_unsupported"))
	b.add("cty of something else", "another content type says nothing about the token", "RFC 7515 4.1.10", good.h("cty", "json"), passes())

	demanding := config("issuers", list{with(federateTrust(), object{"require_kid": true})})
	b.add("no kid where it is demanded", "the issuer's setting", "require_kid", good.noH("kid"), is("kid_missing"), demanding)
	b.add("kid where it is demanded", "the other way round", "require_kid", good, passes(), demanding)

	for _, k := range []struct {
		name  string
		value any
	}{
		{"a number", 7}, {"null", nil}, {"an object", object{"$ne": ""}}, {"empty", ""}, {"257 bytes", strings.Repeat("k", 257)},
		{"SQL", "x' UNION SELECT 'secret';--"}, {"a line break", "a\r\nX-Admin: 1"}, {"a NUL", "key\x00.pem"},
		{"markup", "<script>"}, {"letters beyond ASCII", "schlüssel"}, {"a backslash", `..\..\key`},
	} {
		b.add("kid: "+k.name, "a kid is looked up in a map and nowhere else, and this is none", "jwt_tool: kid injection", good.h("kid", k.value), is("kid_invalid"))
	}
	b.add("kid: a path", "looked up like any other, and not found", "jwt_tool: kid injection", good.h("kid", "../../../../dev/null"), is("kid_unknown"))
	b.add("kid: a URL", "looked up like any other, and never fetched", "jwt_tool: kid injection", good.h("kid", "https://evil.example.com/key"), is("kid_unknown"))
}
