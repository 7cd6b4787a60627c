package forge

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"math/big"
)

// NewRSA makes an RSA key of a size and exponent, weak ones too.
func NewRSA(name, kid string, bits int, exponent int64) (*Key, error) {
	e := big.NewInt(exponent)
	for {
		p, q, err := primes(bits)
		if err != nil {
			return nil, err
		}
		n := new(big.Int).Mul(p, q)
		one := big.NewInt(1)
		phi := new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one))
		d := new(big.Int).ModInverse(e, phi)
		if d == nil || n.BitLen() != bits || p.Cmp(q) == 0 {
			continue
		}
		return &Key{
			Name: name, Kid: kid, Kty: "RSA",
			N: B64(n.Bytes()), E: B64(e.Bytes()), D: B64(d.Bytes()), P: B64(p.Bytes()), Q: B64(q.Bytes()),
		}, nil
	}
}

func primes(bits int) (p, q *big.Int, err error) {
	if p, err = rand.Prime(rand.Reader, bits/2); err == nil {
		q, err = rand.Prime(rand.Reader, bits/2)
	}
	return p, q, err
}

// NewEC makes a key on a curve of RFC 7518 section 6.2.1.1.
func NewEC(name, kid, crv string) (*Key, error) {
	p, err := ecdsa.GenerateKey(curves[crv], rand.Reader)
	if err != nil {
		return nil, err
	}
	d, err := p.Bytes()
	if err != nil {
		return nil, err
	}
	point, err := p.PublicKey.Bytes()
	if err != nil {
		return nil, err
	}
	size := (len(point) - 1) / 2
	return &Key{Name: name, Kid: kid, Kty: "EC", Crv: crv, X: B64(point[1 : 1+size]), Y: B64(point[1+size:]), D: B64(d)}, nil
}

// NewEd25519 makes a key of RFC 8037.
func NewEd25519(name, kid string) (*Key, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making %q: %w", name, err)
	}
	return &Key{Name: name, Kid: kid, Kty: "OKP", Crv: "Ed25519", X: B64(public), D: B64(private.Seed())}, nil
}
