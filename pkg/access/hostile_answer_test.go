package access_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/dunglas/httpsfv"
	"google.golang.org/protobuf/encoding/protowire"

	"kong-plugin-auth-diagnosis/pkg/pdkwire"
)

func (h *hostile) examine(t *testing.T, level string, g *gateway) {
	t.Helper()
	header := g.header("X-Auth-Diagnosis")
	item, err := httpsfv.UnmarshalItem([]string{header})
	if err != nil || !g.exited {
		t.Fatalf("%s: exited %v, header %q: %v", level, g.exited, header, err)
	}
	got, want := string(item.Value.(httpsfv.Token)), shownBelow(h.code, level)
	status, rfcError := answerOf(want)
	if got != want || g.status != status {
		t.Fatalf("%s: got %d %s, want %d %s", level, g.status, header, status, want)
	}
	limit := map[string]int{"minimal": 256, "standard": 256, "full": 1024}[level]
	if len(header) > limit {
		t.Errorf("%s: %d bytes of header: %s", level, len(header), header)
	}
	param := func(name string) any {
		v, _ := item.Params.Get(name)
		if token, ok := v.(httpsfv.Token); ok {
			return string(token)
		}
		return v
	}
	if level == "minimal" {
		if names := item.Params.Names(); !slices.Equal(names, []string{"id"}) {
			t.Errorf("minimal shows %v", names)
		}
	} else {
		if h.hop != "" && want == h.code && param("hop") != h.hop {
			t.Errorf("%s: hop %v, want %s", level, param("hop"), h.hop)
		}
		if by, _ := param("by").(int64); want == h.code && by != h.by {
			t.Errorf("%s: by %v, want %d: %s", level, param("by"), h.by, header)
		}
		if got := param("certainty"); slices.Contains([]string{"edge", "upstream"}, param("hop").(string)) && want != "jwks_not_json" && got != "weak" {
			t.Errorf("%s: %v of a hop that only the request tells about", level, got)
		}
	}
	if d := param("detail"); d != nil && level != "full" {
		t.Errorf("%s shows a detail: %v", level, d)
	}
	if param("id") != requestID {
		t.Errorf("%s: id %v", level, param("id"))
	}
	h.challenge(t, level, g, status, rfcError)
	h.logs(t, level, g)
	reflected(t, level, g)

	var body struct {
		Diagnosis map[string]any
	}
	if err := json.Unmarshal(g.body, &body); err != nil {
		t.Fatalf("%s: %v: %s", level, err, g.body)
	}
	for _, name := range item.Params.Names() {
		in := param(name)
		if n, ok := in.(int64); ok {
			in = float64(n)
		}
		if body.Diagnosis[name] != in {
			t.Errorf("%s: the body has %s=%v, the header %v", level, name, body.Diagnosis[name], in)
		}
	}
	if body.Diagnosis["code"] != got || len(body.Diagnosis) != len(item.Params.Names())+1 {
		t.Errorf("%s: body %s is not header %s", level, g.body, header)
	}
}

func (h *hostile) challenge(t *testing.T, level string, g *gateway, status int, rfcError string) {
	t.Helper()
	got := g.header("WWW-Authenticate")
	switch {
	case status == 401 || status == 400 || status == 403:
		if !strings.HasPrefix(got, `Bearer realm="api"`) || strings.Contains(got, "error=") != (rfcError != "") || rfcError != "" && !strings.Contains(got, `, error="`+rfcError+`", error_description="`) {
			t.Errorf("%s: challenge %s", level, got)
		}
	case got != "":
		t.Errorf("%s: %d with a challenge: %s", level, status, got)
	}
	if retry := g.header("Retry-After"); (retry != "") != (status == 503 || status == 429) {
		t.Errorf("%s: %d with Retry-After %q", level, status, retry)
	}
	if g.header("Cache-Control") != "no-store" || g.header("Content-Type") != "application/json; charset=utf-8" {
		t.Errorf("%s: header fields %v", level, g.response)
	}
}

// logs checks that the log has the exact code, whatever the client was told.
func (h *hostile) logs(t *testing.T, level string, g *gateway) {
	t.Helper()
	object := logObject(t, g)
	if got := object["code"]; got != h.code {
		t.Errorf("%s: logged %v, want %s", level, got, h.code)
	}
	if also := object["also"]; h.also != nil && strings.Join(h.also, " ") != also {
		t.Errorf("%s: also %v, want %v", level, also, h.also)
	}
	lines := 0
	for _, c := range g.told {
		if c.method == "kong.log.notice" && strings.Contains(string(c.args), h.code+" hop=") {
			lines++
		}
		if c.method == "kong.log.err" {
			t.Errorf("%s: a rejection is no error: %q", level, c.args)
		}
	}
	if lines != 1 {
		t.Errorf("%s: %d log lines", level, lines)
	}
}

// secretLength is how much of a credential counts as having given it away.
const secretLength = 16

// reflected fails the test when the answer or the log holds a piece of what came
// as a credential.
func reflected(t *testing.T, level string, g *gateway) {
	t.Helper()
	out := string(g.body)
	for _, vs := range g.response {
		out += "\n" + strings.Join(vs, "\n")
	}
	for _, c := range g.told {
		out += "\n" + string(c.args)
	}
	for _, name := range []string{"authorization", "x-token", "apikey"} {
		for _, v := range g.headers[name] {
			for i := 0; i+secretLength <= len(v) && i < 4096; i += secretLength / 2 {
				if piece := v[i : i+secretLength]; strings.Contains(out, piece) {
					t.Errorf("%s: %q of %s is shown", level, piece, name)
					return
				}
			}
		}
	}
}

// logObject decodes the log object: lists joined by spaces.
func logObject(t *testing.T, g *gateway) map[string]any {
	t.Helper()
	for _, c := range g.told {
		if c.method != "kong.log.set_serialize_value" {
			continue
		}
		value, err := kvValue(c.args)
		if err != nil {
			t.Fatal(err)
		}
		v, err := pdkwire.DecodeValue(value, pdkwire.Limits{Bytes: 1 << 20, Fields: 100, Values: 1000})
		if err != nil {
			t.Fatal(err)
		}
		m := map[string]any{}
		for _, f := range v.Fields() {
			if s, ok := f.Value.Text(); ok {
				m[f.Name] = s
			} else if n, ok := f.Value.Float(); ok {
				m[f.Name] = n
			} else {
				var words []string
				for _, e := range f.Value.Elements() {
					s, _ := e.Text()
					words = append(words, s)
				}
				m[f.Name] = strings.Join(words, " ")
			}
		}
		return m
	}
	return nil
}

// kvValue returns field 2 of a KV message.
func kvValue(b []byte) ([]byte, error) {
	for len(b) > 0 {
		num, _, n := protowire.ConsumeTag(b)
		if n < 0 {
			return nil, protowire.ParseError(n)
		}
		v, m := protowire.ConsumeBytes(b[n:])
		if m < 0 {
			return nil, protowire.ParseError(m)
		}
		if num == 2 {
			return v, nil
		}
		b = b[n+m:]
	}
	return nil, nil
}
