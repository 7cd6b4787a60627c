//go:build spec

package intermediaries

import (
	"slices"
	"strings"
	"testing"
)

// input is a request as the client wrote it.
type input struct {
	name   string
	method string
	host   string
	lines  []string // of Authorization
	// refused names the proxies that answer such a request themselves.
	refused string
}

// inputs are the requests that every signer gets.
func inputs() []input {
	const host = "api.example.com:8443"
	var all []input
	value := func(name, v string) {
		all = append(all, input{name: name, method: "GET", host: host, lines: []string{v}})
	}
	add := func(in input) { all = append(all, in) }

	for _, m := range []string{"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "PROPFIND"} {
		add(input{name: "method " + m, method: m, host: host, lines: []string{"Bearer a.b.c"}})
	}
	add(input{name: "method of one's own", method: "PURGE_ALL", host: host, lines: []string{"Bearer a.b.c"}})
	add(input{name: "method that is no word", method: "M!X", host: host, lines: []string{"Bearer a.b.c"}, refused: "nginx"})
	add(input{name: "method of 33", method: strings.Repeat("M", 33), host: host, lines: []string{"Bearer a.b.c"}})
	add(input{name: "method of 32", method: strings.Repeat("M", 32), host: host, lines: []string{"Bearer a.b.c"}})

	for _, h := range []struct{ name, host string }{
		{"plain", "api.example.com"}, {"in capitals", "API.Example.COM"}, {"default port", "api.example.com:80"},
		{"IPv4", "192.0.2.7:8000"}, {"IPv6", "[2001:db8::1]:8443"}, {"single label", "kong"}, {"trailing dot", "api.example.com."},
		{"underscore", "my_api.internal"}, {"255 long", strings.Repeat("a", 255)}, {"256 long", strings.Repeat("a", 256)},
		{"that quotes", `a";p=1;x="`}, {"with a wave", "a~b"},
	} {
		add(input{name: "host " + h.name, method: "GET", host: h.host, lines: []string{"Bearer a.b.c"}})
	}

	add(input{name: "nothing", method: "GET", host: host})
	value("empty", "")
	value("blanked", strings.Repeat(" ", 60))
	value("tabs only", "\t\t")
	value("scheme alone", "Bearer")
	value("no scheme", "eyJhbGciOiJSUzI1NiJ9.e30.c2ln")
	value("small letters", "bearer a.b.c")
	value("capitals", "BEARER a.b.c")
	value("Basic", "Basic dXNlcjpwYXNz")
	value("DPoP", "DPoP a.b.c")
	value("Digest", `Digest username="u", realm="r", uri="/"`)
	value("Negotiate", "Negotiate YIIabc")
	value("NTLM", "NTLM TlRMTVNTUAABAAAA")
	value("another scheme", "AWS4-HMAC-SHA256 Credential=x")
	value("a scheme that only begins so", "Bearers a.b.c")
	value("two spaces", "Bearer  a.b.c")
	value("tab behind the scheme", "Bearer\ta.b.c")
	value("tab, then a space", "Bearer\ta b.c")
	value("blanks around", " \t Bearer a.b.c \t ")
	value("joined", "Bearer a.b.c, Basic dXNlcjpwYXNz")
	value("quotes and backslashes", `Bearer "a\b"`)
	value("dollar and braces", `Bearer ${x} {{token}} [exec] $x`)
	value("percent", `Bearer %[src]%2e%s`)
	value("Latin-1", "Bearer Jos\xe9")
	value("UTF-8", "Bearer Jos\u00e9 \u20ac")
	value("bytes that are no text", "Bearer \xff\xfe\x80")
	value("a scheme of such bytes", "B\xe9arer a.b.c")
	value("1 KB", "Bearer "+strings.Repeat("k", 1<<10))
	value("4,096", "Bearer "+strings.Repeat("k", 4089))
	value("8,000", "Bearer "+strings.Repeat("k", 7993))
	add(input{name: "two lines", method: "GET", host: host, lines: []string{"Bearer a.b.c", "Basic dXNlcjpwYXNz"}, refused: "nginx"})
	add(input{name: "two lines, the last blank", method: "GET", host: host, lines: []string{"Bearer a.b.c", ""}, refused: "nginx"})
	add(input{name: "two lines with braces", method: "GET", host: host, lines: []string{"Bearer {", `Basic "} \`}, refused: "nginx"})
	return all
}

// raw is the request's head.
func (in input) raw() string {
	var b strings.Builder
	b.WriteString(in.method + " /orders HTTP/1.1\r\nHost: " + in.host + "\r\n")
	for _, v := range in.lines {
		b.WriteString("Authorization: " + v + "\r\n")
	}
	return b.String() + "\r\n"
}

func TestInputsAreEnoughAndDiffer(t *testing.T) {
	var names, heads []string
	for _, in := range inputs() {
		names, heads = append(names, in.name), append(heads, in.raw())
	}
	for what, list := range map[string][]string{"names": names, "heads": heads} {
		slices.Sort(list)
		if n := len(slices.Compact(list)); n < 50 || n != len(names) {
			t.Errorf("%s: expected 50 or more that differ, got %d of %d", what, n, len(names))
		}
	}
}
