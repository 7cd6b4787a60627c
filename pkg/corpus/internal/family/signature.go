package family

import (
	"math/big"
	"strings"

	"kong-plugin-auth-diagnosis/pkg/corpus/internal/forge"
)

func signature(b *book) {
	b.under("pingfederate", b.federate())
	good := b.federateToken()
	ec := good.by(b.ring["federate-p256"], "ES256")
	ed := good.by(b.ring["federate-ed25519"], "EdDSA")
	ps := good.by(b.ring["federate-rsa"], "PS256")
	invalid := is("signature_invalid")
	bits := func(n int, change func([]byte) []byte) func(string) string {
		return segment(n, func(s string) string { return forge.B64(change(decode(s))) })
	}

	richer := forge.Text(good.c("scope", "orders:read orders:write admin").payload.String())
	b.add("payload changed", "a scope added after signing", "", good.damaged("the payload replaced by one with another scope", segment(1, func(string) string { return richer })), invalid)
	b.add("exp moved", "a later expiry written into an old token", "", good.damaged("the payload replaced by one with a later exp", segment(1, func(string) string { return forge.Text(good.expires(clock + 999999).payload.String()) })), invalid)
	b.add("header changed", "typ changed after signing", "", good.damaged("the header replaced by one with another typ", segment(0, func(string) string { return forge.Text(good.h("typ", "JWT").header.String()) })), invalid)
	b.add("payload's white space changed", "the bytes are signed, not what they mean", "RFC 7515 5.2", good.damaged("a space put into the payload", segment(1, func(string) string { return forge.Text(good.payload.String() + " ") })), invalid)
	b.add("one bit of the signature", "any bit counts", "", good.damaged("one bit of the signature turned", bits(2, func(s []byte) []byte { s[100] ^= 1; return s })), invalid)
	b.add("signature of another token", "right key, other text", "", good.forged("the signature of another token", func(string) []byte { return good.key.Sign("RS256", "eyJhbGciOiJSUzI1NiJ9.e30") }), invalid)
	b.add("all zeros", "zero to any power is zero", "", good.forged("256 zero bytes", func(string) []byte { return make([]byte, 256) }), invalid)
	b.add("all ones", "larger than the modulus", "RFC 8017 5.2.2", good.forged("256 bytes of ff", func(string) []byte { return bytesOf(0xff, 256) }), invalid)

	b.add("a stranger's RSA key", "the kid is a lie", "", good.secretly(b.ring["stranger-rsa"]), invalid)
	b.add("a stranger's EC key", "the kid is a lie", "", ec.secretly(b.ring["stranger-p256"]), invalid)
	b.add("another key of the issuer", "the issuer mixed up its key IDs; the client is told no more than for a forgery", "", good.secretly(b.ring["federate-rsa-next"]), is("signature_other_key").as("signature_invalid"))
	b.add("the issuer's encryption key", "a key that is not for signatures is not even tried", "", good.secretly(b.ring["federate-encryption"]), invalid)

	b.add("RS256 said, PSS made", "the padding belongs to the algorithm", "", good.signedAs("PS256"), invalid)
	b.add("PS256 said, PKCS #1 made", "in the other direction", "", ps.signedAs("RS256"), invalid)
	b.add("RS256 said, RS512 made", "and the hash too", "", good.signedAs("RS512"), invalid)
	b.add("RS512 said, RS256 made", "and the hash too", "", good.h("alg", "RS512"), invalid)
	pss := func(salt int) token {
		return ps.forged("PSS with another salt length", func(in string) []byte { return ps.key.SignPSS("PS256", in, salt) })
	}
	b.add("PSS without salt", "the salt is as long as the hash", "RFC 7518 3.5, Wycheproof JWS tc281-286", pss(0), invalid)
	b.add("PSS with a salt of 20 bytes", "SHA-1's length, an old default", "RFC 7518 3.5, Wycheproof JWS tc281-286", pss(20), invalid)
	b.add("PSS with the longest salt", "222 bytes, the default of some libraries", "RFC 7518 3.5, Wycheproof JWS tc281-286", pss(222), invalid)

	zero := func(string) []byte { return make([]byte, 64) }
	b.add("ES256: r and s zero", "the psychic signature", "CVE-2022-21449, Wycheproof JWS tc386-401", ec.forged("r = s = 0", zero), invalid)
	order := ec.key.Order()
	b.add("ES256: r and s the order", "zero again, modulo the order", "CVE-2022-21449, Wycheproof JWS tc386-401", ec.forged("r = s = n", func(string) []byte { return append(order.Bytes(), order.Bytes()...) }), invalid)
	b.add("ES256: r zero", "r must lie between one and the order", "CVE-2022-21449", ec.damaged("r = 0", bits(2, func(s []byte) []byte { copy(s[:32], make([]byte, 32)); return s })), invalid)
	b.add("ES256: r and s exchanged", "the order of the halves is fixed", "", ec.damaged("r and s exchanged", bits(2, func(s []byte) []byte { return append(append([]byte{}, s[32:]...), s[:32]...) })), invalid)
	b.add("EdDSA: s plus the order", "a second spelling of one signature", "RFC 8032 5.1.7", ed.damaged("the group's order added to s", bits(2, addOrder)), invalid)
	b.add("EdDSA: zeros", "no signature of anything", "RFC 8032", ed.forged("64 zero bytes", zero), invalid)

	tooLong := is("signature_length")
	b.add("RS256 with a byte behind", "257 bytes for a key of 256", "RFC 8017 8.2.2", good.damaged("a zero byte put behind the signature", bits(2, func(s []byte) []byte { return append(s, 0) })), tooLong.n(1))
	b.add("RS256 with a byte before", "the same number, written longer", "RFC 8017 8.2.2", good.damaged("a zero byte put before the signature", bits(2, func(s []byte) []byte { return append([]byte{0}, s...) })), tooLong.n(1))
	b.add("RS256 twice", "pasted twice", "", good.damaged("the signature repeated", bits(2, func(s []byte) []byte { return append(s, s...) })), tooLong.n(256))
	b.add("RS256 as long as another key's", "384 bytes, which is 3072 bits", "", good.forged("384 bytes", func(string) []byte { return bytesOf(7, 384) }), tooLong.n(128))
	b.add("a longer key of the issuer", "that it holds explains more than its length", "", good.secretly(b.ring["federate-rsa-3072"]), is("signature_other_key").as("signature_invalid"))
	b.add("a shorter key of the issuer", "that it holds explains more than its length", "", good.by(b.ring["federate-rsa-3072"], "RS256").secretly(good.key), is("signature_other_key").as("signature_invalid"))
	b.add("ES256 with 66 bytes", "r and s of P-521's half", "RFC 7518 3.4", ec.forged("66 bytes", func(string) []byte { return bytesOf(7, 66) }), tooLong.n(2))
	der := ec.forged("the signature as ASN.1", func(in string) []byte { return ec.key.SignDER("ES256", in) })
	b.add("ES256 as ASN.1", "what TLS libraries write", "RFC 7518 3.4", der, tooLong.n(int64(len(decode(third(der)))-64)))
	b.add("EdDSA with a byte behind", "65 bytes for 64", "RFC 8032 5.1.7", ed.damaged("a zero byte put behind the signature", bits(2, func(s []byte) []byte { return append(s, 0) })), tooLong.n(1))
}

// addOrder adds the order of Ed25519's group to s, which is the second half in
// little-endian order.
func addOrder(sig []byte) []byte {
	order, _ := new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)
	s := new(big.Int).SetBytes(reversed(sig[32:]))
	return append(sig[:32:32], reversed(s.Add(s, order).FillBytes(make([]byte, 32)))...)
}

func reversed(b []byte) []byte {
	r := make([]byte, len(b))
	for i := range b {
		r[len(b)-1-i] = b[i]
	}
	return r
}

// third is the signature's segment.
func third(t token) string {
	s := t.String()
	return s[strings.LastIndexByte(s, '.')+1:]
}
