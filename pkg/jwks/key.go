package jwks

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdh"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/MicahParks/jwkset"
	"github.com/MicahParks/keyfunc/v3"

	"kong-plugin-auth-diagnosis/pkg/diagnosis"
)

// Key is one published key (RFC 7517). It never holds private material.
type Key struct {
	ID        string   // kid, "" when the key has none
	Algorithm string   // alg, "" when the key is not bound to one
	Use       string   // use, "" when not said
	Ops       []string // key_ops, nil when not said
	// Public is an *rsa.PublicKey, *ecdsa.PublicKey (P-256, P-384, P-521) or
	// ed25519.PublicKey; nil when the key has a Fault.
	Public crypto.PublicKey
	// Fault says why the key verifies nothing: key_unusable, key_too_weak or
	// key_use_forbidden, "" for a good key. Reason explains it.
	Fault  diagnosis.Code
	Reason string
}

// maxModulus bounds RSA keys in bits: the cost of a verification grows with the
// square of it. crypto/tls has the same limit.
const maxModulus = 8192

// parseKey reads one element of a JWKS. It always returns a key: what cannot be
// used keeps its kid, so that a token naming it is told why.
//
// Members are taken by their exact names and only the public ones are handed to
// the library, which would match names without regard to case, keep private
// material, and refuse a key for a bad certificate beside it.
func parseKey(raw json.RawMessage) Key {
	var m map[string]json.RawMessage
	if json.Unmarshal(raw, &m) != nil || m == nil {
		return Key{Fault: diagnosis.KeyUnusable, Reason: "the key is not a JSON object"}
	}
	r := members{m: m}
	k := Key{ID: r.text("kid"), Algorithm: r.text("alg"), Use: r.text("use"), Ops: r.list("key_ops")}
	material := jwkset.JWKMarshal{
		KTY: jwkset.KTY(r.text("kty")),
		CRV: jwkset.CRV(r.text("crv")),
		X:   r.text("x"), Y: r.text("y"),
		N: r.text("n"), E: r.text("e"),
	}
	switch {
	case r.bad != "":
		return k.unusable("member " + r.bad + " has the wrong type")
	case material.KTY == jwkset.KtyOct:
		return k.unusable("the key is symmetric")
	case m["d"] != nil:
		return k.unusable("the issuer publishes the private key")
	case k.Use != "" && k.Use != string(jwkset.UseSig):
		return k.forbidden("the key's use is not sig")
	case k.Ops != nil && !slices.Contains(k.Ops, string(jwkset.KeyOpsVerify)):
		return k.forbidden("the key's key_ops lack verify")
	case material.KTY == jwkset.KtyRSA && trivialExponent(material.E):
		return k.weak("the key's exponent is not above 1")
	}
	return k.withMaterial(material)
}

// trivialExponent reports whether an RSA exponent makes every text its own
// signature. The library refuses one too, but as it refuses any malformed key.
func trivialExponent(e string) bool {
	b, err := base64.RawURLEncoding.DecodeString(e)
	b = bytes.TrimLeft(b, "\x00")
	return err == nil && e != "" && (len(b) == 0 || len(b) == 1 && b[0] == 1)
}

// withMaterial fills in the public key.
func (k Key) withMaterial(m jwkset.JWKMarshal) Key {
	pub, err := publicKey(m)
	if errors.Is(err, jwkset.ErrUnsupportedKey) {
		return k.unusable("the key's type or curve is not supported")
	}
	if err != nil {
		return k.unusable("the key's material is malformed")
	}
	switch pub := pub.(type) {
	case *ecdh.PublicKey:
		return k.forbidden("the key is for key agreement")
	case *rsa.PublicKey:
		if pub.N.BitLen() > maxModulus {
			return k.unusable("the key is too long")
		}
		k.Public = pub
	default:
		k.Public = pub
	}
	return k
}

// publicKey lets keyfunc make one key of its material.
func publicKey(m jwkset.JWKMarshal) (crypto.PublicKey, error) {
	// Strings only: encoding cannot fail.
	raw, _ := json.Marshal(m)
	kf, err := keyfunc.NewJWKJSON(raw)
	if err != nil {
		return nil, err
	}
	set, err := kf.VerificationKeySet(context.Background())
	if err != nil {
		return nil, err
	}
	if len(set.Keys) != 1 {
		return nil, keyfunc.ErrKeyfunc
	}
	return set.Keys[0], nil
}

func (k Key) unusable(reason string) Key {
	k.Public, k.Fault, k.Reason = nil, diagnosis.KeyUnusable, reason
	return k
}

func (k Key) weak(reason string) Key {
	k.Public, k.Fault, k.Reason = nil, diagnosis.KeyTooWeak, reason
	return k
}

func (k Key) forbidden(reason string) Key {
	k.Public, k.Fault, k.Reason = nil, diagnosis.KeyUseForbidden, reason
	return k
}

// material identifies the public key, whatever kid, alg or use it goes by.
// It is the zero value for a key that has none.
func (k *Key) material() [sha256.Size]byte {
	if k.Public == nil {
		return [sha256.Size]byte{}
	}
	// Encoding fails for none of the types that Public has.
	der, _ := x509.MarshalPKIXPublicKey(k.Public)
	return sha256.Sum256(der)
}

// digest identifies all of the key.
func (k *Key) digest() [sha256.Size]byte {
	m := k.material()
	// JSON keeps the fields apart, whatever characters they hold.
	b, _ := json.Marshal([]string{k.ID, k.Algorithm, k.Use, strings.Join(k.Ops, " "), string(k.Fault), k.Reason})
	return sha256.Sum256(append(b, m[:]...))
}

// members reads the members of a JWK, noting the first with a wrong type.
type members struct {
	m   map[string]json.RawMessage
	bad string
}

// text returns a string member; "" when it is absent.
func (r *members) text(name string) string {
	var s *string
	r.read(name, &s)
	if s == nil {
		return ""
	}
	return *s
}

// list returns a member that is an array of strings; nil when it is absent.
func (r *members) list(name string) []string {
	var l []string
	r.read(name, &l)
	return l
}

func (r *members) read(name string, to any) {
	if raw, ok := r.m[name]; ok && json.Unmarshal(raw, to) != nil && r.bad == "" {
		r.bad = name
	}
}
