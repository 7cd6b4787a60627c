//go:build spec

package chaos

import (
	"debug/buildinfo"
	"go/version"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"kong-plugin-auth-diagnosis/spec/rig"
)

// maxBinary is the size in bytes that the program must stay below.
const maxBinary = 15_000_000

// TestReleasedProgram builds the program by the line that `make build` runs, and looks
// at what users get.
func TestReleasedProgram(t *testing.T) {
	t.Parallel()
	const name = "auth-diagnosis"
	root, err := rig.Root()
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(t.TempDir(), name)
	dry := exec.Command("make", "--no-print-directory", "-n", "build")
	dry.Dir = root
	lines, err := dry.Output()
	if err != nil {
		t.Fatal(err)
	}
	line := ""
	for l := range strings.Lines(string(lines)) {
		if strings.Contains(l, "go build") && strings.Contains(l, "./plugins/"+name) {
			line = strings.TrimSpace(l)
		}
	}
	if !strings.Contains(line, " -o bin/ ") {
		t.Fatalf("make build has no line for ./plugins/%s with -o bin/: %q", name, lines)
	}
	build := exec.Command("sh", "-c", strings.Replace(line, " -o bin/ ", " -o "+program+" ", 1))
	build.Dir = dry.Dir
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", build, err, out)
	}

	file, err := os.Stat(program)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%.1f MB", float64(file.Size())/1e6)
	if file.Size() >= maxBinary {
		t.Errorf("got %d bytes, expected less than %d", file.Size(), maxBinary)
	}
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	// From 1.25 on GOMAXPROCS follows the container's limit, if nobody says otherwise.
	if version.Compare(info.GoVersion, "go1.25") < 0 {
		t.Errorf("got %s, expected go1.25 at least", info.GoVersion)
	}
	for _, s := range info.Settings {
		if s.Key == "DefaultGODEBUG" && strings.Contains(s.Value, "containermaxprocs=0") {
			t.Errorf("%s=%s takes the number of processors from the host", s.Key, s.Value)
		}
		if s.Key == "-tags" && s.Value != "nethttpomithttp2" {
			t.Errorf("built with the tags %s", s.Value)
		}
	}
}
