package deck_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"kong-plugin-auth-diagnosis/pkg/config"
	"kong-plugin-auth-diagnosis/pkg/config/deck"
)

var update = flag.Bool("update", false, "rewrite testdata/*.want")

const plugin = "auth-diagnosis"

func check(data string, schema deck.Checker) deck.Report {
	return deck.Check(strings.NewReader(data), "kong.yml", plugin, schema)
}

func text(r deck.Report) string {
	var b strings.Builder
	for _, p := range r.Problems {
		b.WriteString(p.Error() + "\n")
	}
	return b.String()
}

func TestGoodFileHasNoProblems(t *testing.T) {
	data, err := os.ReadFile("testdata/good.yml")
	if err != nil {
		t.Fatal(err)
	}
	got := check(string(data), nil)
	if got.Instances != 5 || len(got.Problems) != 0 {
		t.Errorf("got %d instances and problems\n%s", got.Instances, text(got))
	}
}

// TestBadFiles has one file for each mistake, and its messages beside it.
func TestBadFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/invalid-*.yml")
	if err != nil || len(files) == 0 {
		t.Fatalf("got %d files, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := text(check(string(data), nil))
			golden := strings.TrimSuffix(file, ".yml") + ".want"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
			if got == "" {
				t.Error("no problem in a bad file")
			}
		})
	}
}

// fake answers with fixed problems and notes what it was asked.
type fake struct {
	problems []config.Problem
	filled   map[string]any
	asked    []map[string]any
}

func (f *fake) Process(config map[string]any) (map[string]any, []config.Problem) {
	f.asked = append(f.asked, config)
	return f.filled, f.problems
}

var _ deck.Checker = (*fake)(nil)

const small = `_format_version: "3.0"
plugins:
  - name: auth-diagnosis
    config:
      leeway: 9999
      issuers: []
      jwks: {http_proxy: "{vault://env/x}"}
`

func TestSchemaSpeaksFirst(t *testing.T) {
	schema := &fake{problems: []config.Problem{
		{Path: "config.leeway", Message: "value should be between 0 and 3600"},
		{Path: "config.jwks.http_proxy", Message: "of a value that comes later"},
		{Path: "config.edge.witness", Message: "unknown field"},
	}}
	want := `kong.yml:5: plugins[0].config.leeway: value should be between 0 and 3600
kong.yml:5: plugins[0].config.edge.witness: unknown field
kong.yml:6: plugins[0].config.issuers: expected at least 1 element with bearer in expects, got 0
`
	if diff := cmp.Diff(want, text(check(small, schema))); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	asked := []map[string]any{{"leeway": 9999, "issuers": []any{}, "jwks": map[string]any{"http_proxy": "{vault://env/x}"}}}
	if diff := cmp.Diff(asked, schema.asked); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
}

func TestFilledConfigIsWhatIsJudged(t *testing.T) {
	schema := &fake{filled: map[string]any{"leeway": -5, "mode": "advise", "expects": []any{"key"}}}
	want := "kong.yml:5: plugins[0].config.leeway: expected an integer from 0 to 3600, got -5\n"
	if diff := cmp.Diff(want, text(check(small, schema))); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

func TestUnreadableFile(t *testing.T) {
	got := deck.Check(iotest.ErrReader(os.ErrPermission), "kong.yml", plugin, nil)
	if want := "kong.yml: cannot be read: permission denied\n"; text(got) != want {
		t.Errorf("got %q, want %q", text(got), want)
	}
	got = check(strings.Repeat("#", 16<<20+1), nil)
	if want := "kong.yml: expected at most 16777216 bytes, got more\n"; text(got) != want {
		t.Errorf("got %q, want %q", text(got), want)
	}
}

func TestAliasesDoNotMultiplyTheWork(t *testing.T) {
	level := func(name, of string) string {
		return name + ": &" + name + " [" + strings.TrimSuffix(strings.Repeat("{routes: *"+of+"}, ", 60), ", ") + "]\n"
	}
	bomb := "_format_version: \"3.0\"\na: &a [{plugins: []}]\n" + level("b", "a") + level("c", "b") + level("d", "c") +
		"services: [" + strings.TrimSuffix(strings.Repeat("{routes: *d}, ", 60), ", ") + "]\n"
	if got := text(check(bomb, nil)); got != "kong.yml: expected at most 100000 entities, got more\n" {
		t.Errorf("got %q", got)
	}
}

func TestLoopsOfAliasesEnd(t *testing.T) {
	for _, loop := range []string{
		"services: &s\n  - services: *s\n",
		"plugins: &p\n  - name: auth-diagnosis\n    config: {mode: advise, expects: [key], issuers: *p}\n",
		"plugins:\n  - &q\n    <<: *q\n    name: cors\n",
		"a: &a\n  <<: *a\nplugins: [*a]\n",
	} {
		if got := check("_format_version: \"3.0\"\n"+loop, nil); len(got.Problems) > 1 {
			t.Errorf("%q: got problems\n%s", loop, text(got))
		}
	}
}

func FuzzCheck(f *testing.F) {
	files, err := filepath.Glob("testdata/*.yml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(data))
	}
	f.Fuzz(func(t *testing.T, data string) {
		for _, p := range check(data, nil).Problems {
			if p.Message == "" || p.File != "kong.yml" || p.Line < 0 {
				t.Errorf("problem without a place or a message: %+v", p)
			}
		}
	})
}
