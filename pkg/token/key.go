package token

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	_ "crypto/sha256" // the signing methods find their hashes by number
	_ "crypto/sha512"
	"fmt"
	"slices"

	"github.com/golang-jwt/jwt/v5"

	"kong-plugin-auth-diagnosis/pkg/diagnosis"
)

// Key is a published verification key (RFC 7517 section 4).
type Key struct {
	ID        string   // kid
	Algorithm string   // alg, "" if not given
	Use       string   // use, "" if not given
	Ops       []string // key_ops
	// Public is *rsa.PublicKey, *ecdsa.PublicKey or ed25519.PublicKey.
	Public crypto.PublicKey
}

// Bounds of an RSA key: RFC 7518 section 3.3 wants 2048 bits or more, an
// exponent below 65537 invites forgeries with lax padding checks, and the time
// of a check grows with the square of the size.
const (
	minRSABits     = 2048
	maxRSABits     = 8192
	minRSAExponent = 65537
)

// algorithm is a signature algorithm of RFC 7518 section 3 or RFC 8037.
type algorithm struct {
	method jwt.SigningMethod
	// curve of an ECDSA key; the signature has size bytes (RFC 7518 section 3.4).
	curve elliptic.Curve
	size  int
}

var algorithms = map[string]algorithm{
	"RS256": {method: jwt.SigningMethodRS256},
	"RS384": {method: jwt.SigningMethodRS384},
	"RS512": {method: jwt.SigningMethodRS512},
	"PS256": {method: pss(jwt.SigningMethodPS256)},
	"PS384": {method: pss(jwt.SigningMethodPS384)},
	"PS512": {method: pss(jwt.SigningMethodPS512)},
	"ES256": {method: jwt.SigningMethodES256, curve: elliptic.P256(), size: 64},
	"ES384": {method: jwt.SigningMethodES384, curve: elliptic.P384(), size: 96},
	"ES512": {method: jwt.SigningMethodES512, curve: elliptic.P521(), size: 132},
	"EdDSA": {method: jwt.SigningMethodEdDSA, size: ed25519.SignatureSize},
}

// pss fixes the salt to the hash's length, as RFC 7518 section 3.5 demands;
// golang-jwt's own methods accept any length.
func pss(m *jwt.SigningMethodRSAPSS) *jwt.SigningMethodRSAPSS {
	return &jwt.SigningMethodRSAPSS{
		SigningMethodRSA: m.SigningMethodRSA,
		Options:          &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash},
	}
}

// misfit says why a key cannot have signed under an algorithm, nil if it can.
// The key's purpose comes first: a key for encryption has an alg of its own,
// and that would hide why it is the wrong one.
func (k *Key) misfit(alg string) *diagnosis.Failure {
	if k.Use != "" && k.Use != "sig" {
		return diagnosis.Fail(diagnosis.KeyUseForbidden, "expected use \"sig\", the key has "+quote(k.Use))
	}
	if len(k.Ops) > 0 && !slices.Contains(k.Ops, "verify") {
		return diagnosis.Fail(diagnosis.KeyUseForbidden, "the key's key_ops lack \"verify\"")
	}
	if k.Algorithm != "" && k.Algorithm != alg && !(alg == "EdDSA" && k.Algorithm == "Ed25519") { // RFC 9864 renames EdDSA
		return diagnosis.Fail(diagnosis.AlgKeyMismatch, "the token has alg "+quote(alg)+", the key is for "+quote(k.Algorithm))
	}
	a, ok := algorithms[alg]
	if !ok {
		return diagnosis.Fail(diagnosis.AlgUnsupported, "received alg "+quote(alg))
	}
	return k.misfitMaterial(alg, a)
}

func (k *Key) misfitMaterial(alg string, a algorithm) *diagnosis.Failure {
	mismatch := func(kind string) *diagnosis.Failure {
		return diagnosis.Fail(diagnosis.AlgKeyMismatch, "the token has alg "+quote(alg)+", the key is "+kind)
	}
	unusable := func(why string) *diagnosis.Failure { return diagnosis.Fail(diagnosis.KeyUnusable, why) }
	switch p := k.Public.(type) {
	case *rsa.PublicKey:
		switch {
		case p == nil || p.N == nil:
			return unusable("no RSA modulus")
		case a.size != 0:
			return mismatch("an RSA key")
		case p.N.BitLen() < minRSABits:
			return diagnosis.Fail(diagnosis.KeyTooWeak, fmt.Sprintf("expected an RSA key of %d bits or more, got %d", minRSABits, p.N.BitLen()))
		case p.N.BitLen() > maxRSABits:
			return unusable(fmt.Sprintf("expected an RSA key of at most %d bits, got %d", maxRSABits, p.N.BitLen()))
		case p.E < minRSAExponent:
			return diagnosis.Fail(diagnosis.KeyTooWeak, fmt.Sprintf("expected an RSA exponent of %d or more, got %d", minRSAExponent, p.E))
		}
	case *ecdsa.PublicKey:
		switch {
		case p == nil || p.Curve == nil:
			return unusable("no curve")
		case a.curve == nil:
			return mismatch("an EC key")
		case a.curve != p.Curve:
			return mismatch("on the curve " + p.Curve.Params().Name)
		}
	case ed25519.PublicKey:
		switch {
		case len(p) != ed25519.PublicKeySize:
			return unusable("an Ed25519 key of the wrong size")
		case alg != "EdDSA":
			return mismatch("an Ed25519 key")
		}
	default:
		return unusable("a key of an unknown type")
	}
	return nil
}

// signatureSize is the length of this key's signatures in bytes. The key must
// fit the algorithm.
func (k *Key) signatureSize(alg string) int {
	if p, ok := k.Public.(*rsa.PublicKey); ok {
		return p.Size()
	}
	return algorithms[alg].size
}

// sameMaterial reports whether two entries hold one key. PingFederate may
// publish a key twice, as <kid> and as <kid>_RS256.
func (k *Key) sameMaterial(o *Key) bool {
	p, ok := k.Public.(interface{ Equal(crypto.PublicKey) bool })
	return ok && p.Equal(o.Public)
}
