package edge

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kong-plugin-auth-diagnosis/pkg/standin/rawhttp"
)

func TestModesTouchTheirHeaderOnly(t *testing.T) {
	const a, b = rawhttp.Field("x-before: \xe9"), rawhttp.Field("X-After:  spaced  ")
	tests := map[string]struct {
		mode Mode
		in   []rawhttp.Field
		want []rawhttp.Field
	}{
		"pass":                   {Pass(), []rawhttp.Field{"aUTHorization:  Bearer \xff "}, []rawhttp.Field{"aUTHorization:  Bearer \xff "}},
		"strip every line":       {Strip(), []rawhttp.Field{"Authorization: 1", "authorization: 2"}, nil},
		"blank, same length":     {Blank(), []rawhttp.Field{"Authorization: Bearer x"}, []rawhttp.Field{"Authorization:         "}},
		"blank an empty one":     {Blank(), []rawhttp.Field{"Authorization:"}, []rawhttp.Field{"Authorization:"}},
		"rewrite":                {Rewrite("Basic x"), []rawhttp.Field{"AUTHORIZATION: Bearer x"}, []rawhttp.Field{"AUTHORIZATION: Basic x"}},
		"rewrite nothing":        {Rewrite("Basic x"), nil, nil},
		"truncate":               {Truncate(3), []rawhttp.Field{"Authorization: Bearer abcdef"}, []rawhttp.Field{"Authorization: Bearer abc"}},
		"truncate a short one":   {Truncate(30), []rawhttp.Field{"Authorization: x"}, []rawhttp.Field{"Authorization: "}},
		"limit":                  {Limit(8), []rawhttp.Field{"Authorization: Bearer abcdef"}, []rawhttp.Field{"Authorization: Bearer a"}},
		"limit a short one":      {Limit(80), []rawhttp.Field{"Authorization: x"}, []rawhttp.Field{"Authorization: x"}},
		"join":                   {Join("Basic y"), []rawhttp.Field{"Authorization: Bearer x"}, []rawhttp.Field{"Authorization: Bearer x, Basic y"}},
		"insert after the first": {Insert("Basic y"), []rawhttp.Field{"Authorization: 1", "Z: 2"}, []rawhttp.Field{"Authorization: 1", "Authorization: Basic y", "Z: 2"}},
		"move":                   {Move("X-Forwarded-Authorization"), []rawhttp.Field{"authorization: Bearer x"}, []rawhttp.Field{"X-Forwarded-Authorization: Bearer x"}},
		"another header is left": {Strip(), []rawhttp.Field{"X-Authorization: 1"}, []rawhttp.Field{"X-Authorization: 1"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			in := append(append([]rawhttp.Field{a}, tt.in...), b)
			want := append(append([]rawhttp.Field{a}, tt.want...), b)
			if diff := cmp.Diff(want, tt.mode.apply(in, "Authorization")); diff != "" {
				t.Errorf("fields (-want +got):\n%s", diff)
			}
		})
	}
}

func TestInsertIntoARequestWithoutTheHeader(t *testing.T) {
	got := Insert("x").apply([]rawhttp.Field{"A: 1"}, "Authorization")
	if diff := cmp.Diff([]rawhttp.Field{"A: 1", "Authorization: x"}, got); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
}

func TestParseMode(t *testing.T) {
	for _, mode := range []Mode{
		Pass(), Strip(), Blank(), Rewrite("Basic a:b"), Truncate(12), Limit(4096), Join("Basic x"), Insert("Bearer y"), Move("X-Moved"),
	} {
		got, err := ParseMode(mode.String())
		if err != nil || got != mode {
			t.Errorf("%s: got %s, %v", mode, got, err)
		}
	}
	for _, wrong := range []string{
		"", "drop", "strip:x", "truncate", "truncate:x", "truncate:-1", "limit:007", "move", "move:", "move:a b", "join:a\r\nb: c", "insert:\x00",
	} {
		if mode, err := ParseMode(wrong); err == nil {
			t.Errorf("%q: got %s and no error", wrong, mode)
		}
	}
}

func TestParseRule(t *testing.T) {
	tests := map[string]Rule{
		"/lost=strip":                 {PathPrefix: "/lost", Mode: Strip()},
		"/=rewrite:a=b":               {PathPrefix: "/", Mode: Rewrite("a=b")},
		"X-Route=blank":               {Header: "X-Route", Mode: Blank()},
		"X-Route: moved=move:X-Other": {Header: "X-Route", HeaderValue: "moved", Mode: Move("X-Other")},
	}
	for text, want := range tests {
		got, err := ParseRule(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
		}
		if got != want {
			t.Errorf("%q: got %+v, want %+v", text, got, want)
		}
	}
	for _, wrong := range []string{"", "/lost", "=strip", ": x=strip", "a b=strip", "/lost=drop"} {
		if rule, err := ParseRule(wrong); err == nil {
			t.Errorf("%q: got %+v and no error", wrong, rule)
		}
	}
}

func TestRules(t *testing.T) {
	rules := []Rule{
		{PathPrefix: "/both", Header: "X-Mark", HeaderValue: "a", Mode: Rewrite("both")},
		{PathPrefix: "/lost", Mode: Strip()},
		{PathPrefix: "/cut/", StripPrefix: true, Mode: Rewrite("cut")},
		{PathPrefix: "/off", StripPrefix: true, Mode: Pass()},
		{Header: "X-Mark", HeaderValue: "key", Field: "apikey", Mode: Rewrite("k")},
		{Header: "X-Any", Mode: Rewrite("any")},
	}
	tests := map[string]struct {
		target string
		fields []rawhttp.Field
		want   string // the head, its lines separated by a bar
	}{
		"no rule":               {"/", nil, "GET / HTTP/1.1|Authorization: A"},
		"path":                  {"/lost", nil, "GET /lost HTTP/1.1"},
		"path below":            {"/lost/x?y", nil, "GET /lost/x?y HTTP/1.1"},
		"path with a query":     {"/lost?x", nil, "GET /lost?x HTTP/1.1"},
		"segment, not a prefix": {"/lostly", nil, "GET /lostly HTTP/1.1|Authorization: A"},
		"prefix with a slash":   {"/cut/x", nil, "GET /x HTTP/1.1|Authorization: cut"},
		"prefix alone":          {"/off", nil, "GET / HTTP/1.1|Authorization: A"},
		"prefix and query":      {"/off?x=y", nil, "GET /?x=y HTTP/1.1|Authorization: A"},
		"header is not sent on": {"/", []rawhttp.Field{"x-any: 1"}, "GET / HTTP/1.1|Authorization: any"},
		"header of a value":     {"/", []rawhttp.Field{"X-Mark: key", "apikey: z"}, "GET / HTTP/1.1|Authorization: A|apikey: k"},
		"header, other value":   {"/", []rawhttp.Field{"X-Mark: b"}, "GET / HTTP/1.1|Authorization: A|X-Mark: b"},
		"both conditions":       {"/both", []rawhttp.Field{"X-Mark: a"}, "GET /both HTTP/1.1|Authorization: both"},
		"first rule wins":       {"/lost", []rawhttp.Field{"X-Any: 1"}, "GET /lost HTTP/1.1|X-Any: 1"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			head := rawhttp.Head{Start: "GET " + tt.target + " HTTP/1.1", Fields: append([]rawhttp.Field{"Authorization: A"}, tt.fields...)}
			got, err := rewrite(rules, head)
			if err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(strings.TrimSuffix(string(got.Append(nil)), "\r\n\r\n"), "\r\n")
			if diff := cmp.Diff(tt.want, strings.Join(lines, "|")); diff != "" {
				t.Errorf("head (-want +got):\n%s", diff)
			}
		})
	}
}
