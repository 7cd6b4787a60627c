package credential

import (
	"strings"

	"kong-plugin-auth-diagnosis/pkg/diagnosis"
)

// reading is what one header line says: a credential or a failure.
type reading struct {
	kind    Kind
	token   string
	failure *diagnosis.Failure
}

func refused(c diagnosis.Code, name, what string) reading {
	return reading{failure: fail(c, name, what)}
}

// schemes are the authentication schemes that are told by name, in lower case:
// those of the IANA registry that occur and the ones of single sign-on.
var schemes = map[string]Kind{
	"bearer": Bearer, "basic": Basic,
	"aws4-hmac-sha256": None, "apikey": None, "digest": None, "dpop": None, "gnap": None, "hmac": None,
	"jwt": None, "kerberos": None, "key": None, "mutual": None, "negotiate": None, "ntlm": None,
	"oauth": None, "privatetoken": None, "signature": None, "token": None,
}

// read takes a line apart. Around the credential and between scheme and token
// any number of spaces and tabs is accepted; RFC 9110 section 11.4 allows
// several spaces, and hops that unfold lines or align columns add tabs. The
// scheme is compared without regard to case (section 11.1).
func (w *Want) read(name, line string) reading {
	v := trim(line)
	if v == "" {
		return refused(diagnosis.CredentialEmpty, name, "present but blank")
	}
	scheme, rest, spaced := cut(v)
	text := v
	if spaced {
		text = rest
	}
	if w.MaxSize > 0 && len(text) > w.MaxSize {
		return reading{failure: tooLarge(name, len(text), w.MaxSize)}
	}
	if what := placeholder(v); what != "" {
		return refused(diagnosis.TokenPlaceholder, name, what)
	}
	switch {
	case v[0] == '{':
		return refused(diagnosis.TokenJSONSerialized, name, "JSON instead of a token")
	case v[0] == '"' || v[0] == '\'':
		return refused(diagnosis.TokenBadCharset, name, "quotes around the value")
	case joined(v):
		return refused(diagnosis.CredentialCommaJoined, name, "a comma between two credentials")
	case !spaced:
		return w.readWord(name, v)
	}
	kind, known := schemes[strings.ToLower(scheme)]
	switch {
	case kind == Bearer && w.expects(Bearer):
		return readToken(name, rest)
	case kind == Basic && w.expects(Basic):
		return readBasic(name, rest)
	case known:
		return refused(diagnosis.SchemeUnsupported, name, "received the scheme "+strings.ToLower(scheme))
	case strings.EqualFold(scheme, "bearer:") && w.expects(Bearer):
		return refused(diagnosis.SchemeMissing, name, "a colon behind Bearer")
	case looksLikeJWT(scheme):
		return refused(diagnosis.TokenBadCharset, name, "a space inside or behind a token without a scheme")
	}
	if what := badCharacter(scheme); what != "" {
		return refused(diagnosis.TokenBadCharset, name, "the first word holds "+what)
	}
	return refused(diagnosis.SchemeUnsupported, name, "received an unknown scheme")
}

// readWord reads a line of one word: a scheme without token or the reverse.
func (w *Want) readWord(name, v string) reading {
	low := strings.ToLower(v)
	if kind, known := schemes[low]; known {
		if kind != None && w.expects(kind) {
			return refused(diagnosis.SchemeOnly, name, "the scheme "+low+" and nothing behind it")
		}
		return refused(diagnosis.SchemeUnsupported, name, "received the scheme "+low)
	}
	if !w.expects(Bearer) {
		return refused(diagnosis.SchemeUnsupported, name, "received one word that is no known scheme")
	}
	if after, ok := strings.CutPrefix(low, "bearer"); ok && strings.IndexByte(":=", after[0]) >= 0 {
		return refused(diagnosis.SchemeMissing, name, "a colon or equals sign behind Bearer instead of a space")
	}
	if what := badCharacter(v); what != "" {
		return refused(diagnosis.TokenBadCharset, name, what)
	}
	if name != authorization {
		return reading{kind: Bearer, token: v}
	}
	if strings.HasPrefix(low, "bearer") {
		return refused(diagnosis.SchemeMissing, name, "no space behind Bearer")
	}
	return refused(diagnosis.SchemeMissing, name, "one word that is no known scheme")
}

// readToken reads what stands behind Bearer.
func readToken(name, text string) reading {
	if what := placeholder(text); what != "" {
		return refused(diagnosis.TokenPlaceholder, name, what)
	}
	if first, _, _ := cut(text); strings.EqualFold(first, "bearer") {
		return refused(diagnosis.SchemeRepeated, name, "Bearer twice")
	}
	if text[0] == '{' {
		return refused(diagnosis.TokenJSONSerialized, name, "JSON behind Bearer")
	}
	if what := badCharacter(text); what != "" {
		return refused(diagnosis.TokenBadCharset, name, what)
	}
	return reading{kind: Bearer, token: text}
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

// trim drops optional white space (RFC 9110 section 5.6.3).
func trim(s string) string { return strings.Trim(s, " \t") }

// cut splits a trimmed text at its first white space.
func cut(s string) (word, rest string, spaced bool) {
	at := strings.IndexAny(s, " \t")
	if at < 0 {
		return s, "", false
	}
	return s[:at], trim(s[at:]), true
}
