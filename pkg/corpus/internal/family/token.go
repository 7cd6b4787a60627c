package family

import (
	"strings"
	"unicode/utf8"

	"kong-plugin-auth-diagnosis/pkg/corpus"
	"kong-plugin-auth-diagnosis/pkg/corpus/internal/forge"
)

// request is what a case sends.
type request interface {
	request() corpus.Request
	parts() *corpus.Parts
}

// headers are the header fields of a request, values as they arrive.
type headers map[string][]string

func (h headers) request() corpus.Request { return corpus.Request{Headers: h} }
func (h headers) parts() *corpus.Parts    { return nil }

// authorized is a request with one Authorization line.
func authorized(line string) headers { return headers{"authorization": {line}} }

// raw is a bearer token that is only text.
type raw string

func (t raw) request() corpus.Request { return corpus.Request{Token: string(t)} }
func (t raw) parts() *corpus.Parts    { return nil }

// token is a recipe. Its methods leave it as it is and return another.
type token struct {
	header, payload         forge.Object
	headerText, payloadText string // in place of the objects
	algorithm               string
	key                     *forge.Key
	sign                    func(input string) []byte // in place of the key's signature
	altered                 string
	alter                   func(whole string) string
	more                    headers
}

// h gives a header member a value, c a claim; noH and noC leave some out.
func (t token) h(name string, v any) token      { t.header = t.header.Set(name, v); return t }
func (t token) c(name string, v any) token      { t.payload = t.payload.Set(name, v); return t }
func (t token) cRaw(name, text string) token    { t.payload = t.payload.SetRaw(name, text); return t }
func (t token) noH(names ...string) token       { t.header = t.header.Without(names...); return t }
func (t token) noC(names ...string) token       { t.payload = t.payload.Without(names...); return t }
func (t token) addH(name string, v any) token   { t.header = t.header.Add(name, v); return t }
func (t token) addC(name string, v any) token   { t.payload = t.payload.Add(name, v); return t }
func (t token) headerIs(text string) token      { t.headerText = text; return t }
func (t token) payloadIs(text string) token     { t.payloadText = text; return t }
func (t token) with(more headers) token         { t.more = more; return t }
func (t token) times(iat, exp int64) token      { return t.c("iat", iat).c("exp", exp) }
func (t token) expires(exp int64) token         { return t.c("exp", exp) }
func (t token) signedAs(algorithm string) token { t.algorithm = algorithm; return t }

// by has another key sign, and the header tell the truth about it.
func (t token) by(k *forge.Key, algorithm string) token {
	t.key, t.algorithm = k, algorithm
	return t.h("alg", algorithm).h("kid", k.Kid)
}

// secretly has another key sign while the header stays as it is.
func (t token) secretly(k *forge.Key) token { t.key = k; return t }

// forged replaces the signature.
func (t token) forged(how string, sign func(input string) []byte) token {
	t.altered, t.sign = how, sign
	return t
}

// damaged changes the finished token.
func (t token) damaged(how string, alter func(string) string) token {
	t.altered, t.alter = how, alter
	return t
}

// cut drops characters from the end.
func (t token) cut(n int, how string) token {
	return t.damaged(how, func(s string) string { return s[:len(s)-n] })
}

func (t token) texts() (header, payload string) {
	header, payload = t.headerText, t.payloadText
	if header == "" {
		header = t.header.String()
	}
	if payload == "" {
		payload = t.payload.String()
	}
	return header, payload
}

func (t token) String() string {
	header, payload := t.texts()
	input := forge.Text(header) + "." + forge.Text(payload)
	var signature []byte
	if t.sign != nil {
		signature = t.sign(input)
	} else {
		signature = t.key.Sign(t.algorithm, input)
	}
	s := input + "." + forge.B64(signature)
	if t.alter != nil {
		s = t.alter(s)
	}
	return s
}

func (t token) request() corpus.Request {
	return corpus.Request{Token: t.String(), Headers: t.more}
}

func (t token) parts() *corpus.Parts {
	header, payload := t.texts()
	p := &corpus.Parts{Header: header, Payload: payload, Algorithm: t.algorithm, Key: t.key.Name, Altered: t.altered}
	// JSON cannot hold every text: what it cannot is in the token alone.
	if !utf8.ValidString(header) {
		p.Header, p.Altered = "", "the header holds bytes that are not UTF-8"
	}
	if !utf8.ValidString(payload) {
		p.Payload, p.Altered = "", "the payload holds bytes that are not UTF-8"
	}
	return p
}

// segment replaces one of a token's three segments.
func segment(n int, change func(string) string) func(string) string {
	return func(s string) string {
		parts := strings.Split(s, ".")
		parts[n] = change(parts[n])
		return strings.Join(parts, ".")
	}
}

// line is the Authorization line of a token.
func line(t token) string { return "Bearer " + t.String() }
