package access_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/dunglas/httpsfv"

	"kong-plugin-auth-diagnosis/pkg/access"
)

// FuzzAuthorization: whatever stands in Authorization ends in a verdict of the
// catalogue that repeats nothing of it, and without a signature none lets it pass.
func FuzzAuthorization(f *testing.F) {
	const issuer = "http://127.0.0.1:9"
	head, payload := b64(`{"alg":"RS256","kid":"k"}`), b64(`{"iss":"`+issuer+`"}`)
	for _, s := range []string{
		"", " ", "Bearer", "Bearer x", "Bearer " + head + "." + payload + ".", "Bearer " + head + "." + payload + "." + b64("signature"),
		head + "." + payload + ".x", "Bearer " + head + "." + payload + ".x, Basic YTpi", "Bearer {{token}}", "Basic YTpi", "Negotiate YII",
		"Bearer {\"a\":1}", "Bearer\u00a0x", "\ufeffBearer x", `Bearer "x"`, "Bearer \xff", "Digest a=\"b, Bearer c\", d=e", "Bearer " + b64(`{"alg":"none"}`) + "." + b64(`{}`) + ".",
		"Bearer " + b64(`{"alg":"RS256","crit":["a"]}`) + "." + b64(`{"ISS":1,"exp":1e999}`) + ".AA", "Bearer " + head + ".." + "a.b.c",
	} {
		f.Add(s)
	}
	e := access.New()
	f.Cleanup(e.Close)
	text, err := json.Marshal(map[string]any{
		"issuers":   []any{map[string]any{"issuer": issuer, "jwks_uris": []any{issuer + "/jwks"}, "skip_audience_check": true}},
		"diagnosis": map[string]any{"detail": "full"},
	})
	if err != nil {
		f.Fatal(err)
	}
	r := e.Start(text)
	f.Fuzz(func(t *testing.T, value string) {
		g := &gateway{headers: map[string][]string{"authorization": {value}}}
		if err := r.Access(access.Kong(g)); err != nil || !g.exited {
			t.Fatalf("exited %v: %v", g.exited, err)
		}
		header := g.header("X-Auth-Diagnosis")
		item, err := httpsfv.UnmarshalItem([]string{header})
		if err != nil || len(header) > 1024 {
			t.Fatalf("%q: %v", header, err)
		}
		if c, _ := item.Value.(httpsfv.Token); g.status < 400 || g.status == 500 || c == "" {
			t.Fatalf("%d %q", g.status, header)
		}
		if body := (map[string]any{}); json.Unmarshal(g.body, &body) != nil {
			t.Fatalf("body %q", g.body)
		}
		for _, v := range g.response {
			if strings.ContainsAny(v[0], "\r\n\x00") {
				t.Fatalf("a header field of two lines: %q", v)
			}
		}
	})
}
