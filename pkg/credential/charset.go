package credential

import (
	"fmt"
	"strings"
)

// badCharacter says what keeps a text from being a b64token (RFC 6750 section
// 2.1): one or more of A-Z a-z 0-9 - . _ ~ + / and then any number of =. It
// returns "" if nothing does. Positions count bytes from 1.
func badCharacter(s string) string {
	body := strings.TrimRight(s, "=")
	for i := 0; i < len(body); i++ {
		if c := body[i]; !isToken68(c) {
			return fmt.Sprintf("%s at byte %d of %d", characterClass(c), i+1, len(s))
		}
	}
	if body == "" {
		return "nothing but equals signs"
	}
	return ""
}

func isToken68(c byte) bool { return token68[c] }

// token68 is looked up for every byte of every credential.
var token68 = func() (set [256]bool) {
	for _, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/") {
		set[c] = true
	}
	return set
}()

// characterClass names the kind of a character that no token has. The
// character itself may be part of a secret that was put in the wrong place.
func characterClass(c byte) string {
	switch {
	case isBlank(c):
		return "a space"
	case c == '"' || c == '\'' || c == '`':
		return "a quote"
	case c == '%':
		return "percent-encoding"
	case c == '=':
		return "an equals sign before the end"
	case c == ',':
		return "a comma"
	case c < 0x20 || c == 0x7f:
		return "a control character"
	case c > 0x7f:
		return "a byte above 0x7F"
	}
	return "a character that no token has"
}

// looksLikeJWT reports whether a text has the shape of a JWS or JWE: a first
// segment that starts as base64url of `{"` does, and two or four dots.
func looksLikeJWT(s string) bool {
	if !strings.HasPrefix(s, "eyJ") {
		return false
	}
	if dots := strings.Count(s, "."); dots != 2 && dots != 4 {
		return false
	}
	return badCharacter(s) == ""
}
