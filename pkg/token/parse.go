package token

import (
	"strings"

	"kong-plugin-auth-diagnosis/pkg/diagnosis"
)

// Limits bounds what [Parse] takes. A zero field stands for its default.
type Limits struct {
	// Size of the whole token in bytes; default 1 MiB.
	Size int
	// Depth of nested JSON objects and arrays, the outermost counted; default 16.
	Depth int
	// Values is how many object members and array elements the header and the
	// payload may each have, at all depths together; default 4096.
	Values int
}

const (
	defaultSize   = 1 << 20
	defaultDepth  = 16
	defaultValues = 4096
)

// Token is a parsed token. Nothing in it is verified: its claims must not be
// used before [VerifyWith] has accepted the signature.
type Token struct {
	Header Header
	Claims Claims
	// SigningInput is what the signature covers: the first two segments exactly
	// as received, with their dot (RFC 7515 section 5.2).
	SigningInput string
	// Signature is the third segment, decoded; nil if SignatureFault is set.
	Signature []byte
	// SignatureFault is set when the third segment is base64url up to its end
	// but does not end as an encoder ends. Mostly that is a token cut off on the
	// way, which only the key's size can tell, so the fault waits for [VerifyWith]
	// and every earlier stage of this package reports it instead of its own
	// failure. A caller that fails in between, looking up the key, should too.
	SignatureFault *diagnosis.Failure

	signatureSize int // in bytes, also when the segment's end is broken
	times         times
}

// Parse reads a token in compact serialization (RFC 7515 section 7.1). It is as
// strict as the RFCs allow: exactly three segments of canonical base64url, each
// of the first two a JSON object in valid UTF-8 with unique member names at
// every depth, and no top-level name that equals a registered one only when
// case is ignored.
//
// Of several faults the first in the catalogue's order is reported.
func Parse(raw string, lim Limits) (*Token, *diagnosis.Failure) {
	lim = lim.withDefaults()
	if over := len(raw) - lim.Size; over > 0 {
		return nil, diagnosis.FailBy(diagnosis.CredentialTooLarge, int64(over), "")
	}
	seg, f := split(raw)
	if f != nil {
		return nil, f
	}
	header, err := decodeSegment(seg[0])
	if err != nil {
		return nil, diagnosis.Fail(diagnosis.HeaderBadBase64, err.Error())
	}
	payload, err := decodeSegment(seg[1])
	if err != nil {
		return nil, diagnosis.Fail(diagnosis.PayloadBadBase64, err.Error())
	}
	signature, err := decodeSegment(seg[2])
	var sigFault *diagnosis.Failure
	if err != nil {
		sigFault = diagnosis.Fail(diagnosis.SignatureBadBase64, err.Error())
		if !endsBadly(err) {
			return nil, sigFault
		}
	}

	members, hf := readDocument(string(header), lim, &headerDocument)
	claims, pf := readDocument(string(payload), lim, &payloadDocument)
	if f := first(hf, pf); f != nil {
		return nil, f
	}
	t := &Token{
		Header:         newHeader(members),
		Claims:         claims,
		SigningInput:   raw[:len(seg[0])+1+len(seg[1])],
		Signature:      signature,
		SignatureFault: sigFault,
		signatureSize:  decodedSize(seg[2]),
		times:          Claims(claims).times(),
	}
	switch _, known := algorithms[t.Header.Algorithm]; {
	case seg[2] == "" && isNone(t.Header.Algorithm):
		// An unsecured token (RFC 7519 section 6) has both marks. The one that
		// names the attack, or the library that wrote it, explains more.
		return nil, diagnosis.Fail(diagnosis.AlgNone, "alg none with an empty signature")
	case seg[2] == "":
		return nil, diagnosis.Fail(diagnosis.SignatureEmpty, "")
	case sigFault != nil && !known:
		return nil, sigFault // no key of ours could tell how much is missing
	}
	return t, nil
}

func (l Limits) withDefaults() Limits {
	if l.Size <= 0 {
		l.Size = defaultSize
	}
	if l.Depth <= 0 {
		l.Depth = defaultDepth
	}
	if l.Values <= 0 {
		l.Values = defaultValues
	}
	return l
}

// damaged returns the token's waiting structural fault in place of a failure
// that a later stage found: structure is judged first.
func (t *Token) damaged(f *diagnosis.Failure) *diagnosis.Failure {
	if f != nil && t.SignatureFault != nil {
		return t.SignatureFault
	}
	return f
}

// document says how the faults of one of the two JSON documents are called.
type document struct {
	badJSON, duplicate diagnosis.Code
	registered         []string
}

var (
	headerDocument = document{
		badJSON:    diagnosis.HeaderBadJSON,
		duplicate:  diagnosis.HeaderDuplicateMember,
		registered: []string{"alg", "typ", "kid", "cty", "crit", "b64", "jwk", "jku", "x5u", "x5c", "x5t", "zip"},
	}
	payloadDocument = document{
		badJSON:    diagnosis.PayloadBadJSON,
		duplicate:  diagnosis.ClaimDuplicate,
		registered: []string{"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "scope", "scp", "client_id", "azp", "nonce"},
	}
)

func readDocument(text string, lim Limits, d *document) (map[string]any, *diagnosis.Failure) {
	members, err := readObject(text, lim)
	if err != nil {
		return nil, diagnosis.Fail(d.code(err), err.Error())
	}
	for name := range members {
		for _, reg := range d.registered {
			// A decoder that ignores case, as Go's own does for structs, would
			// take this member for the registered one.
			if name != reg && strings.EqualFold(name, reg) {
				return nil, diagnosis.Fail(diagnosis.ClaimNameAmbiguous, "a name that differs from "+quote(reg)+" only in case")
			}
		}
	}
	return members, nil
}
