package family

import (
	"fmt"

	"kong-plugin-auth-diagnosis/pkg/corpus/internal/forge"
)

func key(b *book) {
	b.under("pingfederate", b.federate())
	good := b.federateToken()
	rsa, next := b.ring["federate-rsa"], b.ring["federate-rsa-next"]
	published := func(jwks ...string) change { return document(federateKeys, set(jwks...)) }
	beside := func(jwk string) change { return document(federateKeys, b.federateSet(jwk)) }

	b.add("unknown kid", "the set was fetched just now and does not have it", "RFC 7515 4.1.4", good.h("kid", "not-published"), is("kid_unknown"))
	b.add("unknown kid, no longer fresh enough to tell", "a refresh runs beside the request; the token may be good", "", good.h("kid", "not-published"), is("kid_unknown_throttled").retry(1), started(31))
	b.add("unknown kid at the end of the cooldown", "29 seconds after the fetch its word still counts", "unknown_kid_cooldown", good.h("kid", "not-published"), is("kid_unknown"), started(29))
	b.add("known kid, long after the fetch", "a known key never waits", "", good, passes(), started(899))

	b.add("no kid", "every key that fits is tried", "PingFederate: Include Key ID Header Parameter off", good.noH("kid"), passes())
	b.add("no kid, signed by the pending key", "not only the first", "PingFederate dynamic keys", good.secretly(next).noH("kid"), passes())
	b.add("no kid, signed by an EC key", "keys of another kind are not tried", "", good.by(b.ring["federate-p384"], "ES384").noH("kid"), passes())
	b.add("no kid, signed by a stranger", "none of them has signed it", "", good.secretly(b.ring["stranger-rsa"]).noH("kid"), is("signature_invalid"))
	b.add("no kid, EdDSA where only RSA is published", "no key fits the algorithm", "", good.by(b.ring["federate-ed25519"], "EdDSA").noH("kid"), is("alg_key_mismatch"), published(rsa.Public()))
	many := make([]string, 12)
	for i := range many {
		k := *b.ring["stranger-p256"]
		if i%2 == 0 {
			k = *b.ring["federate-p256"]
		}
		many[i] = withKid(&k, fmt.Sprintf("k%d", i)).Public("use", `"sig"`)
	}
	b.add("no kid, one key under many names", "the same key counts once, so it is tried", "PingFederate publishes <kid> and <kid>_RS256", good.by(b.ring["federate-p256"], "ES256").noH("kid"), passes(), published(many...))
	b.add("no kid, more keys than are tried", "nine that fit, and the first eight have not signed it", "", good.secretly(b.ring["stranger-rsa"]).noH("kid"), is("kid_missing"), published(nineModuli(rsa)...))

	b.add("the key's second name", "PingFederate publishes a key per algorithm too", "PingFederate kid suffix _RS256", good.h("kid", rsa.Kid+"_RS256"), passes())
	b.add("the second name with another algorithm", "that name is bound to RS256", "PingFederate kid suffix _RS256", good.by(withKid(rsa, rsa.Kid+"_RS256"), "RS512"), is("alg_key_mismatch"))
	b.add("one kid, two keys, one has signed", "both are tried", "Wycheproof JWK tc4", good, passes(), published(withKid(next, rsa.Kid).Public(), rsa.Public()))
	b.add("one kid, two keys, none has signed", "which of the two was meant cannot be told", "Wycheproof JWK tc4", good.secretly(b.ring["stranger-rsa"]), is("kid_ambiguous"), published(withKid(next, rsa.Kid).Public(), rsa.Public()))
	b.add("one kid, one key twice, a stranger signed", "the same key twice is one key", "", good.secretly(b.ring["stranger-rsa"]), is("signature_invalid"), published(rsa.Public(), rsa.Public("use", `"sig"`)))
	b.add("one kid, an RSA and an EC key", "the algorithm picks the one that fits", "", good, passes(), published(withKid(b.ring["federate-p256"], rsa.Kid).Public(), rsa.Public()))

	b.add("key for encryption", "use enc", "Wycheproof JWS tc353, tc354; PingFederate publishes both in one set", good.by(b.ring["federate-encryption"], "RS256"), is("key_use_forbidden"))
	b.add("key of an unknown use", "only sig will do", "RFC 7517 4.2, Wycheproof JWK tc21", good, is("key_use_forbidden"), published(rsa.Public("use", `"verify"`), next.Public()))
	b.add("key_ops without verify", "a key to sign with is not one to verify with", "RFC 7517 4.3, Wycheproof JWS tc355, tc356", good, is("key_use_forbidden"), published(rsa.Public("key_ops", `["encrypt","wrapKey"]`), next.Public()))
	b.add("key_ops with verify", "among others", "RFC 7517 4.3", good, passes(), published(rsa.Public("key_ops", `["verify","encrypt"]`)))
	b.add("no kid, only an encryption key has signed", "it is not tried", "PingFederate", good.secretly(b.ring["federate-encryption"]).noH("kid"), is("signature_invalid"))

	mismatch := is("alg_key_mismatch")
	b.add("RS256 with an EC key", "the key's kind fixes the algorithm's family", "RFC 8725 3.1", good.h("kid", b.ring["federate-p256"].Kid), mismatch)
	b.add("ES256 with an RSA key", "in the other direction", "RFC 8725 3.1", good.h("alg", "ES256").signedAs("ES256").secretly(b.ring["federate-p256"]), mismatch)
	b.add("ES256 with a P-384 key", "the curve belongs to the algorithm", "RFC 7518 3.4", good.h("alg", "ES256").h("kid", b.ring["federate-p384"].Kid).signedAs("ES256").secretly(b.ring["federate-p256"]), mismatch)
	b.add("ES512 with a P-256 key", "P-521 is meant, whatever the number says", "RFC 7518 3.4", good.h("alg", "ES512").h("kid", b.ring["federate-p256"].Kid).signedAs("ES512").secretly(b.ring["federate-p521"]), mismatch)
	b.add("EdDSA with an RSA key", "the key's kind fixes the algorithm's family", "RFC 8037 3.1", good.h("alg", "EdDSA").signedAs("EdDSA").secretly(b.ring["federate-ed25519"]), mismatch)
	b.add("key bound to PS256, token RS256", "alg of the key", "RFC 7517 4.4, Wycheproof JWS tc346", good, mismatch, published(rsa.Public("alg", `"PS256"`), next.Public()))
	b.add("key bound to an encryption algorithm", "alg of the key", "RFC 7517 4.4", good, mismatch, published(rsa.Public("alg", `"RSA-OAEP"`), next.Public()))

	unusable := is("key_unusable")
	kid := `"kid":` + forge.JSON(rsa.Kid)
	for _, k := range []struct{ name, jwk, source string }{
		{"no modulus", `{"kty":"RSA",` + kid + `,"e":"AQAB"}`, "RFC 7518 6.3.1"},
		{"modulus not base64url", `{"kty":"RSA",` + kid + `,"n":"!!!!","e":"AQAB"}`, "RFC 7518 2"},
		{"modulus a number", `{"kty":"RSA",` + kid + `,"n":17,"e":"AQAB"}`, "RFC 7517 4"},
		{"symmetric", `{"kty":"oct",` + kid + `,"k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}`, "Wycheproof JWK tc1"},
		{"private key published", rsa.Public("d", forge.JSON(rsa.D)), "RFC 7518 9.3"},
		{"unknown kind", `{"kty":"AKP",` + kid + `,"pub":"AAAA"}`, "ML-DSA drafts"},
		{"no kind", `{` + kid + `,"n":"` + rsa.N + `","e":"AQAB"}`, "RFC 7517 4.1"},
		{"unsupported curve", `{"kty":"EC",` + kid + `,"crv":"secp256k1","x":"AAAA","y":"AAAA"}`, "RFC 8812"},
		{"point off the curve", `{"kty":"EC",` + kid + `,"crv":"P-256","x":"` + b.ring["federate-p256"].X + `","y":"` + b.ring["federate-p256"].X + `"}`, "invalid curve attacks"},
		{"Ed25519 key of the wrong length", `{"kty":"OKP",` + kid + `,"crv":"Ed25519","x":"AAAA"}`, "RFC 8037 2"},
		{"a modulus of 16,384 bits", `{"kty":"RSA",` + kid + `,"n":"` + forge.B64(bytesOf(0xc5, 2048)) + `","e":"AQAB"}`, "denial of service by key size"},
	} {
		b.add("unusable: "+k.name, "the key that the token names cannot be used, and others of the set still can", k.source, good, unusable, published(k.jwk, next.Public()))
	}
	b.add("beside an unusable key", "one bad key does not spoil the set", "RFC 7517 5", good, passes(), beside(`{"kty":"RSA","kid":"broken","e":"AQAB"}`))
	b.add("beside what is no key", "nor does an element that is no object", "RFC 7517 5", good, passes(), beside(`"not a key"`))

	weak := is("key_too_weak")
	b.add("RSA of 1024 bits", "signed with it, and that is too weak", "RFC 7518 3.3, Wycheproof JWK tc8", good.by(b.ring["weak-1024"], "RS256"), weak, beside(b.ring["weak-1024"].Public()))
	b.add("RSA with exponent 3", "signed with it, and that is too weak", "Bleichenbacher 2006", good.by(b.ring["weak-exponent-3"], "RS256"), weak, beside(b.ring["weak-exponent-3"].Public()))
	identity := withKid(rsa, "exponent-1")
	identity.E = "AQ"
	b.add("RSA with exponent 1", "everybody can sign for it", "Wycheproof JWK tc7-9", good.h("kid", "exponent-1"), weak, beside(identity.Public()))
}

// nineModuli are keys that fit RS256 and have signed nothing: their moduli are
// the key's, with the last bytes changed.
func nineModuli(k *forge.Key) []string {
	jwks := make([]string, 9)
	for i := range jwks {
		n := decode(k.N)
		n[len(n)-2] ^= byte(i + 1)
		twin := withKid(k, fmt.Sprintf("m%d", i))
		twin.N = forge.B64(n)
		jwks[i] = twin.Public("use", `"sig"`)
	}
	return jwks
}
