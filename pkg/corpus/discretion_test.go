package corpus_test

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"kong-plugin-auth-diagnosis/pkg/corpus"
	"kong-plugin-auth-diagnosis/pkg/diagnosis"
)

// libraryWords begin the errors of libraries and of Go itself.
var libraryWords = []string{
	"jwt:", "jose", "token is", "token signature", "token has invalid", "crypto/", "illegal base64", "base64 data", "invalid character",
	"unexpected end", "x509:", "tls:", "asn1:", "dial tcp", "lookup ", "keyfunc", "jwkset", "strconv", "unmarshal", "goroutine", ".go:", "runtime error", "EOF",
}

// ownWords takes the catalogue's words out of a text.
var ownWords = sync.OnceValue(func() *strings.Replacer {
	words := []string{diagnosis.InvalidToken, ""}
	for _, row := range diagnosis.Rows() {
		words = append(words, row.Cause, "", row.Fix, "", string(row.Code), "")
	}
	return strings.NewReplacer(words...)
})

// checkDiscretion checks that nothing is told that must not be: no library's
// text, no bytes of a credential, no address of a key set, no claim's value, and
// below full nothing of the request at all.
func checkDiscretion(t *testing.T, c *corpus.Case, s corpus.Setup, g *bridge) {
	config, err := json.Marshal(s.Config)
	if err != nil {
		t.Fatal(err)
	}
	full := strings.Contains(string(s.Config["diagnosis"]), `"full"`)
	answer := g.body + "\n" + strings.Join(g.lines, "\n")
	for name, values := range g.response {
		answer += "\n" + name + ": " + strings.Join(values, "\n")
	}
	logged := text(g.log["detail"])
	values, names := valuesOf(c.Parts)
	for what, told := range map[string]string{"answer": answer, "log": logged} {
		told = ownWords().Replace(told)
		for _, w := range libraryWords {
			if strings.Contains(told, w) {
				t.Errorf("%s has %q of a library: %s", what, w, told)
			}
		}
		if part := shared(told, c.Request); part != "" {
			t.Errorf("%s has %q of the credential: %s", what, part, told)
		}
		for address := range s.Documents {
			if u, err := url.Parse(address); err == nil && len(u.Path) > 1 && strings.Contains(told, u.Path) {
				t.Errorf("%s has an address of keys: %s", what, told)
			}
		}
		secret := values
		if !full && what == "answer" {
			secret = slices.Concat(values, names)
		}
		for _, v := range secret {
			if len(v) >= 8 && strings.Contains(told, v) && !strings.Contains(string(config), v) {
				t.Errorf("%s has the token's %q: %s", what, v, told)
			}
		}
	}
	checkHeaders(t, full, g)
}

// checkHeaders checks what a header may be made of, and its length.
func checkHeaders(t *testing.T, full bool, g *bridge) {
	for name, values := range g.response {
		for _, v := range values {
			if strings.ContainsFunc(v, func(r rune) bool { return r < 0x20 || r > 0x7e }) {
				t.Errorf("%s holds more than printable ASCII: %q", name, v)
			}
		}
	}
	if h := header(g, "X-Auth-Diagnosis"); len(h) > 1024 || !full && len(h) > 256 || strings.Contains(h, "detail=") && !full {
		t.Errorf("diagnosis header of %d bytes, full %v: %s", len(h), full, h)
	}
}

// window is how many bytes in a row give a credential away.
const window = 12

// shared returns a piece of the credential that is in a text.
func shared(told string, r corpus.Request) string {
	given := r.Token
	for name, values := range r.Headers {
		if name != "connection" { // names of headers only
			given += "\n" + strings.Join(values, "\n")
		}
	}
	for i := 0; i+window <= len(told); i++ {
		if part := told[i : i+window]; strings.Contains(given, part) {
			return part
		}
	}
	return ""
}

// valuesOf collects the texts of a token: values of claims, which are never
// told, and names, which are told at full: issuer, audiences, kind and the header's.
func valuesOf(p *corpus.Parts) (values, names []string) {
	if p == nil {
		return nil, nil
	}
	var header, claims map[string]any
	if json.Unmarshal([]byte(p.Header), &header) == nil {
		names = texts(header, nil)
	}
	if json.Unmarshal([]byte(p.Payload), &claims) == nil {
		for _, name := range []string{"iss", "aud", "tokenName"} {
			names = texts(claims[name], names)
			delete(claims, name)
		}
		values = texts(claims, nil)
	}
	return slices.DeleteFunc(values, func(v string) bool { return slices.Contains(names, v) }), names
}

// texts adds the strings in a JSON value.
func texts(v any, to []string) []string {
	switch v := v.(type) {
	case string:
		return append(to, v)
	case []any:
		for _, e := range v {
			to = texts(e, to)
		}
	case map[string]any:
		for _, e := range v {
			to = texts(e, to)
		}
	}
	return to
}
