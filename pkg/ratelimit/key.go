package ratelimit

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"net/netip"
)

// DigestSize is the length of a key's digest in bytes.
const DigestSize = 16

// Key says whose counter it is. It never depends on a tier or its limits.
//
// A key holds the first 128 bits of a SHA-256 over its parts, so it is as small
// for a long value as for a short one, keeps nobody's name in memory, and is
// the same in every process. It is comparable; callers may keep it beside the
// identity it was made of. The digest of a guessable value can be guessed: it
// is no way to publish one.
type Key struct {
	digest   [DigestSize]byte
	fallback bool
}

// Domains keep keys of one kind from ever meeting those of another.
const (
	domainClaim    = 'c'
	domainConsumer = 'k'
	domainAddress  = 'a'
)

// ByClaim returns the key of a claim's value as one issuer vouches for it. The
// same value from another issuer, or under another claim, is somebody else.
func ByClaim(namespace, issuer, claim, value string) Key {
	var buf [256]byte
	b := append(buf[:0], domainClaim)
	b = appendPart(b, namespace)
	b = appendPart(b, issuer)
	b = appendPart(b, claim)
	b = appendPart(b, value)
	return Key{digest: digest(b)}
}

// ByConsumer returns the key of a Kong consumer, whoever issued the token.
func ByConsumer(namespace, id string) Key {
	var buf [256]byte
	b := append(buf[:0], domainConsumer)
	b = appendPart(b, namespace)
	b = appendPart(b, id)
	return Key{digest: digest(b)}
}

// ByAddress returns the key of a client address, for callers that limit by
// address. An IPv4 address is the same in its IPv6-mapped form; a zone is
// ignored. Callers that count an IPv6 network as one client mask it first.
func ByAddress(namespace string, addr netip.Addr) Key {
	var buf [256]byte
	b := append(buf[:0], domainAddress)
	b = appendPart(b, namespace)
	ip := addr.As16() // of either form, without a zone
	b = append(b, ip[:]...)
	return Key{digest: digest(b)}
}

// FallbackAddress returns the key of a client address that stands in for an
// identity that the request does not have. Stores keep such keys apart, because
// a client may have many addresses: they never take the room of identities.
func FallbackAddress(namespace string, addr netip.Addr) Key {
	k := ByAddress(namespace, addr)
	k.fallback = true
	return k
}

// RestoreKey returns the key with a digest that [Key.Digest] gave, for stores
// that have kept no more of it.
func RestoreKey(digest [DigestSize]byte, fallback bool) Key { return Key{digest, fallback} }

// Digest returns the key's bytes.
func (k Key) Digest() [DigestSize]byte { return k.digest }

// Fallback reports whether k stands in for a missing identity.
func (k Key) Fallback() bool { return k.fallback }

// String returns the digest in hexadecimal.
func (k Key) String() string { return hex.EncodeToString(k.digest[:]) }

// appendPart writes the length before the bytes: parts that join to the same
// text stay different keys.
func appendPart(b []byte, part string) []byte {
	b = binary.AppendUvarint(b, uint64(len(part)))
	return append(b, part...)
}

func digest(b []byte) [DigestSize]byte {
	sum := sha256.Sum256(b)
	return [DigestSize]byte(sum[:DigestSize])
}
