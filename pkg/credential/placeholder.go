package credential

import "strings"

// empties are what languages print for nothing, in lower case. A real credential
// is longer and random.
var empties = map[string]bool{
	"undefined": true, "null": true, "nil": true, "none": true, "nan": true, "true": true, "false": true,
}

// samples are what documentation tells people to replace, in lower case and
// without - and _.
var samples = map[string]bool{
	"token": true, "tokenhere": true, "mytoken": true, "yourtoken": true, "yourtokenhere": true, "insertyourtokenhere": true,
	"jwt": true, "jwttoken": true, "yourjwt": true, "yourjwthere": true, "yourjwttoken": true,
	"accesstoken": true, "accesstokenhere": true, "myaccesstoken": true, "youraccesstoken": true, "youraccesstokenhere": true,
	"bearertoken": true, "yourbearertoken": true, "replaceme": true, "changeme": true,
}

// printed are literals with characters that no token has, in lower case.
var printed = map[string]bool{
	"[object object]": true, "[object promise]": true, "[object undefined]": true, "[object null]": true,
	"(null)": true, "(nil)": true, "%s": true, "%v": true, "%!s(<nil>)": true, "%!v(<nil>)": true, "{}": true, "[]": true, `""`: true, "''": true,
}

// templates are the marks around a variable that nobody replaced. A pair
// without an end mark needs a name behind it. No mark can begin a token.
var templates = []struct{ open, end, what string }{
	{"{{", "}}", "a {{variable}} that was not replaced"},
	{"${", "}", "a ${variable} that was not replaced"},
	{"$(", ")", "a $(variable) that was not replaced"},
	{"#{", "}", "a #{variable} that was not replaced"},
	{"<%", "%>", "a <%variable%> that was not replaced"},
	{"<", ">", "a <variable> that was not replaced"},
	{"%", "%", "a %variable% that was not replaced"},
	{"{", "}", "a {variable} that was not replaced"},
	{"$", "", "a $variable that was not replaced"},
}

// maxPlaceholder is the longest text taken for a placeholder, in bytes.
const maxPlaceholder = 128

// placeholder says what stands in place of a token, "" if nothing does. The
// answer holds no text of the request.
func placeholder(s string) string {
	if len(s) <= maxPlaceholder && samples[plain.Replace(strings.ToLower(unquote(s)))] {
		return "a sample word"
	}
	return unrendered(s)
}

var plain = strings.NewReplacer("-", "", "_", "")

// unrendered is placeholder without the sample words: people do choose such for
// an API key or a password.
func unrendered(s string) string {
	if len(s) > maxPlaceholder {
		return ""
	}
	low := strings.ToLower(unquote(s))
	if empties[low] || printed[low] {
		return "a literal that stands for no value"
	}
	for _, t := range templates {
		inner, ok := strings.CutPrefix(low, t.open)
		if ok && strings.HasSuffix(inner, t.end) && isVariable(inner[:len(inner)-len(t.end)], t.end != "") {
			return t.what
		}
	}
	return ""
}

// isVariable reports whether a text can be a variable in a template: letters,
// digits and a few marks. Closed by an end mark it may have spaces, as in
// {{ token }} and <your token>.
func isVariable(s string, spaces bool) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || strings.IndexByte("_-.:$@|#/", c) >= 0 || spaces && c == ' ' {
			continue
		}
		return false
	}
	return s != ""
}

// unquote drops one pair of quotes around a text; an empty pair stays.
func unquote(s string) string {
	if n := len(s); n > 2 && (s[0] == '"' || s[0] == '\'') && s[n-1] == s[0] {
		return s[1 : n-1]
	}
	return s
}
