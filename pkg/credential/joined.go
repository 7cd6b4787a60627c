package credential

import "strings"

// maxParts bounds how many parts of a line are looked at.
const maxParts = 16

// joined reports whether a line is several credentials with commas between them,
// which is how intermediaries merge two header lines (RFC 9110 section 5.3).
// The commas between a scheme's own parameters, as Digest has, join nothing.
func joined(v string) bool {
	if strings.IndexByte(v, ',') < 0 {
		return false
	}
	parts := splitUnquoted(v)
	if len(parts) == 1 {
		return false
	}
	if trim(parts[0]) == "" || trim(parts[len(parts)-1]) == "" {
		return true // joined with a blank line
	}
	for _, p := range parts[1:] {
		if startsCredential(trim(p)) {
			return true
		}
	}
	return false
}

// startsCredential reports whether a part begins a new credential: with a token
// or with a scheme, rather than with the name of a parameter.
func startsCredential(part string) bool {
	word, rest, spaced := cut(part)
	if looksLikeJWT(word) {
		return true
	}
	if _, known := schemes[strings.ToLower(word)]; known && !strings.HasPrefix(rest, "=") {
		return true
	}
	// An unknown word before a space is a scheme, but "name = value" is a parameter.
	return spaced && isSchemeName(word) && rest[0] != '='
}

func isSchemeName(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; !(c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-') {
			return false
		}
	}
	return s != ""
}

// splitUnquoted splits at commas outside quoted strings (RFC 9110 section
// 5.6.4), into at most maxParts parts.
func splitUnquoted(v string) []string {
	var parts []string
	quoted, start := false, 0
	for i := 0; i < len(v) && len(parts) < maxParts-1; i++ {
		switch c := v[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case c == ',' && !quoted:
			parts = append(parts, v[start:i])
			start = i + 1
		}
	}
	return append(parts, v[start:])
}
