package token_test

import (
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kong-plugin-auth-diagnosis/pkg/token"
)

const manyClaims = `{"iss":"https://a.example","exp":1795304235,"iat":1795300635.5,"sub":"somebody","empty":null,` +
	`"tier":{"name":"gold","deep":{"er":[1,"two",true,{"x":null}]}},"scope":["read","write"],"big":12345678901234567890}`

// TestKeptClaimsAreFoundAsBefore compares with the whole payload.
func TestKeptClaimsAreFoundAsBefore(t *testing.T) {
	tok := parse(t, unsigned(goodHeader, manyClaims))
	names := []string{"sub", "empty", "tier", "scope", "big", "absent"}
	v := tok.Keep(names)
	paths := [][]string{
		nil, {"sub"}, {"sub", "x"}, {"empty"}, {"empty", "x"}, {"tier"}, {"tier", "name"}, {"tier", "deep", "er"},
		{"tier", "deep", "no"}, {"tier", "no", "er"}, {"scope"}, {"big"}, {"absent"}, {"absent", "x"},
	}
	for _, p := range paths {
		want, wantOK := tok.Claims.Find(p)
		got, ok := v.Find(p)
		if diff := cmp.Diff(want, got); diff != "" || ok != wantOK {
			t.Errorf("%q: found %v, expected %v (-want +got):\n%s", p, ok, wantOK, diff)
		}
	}
	for _, list := range [][][]string{nil, paths[1:2], {{"absent"}, {"empty"}, {"tier", "name"}}, {{"empty"}}} {
		want, wantOK := tok.Claims.FindFirst(list)
		if got, ok := v.FindFirst(list); !cmp.Equal(want, got) || ok != wantOK {
			t.Errorf("first of %q: got %v %v, expected %v %v", list, got, ok, want, wantOK)
		}
	}
	if got := v.Claim("iss"); got != nil {
		t.Errorf("iss was not asked for: got %v", got)
	}
}

// TestKeptClaimsDoNotHoldTheToken: what is read from a document shares its memory.
func TestKeptClaimsDoNotHoldTheToken(t *testing.T) {
	claims := strings.TrimSuffix(manyClaims, "}") + `,"padding":"` + strings.Repeat("x", 1<<20) + `"}`
	raw := unsigned(goodHeader, claims)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var kept []*token.Verified
	for range 20 {
		tok, f := token.Parse(raw, token.Limits{Size: 2 << 20})
		if f != nil {
			t.Fatal(f.Code)
		}
		kept = append(kept, tok.Keep([]string{"sub", "tier", "scope", "big"}))
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if took := int64(after.HeapAlloc) - int64(before.HeapAlloc); took > 1<<20 {
		t.Errorf("20 tokens of 1 MiB: what was kept of them takes %d bytes", took)
	}
	for _, v := range kept {
		if size := v.Size(); size < 500 || size > 2000 {
			t.Errorf("got a size of %d bytes", size)
		}
	}
}
