package ping

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"sync"

	"github.com/golang-jwt/jwt/v5"
)

const rsaBits = 2048

// Key is a private signing key and the key id that tokens name it by.
type Key struct {
	ID     string
	signer crypto.Signer
}

// Public returns the public half: *rsa.PublicKey, *ecdsa.PublicKey or
// ed25519.PublicKey.
func (k *Key) Public() crypto.PublicKey { return k.signer.Public() }

// NewKey returns a key for a JWS algorithm (RFC 7518, 3.1; RFC 8037) that no issuer
// publishes: the key of an attacker, or of an issuer nobody configured.
func NewKey(algorithm string) (*Key, error) {
	_, kind, err := signing(algorithm)
	if err != nil {
		return nil, err
	}
	signer, err := generate(kind)
	if err != nil {
		return nil, err
	}
	return named(PingFederate, signer)
}

func named(p Product, signer crypto.Signer) (*Key, error) {
	spki, err := x509.MarshalPKIXPublicKey(signer.Public())
	if err != nil {
		return nil, fmt.Errorf("name a key: %w", err)
	}
	return &Key{ID: p.keyID(spki), signer: signer}, nil
}

// kind is a sort of key: a ring has one of each.
type kind string

const (
	kindRSA     kind = "RSA"
	kindP256    kind = "P-256"
	kindP384    kind = "P-384"
	kindP521    kind = "P-521"
	kindEd25519 kind = "Ed25519"
)

var kinds = []kind{kindRSA, kindP256, kindP384, kindP521, kindEd25519}

// signing returns the signing method of an algorithm and the sort of key it takes.
func signing(algorithm string) (jwt.SigningMethod, kind, error) {
	switch algorithm {
	case "RS256", "RS384", "RS512", "PS256", "PS384", "PS512":
		return jwt.GetSigningMethod(algorithm), kindRSA, nil
	case "ES256":
		return jwt.SigningMethodES256, kindP256, nil
	case "ES384":
		return jwt.SigningMethodES384, kindP384, nil
	case "ES512":
		return jwt.SigningMethodES512, kindP521, nil
	case "EdDSA":
		return jwt.SigningMethodEdDSA, kindEd25519, nil
	}
	return nil, "", fmt.Errorf("expected an asymmetric JWS algorithm, got %q", algorithm)
}

func generate(k kind) (crypto.Signer, error) {
	switch k {
	case kindRSA:
		return spareRSA.take()
	case kindP256:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case kindP384:
		return ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case kindP521:
		return ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	}
	_, key, err := ed25519.GenerateKey(rand.Reader)
	return key, err
}

// spareRSA holds the RSA keys of closed issuers for the next one: generating them
// takes most of an issuer's start. Two issuers that run at once never share a key.
var spareRSA pool

type pool struct {
	mu    sync.Mutex
	spare []*rsa.PrivateKey
}

func (p *pool) take() (crypto.Signer, error) {
	p.mu.Lock()
	if n := len(p.spare); n > 0 {
		key := p.spare[n-1]
		p.spare = p.spare[:n-1]
		p.mu.Unlock()
		return key, nil
	}
	p.mu.Unlock()
	key, err := rsa.GenerateKey(rand.Reader, rsaBits)
	if err != nil {
		return nil, fmt.Errorf("generate an rsa key: %w", err)
	}
	return key, nil
}

func (p *pool) put(signers ...crypto.Signer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range signers {
		if key, ok := s.(*rsa.PrivateKey); ok {
			p.spare = append(p.spare, key)
		}
	}
}

// encryption returns the keys that every issuer lists with use "enc". They are one
// pair for the whole process: no issuer signs with them.
var encryption = sync.OnceValues(func() ([]crypto.Signer, error) {
	pair := make([]crypto.Signer, 0, 2)
	for _, k := range []kind{kindRSA, kindP256} {
		signer, err := generate(k)
		if err != nil {
			return nil, err
		}
		pair = append(pair, signer)
	}
	return pair, nil
})
