// Package forge makes tokens and keys for the corpus out of bytes. It knows no
// JWT library and nothing of this project's own reader of tokens: what it
// writes may break any rule, and a bug in the reader is not repeated here.
//
// Everything is a function of its arguments, PSS salts and ECDSA nonces
// included, so that generated files change only with what they are made of.
package forge

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
)

// B64 encodes base64url without padding.
func B64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// Text is B64 of a text.
func Text(s string) string { return B64([]byte(s)) }

// Key is a private key as a JWK (RFC 7517, RFC 7518 section 6, RFC 8037), with
// the name by which cases speak of it. Numbers are base64url.
type Key struct {
	Name string `json:"name"`
	// Kid is what its issuer publishes it as.
	Kid string `json:"kid,omitempty"`
	Kty string `json:"kty"`
	Crv string `json:"crv,omitempty"`
	N   string `json:"n,omitempty"`
	E   string `json:"e,omitempty"`
	P   string `json:"p,omitempty"`
	Q   string `json:"q,omitempty"`
	X   string `json:"x,omitempty"`
	Y   string `json:"y,omitempty"`
	D   string `json:"d"`

	// made holds the signatures so far: many cases send the same token. A key is
	// for one goroutine.
	made map[string][]byte
}

// Ring finds keys by name.
type Ring map[string]*Key

// ReadRing reads a file of keys.
func ReadRing(text []byte) (Ring, error) {
	var f struct {
		About string `json:"about"`
		Keys  []*Key `json:"keys"`
	}
	if err := json.Unmarshal(text, &f); err != nil {
		return nil, err
	}
	r := make(Ring, len(f.Keys))
	for _, k := range f.Keys {
		if r[k.Name] != nil {
			return nil, fmt.Errorf("key %q comes twice", k.Name)
		}
		r[k.Name] = k
	}
	return r, nil
}

// Public returns the public JWK as it is published, with more members, each a
// name and its JSON, behind those of the key.
func (k *Key) Public(more ...string) string {
	o := Object{}.Set("kty", k.Kty)
	if k.Kid != "" {
		o = o.Set("kid", k.Kid)
	}
	for _, m := range [...][2]string{{"crv", k.Crv}, {"n", k.N}, {"e", k.E}, {"x", k.X}, {"y", k.Y}} {
		if m[1] != "" {
			o = o.Set(m[0], m[1])
		}
	}
	for i := 0; i+1 < len(more); i += 2 {
		o = o.SetRaw(more[i], more[i+1])
	}
	return o.String()
}

// number decodes a member of the key. The keys are our own: a bad one is a bug.
func number(member string) *big.Int {
	b, err := base64.RawURLEncoding.DecodeString(member)
	if err != nil {
		panic("forge: a key's member is not base64url")
	}
	return new(big.Int).SetBytes(b)
}
