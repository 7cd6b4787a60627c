package files_test

import (
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const (
	module       = "kong-plugin-auth-diagnosis/"
	architecture = "docs/ARCHITECTURE.md"
)

// goPackage is what `go list` says of one.
type goPackage struct {
	ImportPath string
	Imports    []string
	folder     string   // from the module's root
	ours       []string // folders of the imports that are this project's
}

func goPackages(t *testing.T) (all []goPackage) {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", "./...")
	cmd.Dir = inRoot(t, "")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	for dec := json.NewDecoder(strings.NewReader(string(out))); dec.More(); {
		var p goPackage
		if err := dec.Decode(&p); err != nil {
			t.Fatal(err)
		}
		p.folder = strings.TrimPrefix(p.ImportPath, module)
		for _, i := range p.Imports {
			if folder, ok := strings.CutPrefix(i, module); ok {
				p.ours = append(p.ours, folder)
			}
		}
		all = append(all, p)
	}
	return all
}

// within reports whether a folder is one of the others or lies in one.
func within(folder string, of ...string) bool {
	return slices.ContainsFunc(of, func(o string) bool { return folder == o || strings.HasPrefix(folder, o+"/") })
}

// TestMapIsWhole: every folder on the map exists, and every package is in one.
func TestMapIsWhole(t *testing.T) {
	var folders []string
	for _, r := range readPage(t, architecture).table(t, "folder", "what it is") {
		folder := words(r.cells["folder"])[0]
		folders = append(folders, folder)
		if !exists(t, folder) {
			t.Errorf("%s: %s does not exist", r.at(), folder)
		}
		for _, sub := range words(r.cells["what it is"]) {
			if regular := !strings.ContainsAny(sub, " -."); regular && !exists(t, folder+"/"+sub) {
				t.Errorf("%s: %s/%s does not exist", r.at(), folder, sub)
			}
		}
	}
	for _, p := range goPackages(t) {
		if !within(p.folder, folders...) {
			t.Errorf("%s is not on the map", p.folder)
		}
	}
}

// TestFloors: imports go down, and the two houses beside stay apart.
func TestFloors(t *testing.T) {
	floors := map[string]string{}
	for _, r := range readPage(t, architecture).table(t, "floor", "packages") {
		for _, folder := range words(r.cells["packages"]) {
			floors[folder] = r.cells["floor"]
		}
	}
	goPDK := []string{"pkg/pluginserver", "pkg/kongdev/rpc"}
	seen := 0
	for _, p := range goPackages(t) {
		floor, inHouse := floors[p.folder]
		for _, i := range p.ours {
			switch {
			case within(p.folder, "pkg/kongdev") && !within(i, "pkg/kongdev"), within(p.folder, "pkg/standin") && !within(i, "pkg/standin"):
				t.Errorf("%s imports %s from outside", p.folder, i)
			case inHouse && i == "pkg/kongdev/subschema" && within(p.folder, "plugins"):
			case inHouse && (floors[i] == "" || floors[i] >= floor):
				t.Errorf("%s on floor %s imports %s on floor %q", p.folder, floor, i, floors[i])
			}
		}
		if inHouse {
			seen++
		} else if within(p.folder, "pkg", "plugins") && !within(p.folder, "pkg/kongdev", "pkg/standin", "pkg/ratelimit/limitertest", "pkg/ratelimit/redisstore/redistest", "pkg/corpus") && !strings.HasSuffix(p.folder, "/generate") {
			t.Errorf("%s is on no floor", p.folder)
		}
		if slices.ContainsFunc(p.Imports, func(i string) bool { return strings.HasPrefix(i, "github.com/Kong/go-pdk") }) != slices.Contains(goPDK, p.folder) {
			t.Errorf("expected go-pdk in %q only, got another with %s", goPDK, p.folder)
		}
	}
	if seen != len(floors) {
		t.Errorf("%d packages are on floors and do not exist", len(floors)-seen)
	}
}

// TestPureCore: the packages that the page calls pure reach for nothing.
func TestPureCore(t *testing.T) {
	pure := []string{"pkg/credential", "pkg/token", "pkg/edge", "pkg/diagnosis", "pkg/ratelimit"}
	for _, name := range pure {
		if !strings.Contains(read(t, architecture), "`"+name+"`") {
			t.Errorf("the page does not name %s", name)
		}
	}
	for _, p := range goPackages(t) {
		if !slices.Contains(pure, p.folder) {
			continue
		}
		for _, i := range p.Imports {
			if within(i, "os", "net", "math/rand", "crypto/rand", "log", "io/fs", "syscall") && i != "net/netip" {
				t.Errorf("%s imports %s", p.folder, i)
			}
		}
	}
}
