package files_test

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const dockerfile = "kong/Dockerfile"

// stage is one FROM of a Dockerfile with what follows it.
type stage struct {
	name, from string
	lines      [][2]string // instruction and arguments
}

func (s stage) all(instruction string) (args []string) {
	for _, l := range s.lines {
		if l[0] == instruction {
			args = append(args, l[1])
		}
	}
	return args
}

// stages reads the Dockerfile; args are the ARGs before the first FROM.
func stages(t *testing.T) (args map[string]string, list []stage) {
	t.Helper()
	args = map[string]string{}
	text := regexp.MustCompile(`(?m)^#.*\n`).ReplaceAllString(read(t, dockerfile), "")
	for l := range strings.Lines(strings.ReplaceAll(text, "\\\n", " ")) {
		instruction, rest, _ := strings.Cut(strings.TrimSpace(l), " ")
		rest = strings.Join(strings.Fields(rest), " ")
		switch {
		case instruction == "":
		case instruction == "FROM":
			from, name, ok := strings.Cut(rest, " AS ")
			if !ok {
				t.Errorf("expected a name for the stage from %s, got none", from)
			}
			list = append(list, stage{name: name, from: from})
		case len(list) > 0:
			s := &list[len(list)-1]
			s.lines = append(s.lines, [2]string{instruction, rest})
		case instruction == "ARG":
			name, value, _ := strings.Cut(rest, "=")
			args[name] = value
		default:
			t.Errorf("expected ARG or FROM first, got %s", instruction)
		}
	}
	return args, list
}

func stageNamed(t *testing.T, name string) stage {
	t.Helper()
	_, list := stages(t)
	i := slices.IndexFunc(list, func(s stage) bool { return s.name == name })
	if i < 0 {
		t.Fatalf("%s: expected a stage %q, got none", dockerfile, name)
	}
	return list[i]
}

var environmentPair = regexp.MustCompile(`(\w+)=("[^"]*"|\S+)`)

// environment is the ENV of a stage.
func (s stage) environment() map[string]string {
	all := map[string]string{}
	for _, line := range s.all("ENV") {
		for _, m := range environmentPair.FindAllStringSubmatch(line, -1) {
			all[m[1]] = strings.Trim(m[2], `"`)
		}
	}
	return all
}

func TestImageRunsThePlugin(t *testing.T) {
	s := fromEnvironment(t, stageNamed(t, "kong").environment())
	s.runsPlugin(t, kongPrefix)
	s.sameAs(t, kongConf(t))
}

func TestImageIsBuiltAsItShouldBe(t *testing.T) {
	args, list := stages(t)
	var names []string
	for i, s := range list {
		for _, copied := range s.all("COPY") {
			if from, ok := strings.CutPrefix(strings.Fields(copied)[0], "--from="); ok && !slices.Contains(names, from) {
				t.Errorf("stage %s copies from %q, which is not before it", s.name, from)
			}
		}
		names = append(names, s.name)
		if image, ok := strings.CutPrefix(s.from, "${"); ok && args[strings.TrimSuffix(image, "}")] == "" {
			t.Errorf("stage %d is from %s, which has no default", i, s.from)
		}
	}
	if diff := cmp.Diff([]string{"build", "standin", "kong"}, names); diff != "" {
		t.Errorf("stages (-want +got):\n%s", diff)
	}
	if got := stageNamed(t, "kong"); got.from != "${KONG_IMAGE}" || got.lines[len(got.lines)-1] != [2]string{"USER", "kong"} {
		t.Errorf("expected a stage from ${KONG_IMAGE} that ends as USER kong, got from %s and %v", got.from, got.lines[len(got.lines)-1])
	}
	if image := args["KONG_IMAGE"]; !strings.HasPrefix(image, "kong:3.") || image < "kong:3.8" {
		t.Errorf("expected Kong 3.8 or later, got %s", image)
	}
	mod := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(read(t, "go.mod"))
	if want := "golang:" + mod[1]; args["GO_IMAGE"] != want {
		t.Errorf("expected %s as in go.mod, got %s", want, args["GO_IMAGE"])
	}
	if got := stageNamed(t, "standin"); got.from != "scratch" || len(got.all("USER")) != 1 {
		t.Errorf("expected the stand-ins on scratch and not as root, got from %s, USER %q", got.from, got.all("USER"))
	}
}

// TestImageHoldsStaticPrograms: scratch has no libc, and Kong's images have
// different ones.
func TestImageHoldsStaticPrograms(t *testing.T) {
	build := strings.Join(stageNamed(t, "build").all("RUN"), "\n")
	makefile := read(t, "Makefile")
	for _, want := range []string{"CGO_ENABLED=0 go build -trimpath", "-X main.version=", "-tags nethttpomithttp2 -o /out/ ./plugins/auth-diagnosis", "-o /out/ ./cmd/standin", "/out/auth-diagnosis -dump"} {
		if !strings.Contains(build, want) {
			t.Errorf("expected %q in %q", want, build)
		}
	}
	version := regexp.MustCompile(`(?m)^VERSION +\?= (\S+)`).FindStringSubmatch(makefile)
	if args := stageNamed(t, "build").all("ARG"); len(version) != 2 || !slices.Contains(args, "VERSION="+version[1]) {
		t.Errorf("expected the Makefile's VERSION %q, got ARG %q", version, args)
	}
	if out, _ := run(t, t.TempDir(), program(t, plugin), "-version"); out != plugin+" "+version[1]+"\n" {
		t.Errorf("expected the same version of the program, got %q", out)
	}
}

// TestBuildContextIsComplete: what Dockerfile.dockerignore lets through is enough
// to build the programs.
func TestBuildContextIsComplete(t *testing.T) {
	var kept []string
	for l := range strings.Lines(read(t, dockerfile+".dockerignore")) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(l), "!"); ok {
			kept = append(kept, name)
			if !exists(t, name) {
				t.Errorf("%s does not exist", name)
			}
		}
	}
	cmd := exec.Command("go", "list", "-deps", "-json=Dir,ImportPath,EmbedFiles,Standard,Module", "./plugins/auth-diagnosis", "./cmd/standin")
	cmd.Dir = inRoot(t, "")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	ours := 0
	for dec := json.NewDecoder(strings.NewReader(string(out))); dec.More(); {
		var p struct {
			Dir, ImportPath string
			EmbedFiles      []string
			Module          *struct{ Main bool }
		}
		if err := dec.Decode(&p); err != nil {
			t.Fatal(err)
		}
		if p.Module == nil || !p.Module.Main {
			continue
		}
		ours++
		dir, err := filepath.Rel(inRoot(t, ""), p.Dir)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(kept, func(k string) bool { return strings.HasPrefix(filepath.ToSlash(dir)+"/", k+"/") }) {
			t.Errorf("%s is left out of the build context", dir)
		}
		for _, f := range p.EmbedFiles {
			if strings.Contains(f, "testdata") || strings.HasSuffix(f, "_test.go") {
				t.Errorf("%s embeds %s, which is left out", p.ImportPath, f)
			}
		}
	}
	if ours == 0 {
		t.Error("expected packages of this project, got none")
	}
}

// checkDockerBuild: the file, the stage and the build arguments exist.
func checkDockerBuild(t *testing.T, arguments string) {
	args, list := stages(t)
	words := strings.Fields(arguments)
	if words[0] != "build" || words[len(words)-1] != "." || !strings.Contains(arguments, "-f "+dockerfile+" ") {
		t.Errorf("expected docker build -f %s … ., got %q", dockerfile, arguments)
	}
	value := func(flag string) string {
		i := slices.Index(words, flag)
		if i < 0 {
			t.Fatalf("expected %s, got %q", flag, arguments)
		}
		return words[i+1]
	}
	if target := value("--target"); !slices.ContainsFunc(list, func(s stage) bool { return s.name == target }) {
		t.Errorf("no stage %q", target)
	}
	if name, image, _ := strings.Cut(value("--build-arg"), "="); args[name] != image {
		t.Errorf("expected the default %q, got %s=%s", args[name], name, image)
	}
}

// TestDockerfileNamesItsOwnBuild: the comment's command is README's.
func TestDockerfileNamesItsOwnBuild(t *testing.T) {
	m := regexp.MustCompile(`(?m)^# +docker (build .*)$`).FindStringSubmatch(read(t, dockerfile))
	if m == nil {
		t.Fatal("expected a docker build line, got none")
	}
	checkDockerBuild(t, m[1])
	if !strings.Contains(read(t, "README.md"), fmt.Sprintf("$ docker %s\n", m[1])) {
		t.Errorf("README.md has another command than %q", m[1])
	}
}
