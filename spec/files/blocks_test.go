package files_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/dunglas/httpsfv"
	"github.com/google/go-cmp/cmp"

	"kong-plugin-auth-diagnosis/pkg/diagnosis"
)

// TestBlocks holds every code block of the pages against the code.
func TestBlocks(t *testing.T) {
	checkers := map[string]func(*testing.T, block){
		"http":    checkResponse,
		"text":    checkDiagnoses,
		"console": checkConsole,
		"ini":     checkKongConf,
		"sh":      checkEnvironment,
		"yaml":    checkYAML,
	}
	seen := map[string]bool{}
	for _, p := range pages(t) {
		for _, b := range p.blocks {
			seen[b.kind] = true
			t.Run(fmt.Sprintf("%s:%d", p.name, b.n), func(t *testing.T) {
				checker := checkers[b.kind]
				if checker == nil {
					t.Fatalf("expected a kind of block that is checked, got %q", b.kind)
				}
				checker(t, b)
			})
		}
	}
	for kind := range checkers {
		if !seen[kind] {
			t.Errorf("no page has a block of the kind %q", kind)
		}
	}
}

// checkResponse makes the response of a diagnosis that the block shows, byte for
// byte.
func checkResponse(t *testing.T, b block) {
	resp, err := http.ReadResponse(bufio.NewReader(strings.NewReader(strings.ReplaceAll(b.text, "\n", "\r\n")+"\r\n")), nil)
	if err != nil {
		t.Fatal(err)
	}
	shown := resp.Header.Get("X-Auth-Diagnosis")
	item, err := httpsfv.UnmarshalItem([]string{shown})
	if err != nil {
		t.Fatalf("X-Auth-Diagnosis %q: %v", shown, err)
	}
	d := diagnosis.Diagnosis{Level: diagnosis.Standard}
	d.Code = diagnosis.Code(item.Value.(httpsfv.Token))
	if by, ok := item.Params.Get("by"); ok {
		n, _ := by.(int64)
		d.By = &n
	}
	if id, ok := item.Params.Get("id"); ok {
		d.RequestID, _ = id.(string)
	}
	challenge := resp.Header.Get("WWW-Authenticate")
	realm, _, _ := strings.Cut(strings.TrimPrefix(challenge, `Bearer realm="`), `"`)
	if resp.StatusCode != d.Status() || shown != d.Header() || challenge != d.Challenge(realm) {
		t.Errorf("the plugin would answer %d\nX-Auth-Diagnosis: %s\nWWW-Authenticate: %s", d.Status(), d.Header(), d.Challenge(realm))
	}
}

var diagnosisValue = regexp.MustCompile(`[a-z_]+;hop=.*`)

// checkDiagnoses: each header value that a block shows is one of the catalogue.
func checkDiagnoses(t *testing.T, b block) {
	for _, value := range diagnosisValue.FindAllString(b.text, -1) {
		item, err := httpsfv.UnmarshalItem([]string{value})
		if err != nil {
			t.Errorf("%q: %v", value, err)
			continue
		}
		code := diagnosis.Code(item.Value.(httpsfv.Token))
		r, known := catalogue()[code]
		if !known {
			t.Errorf("%s is not in the catalogue", code)
			continue
		}
		hop, _ := item.Params.Get("hop")
		fix, _ := item.Params.Get("fix")
		if hop != httpsfv.Token(r.Hops[0].String()) || fix != r.Fix {
			t.Errorf("%s: expected hop=%s and fix %q, got %q", code, r.Hops[0], r.Fix, value)
		}
		if _, has := item.Params.Get("by"); has && r.Unit == "" {
			t.Errorf("%s has no number, got %q", code, value)
		}
	}
}

func catalogue() map[diagnosis.Code]diagnosis.Row {
	all := map[diagnosis.Code]diagnosis.Row{}
	for _, r := range diagnosis.Rows() {
		all[r.Code] = r
	}
	return all
}

// checkConsole checks one command and what it prints.
func checkConsole(t *testing.T, b block) {
	command, ok := strings.CutPrefix(b.text, "$ ")
	if !ok || strings.Contains(command, "\n$ ") {
		t.Fatalf("expected one command behind %q, got %q", "$ ", b.text)
	}
	switch name, rest, _ := strings.Cut(strings.TrimSpace(command), " "); name {
	case "make":
		checkMake(t, rest)
	case "docker":
		checkDockerBuild(t, rest)
	case "curl":
		checkAdminCall(t, rest)
	case plugin:
		checkCheck(t, rest)
	default:
		t.Errorf("expected a command that is checked, got %q", name)
	}
}

// checkMake: the target exists and help lists it, and its variables exist.
func checkMake(t *testing.T, arguments string) {
	makefile := read(t, "Makefile")
	for _, word := range strings.Fields(arguments) {
		name, _, variable := strings.Cut(word, "=")
		pattern := `(?m)^` + regexp.QuoteMeta(name) + `:.*## `
		if variable {
			pattern = `(?m)^` + regexp.QuoteMeta(name) + ` +\?=`
		}
		if !regexp.MustCompile(pattern).MatchString(makefile) {
			t.Errorf("the Makefile has no %q", name)
		}
	}
}

// checkAdminCall: the JSON body is an instance that the schema takes, sent to
// where Kong's Admin API makes one.
func checkAdminCall(t *testing.T, arguments string) {
	head, body, ok := strings.Cut(arguments, "-d '")
	body = strings.TrimSuffix(strings.TrimSpace(body), "'")
	if !ok || !strings.Contains(head, "-X POST http://localhost:8001/services/orders/plugins ") || !strings.Contains(head, "-H 'Content-Type: application/json'") {
		t.Fatalf("expected a POST of JSON to /services/orders/plugins, got %q", arguments)
	}
	var instance map[string]any
	if err := json.Unmarshal([]byte(body), &instance); err != nil {
		t.Fatal(err)
	}
	if instance["name"] != plugin {
		t.Errorf("expected an instance of %q, got %q", plugin, instance["name"])
	}
	schema, _ := registry(t).PluginSchema(plugin)
	if _, errs := schema.ProcessPlugin(instance); len(errs) > 0 {
		t.Error(errs)
	}
	// deck's way and this one make the same instance.
	deck := loadDeck(t, deckExample(t))
	filled, _ := schema.ProcessPlugin(instance)
	if diff := cmp.Diff(deck.Plugins[0].Stored, filled["config"]); diff != "" {
		t.Errorf("config (-deck +curl):\n%s", diff)
	}
}

// deckExample is README's deck file.
func deckExample(t *testing.T) string {
	t.Helper()
	p := readPage(t, "README.md")
	i := slices.IndexFunc(p.blocks, func(b block) bool { return strings.HasPrefix(b.text, "_format_version") })
	if i < 0 {
		t.Fatal("expected a deck file in README.md, got none")
	}
	return p.blocks[i].text
}

// checkCheck runs -check on README's deck file with the misspelling that the
// text names, and wants the output shown.
func checkCheck(t *testing.T, rest string) {
	arguments, shown, _ := strings.Cut(rest, "\n")
	if arguments != "-check kong.yml" {
		t.Fatalf("expected -check kong.yml, got %q", arguments)
	}
	if !strings.Contains(read(t, "README.md"), "With `jwks_uri` for `jwks_uris` it says, and exits 1:") {
		t.Fatal("README.md does not name the mistake that the output is about")
	}
	out, code := check(t, strings.ReplaceAll(deckExample(t), "jwks_uris:", "jwks_uri:"))
	if code != 1 || strings.TrimSpace(out) != strings.TrimSpace(shown) {
		t.Errorf("exits %d and prints\n%s", code, out)
	}
}
