package forge

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/sha256"
	_ "crypto/sha512" // for RS384 to ES512
	"fmt"
	"math/big"
)

// hashes of the algorithms by the number in their names.
var hashes = map[string]crypto.Hash{"256": crypto.SHA256, "384": crypto.SHA384, "512": crypto.SHA512}

// digestInfo is the DER that PKCS #1 v1.5 puts before a hash (RFC 8017 section
// 9.2, note 1).
var digestInfo = map[crypto.Hash][]byte{
	crypto.SHA256: {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20},
	crypto.SHA384: {0x30, 0x41, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02, 0x05, 0x00, 0x04, 0x30},
	crypto.SHA512: {0x30, 0x51, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03, 0x05, 0x00, 0x04, 0x40},
}

// Sign signs text as an algorithm of RFC 7518 section 3 or RFC 8037 does. The
// key must be of the algorithm's kind; its size and curve are the caller's
// business.
func (k *Key) Sign(algorithm, text string) []byte {
	what := algorithm + " " + text
	if s, ok := k.made[what]; ok {
		return s
	}
	if k.made == nil {
		k.made = map[string][]byte{}
	}
	s := k.sign(algorithm, text)
	k.made[what] = s
	return s
}

func (k *Key) sign(algorithm, text string) []byte {
	if algorithm == "EdDSA" {
		seed := number(k.D).FillBytes(make([]byte, ed25519.SeedSize))
		return ed25519.Sign(ed25519.NewKeyFromSeed(seed), []byte(text))
	}
	hash, ok := hashes[algorithm[2:]]
	if !ok {
		panic(fmt.Sprintf("forge: algorithm %q", algorithm))
	}
	switch sum := digest(hash, text); algorithm[:2] {
	case "RS":
		return k.raw(pkcs1(hash, sum, k.size()))
	case "PS":
		return k.SignPSS(algorithm, text, hash.Size())
	case "ES":
		return k.ecdsa(hash, sum)
	}
	panic(fmt.Sprintf("forge: algorithm %q", algorithm))
}

// HMAC signs with a shared secret of any bytes, in HS256.
func HMAC(secret []byte, text string) []byte {
	h := hmac.New(sha256.New, secret)
	h.Write([]byte(text))
	return h.Sum(nil)
}

func digest(hash crypto.Hash, parts ...string) []byte {
	h := hash.New()
	for _, p := range parts {
		h.Write([]byte(p))
	}
	return h.Sum(nil)
}

// size of an RSA key's modulus in bytes.
func (k *Key) size() int { return (number(k.N).BitLen() + 7) / 8 }

// raw is RSASP1 (RFC 8017 section 5.2.1), by the Chinese remainder theorem.
func (k *Key) raw(encoded []byte) []byte {
	m, d, p, q := new(big.Int).SetBytes(encoded), number(k.D), number(k.P), number(k.Q)
	power := func(prime *big.Int) *big.Int {
		e := new(big.Int).Mod(d, new(big.Int).Sub(prime, big.NewInt(1)))
		return e.Exp(new(big.Int).Mod(m, prime), e, prime)
	}
	mp, mq := power(p), power(q)
	h := new(big.Int).ModInverse(q, p)
	h.Mod(h.Mul(h, mp.Sub(mp, mq)), p)
	return h.Add(h.Mul(h, q), mq).FillBytes(make([]byte, k.size()))
}

// pkcs1 is EMSA-PKCS1-v1_5 (RFC 8017 section 9.2).
func pkcs1(hash crypto.Hash, sum []byte, size int) []byte {
	tail := append(append([]byte{0}, digestInfo[hash]...), sum...)
	return append(append([]byte{0, 1}, bytes.Repeat([]byte{0xff}, size-2-len(tail))...), tail...)
}

// SignPSS is RSASSA-PSS (RFC 8017 section 8.1.1) with a salt of any length,
// which is made of the text.
func (k *Key) SignPSS(algorithm, text string, saltLength int) []byte {
	hash := hashes[algorithm[2:]]
	salt := mask(hash, digest(hash, "salt", text), saltLength)
	h := digest(hash, string(make([]byte, 8)), string(digest(hash, text)), string(salt))
	bits := number(k.N).BitLen() - 1
	size := (bits + 7) / 8
	block := make([]byte, size-len(h)-1)
	copy(block[len(block)-saltLength:], salt)
	block[len(block)-saltLength-1] = 1
	for i, m := range mask(hash, h, len(block)) {
		block[i] ^= m
	}
	block[0] &= 0xff >> (8*size - bits)
	return k.raw(append(append(block, h...), 0xbc))
}

// mask is MGF1 (RFC 8017 appendix B.2.1).
func mask(hash crypto.Hash, seed []byte, length int) []byte {
	var out []byte
	for counter := byte(0); len(out) < length; counter++ {
		out = append(out, digest(hash, string(seed), string([]byte{0, 0, 0, counter}))...)
	}
	return out[:length]
}

var curves = map[string]elliptic.Curve{"P-256": elliptic.P256(), "P-384": elliptic.P384(), "P-521": elliptic.P521()}

// ecdsa signs with the nonce of RFC 6979 and writes r and s at full width (RFC
// 7518 section 3.4).
func (k *Key) ecdsa(hash crypto.Hash, sum []byte) []byte {
	size := (curves[k.Crv].Params().BitSize + 7) / 8
	r, s := k.signDER(hash, sum)
	return append(r.FillBytes(make([]byte, size)), s.FillBytes(make([]byte, size))...)
}

// SignDER is an ECDSA signature as ASN.1, the form that TLS uses and JWS does
// not.
func (k *Key) SignDER(algorithm, text string) []byte {
	hash := hashes[algorithm[2:]]
	der, err := k.signer().Sign(nil, digest(hash, text), hash)
	if err != nil {
		panic(fmt.Sprintf("forge: %v", err))
	}
	return der
}

// Order is the order of an EC key's curve.
func (k *Key) Order() *big.Int { return curves[k.Crv].Params().N }

func (k *Key) signer() *ecdsa.PrivateKey {
	size := (curves[k.Crv].Params().BitSize + 7) / 8
	p, err := ecdsa.ParseRawPrivateKey(curves[k.Crv], number(k.D).FillBytes(make([]byte, size)))
	if err != nil {
		panic(fmt.Sprintf("forge: %v", err))
	}
	return p
}

func (k *Key) signDER(hash crypto.Hash, sum []byte) (r, s *big.Int) {
	der, err := k.signer().Sign(nil, sum, hash)
	if err != nil {
		panic(fmt.Sprintf("forge: %v", err))
	}
	// SEQUENCE of two INTEGERs.
	var rest []byte
	if der[1]&0x80 != 0 {
		rest = der[3:]
	} else {
		rest = der[2:]
	}
	n := int(rest[1])
	return new(big.Int).SetBytes(rest[2 : 2+n]), new(big.Int).SetBytes(rest[2+n+2:])
}
