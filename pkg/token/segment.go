package token

import (
	"encoding/base64"
	"errors"
	"strings"

	"kong-plugin-auth-diagnosis/pkg/diagnosis"
)

// Faults of a base64url segment (RFC 7515 section 2: no padding, no line breaks).
var (
	errPadding  = errors.New("padded with =")
	errStandard = errors.New("standard base64 (+ or /) instead of base64url")
	errAlphabet = errors.New("a character outside base64url")
	errEnd      = errors.New("ends in the middle of a byte")
	errTrailing = errors.New("ends with bits that no encoder writes")
)

// strict refuses trailing bits that are not zero (RFC 4648 section 3.5): with
// them one signature would have several spellings.
var strict = base64.RawURLEncoding.Strict()

// endsBadly reports whether a fault of decodeSegment lies in the last character
// alone, as it does after a cut.
func endsBadly(err error) bool { return errors.Is(err, errEnd) || errors.Is(err, errTrailing) }

// decodeSegment decodes canonical base64url. Its errors hold no input.
func decodeSegment(s string) ([]byte, error) {
	// Go's decoder skips line breaks, so the alphabet is checked first.
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case isAlphanumeric(c) || c == '-' || c == '_':
		case c == '=':
			return nil, errPadding
		case c == '+' || c == '/':
			return nil, errStandard
		default:
			return nil, errAlphabet
		}
	}
	if len(s)%4 == 1 {
		return nil, errEnd
	}
	b, err := strict.DecodeString(s)
	if err != nil {
		return nil, errTrailing
	}
	return b, nil
}

// decodedSize is the number of whole bytes that a segment encodes.
func decodedSize(s string) int { return len(s) * 6 / 8 }

func isAlphanumeric(c byte) bool {
	return c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9'
}

// split cuts a token into its three segments, or says what it is instead.
// A text whose first two segments both lack the look of a JSON object is an
// opaque token, whatever dots it has; one that has the look in either is a
// JWT that lost or gained something.
func split(raw string) ([3]string, *diagnosis.Failure) {
	var seg [3]string
	if strings.HasPrefix(raw, "{") {
		return seg, diagnosis.Fail(diagnosis.TokenJSONSerialized, "")
	}
	count := strings.Count(raw, ".") + 1
	header, rest, _ := strings.Cut(raw, ".")
	payload, signature, _ := strings.Cut(rest, ".")
	switch {
	case !looksLikeObject(header) && !looksLikeObject(payload):
		return seg, diagnosis.Fail(diagnosis.TokenOpaque, "")
	case count == 5 && looksLikeObject(header):
		return seg, diagnosis.Fail(diagnosis.TokenEncrypted, "five segments (JWE)")
	case count != 3:
		return seg, diagnosis.FailBy(diagnosis.TokenSegments, int64(count), "")
	}
	return [3]string{header, payload, signature}, nil
}

// looksLikeObject reports whether a segment's first bytes decode to the start of
// a JSON object: a brace and then a quote, white space or a closing brace.
func looksLikeObject(segment string) bool {
	if len(segment) < 3 {
		return false
	}
	var b [2]byte
	if _, err := base64.RawURLEncoding.Decode(b[:], []byte(segment[:3])); err != nil {
		return false
	}
	return b[0] == '{' && strings.IndexByte("\" \t\r\n}", b[1]) >= 0
}
