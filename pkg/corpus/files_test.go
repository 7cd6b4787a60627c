package corpus_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	_ "crypto/sha512"
	"encoding/base64"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kong-plugin-auth-diagnosis/pkg/corpus"
	"kong-plugin-auth-diagnosis/pkg/corpus/internal/family"
	"kong-plugin-auth-diagnosis/pkg/corpus/internal/forge"
)

func ring(t *testing.T) forge.Ring {
	t.Helper()
	text, err := corpus.Keys()
	if err != nil {
		t.Fatal(err)
	}
	r, err := forge.ReadRing(text)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestFilesAreGenerated compares the files with what go generate writes.
func TestFilesAreGenerated(t *testing.T) {
	t.Parallel()
	written := map[string]bool{corpus.KeysFile: true}
	for _, f := range family.All(ring(t)) {
		want, err := f.Text()
		if err != nil {
			t.Fatal(err)
		}
		name := f.Family + ".json"
		written[name] = true
		got, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != string(want) {
			t.Errorf("%s is not what go generate writes", name)
		}
	}
	all, err := os.ReadDir("testdata")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range all {
		if !written[e.Name()] {
			t.Errorf("%s is nobody's", e.Name())
		}
	}
}

// TestTokensAreWhatTheirPartsSay checks signatures with Go's own verification,
// which neither the generator nor the product has a hand in.
func TestTokensAreWhatTheirPartsSay(t *testing.T) {
	t.Parallel()
	keys := ring(t)
	for _, f := range families(t) {
		names := map[string]bool{}
		for _, c := range f.Cases {
			if names[c.Name] {
				t.Errorf("%s: two cases are called %q", f.Family, c.Name)
			}
			names[c.Name] = true
			if c.Why == "" {
				t.Errorf("%s: %q does not say why", f.Family, c.Name)
			}
			if c.Parts == nil {
				continue
			}
			input := forge.Text(c.Parts.Header) + "." + forge.Text(c.Parts.Payload)
			rest, ok := strings.CutPrefix(c.Token, input+".")
			signature, err := base64.RawURLEncoding.Strict().DecodeString(rest)
			if err == nil && ok {
				err = verify(keys[c.Parts.Key], c.Parts.Algorithm, input, signature)
			}
			holds, altered := ok && err == nil, c.Parts.Altered != ""
			if !altered && !holds || altered && holds && c.Expect.Code != "accepted" {
				t.Errorf("%s: %q: altered %q, and its signature holds: %v (%v)", f.Family, c.Name, c.Parts.Altered, holds, err)
			}
		}
	}
}

var errSignature = errors.New("the signature does not hold")

func verify(k *forge.Key, algorithm, input string, signature []byte) error {
	hash := map[string]crypto.Hash{"256": crypto.SHA256, "384": crypto.SHA384, "512": crypto.SHA512}[algorithm[2:]]
	var sum []byte
	if hash != 0 {
		h := hash.New()
		h.Write([]byte(input))
		sum = h.Sum(nil)
	}
	public := &rsa.PublicKey{N: integer(k.N), E: int(integer(k.E).Int64())}
	switch algorithm[:2] {
	case "RS":
		return rsa.VerifyPKCS1v15(public, hash, sum, signature)
	case "PS":
		return rsa.VerifyPSS(public, hash, sum, signature, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
	case "ES":
		curve := map[string]elliptic.Curve{"P-256": elliptic.P256(), "P-384": elliptic.P384(), "P-521": elliptic.P521()}[k.Crv]
		size := (curve.Params().BitSize + 7) / 8
		point := append([]byte{4}, append(integer(k.X).FillBytes(make([]byte, size)), integer(k.Y).FillBytes(make([]byte, size))...)...)
		public, err := ecdsa.ParseUncompressedPublicKey(curve, point)
		if err != nil || len(signature) != 2*size {
			return errSignature
		}
		if !ecdsa.Verify(public, sum, new(big.Int).SetBytes(signature[:size]), new(big.Int).SetBytes(signature[size:])) {
			return errSignature
		}
		return nil
	case "Ed":
		if !ed25519.Verify(integer(k.X).FillBytes(make([]byte, ed25519.PublicKeySize)), []byte(input), signature) {
			return errSignature
		}
		return nil
	}
	return errSignature
}

func integer(member string) *big.Int {
	b, err := base64.RawURLEncoding.DecodeString(member)
	if err != nil {
		return new(big.Int)
	}
	return new(big.Int).SetBytes(b)
}
