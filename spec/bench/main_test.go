//go:build spec

package main

import (
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"kong-plugin-auth-diagnosis/spec/bench/measure"
	"kong-plugin-auth-diagnosis/spec/rig"
)

func TestMain(m *testing.M) {
	code := m.Run()
	rig.Clean()
	os.Exit(code)
}

// few is as little as can be measured. What comes out means nothing.
var few = settings{
	runs:     1,
	requests: 40,
	loop:     time.Millisecond,
	tokens:   []int{2, 40},
	crowds:   []int{10, 100},
	routes:   []int{1, 3},
	conns:    []int{1, 2},
}

// TestEveryGroupMeasures runs all there is once, the group kong on the embedded
// gateway.
func TestEveryGroupMeasures(t *testing.T) {
	bins, err := rig.Build()
	if err != nil {
		t.Fatal(err)
	}
	s := few
	s.kong = bins.Kong
	b, err := newBench(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	defer b.close()
	for _, g := range groups {
		t.Run(g.name, func(t *testing.T) {
			text, err := g.section(b)
			if err != nil {
				t.Fatal(err)
			}
			rows := strings.Count(text, "\n| ")
			if !strings.HasPrefix(text, "## "+g.title+"\n") || rows < 4 || strings.Contains(text, "%!") {
				t.Errorf("got %d rows:\n%s", rows, text)
			}
			if g.name == "kong" && !strings.Contains(text, "on the embedded gateway\n\nLeft out: this gateway has no `jwt`, `rate-limiting`.") {
				t.Errorf("expected what was left out, got:\n%s", text)
			}
			for line := range strings.Lines(text) {
				if cells := strings.Split(line, " | "); strings.HasPrefix(line, "| ") && len(cells) > 2 && cells[1] == "" {
					t.Errorf("row without a figure: %s", line)
				}
			}
		})
	}
}

// The figures of the embedded gateway never stand for a real Kong's.
func TestWithoutAKongThereAreNoFiguresOfOne(t *testing.T) {
	text, err := groups[len(groups)-1].section(&bench{settings: few})
	if err != nil || !strings.Contains(text, "Not run: needs a real Kong.") || strings.Contains(text, "|") {
		t.Errorf("got %v, %s", err, text)
	}
}

// The page tells of a real Kong or of none.
func TestTheEmbeddedGatewayIsNotWrittenDownAsAKong(t *testing.T) {
	bins, err := rig.Build()
	if err != nil {
		t.Fatal(err)
	}
	if err := run(t.Context(), []string{"-write", "-kong", bins.Kong}, io.Discard, io.Discard); !errors.Is(err, errUsage) {
		t.Errorf("got %v, expected %v", err, errUsage)
	}
	if embedded("/bin/sh") || embedded(filepath.Join(t.TempDir(), "none")) {
		t.Error("taken for the embedded gateway")
	}
}

func TestWorkersOfAGateway(t *testing.T) {
	g := gateway{Gateway: &rig.Gateway{Prefix: t.TempDir()}}
	if err := os.Mkdir(filepath.Join(g.Prefix, "pids"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(g.Prefix, "pids", "nginx.pid"), []byte("42\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	worker, agent := []string{"nginx: worker process"}, []string{"nginx: privileged agent process"}
	for _, c := range []struct {
		all   []measure.Process
		want  []int
		nginx bool
	}{
		{[]measure.Process{{PID: 42, Parent: 1}, {PID: 43, Parent: 42, Args: worker}, {PID: 44, Parent: 42, Args: agent}, {PID: 45, Parent: 7, Args: worker}}, []int{43}, true},
		{[]measure.Process{{PID: 42, Parent: 1}, {PID: 50, Parent: 42, Args: []string{"plugin"}}}, []int{42}, false},
	} {
		if err := g.findWorkers(c.all); err != nil || !slices.Equal(g.workers, c.want) || g.nginx != c.nginx {
			t.Errorf("got %v, nginx %v, %v, expected %+v", g.workers, g.nginx, err, c)
		}
	}
}

func TestWrongArguments(t *testing.T) {
	for _, c := range []struct {
		args []string
		want error
	}{
		{[]string{"-only", "everything"}, errUsage},
		{[]string{"-runs", "0"}, errUsage},
		{[]string{"more"}, errUsage},
		{[]string{"-h"}, flag.ErrHelp},
	} {
		if err := run(t.Context(), c.args, io.Discard, io.Discard); !errors.Is(err, c.want) {
			t.Errorf("%q: got %v, expected %v", c.args, err, c.want)
		}
	}
}

func TestPageKeepsWhatIsNotMeasured(t *testing.T) {
	path := filepath.Join(t.TempDir(), "page.md")
	before := "# Page\n<!-- measured: one -->\nold\n<!-- end of one -->\nwords\n<!-- measured: two -->\n<!-- end of two -->\n"
	if err := os.WriteFile(path, []byte(before), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := rewrite(path, "one", "## New\n\n"); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	want := "# Page\n<!-- measured: one -->\n\n## New\n\n<!-- end of one -->\nwords\n<!-- measured: two -->\n<!-- end of two -->\n"
	if err != nil || string(got) != want {
		t.Errorf("got %q, %v, expected %q", got, err, want)
	}
	if err := rewrite(path, "three", "x"); !errors.Is(err, errMarkers) {
		t.Errorf("got %v, expected %v", err, errMarkers)
	}
}

// TestThePageHasAPlaceForEveryGroup holds the two lists together.
func TestThePageHasAPlaceForEveryGroup(t *testing.T) {
	root, err := rig.Root()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(root, page))
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range groups {
		if _, err := replace(string(text), g.name, "x"); err != nil {
			t.Errorf("%s: %v", g.name, err)
		}
	}
}

// TestBothServersUseTheSameLibraries: the plugin on go-pdk's server is a module of
// its own, and an older protobuf there would be compared too.
func TestBothServersUseTheSameLibraries(t *testing.T) {
	root, err := rig.Root()
	if err != nil {
		t.Fatal(err)
	}
	version := func(file, module string) string {
		text, err := os.ReadFile(filepath.Join(root, file))
		if err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(string(text), module+" ")
		v, _, _ := strings.Cut(rest, "\n")
		return strings.TrimSuffix(v, " // indirect")
	}
	for _, module := range []string{"github.com/Kong/go-pdk", "google.golang.org/protobuf"} {
		ours, theirs := version("go.mod", module), version("spec/bench/testdata/gopdk/go.mod", module)
		if ours == "" || ours != theirs {
			t.Errorf("%s: expected %q, got %q", module, ours, theirs)
		}
	}
}

func TestForgedTokensDiffer(t *testing.T) {
	token := "aaaa.bbbb." + strings.Repeat("c", 342)
	seen := map[string]bool{}
	for i := range 300 {
		f := forge(token, i)
		if len(f) != len(token) || !strings.HasPrefix(f, "aaaa.bbbb.AA") || seen[f] {
			t.Fatalf("%d: got %q", i, f)
		}
		seen[f] = true
	}
}
