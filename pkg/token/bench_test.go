package token_test

import (
	"crypto"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"kong-plugin-auth-diagnosis/pkg/token"
)

// BenchmarkVerdict sets a whole verdict beside the bare signature check in it.
func BenchmarkVerdict(b *testing.B) {
	r := rules()
	for _, alg := range []string{"RS256", "PS256", "ES256", "EdDSA"} {
		raw := mint(alg, signerFor(alg), goodHeader.with(obj{"alg": alg}), goodClaims)
		set := []token.Key{key("k1", signerFor(alg))}
		b.Run(alg+"/verdict", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				tok, f := token.Parse(raw, token.Limits{})
				if f != nil || r.CheckHeader(tok) != nil {
					b.Fatal("refused")
				}
				p, f := r.SelectIssuer(tok)
				if f != nil || token.VerifyWith(tok, set, nil) != nil || len(r.Judge(tok, p, now)) != 0 {
					b.Fatal("refused")
				}
			}
		})
		b.Run(alg+"/bare", func(b *testing.B) {
			tok := parse(b, raw)
			var public crypto.PublicKey = set[0].Public
			method := jwt.GetSigningMethod(alg)
			b.ReportAllocs()
			for b.Loop() {
				if err := method.Verify(tok.SigningInput, tok.Signature, public); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
