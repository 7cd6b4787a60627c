package access

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"slices"
	"sync"
)

// policy names all that tokens are judged by: a hash of the configuration.
type policy [sha256.Size]byte

// fingerprint stands for a token and the policy that judged it, where the token
// itself must not be kept: a cache of bearer tokens would be worth stealing.
type fingerprint [16]byte

// fingerprints makes them: GMAC (NIST SP 800-38D) under a key that is drawn at
// the start and that nobody outside the process has.
//
// It encrypts nothing and no fingerprint is ever shown, so one nonce does for
// all. What GMAC is then is a polynomial over GF(2^128) at a secret point: two
// different texts of n bytes have the same fingerprint with a probability of
// at most (n/16+2)/2^128, however their sender chose them. That is all that a
// cache needs. SHA-256 would promise more, and was two thirds of the cost of a
// cached verdict on processors without instructions for it.
//
// Nor does a fingerprint lead back to its token, whose signature has several
// times as many unknown bits.
type fingerprints struct {
	mac   cipher.AEAD
	nonce [12]byte
	rooms sync.Pool // of *room
}

// room holds a text and its fingerprint while one is made of the other.
type room struct {
	text []byte
	sum  fingerprint
}

func newFingerprints() *fingerprints {
	var key [16]byte
	_, _ = rand.Read(key[:]) // never fails (crypto/rand, Go 1.24)
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic("access: " + err.Error()) // the key has a right size
	}
	mac, err := cipher.NewGCM(block)
	if err != nil {
		panic("access: " + err.Error()) // GODEBUG=fips140=only, which is for tests of programs
	}
	f := &fingerprints{mac: mac}
	f.rooms.New = func() any { return new(room) }
	return f
}

// of returns the fingerprint of a token under a policy. All policies have one
// length, so that no two pairs are the same text.
func (f *fingerprints) of(p policy, token string) fingerprint {
	r := f.rooms.Get().(*room)
	r.text = slices.Grow(r.text[:0], len(p)+len(token))
	r.text = append(append(r.text, p[:]...), token...)
	f.mac.Seal(r.sum[:0], f.nonce[:], nil, r.text)
	clear(r.text)
	sum := r.sum
	f.rooms.Put(r)
	return sum
}
