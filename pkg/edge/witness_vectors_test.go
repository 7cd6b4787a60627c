package edge_test

import (
	"encoding/base64"
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/dunglas/httpsfv"
	"github.com/google/go-cmp/cmp"

	"kong-plugin-auth-diagnosis/pkg/edge"
)

var update = flag.Bool("update", false, "rewrite testdata")

const vectorFile = "testdata/witness.json"

// vector is a request and the member that every signer writes for it. The
// signers' own tests read the same file.
type vector struct {
	Name   string  `json:"name"`
	KeyID  string  `json:"key_id"`
	Secret string  `json:"secret"`
	T      int64   `json:"t"`
	Method string  `json:"method"`
	Host   string  `json:"host"`
	Value  *string `json:"value"` // of Authorization, null for no line
	Member string  `json:"member"`
}

func (v vector) sight() sight {
	s := sight{"edge-in", v.KeyID, v.Secret, v.T, v.Method, v.Host, nil}
	if v.Value != nil {
		s.lines = []string{*v.Value}
	}
	return s
}

// inputs are the requests of the vectors: each value with the usual method and
// host, then other methods, hosts and keys.
func inputs() (all []vector) {
	const token = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl"
	add := func(name string, change func(*vector)) {
		value := "Bearer " + token
		v := vector{Name: name, KeyID: keyID, Secret: secret, T: signedAt, Method: "GET", Host: "api.example.com", Value: &value}
		change(&v)
		all = append(all, v)
	}
	add("no line", func(v *vector) { v.Value = nil })
	for _, c := range [][2]string{
		{"bearer", "Bearer " + token}, {"bearer in lower case", "bearer " + token}, {"bearer in capitals", "BEARER " + token},
		{"basic", "Basic " + base64.StdEncoding.EncodeToString([]byte("user:password"))}, {"basic in mixed case", "bAsIc dTpw"},
		{"dpop", "DPoP " + token}, {"digest", `Digest username="u", realm="r", uri="/"`}, {"negotiate", "Negotiate YIIabc=="},
		{"ntlm", "NTLM TlRMTVNTUAABAAAA"}, {"another scheme", "AWS4-HMAC-SHA256 Credential=x"}, {"a token without scheme", token},
		{"a scheme alone", "Bearer"}, {"a scheme with a colon", "Bearer: x"}, {"a longer word", "Bearers x"}, {"a tab behind the scheme", "Bearer\tx"},
		{"a tab, then a space", "Bearer\tx y"}, {"two spaces", "Bearer  x"}, {"blank", ""}, {"spaces only", "   "}, {"white space around", " \tBearer x\t "},
		{"one byte", "x"}, {"two credentials", "Bearer a, Basic b"}, {"quotes", `"Bearer x"`}, {"a backslash", `Bearer \x"y`}, {"a bar", "Bearer a|b"},
		{"a percent sign", "Bearer %41%s%d"}, {"a dollar sign", "Bearer $x${y}[z]"}, {"braces", "Bearer {{token}}"}, {"a semicolon", "Bearer a;b=c"},
		{"an umlaut", "Bearer größe"}, {"other letters", "Bearer токен"}, {"a no-break space", "Bearer\u00a0x"}, {"an emoji", "Basic 🔑"},
		{"100 bytes", "Bearer " + strings.Repeat("a", 93)}, {"1,000 bytes", "Bearer " + strings.Repeat("b", 993)},
		{"4,096 bytes", "Bearer " + strings.Repeat("c", 4089)}, {"8,000 bytes", "Bearer " + strings.Repeat("d", 7993)},
	} {
		add(c[0], func(v *vector) { v.Value = &c[1] })
	}
	for _, m := range []string{"POST", "PATCH", "OPTIONS", "M-SEARCH", "get", "VERSION_1.0", "BAD!METHOD", strings.Repeat("M", 32), strings.Repeat("M", 33)} {
		add("method "+m, func(v *vector) { v.Method = m })
	}
	for _, h := range []string{"api.example.com:8443", "API.Example.Com", "192.0.2.1", "[2001:db8::1]:443", "a_b.example", `a";p=1;x="`, "a b", strings.Repeat("h", 255), strings.Repeat("h", 256)} {
		add("host "+h, func(v *vector) { v.Host = h })
	}
	add("another key", func(v *vector) { v.KeyID, v.Secret = "2027-b_1.x", strings.Repeat("~!@#$%^&*()_+{}|", 8) })
	add("another time", func(v *vector) { v.T = 1800000000 })
	return all
}

func TestVectors(t *testing.T) {
	all := inputs()
	for i := range all {
		all[i].Member = all[i].sight().sign()
	}
	if *update {
		text, err := json.MarshalIndent(all, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(vectorFile, append(text, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(vectorFile)
	if err != nil {
		t.Fatal(err)
	}
	var golden []vector
	if err := json.Unmarshal(text, &golden); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(golden, all); diff != "" {
		t.Fatalf("vectors (-file +made):\n%s", diff)
	}
	for _, v := range golden {
		t.Run(v.Name, func(t *testing.T) {
			item, err := httpsfv.UnmarshalItem([]string{v.Member})
			if again, _ := httpsfv.Marshal(item); err != nil || again != v.Member {
				t.Errorf("expected the canonical form of RFC 9651, got %q: %q, %v", v.Member, again, err)
			}
			keys := edge.NewVerifier([]edge.Key{{ID: v.KeyID, Secret: []byte(v.Secret), Points: []string{"edge-in"}}}, 30*time.Second)
			w := keys.Verify([]string{v.Member}, time.Unix(v.T, 0))
			if w.In == nil || w.Fault != nil {
				t.Fatalf("expected a valid member, got %v for %s", w.Fault, v.Member)
			}
			if w.In != w.Out || w.In.Name != "edge-in" || !w.In.Time.Equal(time.Unix(v.T, 0)) || w.In.Present != (v.Value != nil) {
				t.Errorf("got %+v", w.In)
			}
		})
	}
}
