package ping

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
)

// jwk is one entry of a key set document (RFC 7517, 4; RFC 7518, 6; RFC 8037, 2).
type jwk struct {
	KeyType   string `json:"kty"`
	KeyID     string `json:"kid"`
	Use       string `json:"use"`
	Algorithm string `json:"alg,omitempty"`
	Curve     string `json:"crv,omitempty"`
	X         string `json:"x,omitempty"`
	Y         string `json:"y,omitempty"`
	N         string `json:"n,omitempty"`
	E         string `json:"e,omitempty"`
}

// JWKS returns the key set document as it is served now: every published signing key
// and, as PingFederate and PingAM do, encryption keys that verify nothing.
func (s *KeySet) JWKS() ([]byte, error) {
	s.mu.Lock()
	published := slices.Clone(s.published)
	s.mu.Unlock()
	entries := make([]jwk, 0, len(published)*(len(kinds)+1)+2)
	for _, r := range published {
		for _, k := range kinds {
			entry, err := newJWK(r.keys[k].ID, "sig", r.keys[k].Public())
			if err != nil {
				return nil, err
			}
			entries = append(entries, entry)
			if k == kindRSA && s.listsTwice() {
				entry.KeyID, entry.Algorithm = entry.KeyID+"_RS256", "RS256"
				entries = append(entries, entry)
			}
		}
	}
	encrypting, err := s.encryptionEntries()
	if err != nil {
		return nil, err
	}
	return json.MarshalIndent(map[string]any{"keys": append(entries, encrypting...)}, "", "  ")
}

func (s *KeySet) encryptionEntries() ([]jwk, error) {
	if s.product == PingOne || s.prefix != "" {
		return nil, nil
	}
	signers, err := encryption()
	if err != nil {
		return nil, err
	}
	var entries []jwk
	for _, signer := range signers {
		key, err := named(s.product, signer)
		if err != nil {
			return nil, err
		}
		entry, err := newJWK(key.ID, "enc", key.Public())
		if err != nil {
			return nil, err
		}
		// RS256 and ES256 would be signatures: an encryption key names none.
		entry.Algorithm = ""
		entries = append(entries, entry)
	}
	return entries, nil
}

// newJWK describes a public key. RSA entries have no alg, because the products sign
// with several algorithms under one RSA key; for the curves there is only one each.
func newJWK(id, use string, public crypto.PublicKey) (jwk, error) {
	entry := jwk{KeyID: id, Use: use}
	switch key := public.(type) {
	case *rsa.PublicKey:
		entry.KeyType = "RSA"
		entry.N, entry.E = b64(key.N.Bytes()), b64(big.NewInt(int64(key.E)).Bytes())
	case *ecdsa.PublicKey:
		point, err := key.Bytes() // 0x04, x, y at full length
		if err != nil {
			return jwk{}, fmt.Errorf("encode an ec key: %w", err)
		}
		half := (len(point) - 1) / 2
		entry.KeyType, entry.Curve = "EC", key.Curve.Params().Name
		entry.X, entry.Y = b64(point[1:1+half]), b64(point[1+half:])
		entry.Algorithm = map[string]string{"P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}[entry.Curve]
	case ed25519.PublicKey:
		entry.KeyType, entry.Curve, entry.X, entry.Algorithm = "OKP", "Ed25519", b64(key), "EdDSA"
	default:
		return jwk{}, fmt.Errorf("expected an rsa, ec or ed25519 key, got %T", public)
	}
	return entry, nil
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
