package token_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"

	"kong-plugin-auth-diagnosis/pkg/diagnosis"
	"kong-plugin-auth-diagnosis/pkg/token"
)

// signerFor returns a key that fits an algorithm.
func signerFor(alg string) crypto.Signer {
	switch k := keys(); alg {
	case "ES256":
		return k.p256
	case "ES384":
		return k.p384
	case "ES512":
		return k.p521
	case "EdDSA":
		return k.ed
	default:
		return k.rsa
	}
}

func key(id string, s crypto.Signer) token.Key { return token.Key{ID: id, Public: s.Public()} }

func signed(t *testing.T, alg string, s crypto.Signer) *token.Token {
	t.Helper()
	return parse(t, mint(alg, s, goodHeader.with(obj{"alg": alg}), goodClaims))
}

func TestVerifyEachAlgorithm(t *testing.T) {
	for _, alg := range allAlgorithms() {
		t.Run(alg, func(t *testing.T) {
			raw := mint(alg, signerFor(alg), goodHeader.with(obj{"alg": alg}), goodClaims)
			k := key("k1", signerFor(alg))
			expect(t, token.Verify(parse(t, raw), k), "", 0)
			k.Use, k.Ops, k.Algorithm = "sig", []string{"verify"}, alg
			expect(t, token.Verify(parse(t, raw), k), "", 0)

			parts := strings.Split(raw, ".")
			other := segments(parts[0], encode(goodClaims.with(obj{"sub": "admin"})), parts[2])
			expect(t, token.Verify(parse(t, other), k), diagnosis.SignatureInvalid, 0)

			short := segments(parts[0], parts[1], parts[2][:len(parts[2])/4*4-8])
			f := token.Verify(parse(t, short), k)
			size := len(parts[2]) * 6 / 8
			expect(t, f, diagnosis.CredentialTruncated, int64(size-(len(parts[2])/4*4-8)*6/8))
			long := segments(parts[0], parts[1], "AAAA"+parts[2])
			expect(t, token.Verify(parse(t, long), k), diagnosis.SignatureLength, 3)
		})
	}
}

func TestVerifyRefusesUnfitKeys(t *testing.T) {
	k := keys()
	small := *k.rsa.Public().(*rsa.PublicKey)
	small.E = 3
	huge := rsa.PublicKey{N: new(big.Int).Lsh(big.NewInt(1), 8192), E: 65537}
	for _, tc := range []struct {
		name, alg string
		key       token.Key
		code      diagnosis.Code
	}{
		{"an encryption key", "RS256", token.Key{Use: "enc", Algorithm: "RSA-OAEP", Public: k.rsa.Public()}, diagnosis.KeyUseForbidden},
		{"an unknown use", "RS256", token.Key{Use: "tls", Public: k.rsa.Public()}, diagnosis.KeyUseForbidden},
		{"a key for signing alone", "RS256", token.Key{Ops: []string{"sign"}, Public: k.rsa.Public()}, diagnosis.KeyUseForbidden},
		{"a key of another alg", "RS256", token.Key{Algorithm: "RS512", Public: k.rsa.Public()}, diagnosis.AlgKeyMismatch},
		{"a PSS key for PKCS #1 v1.5", "RS256", token.Key{Algorithm: "PS256", Public: k.rsa.Public()}, diagnosis.AlgKeyMismatch},
		{"an EC key for RS256", "RS256", key("", k.p256), diagnosis.AlgKeyMismatch},
		{"an RSA key for ES256", "ES256", key("", k.rsa), diagnosis.AlgKeyMismatch},
		{"an RSA key for EdDSA", "EdDSA", key("", k.rsa), diagnosis.AlgKeyMismatch},
		{"an EC key for EdDSA", "EdDSA", key("", k.p256), diagnosis.AlgKeyMismatch},
		{"an Ed25519 key for ES256", "ES256", key("", k.ed), diagnosis.AlgKeyMismatch},
		{"an Ed25519 key for RS256", "RS256", key("", k.ed), diagnosis.AlgKeyMismatch},
		{"P-384 for ES256", "ES256", key("", k.p384), diagnosis.AlgKeyMismatch},
		{"1024 bits", "RS256", key("", k.weakRSA), diagnosis.KeyTooWeak},
		{"exponent 3", "RS256", token.Key{Public: &small}, diagnosis.KeyTooWeak},
		{"8193 bits", "RS256", token.Key{Public: &huge}, diagnosis.KeyUnusable},
		{"no key", "RS256", token.Key{}, diagnosis.KeyUnusable},
		{"an RSA key without modulus", "RS256", token.Key{Public: &rsa.PublicKey{}}, diagnosis.KeyUnusable},
		{"an EC key without curve", "ES256", token.Key{Public: &ecdsa.PublicKey{}}, diagnosis.KeyUnusable},
		{"half an Ed25519 key", "EdDSA", token.Key{Public: ed25519.PublicKey(make([]byte, 16))}, diagnosis.KeyUnusable},
		{"a secret", "RS256", token.Key{Public: []byte("secret")}, diagnosis.KeyUnusable},
		{"an Ed25519 key by its new alg name", "EdDSA", token.Key{Algorithm: "Ed25519", Public: k.ed.Public()}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			expect(t, token.Verify(signed(t, tc.alg, signerFor(tc.alg)), tc.key), tc.code, 0)
		})
	}
}

// CVE-2016-10555: an HMAC keyed with the public key's bytes.
func TestPublicKeyAsSecretIsRefused(t *testing.T) {
	pub := must(x509.MarshalPKIXPublicKey(keys().rsa.Public()))
	input := encode(goodHeader.with(obj{"alg": "HS256"})) + "." + encode(goodClaims)
	mac := hmac.New(sha256.New, pub)
	mac.Write([]byte(input))
	tok := parse(t, input+"."+b64(string(mac.Sum(nil))))
	expect(t, rules().CheckHeader(tok), diagnosis.AlgSymmetricForbidden, 0)
	expect(t, token.Verify(tok, key("k1", keys().rsa)), diagnosis.AlgUnsupported, 0)
}

// CVE-2022-21449: zeros, or the curve's order, as an ECDSA signature.
func TestPsychicSignaturesAreRefused(t *testing.T) {
	n := elliptic.P256().Params().N
	for _, r := range []*big.Int{big.NewInt(0), big.NewInt(1), n} {
		for _, s := range []*big.Int{big.NewInt(0), big.NewInt(1), n} {
			sig := append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
			raw := segments(encode(goodHeader.with(obj{"alg": "ES256"})), encode(goodClaims), b64(string(sig)))
			expect(t, token.Verify(parse(t, raw), key("k1", keys().p256)), diagnosis.SignatureInvalid, 0)
		}
	}
}

// RFC 7518 section 3.5: the salt is as long as the hash.
func TestOtherSaltLengthsAreRefused(t *testing.T) {
	input := encode(goodHeader.with(obj{"alg": "PS256"})) + "." + encode(goodClaims)
	digest := sha256.Sum256([]byte(input))
	for salt, want := range map[int]diagnosis.Code{32: "", 20: diagnosis.SignatureInvalid, 48: diagnosis.SignatureInvalid, 1: diagnosis.SignatureInvalid} {
		sig := must(rsa.SignPSS(rand.Reader, keys().rsa, crypto.SHA256, digest[:], &rsa.PSSOptions{SaltLength: salt}))
		tok := parse(t, input+"."+b64(string(sig)))
		expect(t, token.Verify(tok, key("k1", keys().rsa)), want, 0)
	}
}

// An ASN.1 signature is what a signer gives that does not know JOSE.
func TestASN1SignatureHasTheWrongLength(t *testing.T) {
	input := encode(goodHeader.with(obj{"alg": "ES512"})) + "." + encode(goodClaims)
	sig := must(ecdsa.SignASN1(rand.Reader, keys().p521, make([]byte, 64)))
	f := token.Verify(parse(t, input+"."+b64(string(sig))), key("k1", keys().p521))
	expect(t, f, diagnosis.SignatureLength, int64(len(sig)-132))
}

func TestVerifyWithSeveralKeys(t *testing.T) {
	k := keys()
	fresh := func(n int) []token.Key {
		list := make([]token.Key, n)
		for i := range list {
			list[i] = key(fmt.Sprintf("e%d", i), must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)))
		}
		return list
	}
	right, wrong := key("k1", k.p256), key("k1", fresh1())
	withAlg := right
	withAlg.ID, withAlg.Algorithm = "k1_ES256", "ES256"
	rsaKey, encKey := key("r", k.rsa), key("k1", k.rsa)
	encKey.Use = "enc"
	for _, tc := range []struct {
		name          string
		kid           any
		named, others []token.Key
		code          diagnosis.Code
	}{
		{"the named key", "k1", []token.Key{right}, nil, ""},
		{"the second of two keys with one kid", "k1", []token.Key{wrong, right}, nil, ""},
		{"a kid that names an encryption key too", "k1", []token.Key{encKey, right}, nil, ""},
		{"the wrong key", "k1", []token.Key{wrong}, fresh(3), diagnosis.SignatureInvalid},
		{"the wrong key, and another signed", "k1", []token.Key{wrong}, append(fresh(3), right), diagnosis.SignatureOtherKey},
		{"another signed, but it is the ninth", "k1", []token.Key{wrong}, append(fresh(8), right), diagnosis.SignatureInvalid},
		{"two keys with one kid, neither signed", "k1", append(fresh(1), wrong), nil, diagnosis.KidAmbiguous},
		{"two keys with one kid, another signed", "k1", append(fresh(1), wrong), []token.Key{right}, diagnosis.SignatureOtherKey},
		{"one key published twice", "k1", []token.Key{wrong, wrong}, nil, diagnosis.SignatureInvalid},
		{"one of the two does not fit", "k1", []token.Key{wrong, rsaKey}, nil, diagnosis.SignatureInvalid},
		{"none of the two fits", "k1", []token.Key{rsaKey, encKey}, []token.Key{right}, diagnosis.AlgKeyMismatch},
		{"no key", "k1", nil, nil, diagnosis.KidUnknown},
		{"no kid, the last of eight", nil, append(fresh(7), right), nil, ""},
		{"no kid, unfit keys do not count", nil, slices.Concat([]token.Key{rsaKey, encKey}, fresh(7), []token.Key{right}), nil, ""},
		{"no kid, one key twice counts once", nil, slices.Concat(fresh(7), []token.Key{right, withAlg}), nil, ""},
		{"no kid, the ninth", nil, append(fresh(8), right), nil, diagnosis.KidMissing},
		{"no kid, none of three", nil, fresh(3), nil, diagnosis.SignatureInvalid},
		{"no kid, the only one", nil, fresh(1), nil, diagnosis.SignatureInvalid},
		{"no kid, nothing fits", nil, []token.Key{rsaKey}, nil, diagnosis.AlgKeyMismatch},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tok := parse(t, mint("ES256", k.p256, goodHeader.with(obj{"alg": "ES256", "kid": tc.kid}), goodClaims))
			f := token.VerifyWith(tok, tc.named, tc.others)
			expect(t, f, tc.code, 0)
		})
	}
}

func fresh1() crypto.Signer { return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) }

// With keys of several sizes the length of a signature tells which was meant.
func TestLengthIsJudgedByTheNearestKey(t *testing.T) {
	large := rsa.PublicKey{N: new(big.Int).SetBit(big.NewInt(1), 4095, 1), E: 65537}
	raw := mint("RS256", keys().rsa, goodHeader.with(obj{"kid": nil}), goodClaims)
	both := []token.Key{{ID: "large", Public: &large}, key("small", keys().otherRSA)}
	expect(t, token.VerifyWith(parse(t, raw), both, nil), diagnosis.SignatureInvalid, 0)
	cut := raw[:len(raw)-4]
	expect(t, token.VerifyWith(parse(t, cut), both, nil), diagnosis.CredentialTruncated, 256-253)
}
