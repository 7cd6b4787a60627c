package token

import (
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// text reads a string; the next byte is its opening quote.
func (r *textReader) text() (string, error) {
	r.i++
	start := r.i
	var b *strings.Builder // only once there is an escape
	for r.i < len(r.s) {
		switch c := r.s[r.i]; {
		case c == '"':
			part := r.s[start:r.i]
			r.i++
			if b == nil {
				return part, nil
			}
			b.WriteString(part)
			return b.String(), nil
		case c < 0x20:
			return "", errSyntax
		case c == '\\':
			if b == nil {
				b = new(strings.Builder)
			}
			b.WriteString(r.s[start:r.i])
			char, err := r.escape()
			if err != nil {
				return "", err
			}
			b.WriteRune(char)
			start = r.i
		default:
			r.i++
		}
	}
	return "", errSyntax
}

const escapes, escaped = `"\/bfnrt`, "\"\\/\b\f\n\r\t"

func (r *textReader) escape() (rune, error) {
	r.i++
	c := r.peek()
	if c == 'u' {
		return r.unicode()
	}
	at := strings.IndexByte(escapes, c)
	if at < 0 {
		return 0, errSyntax
	}
	r.i++
	return rune(escaped[at]), nil
}

// unicode reads uXXXX, or a pair of them that makes one character.
func (r *textReader) unicode() (rune, error) {
	hi, err := r.hex()
	if err != nil || !utf16.IsSurrogate(hi) {
		return hi, err
	}
	if r.peek() != '\\' {
		return 0, errSyntax
	}
	r.i++
	lo, err := r.hex()
	if err != nil {
		return 0, err
	}
	if pair := utf16.DecodeRune(hi, lo); pair != utf8.RuneError {
		return pair, nil
	}
	return 0, errSyntax
}

func (r *textReader) hex() (rune, error) {
	if r.peek() != 'u' || r.i+5 > len(r.s) {
		return 0, errSyntax
	}
	n, err := strconv.ParseUint(r.s[r.i+1:r.i+5], 16, 16)
	if err != nil {
		return 0, errSyntax
	}
	r.i += 5
	return rune(n), nil
}

// number reads a number and keeps its digits (RFC 8259 section 6).
func (r *textReader) number() (json.Number, error) {
	start := r.i
	if r.peek() == '-' {
		r.i++
	}
	zero := r.peek() == '0'
	if n := r.digits(); n == 0 || zero && n > 1 {
		return "", errSyntax
	}
	if r.peek() == '.' {
		r.i++
		if r.digits() == 0 {
			return "", errSyntax
		}
	}
	if c := r.peek(); c == 'e' || c == 'E' {
		r.i++
		if c := r.peek(); c == '+' || c == '-' {
			r.i++
		}
		if r.digits() == 0 {
			return "", errSyntax
		}
	}
	return json.Number(r.s[start:r.i]), nil
}

func (r *textReader) digits() int {
	start := r.i
	for isDigit(r.peek()) {
		r.i++
	}
	return r.i - start
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
