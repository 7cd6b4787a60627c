package credential

import (
	"encoding/base64"
	"strings"

	"kong-plugin-auth-diagnosis/pkg/diagnosis"
)

// readBasic reads what stands behind Basic: base64 of a user name, a colon and a
// password (RFC 7617 section 2). Padding may be missing, as Kong's basic-auth
// and nginx accept it.
func readBasic(name, text string) reading {
	if what := unrendered(text); what != "" {
		return refused(diagnosis.TokenPlaceholder, name, what)
	}
	if first, _, _ := cut(text); strings.EqualFold(first, "basic") {
		return refused(diagnosis.SchemeRepeated, name, "Basic twice")
	}
	if what := badCharacter(text); what != "" {
		return refused(diagnosis.TokenBadCharset, name, what)
	}
	pair, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(text, "="))
	if err != nil {
		return refused(diagnosis.TokenBadCharset, name, "not base64, or cut off")
	}
	if strings.IndexByte(string(pair), ':') < 0 {
		return refused(diagnosis.TokenBadCharset, name, "no colon between user name and password, or cut off before it")
	}
	return reading{kind: Basic, token: text}
}
