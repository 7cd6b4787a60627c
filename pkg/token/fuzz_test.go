package token_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kong-plugin-auth-diagnosis/pkg/diagnosis"
	"kong-plugin-auth-diagnosis/pkg/token"
)

// FuzzParse holds the parser to three promises: it never panics, every failure
// is in the catalogue, and what it accepts is what an ordinary JSON decoder
// reads from segments that have one spelling only.
func FuzzParse(f *testing.F) {
	for _, tc := range parseCases {
		f.Add(tc.raw)
	}
	for _, s := range shapes {
		f.Add(unsigned(s.header, s.claims))
	}
	for _, tc := range headerCases {
		f.Add(unsigned(tc.header, goodClaims))
	}
	r := rules()
	r.Scopes = token.Requirement{Required: []string{"read"}, Claims: [][]string{{"scope"}}}
	r.RequiredClaims = []token.ClaimRule{{Path: []string{"a", "b"}, Values: []string{"x"}}}
	r.MaximumLifetime = time.Hour
	key := token.Key{ID: "k1", Public: keys().p256.Public()}
	f.Fuzz(func(t *testing.T, raw string) {
		tok, failure := token.Parse(raw, token.Limits{Size: 1 << 16})
		if (tok == nil) == (failure == nil) {
			t.Fatalf("expected a token or a failure, got %v and %v", tok, failure)
		}
		if failure != nil {
			inCatalogue(t, failure)
			return
		}
		seg := strings.Split(raw, ".")
		sameSegment(t, seg[0])
		sameClaims(t, seg[1], tok.Claims)
		if tok.SignatureFault == nil && base64.RawURLEncoding.EncodeToString(tok.Signature) != seg[2] {
			t.Fatalf("the signature has another spelling: %q", seg[2])
		}
		if f := r.CheckHeader(tok); f != nil {
			inCatalogue(t, f)
		}
		if _, f := r.SelectIssuer(tok); f != nil {
			inCatalogue(t, f)
		}
		if f := token.Verify(tok, key); f == nil {
			t.Fatal("a token verifies that nobody signed")
		} else {
			inCatalogue(t, f)
		}
		for _, f := range r.Judge(tok, &r.Issuers[0], now) {
			inCatalogue(t, &f)
		}
		tok.Hint()
	})
}

// FuzzPayload aims at the JSON reader, past base64.
func FuzzPayload(f *testing.F) {
	for _, tc := range parseCases {
		if seg := strings.Split(tc.raw, "."); len(seg) == 3 {
			if text, err := base64.RawURLEncoding.DecodeString(seg[1]); err == nil {
				f.Add(string(text))
			}
		}
	}
	f.Add(`{"a":"\ud83d\ude00","b":[1.5e-3,{"c":null}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		seg := b64(text)
		tok, failure := token.Parse(segments(okHeader, seg, okSig), token.Limits{Size: 1 << 16})
		if failure != nil {
			inCatalogue(t, failure)
			if failure.Code == diagnosis.PayloadBadJSON && plainJSON(text) {
				t.Fatalf("refused as bad JSON: %q", text)
			}
			return
		}
		sameClaims(t, seg, tok.Claims)
	})
}

// plainJSON reports whether a text is an ASCII JSON object without \u escapes:
// one that a strict and a lax reader must agree on.
func plainJSON(text string) bool {
	for i := range len(text) {
		if text[i] >= 0x80 {
			return false
		}
	}
	var m map[string]any
	return !strings.Contains(text, `\u`) && json.Unmarshal([]byte(text), &m) == nil && m != nil
}

func inCatalogue(t *testing.T, f *diagnosis.Failure) {
	t.Helper()
	row := f.Row() // panics on a code outside the catalogue
	if row.Status < 400 {
		t.Fatalf("%s is not a rejection", f.Code)
	}
	if (f.By != nil) != (row.Unit != "") {
		t.Fatalf("%s: expected a number in the unit %q, got %v", f.Code, row.Unit, f.By)
	}
}

func sameSegment(t *testing.T, seg string) {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(seg)
	if err != nil || base64.RawURLEncoding.EncodeToString(b) != seg {
		t.Fatalf("accepted a segment with another spelling: %q", seg)
	}
}

func sameClaims(t *testing.T, seg string, claims token.Claims) {
	t.Helper()
	sameSegment(t, seg)
	b, _ := base64.RawURLEncoding.DecodeString(seg)
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var want map[string]any
	if err := d.Decode(&want); err != nil {
		t.Fatalf("accepted what encoding/json refuses: %v", err)
	}
	if diff := cmp.Diff(token.Claims(want), claims); diff != "" {
		t.Fatalf("claims (-encoding/json +token):\n%s", diff)
	}
}
