package token_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"kong-plugin-auth-diagnosis/pkg/diagnosis"
	"kong-plugin-auth-diagnosis/pkg/token"
)

// keyring holds the keys that the tests sign with, made once.
type keyring struct {
	rsa, otherRSA, weakRSA *rsa.PrivateKey
	p256, p384, p521       *ecdsa.PrivateKey
	ed                     ed25519.PrivateKey
}

var keys = sync.OnceValue(func() keyring {
	bits := func(n int) *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, n)) }
	curve := func(c elliptic.Curve) *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(c, rand.Reader)) }
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	return keyring{bits(2048), bits(2048), bits(1024), curve(elliptic.P256()), curve(elliptic.P384()), curve(elliptic.P521()), must(ed, err)}
})

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// obj is a JSON object of a test.
type obj map[string]any

// with returns a copy of o with the changes of d; a nil value deletes.
func (o obj) with(d obj) obj {
	c := obj{}
	for _, m := range []obj{o, d} {
		for k, v := range m {
			if c[k] = v; v == nil {
				delete(c, k)
			}
		}
	}
	return c
}

func b64(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

func encode(v any) string {
	if s, ok := v.(string); ok {
		return b64(s) // raw JSON text
	}
	return b64(string(must(json.Marshal(v))))
}

var hashes = map[string]crypto.Hash{"256": crypto.SHA256, "384": crypto.SHA384, "512": crypto.SHA512}

// signature signs with crypto packages alone, not with the library under test.
func signature(alg string, key crypto.Signer, input string) []byte {
	if alg == "EdDSA" {
		return must(key.Sign(nil, []byte(input), crypto.Hash(0)))
	}
	hash := hashes[alg[2:]]
	h := hash.New()
	h.Write([]byte(input))
	digest := h.Sum(nil)
	switch alg[:2] {
	case "RS":
		return must(key.Sign(rand.Reader, digest, hash))
	case "PS":
		return must(key.Sign(rand.Reader, digest, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: hash}))
	}
	k := key.(*ecdsa.PrivateKey)
	r, s, err := ecdsa.Sign(rand.Reader, k, digest)
	if err != nil {
		panic(err)
	}
	size := (k.Params().BitSize + 7) / 8
	out := make([]byte, 2*size)
	r.FillBytes(out[:size])
	s.FillBytes(out[size:])
	return out
}

// mint signs a token. header and payload are values for JSON, or JSON texts.
func mint(alg string, key crypto.Signer, header, payload any) string {
	input := encode(header) + "." + encode(payload)
	return input + "." + b64(string(signature(alg, key, input)))
}

// unsigned is a token with a signature that nobody checks.
func unsigned(header, payload any) string {
	return encode(header) + "." + encode(payload) + "." + b64(strings.Repeat("s", 256))
}

var now = time.Unix(1_789_000_000, 0)

func seconds(offset int) int64 { return now.Unix() + int64(offset) }

var (
	goodHeader = obj{"alg": "RS256", "kid": "k1", "typ": "at+jwt"}
	goodClaims = obj{"iss": issuer, "aud": "https://api.example", "sub": "s", "client_id": "c", "scope": "read write", "iat": seconds(-60), "exp": seconds(240)}
)

const issuer = "https://ping.example/as"

func allAlgorithms() []string {
	return []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
}

func policy() token.Policy {
	return token.Policy{Issuer: issuer, Audiences: []string{"https://api.example"}, Algorithms: allAlgorithms(), TokenTypes: []string{"at+jwt", "JWT"}}
}

func rules() *token.Rules {
	return &token.Rules{Issuers: []token.Policy{policy()}, Leeway: 30 * time.Second}
}

func parse(t testing.TB, raw string) *token.Token {
	t.Helper()
	tok, f := token.Parse(raw, token.Limits{})
	if f != nil {
		t.Fatalf("parse: %s (%s)", f.Code, f.Detail)
	}
	return tok
}

func code(f *diagnosis.Failure) diagnosis.Code {
	if f == nil {
		return ""
	}
	return f.Code
}

func codes(fs []diagnosis.Failure) []diagnosis.Code {
	list := make([]diagnosis.Code, len(fs))
	for i := range fs {
		list[i] = fs[i].Code
	}
	return list
}

// expect compares a failure with a code ("" for none) and a number (0 for none).
func expect(t *testing.T, f *diagnosis.Failure, want diagnosis.Code, by int64) {
	t.Helper()
	if code(f) != want {
		t.Fatalf("expected %q, got %q (%+v)", want, code(f), f)
	}
	if f != nil {
		expectBy(t, f, by)
	}
}

func expectBy(t *testing.T, f *diagnosis.Failure, by int64) {
	t.Helper()
	var got int64
	if f.By != nil {
		got = *f.By
	}
	if got != by {
		t.Fatalf("%s: expected by %d, got %d", f.Code, by, got)
	}
}
