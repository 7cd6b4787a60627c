package edge_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dunglas/httpsfv"

	"kong-plugin-auth-diagnosis/pkg/edge"
)

const token = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl"

func TestVerify(t *testing.T) {
	in, out := saw("edge-in", "Bearer "+token).sign(), saw("edge-out").sign()
	old := saw("edge-in", "Bearer "+token)
	old.time -= 31
	stranger, impostor := saw("edge-in"), saw("edge-in")
	stranger.kid, impostor.secret = "other", strings.Repeat("x", 32)
	junk := "x;y=1"
	for name, tc := range map[string]struct {
		lines   []string
		in, out string
		fault   error
	}{
		"none":                            {nil, "", "", nil},
		"blank lines":                     {[]string{"", " ,\t, "}, "", "", nil},
		"one":                             {[]string{in}, "edge-in", "edge-in", nil},
		"two lines":                       {[]string{in, out}, "edge-in", "edge-out", nil},
		"two lines, joined":               {[]string{in + ", " + out}, "edge-in", "edge-out", nil},
		"joined without a space":          {[]string{in + "," + out}, "edge-in", "edge-out", nil},
		"white space around":              {[]string{" \t" + in + " "}, "edge-in", "edge-in", nil},
		"the order is that of arrival":    {[]string{out, in}, "edge-out", "edge-in", nil},
		"junk before":                     {[]string{junk, in, out}, "edge-in", "edge-out", edge.ErrMalformed},
		"an open quote before":            {[]string{`x;y="` + ", " + in, out}, "edge-in", "edge-out", edge.ErrMalformed},
		"an unknown key":                  {[]string{stranger.sign()}, "", "", edge.ErrKey},
		"a key's id without the key":      {[]string{impostor.sign()}, "", "", edge.ErrMAC},
		"a forged one before":             {[]string{impostor.sign(), in}, "edge-in", "edge-in", edge.ErrMAC},
		"a point of somebody else":        {[]string{saw("cdn").sign()}, "", "", edge.ErrPoint},
		"the same twice":                  {[]string{in, in}, "", "", edge.ErrDuplicate},
		"one point, two statements":       {[]string{in, saw("edge-in").sign(), out}, "edge-out", "edge-out", edge.ErrDuplicate},
		"an old one":                      {[]string{old.sign()}, "", "", edge.ErrStale},
		"an old one beside":               {[]string{old.sign(), out}, "edge-out", "edge-out", edge.ErrStale},
		"the nearest to validity is told": {[]string{junk, old.sign(), impostor.sign()}, "", "", edge.ErrStale},
		"too many":                        {[]string{strings.Repeat(junk+",", 8) + in}, "", "", edge.ErrMalformed},
		"8 KB of a member":                {[]string{in + strings.Repeat("0", 8192)}, "", "", edge.ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			w := verifier().Verify(tc.lines, at)
			if name := nameOf(w.In); name != tc.in {
				t.Errorf("in: expected %q, got %q", tc.in, name)
			}
			if name := nameOf(w.Out); name != tc.out {
				t.Errorf("out: expected %q, got %q", tc.out, name)
			}
			if !errors.Is(w.Fault, tc.fault) {
				t.Errorf("fault: expected %v, got %v", tc.fault, w.Fault)
			}
		})
	}
}

func nameOf(p *edge.Point) string {
	if p == nil {
		return ""
	}
	return p.Name
}

func TestFreshness(t *testing.T) {
	member := saw("edge-in", "Bearer x").sign()
	for offset, fresh := range map[time.Duration]bool{
		0: true, 30 * time.Second: true, -30 * time.Second: true, 30*time.Second + 1: false, -30*time.Second - 1: false,
		24 * time.Hour: false, -24 * time.Hour: false,
	} {
		if w := verifier().Verify([]string{member}, at.Add(offset)); (w.In != nil) != fresh || !fresh && !errors.Is(w.Fault, edge.ErrStale) {
			t.Errorf("%v: expected fresh %v, got %v and %v", offset, fresh, w.In, w.Fault)
		}
	}
}

// A member that the key's owner signed is still refused if it is not in the one
// form, or states what no point can have seen.
func TestVerifyWantsOneForm(t *testing.T) {
	const f = `f="0123456789abcdef"`
	good := []string{"edge-in", "v=1", `kid="2026a"`, fmt.Sprintf("t=%d", signedAt), `a="GET"`, `h="a"`, "p=1", "n=1", `s="bearer"`, "l=9", f}
	signed := func(parts []string) string {
		text := strings.Join(parts, ";")
		return text + `;m="` + code(secret, "aw1|"+text)[:32] + `"`
	}
	if w := verifier().Verify([]string{signed(good)}, at); w.In == nil {
		t.Fatalf("expected the form that is changed below to hold, got %v", w.Fault)
	}
	for name, change := range map[string]func(p []string) []string{
		"another version":             func(p []string) []string { p[1] = "v=2"; return p },
		"a version of two digits":     func(p []string) []string { p[1] = "v=01"; return p },
		"a decimal":                   func(p []string) []string { p[1] = "v=1.0"; return p },
		"a boolean":                   func(p []string) []string { p[6] = "p"; return p },
		"a boolean of its own":        func(p []string) []string { p[6] = "p=?1"; return p },
		"a token for a text":          func(p []string) []string { p[2] = "kid=a2026"; return p },
		"a name that is a text":       func(p []string) []string { p[0] = `"edge-in"`; return p },
		"a negative time":             func(p []string) []string { p[3] = "t=-1"; return p },
		"a time beyond reason":        func(p []string) []string { p[3] = "t=999999999999999"; return p },
		"a method with a space":       func(p []string) []string { p[4] = `a="G T"`; return p },
		"a method too long":           func(p []string) []string { p[4] = `a="` + strings.Repeat("M", 33) + `"`; return p },
		"no method":                   func(p []string) []string { p[4] = `a=""`; return p },
		"a host with a quote":         func(p []string) []string { p[5] = `h="a\";p=1;x=\""`; return p },
		"a host with a slash":         func(p []string) []string { p[5] = `h="a/b"`; return p },
		"a host too long":             func(p []string) []string { p[5] = `h="` + strings.Repeat("h", 256) + `"`; return p },
		"presence of 2":               func(p []string) []string { p[6] = "p=2"; return p },
		"present without a line":      func(p []string) []string { p[7] = "n=0"; return p },
		"too many lines":              func(p []string) []string { p[7] = "n=1001"; return p },
		"a line of what is absent":    func(p []string) []string { p[6] = "p=0"; return p },
		"a scheme nobody states":      func(p []string) []string { p[8] = `s="secret"`; return p },
		"a scheme in capitals":        func(p []string) []string { p[8] = `s="Bearer"`; return p },
		"a scheme of too few bytes":   func(p []string) []string { p[9] = "l=2"; return p },
		"a negative length":           func(p []string) []string { p[9] = "l=-1"; return p },
		"a length beyond reason":      func(p []string) []string { p[9] = "l=16777217"; return p },
		"a fingerprint in capitals":   func(p []string) []string { p[10] = strings.ToUpper(f); return p },
		"a short fingerprint":         func(p []string) []string { p[10] = `f="0123"`; return p },
		"no fingerprint":              func(p []string) []string { p[10] = `f=""`; return p },
		"a fingerprint of other text": func(p []string) []string { p[10] = `f="0123456789abcdeg"`; return p },
		"a parameter more":            func(p []string) []string { return append(p, "x=1") },
		"a parameter less":            func(p []string) []string { return p[:10] },
		"a parameter twice":           func(p []string) []string { return append(p, "p=1") },
		"another order":               func(p []string) []string { p[6], p[7] = p[7], p[6]; return p },
		"a space":                     func(p []string) []string { p[6] = " p=1"; return p },
		"an escape":                   func(p []string) []string { p[2] = `kid="2026\a"`; return p },
		"a list":                      func(p []string) []string { p[0] = "(edge-in)"; return p },
	} {
		t.Run(name, func(t *testing.T) {
			member := signed(change(append([]string(nil), good...)))
			if w := verifier().Verify([]string{member}, at); w.In != nil || !errors.Is(w.Fault, edge.ErrMalformed) {
				t.Errorf("expected %v, got %v, %v for %s", edge.ErrMalformed, w.In, w.Fault, member)
			}
		})
	}
}

// No change of a single bit leaves a member valid.
func TestNoBitFlipVerifies(t *testing.T) {
	v := verifier()
	for _, s := range []sight{saw("edge-in", "Bearer "+token), saw("edge-out")} {
		member := []byte(s.sign())
		for i := range member {
			for bit := range 8 {
				member[i] ^= 1 << bit
				if w := v.Verify([]string{string(member)}, at); w.In != nil {
					t.Errorf("byte %d, bit %d: expected no valid member, got %q", i, bit, member)
				}
				member[i] ^= 1 << bit
			}
		}
		for i := range member { // nor does a byte less
			if w := v.Verify([]string{string(member[:i]) + string(member[i+1:])}, at); w.In != nil {
				t.Errorf("without byte %d: expected no valid member", i)
			}
		}
	}
}

// FuzzVerify: nobody without the key makes a valid member, whatever stands
// around one that is.
func FuzzVerify(f *testing.F) {
	good := saw("edge-in", "Bearer "+token).sign()
	f.Add("", good)
	f.Add(`x;y="`, `"`)
	f.Add("edge-in;v=1", strings.Replace(good, "edge-in", "edge-out", 1))
	f.Fuzz(func(t *testing.T, first, second string) {
		v := verifier()
		w := v.Verify([]string{first, second}, at)
		for _, p := range []*edge.Point{w.In, w.Out} {
			if p != nil && !strings.Contains(first+","+second, good) {
				t.Fatalf("expected no valid member, got %+v", p)
			}
		}
		for _, line := range []string{first, second} {
			if v.Verify([]string{line}, at).In == nil || strings.Contains(line, ",") {
				continue
			}
			line = strings.Trim(line, " \t")
			item, err := httpsfv.UnmarshalItem([]string{line})
			if again, _ := httpsfv.Marshal(item); err != nil || again != line {
				t.Fatalf("expected the canonical form of RFC 9651, got %q: %q, %v", line, again, err)
			}
		}
		if (w.In == nil) != (w.Out == nil) || w.In == nil && w.Fault == nil && strings.Trim(first+second, ", \t") != "" {
			t.Fatalf("got %+v", w)
		}
	})
}

// BenchmarkVerify is the cost of two members.
func BenchmarkVerify(b *testing.B) {
	v, lines := verifier(), []string{saw("edge-in", "Bearer "+token).sign(), saw("edge-out", "Bearer "+token).sign()}
	b.ReportAllocs()
	for b.Loop() {
		if w := v.Verify(lines, at); w.Out == nil {
			b.Fatal(w.Fault)
		}
	}
}

func TestVerifierIsShared(t *testing.T) {
	v := verifier()
	lines := map[string]string{"edge-in": saw("edge-in", "Bearer "+token).sign(), "edge-out": saw("edge-out", strings.Repeat("x", 4096)).sign()}
	var workers sync.WaitGroup
	for name, line := range lines {
		for range 4 {
			workers.Go(func() {
				for range 100 {
					if w := v.Verify([]string{line}, at); nameOf(w.In) != name {
						t.Errorf("expected %s, got %v", name, w.Fault)
						return
					}
				}
			})
		}
	}
	workers.Wait()
}
