package edge_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kong-plugin-auth-diagnosis/pkg/diagnosis"
	"kong-plugin-auth-diagnosis/pkg/edge"
)

const (
	good     = "Bearer " + token
	other    = "Bearer eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJiIn0.b3RoZXJzaWduYXR1cmU"
	userpass = "Basic dXNlcjpwYXNzd29yZA=="
)

// none stands for a point that saw no line; a point without lines is left out.
var none = []string{}

// journey is what was seen on the way; what arrived stands in headers.
type journey struct {
	in, out []string // of Authorization; nil: no such point
	arrived []string
	headers map[string][]string
	keys    bool // each point has a key of its own
}

func (j journey) witness(t *testing.T) edge.Witness {
	t.Helper()
	var lines []string
	keys := []edge.Key{key("edge-in", "edge-out")}
	if j.in != nil {
		lines = append(lines, saw("edge-in", j.in...).sign())
	}
	if j.out != nil {
		s := saw("edge-out", j.out...)
		if j.keys {
			s.kid, s.secret = "2027", strings.Repeat("k", 32)
			keys = append(keys, edge.Key{ID: s.kid, Secret: []byte(s.secret), Points: []string{"edge-out"}})
		}
		lines = append(lines, s.sign())
	}
	w := edge.NewVerifier(keys, 1).Verify(lines, at)
	if w.Fault != nil {
		t.Fatal(w.Fault)
	}
	return w
}

func (j journey) seen() edge.Arrived {
	h := map[string][]string{"host": {"api.example.com"}}
	for name, lines := range j.headers {
		h[name] = lines
	}
	if len(j.arrived) > 0 {
		h["authorization"] = j.arrived
	}
	return edge.Arrived{Headers: h, Method: "GET"}
}

func one(s string) []string { return []string{s} }

const (
	insideEdge = "inside the edge, between edge-in and edge-out"
	behindEdge = "behind the edge, between edge-out and the gateway"
	behindIn   = "between edge-in and the gateway"
)

func TestDecisionTable(t *testing.T) {
	moved := map[string][]string{"x-forwarded-authorization": {good}}
	bare := map[string][]string{"x-forwarded-access-token": {token}}
	for name, tc := range map[string]struct {
		journey
		found diagnosis.Code
		want  diagnosis.Code // "" if the witness does not decide
		hop   diagnosis.Hop
		says  string
	}{
		// Both points and the gateway saw the same.
		"intact, and expired":           {journey{in: one(good), out: one(good), arrived: one(good)}, diagnosis.TokenExpired, diagnosis.TokenExpired, diagnosis.HopUnset, "arrived as edge-in saw it"},
		"intact, and cut before":        {journey{in: one(good), out: one(good), arrived: one(good)}, diagnosis.CredentialTruncated, diagnosis.CredentialTruncated, diagnosis.Client, "arrived as edge-in saw it"},
		"intact, and of another scheme": {journey{in: one(userpass), out: one(userpass), arrived: one(userpass)}, diagnosis.SchemeUnsupported, diagnosis.SchemeUnsupported, diagnosis.Client, "arrived as edge-in saw it"},
		"intact, by two keys":           {journey{in: one(good), out: one(good), arrived: one(good), keys: true}, diagnosis.TokenSegments, diagnosis.TokenSegments, diagnosis.Client, "arrived as edge-in saw it"},
		"taken out and put back":        {journey{in: one(good), out: none, arrived: one(good)}, diagnosis.TokenExpired, diagnosis.TokenExpired, diagnosis.HopUnset, "arrived as edge-in saw it"},

		"stripped inside":         {journey{in: one(good), out: none}, diagnosis.CredentialMissing, diagnosis.CredentialStripped, diagnosis.Edge, "removed " + insideEdge},
		"blanked inside":          {journey{in: one(good), out: one("   "), arrived: one("")}, diagnosis.CredentialEmpty, diagnosis.CredentialEmpty, diagnosis.Edge, "blanked " + insideEdge},
		"stripped inside, 2 keys": {journey{in: one(good), out: none, keys: true}, diagnosis.CredentialMissing, diagnosis.CredentialStripped, diagnosis.Edge, "removed " + insideEdge},
		"stripped after":          {journey{in: one(good), out: one(good)}, diagnosis.CredentialMissing, diagnosis.CredentialStripped, diagnosis.Edge, "removed " + behindEdge},
		"blanked after":           {journey{in: one(good), out: one(good), arrived: one("")}, diagnosis.CredentialEmpty, diagnosis.CredentialEmpty, diagnosis.Edge, "blanked " + behindEdge},

		"rewritten after":               {journey{in: one(good), out: one(good), arrived: one(other)}, diagnosis.IssuerUntrusted, diagnosis.CredentialRewritten, diagnosis.Edge, "rewritten " + behindEdge},
		"rewritten inside":              {journey{in: one(good), out: one(other), arrived: one(other)}, diagnosis.IssuerUntrusted, diagnosis.CredentialRewritten, diagnosis.Edge, "rewritten " + insideEdge},
		"rewritten inside, by two keys": {journey{in: one(good), out: one(other), arrived: one(other), keys: true}, diagnosis.IssuerUntrusted, diagnosis.CredentialRewritten, diagnosis.Edge, "rewritten " + insideEdge},
		"rewritten after, by two keys":  {journey{in: one(good), out: one(good), arrived: one(other), keys: true}, diagnosis.IssuerUntrusted, diagnosis.CredentialRewritten, diagnosis.Edge, "rewritten " + behindEdge},
		"rewritten twice":               {journey{in: one(good), out: one(other), arrived: one("Bearer x.y.z")}, diagnosis.HeaderBadBase64, diagnosis.CredentialRewritten, diagnosis.Edge, "rewritten " + behindEdge},
		"replaced inside":               {journey{in: one(good), out: one(userpass), arrived: one(userpass)}, diagnosis.SchemeUnsupported, diagnosis.CredentialReplaced, diagnosis.Edge, "bearer replaced by basic " + insideEdge},
		"replaced after":                {journey{in: one(good), out: one(good), arrived: one("Negotiate YIIabc")}, diagnosis.SchemeUnsupported, diagnosis.CredentialReplaced, diagnosis.Edge, "bearer replaced by negotiate " + behindEdge},
		"stripped, then another":        {journey{in: one(good), out: none, arrived: one(userpass)}, diagnosis.SchemeUnsupported, diagnosis.CredentialReplaced, diagnosis.Edge, "bearer replaced by basic " + behindEdge},
		"the scheme cut off":            {journey{in: one(good), out: one(good), arrived: one(token)}, diagnosis.SchemeMissing, diagnosis.SchemeMissing, diagnosis.Edge, "the scheme was cut off " + behindEdge},
		"the scheme added":              {journey{in: one(good), out: one(good), arrived: one("Bearer " + good)}, diagnosis.SchemeRepeated, diagnosis.SchemeRepeated, diagnosis.Edge, "a second time " + behindEdge},
		"joined with another":           {journey{in: one(good), out: one(good), arrived: one(userpass + ", " + good)}, diagnosis.CredentialCommaJoined, diagnosis.CredentialCommaJoined, diagnosis.Edge, "joined with another one " + behindEdge},
		"joined with another, inside":   {journey{in: one(good), out: one(good + "," + userpass), arrived: one(good + "," + userpass)}, diagnosis.CredentialCommaJoined, diagnosis.CredentialCommaJoined, diagnosis.Edge, "joined with another one " + insideEdge},
		"two lines, joined after":       {journey{in: one(good), out: []string{userpass, good}, arrived: one(userpass + ", " + good)}, diagnosis.CredentialCommaJoined, diagnosis.CredentialCommaJoined, diagnosis.Edge, "joined with another one " + behindEdge},
		"encoded":                       {journey{in: one(good), out: one(good), arrived: one(strings.ReplaceAll(good, ".", "%2E"))}, diagnosis.TokenBadCharset, diagnosis.CredentialRewritten, diagnosis.Edge, "rewritten " + behindEdge},
		"signature removed by Google":   {journey{in: one(good + strings.Repeat("x", 99)), out: one(good), arrived: one("Bearer eyJh.eyJp.SIGNATURE_REMOVED_BY_GOOGLE")}, diagnosis.SignatureBadBase64, diagnosis.CredentialRewritten, diagnosis.Edge, "rewritten " + behindEdge},

		"cut after":                    {journey{in: one(good), out: one(good), arrived: one(good[:len(good)-5])}, diagnosis.CredentialTruncated, diagnosis.CredentialTruncated, diagnosis.Edge, "cut off " + behindEdge},
		"cut inside":                   {journey{in: one(good), out: one(good[:len(good)-5]), arrived: one(good[:len(good)-5])}, diagnosis.TokenSegments, diagnosis.CredentialTruncated, diagnosis.Edge, "cut off " + insideEdge},
		"a shorter one, of its own":    {journey{in: one(good), out: one(good), arrived: one("Bearer abc")}, diagnosis.TokenOpaque, diagnosis.CredentialRewritten, diagnosis.Edge, "rewritten " + behindEdge},
		"a shorter one, whole":         {journey{in: one(other), out: one(other), arrived: one(good)}, diagnosis.TokenExpired, diagnosis.CredentialRewritten, diagnosis.Edge, "rewritten " + behindEdge},
		"cut by the only point's edge": {journey{in: one(good), arrived: one(good[:len(good)-5])}, diagnosis.TokenSegments, diagnosis.CredentialTruncated, diagnosis.Edge, "cut off " + behindIn},

		"moved inside":                 {journey{in: one(good), out: none, headers: moved}, diagnosis.CredentialMoved, diagnosis.CredentialMoved, diagnosis.Edge, "moved to x-forwarded-authorization " + insideEdge},
		"moved after":                  {journey{in: one(good), out: one(good), headers: moved}, diagnosis.CredentialMissing, diagnosis.CredentialMoved, diagnosis.Edge, "moved to x-forwarded-authorization " + behindEdge},
		"moved, and replaced inside":   {journey{in: one(good), out: one(userpass), arrived: one(userpass), headers: moved}, diagnosis.SchemeUnsupported, diagnosis.CredentialMoved, diagnosis.Edge, insideEdge},
		"moved, a good one in place":   {journey{in: one(good), out: one(good), arrived: one(other), headers: moved}, diagnosis.CredentialRewritten, diagnosis.CredentialRewritten, diagnosis.Edge, "moved to x-forwarded-authorization " + behindEdge},
		"a good one of another scheme": {journey{in: one(userpass), out: one(userpass), arrived: one(good)}, diagnosis.CredentialRewritten, diagnosis.CredentialRewritten, diagnosis.Edge, "rewritten " + behindEdge},
		"moved without its scheme":     {journey{in: one(good), out: none, headers: bare}, diagnosis.CredentialMoved, diagnosis.CredentialMoved, diagnosis.Edge, "moved to x-forwarded-access-token"},
		"another header of its length": {journey{in: one(good), out: none, headers: map[string][]string{"x-token": {strings.Repeat("a", len(good))}}}, diagnosis.CredentialMissing, diagnosis.CredentialStripped, diagnosis.Edge, "removed " + insideEdge},

		"never came":               {journey{in: none, out: none}, diagnosis.CredentialMissing, diagnosis.CredentialMissing, diagnosis.Client, "no credential reached edge-in: look at the client, a redirect, a CDN or WAF before it, and (BIG-IP) an LTM policy"},
		"came blank":               {journey{in: one(""), out: one(""), arrived: one("")}, diagnosis.CredentialEmpty, diagnosis.CredentialEmpty, diagnosis.Client, "no credential reached edge-in"},
		"came blank, was removed":  {journey{in: one(""), out: none}, diagnosis.CredentialMissing, diagnosis.CredentialMissing, diagnosis.Client, "no credential reached edge-in"},
		"injected inside":          {journey{in: none, out: one(userpass), arrived: one(userpass)}, diagnosis.SchemeUnsupported, diagnosis.SchemeUnsupported, diagnosis.Edge, "put there " + insideEdge},
		"injected after":           {journey{in: none, out: none, arrived: one(userpass)}, diagnosis.SchemeUnsupported, diagnosis.SchemeUnsupported, diagnosis.Edge, "put there " + behindEdge},
		"injected, then rewritten": {journey{in: none, out: one(userpass), arrived: one(other)}, diagnosis.IssuerUntrusted, diagnosis.CredentialReplaced, diagnosis.Edge, "basic replaced by bearer " + behindEdge},
		"injected, then stripped":  {journey{in: none, out: one(userpass)}, diagnosis.CredentialMissing, diagnosis.CredentialStripped, diagnosis.Edge, "removed " + behindEdge},

		// A single point says nothing of the inside.
		"stripped behind the only point":    {journey{in: one(good)}, diagnosis.CredentialMissing, diagnosis.CredentialStripped, diagnosis.Edge, "removed " + behindIn},
		"rewritten behind the only point":   {journey{in: one(good), arrived: one(other)}, diagnosis.IssuerUntrusted, diagnosis.CredentialRewritten, diagnosis.Edge, "rewritten " + behindIn},
		"injected behind the only point":    {journey{in: none, arrived: one(userpass)}, diagnosis.SchemeUnsupported, diagnosis.SchemeUnsupported, diagnosis.Edge, "put there " + behindIn},
		"moved behind the only point":       {journey{in: one(good), headers: moved}, diagnosis.CredentialMissing, diagnosis.CredentialMoved, diagnosis.Edge, behindIn},
		"never came to the only point":      {journey{in: none}, diagnosis.CredentialMissing, diagnosis.CredentialMissing, diagnosis.Client, "no credential reached edge-in"},
		"absent at the exit, the only one":  {journey{out: none}, diagnosis.CredentialMissing, "", diagnosis.HopUnset, ""},
		"stripped behind the exit":          {journey{out: one(good)}, diagnosis.CredentialMissing, diagnosis.CredentialStripped, diagnosis.Edge, "removed between edge-out and the gateway"},
		"no witness, nothing came":          {journey{}, diagnosis.CredentialMissing, "", diagnosis.HopUnset, ""},
		"no witness, damaged":               {journey{arrived: one(good)}, diagnosis.CredentialTruncated, "", diagnosis.HopUnset, ""},
		"stripped, but keys cannot be had":  {journey{in: one(good), out: none, arrived: one(other)}, diagnosis.JWKSNeverLoaded, "", diagnosis.HopUnset, ""},
		"rewritten, but the limit is spent": {journey{in: one(good), out: one(other), arrived: one(other)}, diagnosis.RateLimited, "", diagnosis.HopUnset, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := tc.witness(t)
			f := diagnosis.Fail(tc.found, "as found")
			before := *f
			got := w.Testify(f, tc.seen())
			if diff := cmp.Diff(before, *f); diff != "" {
				t.Fatalf("the failure itself changed:\n%s", diff)
			}
			if tc.want == "" {
				if got.Decided || got.Failure != f {
					t.Fatalf("expected no decision, got %+v", got.Failure)
				}
				return
			}
			certainty := diagnosis.Definite
			if tc.hop == diagnosis.HopUnset {
				certainty = diagnosis.CertaintyUnset
			}
			if g := got.Failure; !got.Decided || g.Code != tc.want || g.Hop != tc.hop || g.Certainty != certainty || !strings.Contains(g.Detail, tc.says) {
				t.Errorf("expected %s, %s, %s, %q, got %s, %s, %s, %q", tc.want, tc.hop, certainty, tc.says, g.Code, g.Hop, g.Certainty, g.Detail)
			}
			if same := got.Failure.Code == tc.found; strings.HasSuffix(got.Failure.Detail, "; as found") != same {
				t.Errorf("expected the first detail with the first code only, got %q", got.Failure.Detail)
			}
			single := tc.in == nil || tc.out == nil
			if single && strings.Contains(got.Failure.Detail, "inside") {
				t.Errorf("a single point cannot tell of the inside: %q", got.Failure.Detail)
			}
		})
	}
}

func TestMissingBytes(t *testing.T) {
	j := journey{in: one(good), out: one(good), arrived: one(good[:len(good)-5])}
	w := j.witness(t)
	if got := w.Testify(diagnosis.FailBy(diagnosis.TokenSegments, 2, ""), j.seen()).Failure; got.By == nil || *got.By != 5 {
		t.Errorf("expected 5 bytes missing, got %v", got.By)
	}
}

func TestFindingsOfTheWitness(t *testing.T) {
	for name, tc := range map[string]struct {
		in, out      func(*sight)
		host, method string
		want         []string
	}{
		"as sent":                     {nil, nil, "api.example.com", "GET", nil},
		"case and usual port":         {func(s *sight) { s.host = "API.example.com:443" }, nil, "api.EXAMPLE.com:80", "GET", nil},
		"another port":                {func(s *sight) { s.host = "api.example.com:8443" }, nil, "api.example.com", "GET", []string{"host_rewritten " + insideEdge}},
		"Host rewritten inside":       {nil, func(s *sight) { s.host = "kong.local" }, "kong.local", "GET", []string{"host_rewritten " + insideEdge}},
		"Host rewritten after":        {nil, nil, "kong.local", "GET", []string{"host_rewritten " + behindEdge}},
		"a Host that is not repeated": {func(s *sight) { s.host = `a";p=1;x="` }, func(s *sight) { s.host = "a b" }, "c", "GET", nil},
		"no Host":                     {nil, nil, "", "GET", nil},
		"method rewritten inside":     {nil, func(s *sight) { s.method = "POST" }, "api.example.com", "POST", []string{"method_rewritten " + insideEdge}},
		"method rewritten after":      {nil, nil, "api.example.com", "POST", []string{"method_rewritten " + behindEdge}},
		"a method nobody asked for":   {nil, nil, "api.example.com", "", nil},
		"both":                        {nil, nil, "x", "PUT", []string{"host_rewritten " + behindEdge, "method_rewritten " + behindEdge}},
	} {
		t.Run(name, func(t *testing.T) {
			in, out := saw("edge-in", good), saw("edge-out", good)
			for s, change := range map[*sight]func(*sight){&in: tc.in, &out: tc.out} {
				if change != nil {
					change(s)
				}
			}
			w := verifier().Verify([]string{in.sign(), out.sign()}, at)
			arrived := edge.Arrived{Headers: headers("authorization", good), Method: tc.method}
			if tc.host != "" {
				arrived.Headers["host"] = one(tc.host)
			}
			var got []string
			for _, f := range w.Testify(diagnosis.Fail(diagnosis.TokenExpired, ""), arrived).Findings {
				got = append(got, string(f.Name)+" "+f.Detail)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
	t.Run("injected", func(t *testing.T) {
		j := journey{in: none, out: one(userpass), arrived: one(userpass)}
		w := j.witness(t)
		want := []diagnosis.Finding{{Name: diagnosis.CredentialInjected, Detail: insideEdge}}
		if diff := cmp.Diff(want, w.Testify(diagnosis.Fail(diagnosis.JWKSNeverLoaded, ""), j.seen()).Findings); diff != "" {
			t.Errorf("findings (-want +got):\n%s", diff)
		}
	})
}

// With headers at Kong's cap what is not among them may still have come.
func TestPartialHeadersProveNoAbsence(t *testing.T) {
	j := journey{in: one(good), out: one(good)}
	w, arrived := j.witness(t), j.seen()
	arrived.Partial = true
	if got := w.Testify(diagnosis.Fail(diagnosis.CredentialMissing, ""), arrived); got.Decided || got.Failure.Code != diagnosis.CredentialMissing {
		t.Errorf("expected no decision, got %+v", got.Failure)
	}
	if w.Vouches(arrived) {
		t.Error("expected no word for what may have come")
	}
	arrived.Headers["authorization"] = one(other)
	if got := w.Testify(diagnosis.Fail(diagnosis.IssuerUntrusted, ""), arrived); got.Failure.Code != diagnosis.CredentialRewritten {
		t.Errorf("expected what came to be judged, got %+v", got.Failure)
	}
}

func TestWhatStoodElsewhereIsNotJudged(t *testing.T) {
	j := journey{in: one(userpass), out: none}
	w, arrived := j.witness(t), j.seen()
	arrived.Elsewhere = true
	if got := w.Testify(diagnosis.Fail(diagnosis.TokenExpired, ""), arrived); got.Decided || got.Failure.Code != diagnosis.TokenExpired {
		t.Errorf("expected no decision, got %+v", got.Failure)
	}
}

func TestVouches(t *testing.T) {
	for name, tc := range map[string]struct {
		journey
		want bool
	}{
		"the same":                  {journey{in: one(good), out: one(good), arrived: one(good)}, true},
		"the same but for blanks":   {journey{in: one(good), out: one(good + " \t"), arrived: one(" " + good)}, true},
		"the exit's, not the way's": {journey{in: one(other), out: one(good), arrived: one(good)}, true},
		"the only point's":          {journey{in: one(good), arrived: one(good)}, true},
		"nothing, and nothing":      {journey{in: none, out: none}, true},
		"a blank line that went":    {journey{in: none, out: one(" ")}, true},
		"another":                   {journey{in: one(good), out: one(good), arrived: one(other)}, false},
		"the way's, not the exit's": {journey{in: one(good), out: one(other), arrived: one(good)}, false},
		"nothing came":              {journey{in: one(good), out: one(good)}, false},
		"something came":            {journey{in: none, out: none, arrived: one(good)}, false},
		"two lines":                 {journey{in: one(good), out: one(good), arrived: []string{other, good}}, false},
		"no witness":                {journey{arrived: one(good)}, false},
	} {
		w := tc.witness(t)
		if got := w.Vouches(tc.seen()); got != tc.want {
			t.Errorf("%s: expected %v, got %v", name, tc.want, got)
		}
	}
}

// Every row of the catalogue can be asked about, whatever the way was, and what
// the edge is blamed for without a row of its own stays what it was.
func TestTestifyOfEveryCode(t *testing.T) {
	lines := [][]string{nil, none, one(""), one(good), one(other), one(userpass)}
	for _, in := range lines {
		for _, out := range lines {
			for _, here := range lines {
				j := journey{in: in, out: out, arrived: here}
				w, arrived := j.witness(t), j.seen()
				for _, row := range diagnosis.Rows() {
					got := w.Testify(diagnosis.Fail(row.Code, ""), arrived)
					if status := got.Failure.Row().Status; (row.Status >= 500 || row.Status == 429) && status != row.Status {
						t.Fatalf("%s became %s", row.Code, got.Failure.Code)
					}
					if got.Failure.Hop == diagnosis.Edge && slices.Equal(in, here) && slices.Equal(in, out) && in != nil {
						t.Fatalf("%s: the edge changed nothing and is blamed: %+v", row.Code, got.Failure)
					}
				}
			}
		}
	}
}
