package config

import (
	"errors"
	"net/netip"
	"net/url"
	"regexp"
	"regexp/syntax"
	"strings"
)

// A Format is a syntax rule for strings, told twice: loosely to Kong, whose
// schema has Lua patterns only, and exactly to Validate. Whatever Check accepts
// the pattern accepts too.
type Format struct {
	Want  string                     // what is expected, for messages and the documentation
	Check func(string) (fail string) // why the string is refused; "" accepts it

	Match    string   // Kong's match, a Lua pattern
	MatchAny []string // Kong's match_any: one of these Lua patterns
	Prefix   string   // Kong's starts_with
	Regex    bool     // Kong's is_regex
}

// Formats holds the syntax rules that the format tags of [Config] name.
var Formats = map[string]Format{
	"url": {
		Want: "an http(s) URL without spaces or fragment", Check: checkURL,
		Match: `^https?://[^%s/?#]+[^%s#]*$`,
	},
	"token": { // RFC 9110 section 5.6.2
		Want: "a header name", Check: charset(isTokenByte),
		Match: "^[%w!#$%%&'*+%-.^_`|~]+$",
	},
	"cookie": { // RFC 6265 section 4.1.1: the same characters
		Want: "a cookie name", Check: charset(isTokenByte),
		Match: "^[%w!#$%%&'*+%-.^_`|~]+$",
	},
	"host": { // an address of either family, or the labels of a name
		Want: "a host name or address without port", Check: check(isHost),
		Match: `^[%w_.:%-]+$`,
	},
	"realm": {
		Want: "visible ASCII and spaces without quotes or backslashes", Check: charset(isRealmByte),
		Match: `^[^%c"\]+$`,
	},
	"label": {
		Want: "letters, digits, dots, dashes and underscores", Check: charset(isLabelByte),
		Match: `^[%w_.%-]+$`,
	},
	"name": {
		Want: "letters, digits, dots, dashes, underscores and colons", Check: charset(isNameByte),
		Match: `^[%w_.:%-]+$`,
	},
	"point": { // a token of RFC 9651 section 3.3.4
		Want: "a letter, then letters, digits, dots, dashes and underscores, at most 64", Check: check(isPoint),
		Match: `^%a[%w_.%-]*$`,
	},
	"secret": {
		Want: "visible ASCII characters", Check: charset(func(b byte) bool { return '!' <= b && b <= '~' }),
		Match: `^[!-~]+$`,
	},
	"text": {
		Want: "text without control characters", Check: charset(func(b byte) bool { return b >= ' ' && b != 0x7f }),
		Match: `^[^%c]+$`,
	},
	"words": {
		// An entry of spaces alone would ask for nothing and let everything by.
		Want: "at least one word", Check: checkWords,
		Match: `%S`,
	},
	"claim_path": {Want: "a claim path", Check: failure(func(s string) error { _, err := ParsePath(s); return err })},
	"regex":      {Want: "a regular expression in RE2 syntax", Check: checkRegex, Regex: true},
	"cidr": {
		Want: "an IP address or CIDR block", Check: failure(func(s string) error { _, err := parsePrefix(s); return err }),
		MatchAny: []string{`^%d+%.%d+%.%d+%.%d+$`, `^%d+%.%d+%.%d+%.%d+/%d%d?$`, `^[%x:]*:[%x:%.]*$`, `^[%x:]*:[%x:%.]*/%d%d?%d?$`},
	},
	"pem": {
		Want: "PEM certificates", Check: failure(func(s string) error { _, err := parseCertificates(s); return err }),
		Prefix: "-----BEGIN CERTIFICATE-----",
	},
	"timezone": {
		Want: "an IANA time zone", Check: failure(func(s string) error { _, err := Location(s); return err }),
		Match: `^[%w_+%-/]+$`,
	},
}

// failure turns a parser's error into a reason.
func failure(parse func(string) error) func(string) string {
	return func(s string) string {
		if err := parse(s); err != nil {
			return err.Error()
		}
		return ""
	}
}

func charset(allowed func(byte) bool) func(string) string {
	return func(s string) string {
		for i := range len(s) {
			if !allowed(s[i]) {
				return "a character that is not allowed"
			}
		}
		return ""
	}
}

// check turns a predicate into a reason.
func check(ok func(string) bool) func(string) string {
	return func(s string) string {
		if !ok(s) {
			return "another form"
		}
		return ""
	}
}

// maxPoint bounds the name of a signing point, in bytes.
const maxPoint = 64

func isPoint(s string) bool {
	return s != "" && len(s) <= maxPoint && !('0' <= s[0] && s[0] <= '9') && isAlphanumeric(s[0]) && charset(isLabelByte)(s) == ""
}

// isHost reports whether s is an address or can be a name: Kong's typedefs.host
// takes both, and neither with a port.
func isHost(s string) bool {
	if strings.Contains(s, ":") {
		_, err := netip.ParseAddr(s)
		return err == nil && charset(isNameByte)(s) == "" // no zone
	}
	return s != "" && charset(isLabelByte)(s) == "" && isAlphanumeric(s[0])
}

func isAlphanumeric(b byte) bool {
	return '0' <= b && b <= '9' || 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z'
}

func isLabelByte(b byte) bool { return isAlphanumeric(b) || strings.IndexByte("_.-", b) >= 0 }

func isNameByte(b byte) bool { return isLabelByte(b) || b == ':' }

func isTokenByte(b byte) bool {
	return isAlphanumeric(b) || strings.IndexByte("!#$%&'*+-.^_`|~", b) >= 0
}

func isRealmByte(b byte) bool { return ' ' <= b && b <= '~' && b != '"' && b != '\\' }

func checkWords(s string) string {
	if len(strings.Fields(s)) == 0 {
		return "no word"
	}
	return charset(func(b byte) bool { return b >= ' ' && b != 0x7f })(s)
}

func checkURL(s string) string {
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return "not a URL" // the parser's error would repeat the value
	case u.Scheme != "http" && u.Scheme != "https", !strings.HasPrefix(s, u.Scheme+"://"):
		return "the scheme is neither http nor https"
	case u.Hostname() == "":
		return "no host"
	case strings.Contains(s, "#"):
		return "a fragment"
	}
	return charset(func(b byte) bool { return b > ' ' && b < 0x7f })(s)
}

func checkRegex(s string) string {
	_, err := regexp.Compile(s)
	if bad, ok := errors.AsType[*syntax.Error](err); ok {
		return bad.Code.String()
	}
	return failure(func(string) error { return err })(s)
}
