package family

import (
	"encoding/hex"
	"fmt"
	"strings"

	"kong-plugin-auth-diagnosis/pkg/corpus/internal/forge"
)

// The key that the edge shares with the gateway.
const (
	edgeKey    = "2026a"
	edgeSecret = "corpus-0123456789-abcdefghijklmn" // 32 bytes, the least
)

// sight is what a signing point saw of a request; methods leave it as it is and
// return another.
type sight struct {
	point, kid, secret string
	time               int64
	method, host       string
	lines              []string // of Authorization
	shape              func(parts []string) []string
}

// saw is a point that saw a request with these lines, and nothing odd.
func saw(point string, lines ...string) sight {
	return sight{point: point, kid: edgeKey, secret: edgeSecret, time: clock, method: "GET", host: "api.example.com", lines: lines}
}

func (s sight) at(seconds int64) sight         { s.time = clock + seconds; return s }
func (s sight) under(kid, secret string) sight { s.kid, s.secret = kid, secret; return s }

// asking changes the request line and Host as the point states them.
func (s sight) asking(method, host string) sight { s.method, s.host = method, host; return s }

// shaped changes the parameters before they are signed: name, v, kid, t, a, h,
// p, n, s, l, f. The code then holds for what is stated.
func (s sight) shaped(change func(parts []string) []string) sight { s.shape = change; return s }

// member is the statement, signed (docs/WITNESS.md).
func (s sight) member() string {
	present, scheme, length, print := 0, "none", 0, ""
	if n := len(s.lines); n > 0 {
		value := strings.Trim(s.lines[n-1], " \t")
		present, length, print = 1, len(value), s.code("fp|" + value)[:16]
		if word, _, spaced := strings.Cut(value, " "); spaced {
			scheme = strings.ToLower(word)
		}
	}
	parts := []string{
		s.point, "v=1", fmt.Sprintf("kid=%q", s.kid), fmt.Sprint("t=", s.time), `a="` + s.method + `"`, `h="` + s.host + `"`,
		fmt.Sprint("p=", present), fmt.Sprint("n=", len(s.lines)), fmt.Sprintf("s=%q", scheme), fmt.Sprint("l=", length), fmt.Sprintf("f=%q", print),
	}
	if s.shape != nil {
		parts = s.shape(parts)
	}
	text := strings.Join(parts, ";")
	return text + `;m="` + s.code("aw1|" + text)[:32] + `"`
}

func (s sight) code(text string) string {
	return hex.EncodeToString(forge.HMAC([]byte(s.secret), text))
}

// arrives is a request behind the edge: Authorization as it arrived, "-" for no
// line, and what the points state.
func arrives(authorization string, points ...sight) headers {
	h := headers{"host": {"api.example.com"}}
	if authorization != "-" {
		h["authorization"] = []string{authorization}
	}
	for _, p := range points {
		h["x-auth-witness"] = append(h["x-auth-witness"], p.member())
	}
	return h
}

// and adds a header's values.
func (h headers) and(name string, values ...string) headers {
	more := headers{name: append(append([]string(nil), h[name]...), values...)}
	for k, v := range h {
		if k != name {
			more[k] = v
		}
	}
	return more
}
