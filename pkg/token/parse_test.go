package token_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kong-plugin-auth-diagnosis/pkg/diagnosis"
	"kong-plugin-auth-diagnosis/pkg/token"
)

var (
	okHeader  = b64(`{"alg":"RS256"}`)
	okPayload = b64(`{"iss":"x"}`)
	okSig     = b64(strings.Repeat("s", 256))
)

func segments(s ...string) string { return strings.Join(s, ".") }

func payload(text string) string { return segments(okHeader, b64(text), okSig) }

func header(text string) string { return segments(b64(text), okPayload, okSig) }

func nested(depth int) string {
	return `{"a":` + strings.Repeat("[", depth-1) + strings.Repeat("]", depth-1) + `}`
}

func members(n int) string {
	var b strings.Builder
	b.WriteString(`{"groups":[`)
	for i := range n - 1 {
		fmt.Fprintf(&b, `"g%d",`, i)
	}
	return strings.TrimSuffix(b.String(), ",") + `]}`
}

var parseCases = []struct {
	name, raw string
	code      diagnosis.Code
	by        int64
}{
	{"a well-formed token", segments(okHeader, okPayload, okSig), "", 0},
	{"nothing", "", diagnosis.TokenOpaque, 0},
	{"a reference token", "iAmAn0paqueReferenceToken12", diagnosis.TokenOpaque, 0},
	{"an opaque token with dots", "v2.local.abcdefgh", diagnosis.TokenOpaque, 0},
	{"a PingAM session with dots", "AQIC5wM2LY4Sfcx.AAJTSQACMDE", diagnosis.TokenOpaque, 0},
	{"an encrypted token", segments(b64(`{"alg":"RSA-OAEP","enc":"A256GCM"}`), "a", "b", "c", "d"), diagnosis.TokenEncrypted, 0},
	{"cut inside the header", okHeader[:12], diagnosis.TokenSegments, 1},
	{"cut inside the payload", segments(okHeader, okPayload[:6]), diagnosis.TokenSegments, 2},
	{"four segments", segments(okHeader, okPayload, okSig, "x"), diagnosis.TokenSegments, 4},
	{"ten thousand dots", okHeader + strings.Repeat(".", 10_000), diagnosis.TokenSegments, 10_001},
	{"JSON serialization", `{"payload":"e30","signatures":[]}`, diagnosis.TokenJSONSerialized, 0},
	{"over the size limit", okHeader + strings.Repeat("A", 1<<20), diagnosis.CredentialTooLarge, int64(len(okHeader))},

	{"a padded header", segments(b64(`{"alg":"RS256" }`)+"==", okPayload, okSig), diagnosis.HeaderBadBase64, 0},
	{"a header with non-zero trailing bits", segments("eyJhIjoxfR", okPayload, okSig), diagnosis.HeaderBadBase64, 0},
	{"a header of impossible length", segments(b64(`{"a":1}  `)+"A", okPayload, okSig), diagnosis.HeaderBadBase64, 0},
	{"a line break in the header", segments(okHeader[:4]+"\n"+okHeader[4:], okPayload, okSig), diagnosis.HeaderBadBase64, 0},
	{"a standard base64 payload", segments(okHeader, b64(`{"a":"`)+"+/+/", okSig), diagnosis.PayloadBadBase64, 0},
	{"an illegal character in the payload", segments(okHeader, okPayload+"~~~~", okSig), diagnosis.PayloadBadBase64, 0},
	{"a padded signature", segments(okHeader, okPayload, okSig+"="), diagnosis.SignatureBadBase64, 0},
	{"a cut signature under an unknown alg", segments(b64(`{"alg":"XX1"}`), okPayload, okSig[:21]), diagnosis.SignatureBadBase64, 0},
	{"a bad payload behind a header that is not JSON", segments(b64(`{"alg"`), okPayload+"~", okSig), diagnosis.PayloadBadBase64, 0},

	{"a header that is null", header(`null`), diagnosis.HeaderBadJSON, 0},
	{"a header that is not finished", header(`{"alg":"RS256"`), diagnosis.HeaderBadJSON, 0},
	{"a header that is not UTF-8", header("{\"alg\":\"\xff\"}"), diagnosis.HeaderBadJSON, 0},
	{"a payload that is null", payload(`null`), diagnosis.PayloadBadJSON, 0},
	{"a payload that is a number", payload(`1`), diagnosis.PayloadBadJSON, 0},
	{"a payload that is an array", payload(`[{}]`), diagnosis.PayloadBadJSON, 0},
	{"an empty payload", segments(okHeader, "", okSig), diagnosis.PayloadBadJSON, 0},
	{"text behind the payload", payload(`{} {}`), diagnosis.PayloadBadJSON, 0},
	{"a byte order mark", payload("\ufeff{}"), diagnosis.PayloadBadJSON, 0},
	{"a trailing comma", payload(`{"a":1,}`), diagnosis.PayloadBadJSON, 0},
	{"a trailing comma in an array", payload(`{"a":[1,]}`), diagnosis.PayloadBadJSON, 0},
	{"no colon", payload(`{"a" 1}`), diagnosis.PayloadBadJSON, 0},
	{"no value", payload(`{"a":}`), diagnosis.PayloadBadJSON, 0},
	{"no comma", payload(`{"a":1 "b":2}`), diagnosis.PayloadBadJSON, 0},
	{"no comma in an array", payload(`{"a":[1 2]}`), diagnosis.PayloadBadJSON, 0},
	{"a high surrogate before a wrong escape", payload(`{"a":"\ud800\n"}`), diagnosis.PayloadBadJSON, 0},
	{"an escape that is not hexadecimal", payload(`{"a":"\u00zz"}`), diagnosis.PayloadBadJSON, 0},
	{"a leading zero", payload(`{"a":01}`), diagnosis.PayloadBadJSON, 0},
	{"a bare point", payload(`{"a":1.}`), diagnosis.PayloadBadJSON, 0},
	{"an empty exponent", payload(`{"a":1e+}`), diagnosis.PayloadBadJSON, 0},
	{"a number with a plus", payload(`{"a":+1}`), diagnosis.PayloadBadJSON, 0},
	{"NaN", payload(`{"a":NaN}`), diagnosis.PayloadBadJSON, 0},
	{"a raw control character", payload("{\"a\":\"\n\"}"), diagnosis.PayloadBadJSON, 0},
	{"an unknown escape", payload(`{"a":"\x41"}`), diagnosis.PayloadBadJSON, 0},
	{"a lone high surrogate", payload(`{"a":"\ud800"}`), diagnosis.PayloadBadJSON, 0},
	{"a lone low surrogate", payload(`{"a":"\udc00x"}`), diagnosis.PayloadBadJSON, 0},
	{"a surrogate with a wrong partner", payload(`{"a":"\ud800\u0041"}`), diagnosis.PayloadBadJSON, 0},
	{"an unfinished string", payload(`{"a":"`), diagnosis.PayloadBadJSON, 0},
	{"an unfinished escape", payload(`{"a":"\u00`), diagnosis.PayloadBadJSON, 0},
	{"a name without quotes", payload(`{a:1}`), diagnosis.PayloadBadJSON, 0},

	{"alg twice", header(`{"alg":"RS256","alg":"none"}`), diagnosis.HeaderDuplicateMember, 0},
	{"iss twice", payload(`{"iss":"a","iss":"b"}`), diagnosis.ClaimDuplicate, 0},
	{"iss twice, once escaped", payload(`{"iss":"a","\u0069ss":"b"}`), diagnosis.ClaimDuplicate, 0},
	{"a name twice deep down", payload(`{"a":[{"b":{"c":1,"c":1}}]}`), diagnosis.ClaimDuplicate, 0},
	{"an upper-case iss", payload(`{"ISS":"a"}`), diagnosis.ClaimNameAmbiguous, 0},
	{"a long s in sub", payload(`{"ſub":"a"}`), diagnosis.ClaimNameAmbiguous, 0},
	{"a Kelvin sign in kid", header(`{"alg":"RS256","\u212aid":"a"}`), diagnosis.ClaimNameAmbiguous, 0},
	{"an upper-case name deep down", payload(`{"act":{"SUB":"a"}}`), "", 0},
	{"sixteen levels", payload(nested(16)), "", 0},
	{"seventeen levels", payload(nested(17)), diagnosis.TokenTooComplex, 0},
	{"nine thousand levels", payload(nested(9000)), diagnosis.TokenTooComplex, 0},
	{"a thousand groups", payload(members(1000)), "", 0},
	{"4,097 values", payload(members(4097)), diagnosis.TokenTooComplex, 0},
	{"an empty signature", segments(okHeader, okPayload, ""), diagnosis.SignatureEmpty, 0},
	{"alg none with an empty signature", segments(b64(`{"alg":"nOnE"}`), okPayload, ""), diagnosis.AlgNone, 0},
	{"a duplicate before an empty signature", segments(okHeader, b64(`{"a":1,"a":1}`), ""), diagnosis.ClaimDuplicate, 0},
	{"a bad payload before a duplicate in the header", segments(b64(`{"a":1,"a":1}`), b64(`{`), okSig), diagnosis.PayloadBadJSON, 0},
}

func TestParse(t *testing.T) {
	for _, tc := range parseCases {
		t.Run(tc.name, func(t *testing.T) {
			_, f := token.Parse(tc.raw, token.Limits{})
			expect(t, f, tc.code, tc.by)
		})
	}
}

func TestParseKeepsValuesAsWritten(t *testing.T) {
	tok := parse(t, payload(` { "n" : 1.50e+2 , "big":123456789012345678901234567890,"neg":-0.0,
		"s":"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00é","t":true,"f":false,"z":null,"o":{},"a":[ ],"l":[1,"x",[true]] } `))
	want := token.Claims{
		"n": json.Number("1.50e+2"), "big": json.Number("123456789012345678901234567890"), "neg": json.Number("-0.0"),
		"s": "\"\\/\b\f\n\r\té😀é", "t": true, "f": false, "z": nil, "o": map[string]any{}, "a": []any{},
		"l": []any{json.Number("1"), "x", []any{true}},
	}
	if diff := cmp.Diff(want, tok.Claims); diff != "" {
		t.Errorf("claims (-want +got):\n%s", diff)
	}
	if got := segments(okHeader, ""); !strings.HasPrefix(tok.SigningInput, got) || strings.Count(tok.SigningInput, ".") != 1 {
		t.Errorf("expected the first two segments as signing input, got %q", tok.SigningInput)
	}
}

func TestParseDetailsHoldNothingOfThePayload(t *testing.T) {
	for _, text := range []string{`{"secret-name":1,"secret-name":2}`, `{"a":"secret-value`, `{"a":secret}`} {
		_, f := token.Parse(payload(text), token.Limits{})
		if f == nil || strings.Contains(f.Detail, "secret") {
			t.Errorf("%s: expected a failure that repeats nothing, got %+v", text, f)
		}
	}
}

// A cut that leaves half a byte is not known to be one before the key is.
func TestCutSignatureWaitsForTheKey(t *testing.T) {
	whole := mint("RS256", keys().rsa, goodHeader, goodClaims)
	for missing := 1; missing <= 8; missing++ {
		cut := whole[:len(whole)-missing]
		tok := parse(t, cut)
		f := token.Verify(tok, token.Key{ID: "k1", Public: &keys().rsa.PublicKey})
		want := int64(256 - (342-missing)*6/8)
		expect(t, f, diagnosis.CredentialTruncated, want)
	}
	// The same fault in a signature of full length is damage.
	last := whole[:len(whole)-1] + "B"
	tok := parse(t, last)
	expect(t, token.Verify(tok, token.Key{Public: &keys().rsa.PublicKey}), diagnosis.SignatureBadBase64, 0)
	// Structure is judged before everything else.
	strange := rules()
	strange.Issuers[0].Issuer = "https://other.example"
	_, f := strange.SelectIssuer(tok)
	expect(t, f, diagnosis.SignatureBadBase64, 0)
	strange.Issuers[0].Algorithms = nil
	expect(t, strange.CheckHeader(tok), diagnosis.SignatureBadBase64, 0)
}
