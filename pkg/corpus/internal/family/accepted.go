package family

import (
	"math/big"

	"kong-plugin-auth-diagnosis/pkg/corpus/internal/forge"
)

func accepted(b *book) {
	b.under("pingfederate", b.federate())
	good, ok := b.federateToken(), passes()

	for _, a := range []struct{ algorithm, key string }{
		{"RS256", "federate-rsa"}, {"RS384", "federate-rsa-next"}, {"RS512", "federate-rsa-3072"},
		{"PS256", "federate-rsa"}, {"PS384", "federate-rsa-next"}, {"PS512", "federate-rsa-3072"},
		{"ES256", "federate-p256"}, {"ES384", "federate-p384"}, {"ES512", "federate-p521"},
		{"EdDSA", "federate-ed25519"},
	} {
		b.add(a.algorithm, "each algorithm that may be configured works", "RFC 7518 3.1, RFC 8037 3.1",
			good.by(b.ring[a.key], a.algorithm), ok.upstream("X-Authenticated-Userid", "maria.keller"))
	}
	b.add("ES256 with a high s", "JWS has no rule for a low s: both of the two valid signatures hold", "RFC 7518 3.4",
		good.by(b.ring["federate-p256"], "ES256").damaged("s is replaced by n - s", segment(2, func(s string) string { return mirror(b.ring["federate-p256"], s) })), ok)

	b.add("scheme in lower case", "schemes are compared without regard to case", "RFC 9110 11.1", authorized("bearer "+good.String()), ok)
	b.add("scheme in upper case", "schemes are compared without regard to case", "RFC 9110 11.1", authorized("BEARER "+good.String()), ok)
	b.add("several spaces behind the scheme", "RFC 9110 11.4 allows more than one", "RFC 9110 11.4", authorized("Bearer   "+good.String()), ok)
	b.add("spaces at both ends of the line", "white space around a field's value is no part of it", "RFC 9110 5.5", authorized("  Bearer "+good.String()+" "), ok)
	b.add("the same line twice", "two lines that say the same are no conflict", "", headers{"authorization": {line(good), line(good)}}, ok)

	b.add("no typ", "typ is optional unless the route demands it", "RFC 7519 5.1", good.noH("typ"), ok)
	b.add("typ JWT", "the usual value", "RFC 7519 5.1", good.h("typ", "JWT"), ok)
	b.add("typ in other case", "media types are compared without regard to case", "RFC 2045 5.1", good.h("typ", "AT+JWT"), ok)
	b.add("typ with application/", "the prefix may be written out", "RFC 7515 4.1.9", good.h("typ", "application/at+jwt"), ok)
	b.add("thumbprints in the header", "x5t and x5t#S256 name a key and bring none", "RFC 7515 4.1.7", good.h("x5t", "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs").h("x5t#S256", "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"), ok)
	b.add("unknown header members", "what is not understood and not critical is ignored", "RFC 7515 4", good.h("x-trace", "17").h("zip", "none"), ok)

	b.add("audience as an array", "one of several audiences is enough", "RFC 7519 4.1.3", good.c("aud", list{"https://other.example.com", audience}), ok)
	b.add("audience as an array of one", "an array of one equals a string", "RFC 7519 4.1.3", good.c("aud", list{audience}), ok)
	b.add("no iat", "iat is needed only where lifetimes are limited", "RFC 7519 4.1.6", good.noC("iat"), ok)
	b.add("exp with a fraction", "a NumericDate may have decimals", "RFC 7519 2", good.cRaw("exp", "1772366430.5"), ok)
	b.add("exp with an exponent", "a JSON number is a number however it is written", "RFC 8259 6", good.cRaw("exp", "1.772370e9"), ok)
	b.add("white space in the JSON", "JSON allows it between tokens", "RFC 8259 2",
		good.payloadIs("{\r\n\t\"iss\" : \""+federateIssuer+"\" ,\n \"aud\":[ \""+audience+"\" ], \"exp\" :1772370000 , \"sub\":\"maria.keller\"}\n"), ok)
	b.add("escapes in the JSON", "an escaped character is that character", "RFC 8259 7",
		good.payloadIs(`{"\u0069ss":"https:\/\/sso.example.com:9031","aud":"https:\/\/api.example.com\/orders","exp":1772370000,"sub":"maria\u002ekeller"}`).noH("typ"), ok.upstream("X-Authenticated-Userid", "maria.keller"))
	b.add("claims in other scripts", "UTF-8 is allowed in a value, but no header carries it", "RFC 7519 1", good.c("sub", "Ωμέγα-Ünal-李"), ok.upstream("X-Authenticated-Userid", "").finding("claim_not_forwarded"))
	b.add("a name twice, in two objects", "names need to be unique within one object only", "RFC 7519 4", good.c("act", object{"sub": "gateway"}).c("may_act", object{"sub": "agent"}), ok)
	b.add("nested to the limit", "sixteen levels, the payload itself being the first", "", good.cRaw("deep", nested(15)), ok)
	b.add("longest key ID", "a kid of 256 bytes may be looked up", "", good.h("kid", longKid), ok,
		document(federateKeys, set(withKid(b.ring["federate-rsa"], longKid).Public("use", `"sig"`))))
	b.add("identity that the client claims", "what names the caller to the service is cleared before the claim is set", "CVE-2025-64484 and the like",
		good.with(headers{"x-authenticated-userid": {"root"}, "x-consumer-id": {"1"}, "x-consumer-username": {"root"}, "x-auth-diagnosis": {"accepted"}}),
		ok.upstream("X-Authenticated-Userid", "maria.keller").upstream("X-Consumer-ID", "").upstream("X-Consumer-Username", "").upstream("X-Auth-Diagnosis", ""))
	b.add("a header of one's own", "outside Authorization a token may come without a scheme", "", headers{"x-token": {good.String()}}, ok, config("header_names", list{"authorization", "x-token"}))
	b.add("the same token in two headers", "saying a thing twice is no conflict", "", good.with(headers{"x-token": {good.String()}}), ok, config("header_names", list{"authorization", "x-token"}))
	b.add("a damaged line beside a good one", "a good credential counts whatever stands beside it", "", headers{"authorization": {""}, "x-token": {good.String()}}, ok, config("header_names", list{"authorization", "x-token"}))
}

// longKid is as long as a kid may be.
var longKid = string(bytesOf('k', 256))

func bytesOf(c byte, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = c
	}
	return b
}

// withKid is the same key under another kid.
func withKid(k *forge.Key, kid string) *forge.Key {
	twin := *k
	twin.Kid = kid
	return &twin
}

// nested is an array in an array, so many levels deep.
func nested(levels int) string {
	return string(bytesOf('[', levels)) + string(bytesOf(']', levels))
}

// mirror replaces s of an ECDSA signature by n - s.
func mirror(k *forge.Key, segment string) string {
	sig := decode(segment)
	half := len(sig) / 2
	s := new(big.Int).SetBytes(sig[half:])
	s.Sub(k.Order(), s).FillBytes(sig[half:])
	return forge.B64(sig)
}
