package token

import (
	"fmt"
	"slices"
	"strings"

	"kong-plugin-auth-diagnosis/pkg/diagnosis"
)

// Header is a JOSE header (RFC 7515 section 4). A string is "" when its member
// is absent or not a string; [Header.Has] tells the first of the two.
type Header struct {
	Algorithm   string // alg
	KeyID       string // kid
	Type        string // typ
	ContentType string // cty

	members map[string]any
}

func newHeader(m map[string]any) Header {
	text := func(name string) string { s, _ := m[name].(string); return s }
	return Header{Algorithm: text("alg"), KeyID: text("kid"), Type: text("typ"), ContentType: text("cty"), members: m}
}

// Has reports whether the header has a member, whatever its value.
func (h *Header) Has(member string) bool {
	_, ok := h.members[member]
	return ok
}

// maxKeyID is the longest key ID looked up, in bytes. Thumbprints have 27 or 43
// characters, certificate names and URLs used as key IDs up to about 200.
const maxKeyID = 256

// keyMembers bring a key, or its address, along with the token (RFC 7515
// sections 4.1.2 to 4.1.6). Whoever trusts one trusts the sender. Thumbprints
// (x5t, x5t#S256) only name a key and are let through.
var keyMembers = [...]string{"jwk", "jku", "x5u", "x5c"}

// CheckHeader judges the header before any key is looked up. The algorithms and
// the need for a kid belong to an issuer, which is not verified yet: they are
// taken from the policy that the iss claim names, and when it names none, a
// token fails here only if every policy would refuse it.
func (r *Rules) CheckHeader(t *Token) *diagnosis.Failure {
	return t.damaged(r.checkHeader(t))
}

func (r *Rules) checkHeader(t *Token) *diagnosis.Failure {
	h := &t.Header
	policies := r.candidates(t)
	if f := checkAlgorithm(h, policies); f != nil {
		return f
	}
	if h.Has("crit") {
		return diagnosis.Fail(diagnosis.CritUnsupported, "the header has crit; no extension is understood")
	}
	if b64, ok := h.members["b64"]; ok && b64 != true {
		// RFC 7797 section 6 wants crit beside it; a verifier that overlooks
		// b64 would check another text than the signer signed.
		return diagnosis.Fail(diagnosis.CritUnsupported, "the header has b64 (unencoded payload)")
	}
	for _, m := range keyMembers {
		if h.Has(m) {
			return diagnosis.Fail(diagnosis.EmbeddedKeyForbidden, "the header has "+m)
		}
	}
	if mediaType(h.ContentType) == "jwt" {
		return diagnosis.Fail(diagnosis.NestedTokenUnsupported, "cty is JWT")
	}
	return checkKeyID(t, policies)
}

func checkAlgorithm(h *Header, policies []Policy) *diagnosis.Failure {
	alg := h.Algorithm
	_, isText := h.members["alg"].(string)
	_, known := algorithms[alg]
	switch {
	case !h.Has("alg"):
		return diagnosis.Fail(diagnosis.AlgMissing, "no alg")
	case !isText || alg == "":
		return diagnosis.Fail(diagnosis.AlgMissing, "alg is not a name")
	case isNone(alg):
		return diagnosis.Fail(diagnosis.AlgNone, "received alg "+quote(alg))
	case isSymmetric(alg):
		return diagnosis.Fail(diagnosis.AlgSymmetricForbidden, "received alg "+quote(alg))
	case !known:
		return diagnosis.Fail(diagnosis.AlgUnsupported, "received alg "+quote(alg))
	}
	if !slices.ContainsFunc(policies, func(p Policy) bool { return slices.Contains(p.Algorithms, alg) }) {
		expected := "expected another of an issuer's algorithms"
		if len(policies) == 1 {
			expected = "expected " + oneOf(policies[0].Algorithms)
		}
		return diagnosis.Fail(diagnosis.AlgNotAllowed, expected+", received "+quote(alg))
	}
	return nil
}

// isNone folds case: parsers that do not compare exactly have been fooled by
// "None" and "nOnE".
func isNone(alg string) bool { return strings.EqualFold(alg, "none") }

func isSymmetric(alg string) bool {
	switch strings.ToUpper(alg) {
	case "HS256", "HS384", "HS512":
		return true
	}
	return false
}

func checkKeyID(t *Token, policies []Policy) *diagnosis.Failure {
	h := &t.Header
	kid, isText := h.members["kid"].(string)
	switch {
	case !h.Has("kid"):
		if slices.ContainsFunc(policies, func(p Policy) bool { return !p.RequireKid }) {
			return nil
		}
		return diagnosis.Fail(diagnosis.KidMissing, withHint("no kid", t))
	case !isText:
		return diagnosis.Fail(diagnosis.KidInvalid, "kid is not a string")
	case kid == "":
		return diagnosis.Fail(diagnosis.KidInvalid, "kid is empty")
	case len(kid) > maxKeyID:
		return diagnosis.Fail(diagnosis.KidInvalid, fmt.Sprintf("expected a kid of at most %d bytes, got %d", maxKeyID, len(kid)))
	case strings.ContainsFunc(kid, func(c rune) bool { return c < 0x20 || c > 0x7e || strings.ContainsRune(`"'\<>`+"`", c) }):
		// A key ID is only ever looked up in a map. One with such characters is
		// an injection that aims at someone else's database, or damage.
		return diagnosis.Fail(diagnosis.KidInvalid, "kid has a character that no key ID has")
	}
	return nil
}

// mediaType normalises typ and cty for comparison: case is ignored and the
// prefix application/ may be left out (RFC 7515 section 4.1.9).
func mediaType(s string) string {
	return strings.TrimPrefix(strings.ToLower(s), "application/")
}
