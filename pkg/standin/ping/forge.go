package ping

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/golang-jwt/jwt/v5"
)

// The functions of this file take a compact JWS as [Issuer.Token] mints it and panic
// on anything else: a forgery that silently stays the good token proves nothing.

// AlgNone returns the token as an unsecured JWS (RFC 7519, 6): alg none, no signature.
func AlgNone(token string) string {
	header, payload, _ := segments(token)
	return rewritten(header, "alg", "none") + "." + payload + "."
}

// AlgHS256 returns the token signed again with HMAC under secret, for instance the
// bytes of the issuer's public key (RFC 8725, 2.1).
func AlgHS256(token string, secret []byte) string {
	header, payload, _ := segments(token)
	signed := rewritten(header, "alg", "HS256") + "." + payload
	mac, err := jwt.SigningMethodHS256.Sign(signed, secret)
	if err != nil {
		panic(fmt.Errorf("sign with HS256: %w", err))
	}
	return signed + "." + b64(mac)
}

// Tamper returns the token with one more claim and its old signature. The claim is
// derived from the old payload, so that no token tampers to itself.
func Tamper(token string) string {
	header, payload, signature := segments(token)
	sum := sha256.Sum256([]byte(payload))
	return header + "." + rewritten(payload, "tampered", hex.EncodeToString(sum[:4])) + "." + signature
}

// FlipSignature returns the token with one bit of its signature inverted and every
// length as it was.
func FlipSignature(token string) string {
	header, payload, signature := segments(token)
	raw := decoded(signature)
	raw[len(raw)/2] ^= 1
	return header + "." + payload + "." + b64(raw)
}

// Truncate returns the token without its last n bytes.
func Truncate(token string, n int) string {
	segments(token)
	if n < 1 || n >= len(token) {
		panic(fmt.Errorf("expected to cut between 1 and %d bytes, got %d", len(token)-1, n))
	}
	return token[:len(token)-n]
}

func segments(token string) (header, payload, signature string) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 || parts[0] == "" || parts[1] == "" || parts[2] == "" {
		panic(fmt.Errorf("expected a signed compact jws, got %d segments", len(parts)))
	}
	return parts[0], parts[1], parts[2]
}

// rewritten returns a JSON segment with one member set.
func rewritten(segment, name, value string) string {
	// Raw members keep every number as it was written.
	members := map[string]json.RawMessage{}
	if err := json.Unmarshal(decoded(segment), &members); err != nil {
		panic(fmt.Errorf("expected a json object in the segment: %w", err))
	}
	members[name], _ = json.Marshal(value) // a string always marshals
	object, err := json.Marshal(members)
	if err != nil {
		panic(err)
	}
	return b64(object)
}

func decoded(segment string) []byte {
	raw, err := base64.RawURLEncoding.DecodeString(segment)
	if err != nil {
		panic(fmt.Errorf("expected base64url in the segment: %w", err))
	}
	return raw
}
