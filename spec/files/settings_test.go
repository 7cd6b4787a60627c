package files_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"kong-plugin-auth-diagnosis/pkg/kongdev/conf"
)

// notPlayed are settings of Kong 3.9's configuration reference that the embedded
// gateway takes without effect. A setting outside of them and of what it knows
// is a misspelling until proven otherwise.
var notPlayed = []string{"admin_gui_listen", "anonymous_reports", "admin_access_log", "admin_error_log"}

// settings are Kong settings by their name in kong.conf.
type settings map[string]string

func kongConf(t *testing.T) settings {
	t.Helper()
	s, err := conf.Parse([]byte(read(t, "kong/kong.conf")))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// fromEnvironment turns KONG_* variables into settings. Kong reads no others.
func fromEnvironment(t *testing.T, environment map[string]string) settings {
	t.Helper()
	s := settings{}
	for name, value := range environment {
		key, ok := strings.CutPrefix(name, "KONG_")
		if !ok || name != strings.ToUpper(name) {
			t.Errorf("expected a variable KONG_…, got %q", name)
		}
		s[strings.ToLower(key)] = value
	}
	return s
}

// load lets the embedded gateway judge settings.
func (s settings) load(t *testing.T, prefix string) *conf.Conf {
	t.Helper()
	environ := []string{"KONG_DATABASE=off"}
	for k, v := range s {
		environ = append(environ, "KONG_"+strings.ToUpper(k)+"="+v)
	}
	c, warnings, err := conf.Load("", prefix, environ)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range warnings {
		if !slices.ContainsFunc(notPlayed, func(k string) bool { return strings.Contains(w, `"`+k+`"`) }) {
			t.Error(w)
		}
	}
	return c
}

// runsPlugin holds settings against what it takes to run the plugin below a
// prefix: the three commands and paths must agree with it and with each other.
func (s settings) runsPlugin(t *testing.T, prefix string) *conf.Conf {
	t.Helper()
	c := s.load(t, prefix)
	if diff := cmp.Diff([]string{"bundled", plugin}, c.Plugins); diff != "" {
		t.Errorf("plugins (-want +got):\n%s", diff)
	}
	want := []conf.PluginServer{{
		Name:     plugin,
		Socket:   prefix + "/" + plugin + ".socket",
		StartCmd: installed + " -kong-prefix " + prefix,
		QueryCmd: installed + " -kong-prefix " + prefix + " -dump",
	}}
	if diff := cmp.Diff(want, c.PluginServers); diff != "" {
		t.Errorf("plugin servers (-want +got):\n%s", diff)
	}
	for _, key := range []string{"socket", "start_cmd", "query_cmd"} {
		if key = "pluginserver_auth_diagnosis_" + key; s[key] == "" {
			t.Errorf("expected %s to be written out, got nothing", key)
		}
	}
	return c
}

const kongPrefix = "/usr/local/kong"

func TestKongConfRunsThePlugin(t *testing.T) {
	s := kongConf(t)
	c := s.runsPlugin(t, kongPrefix)
	if s["database"] != "off" || c.DeclarativeConfig == "" {
		t.Errorf("expected a DB-less gateway with a file, got database %q, declarative_config %q", s["database"], c.DeclarativeConfig)
	}
	if s["nginx_http_large_client_header_buffers"] != s["nginx_proxy_large_client_header_buffers"] {
		t.Error("expected the same header buffers at both levels of nginx")
	}
}

// TestStartCommandOpensTheSocket runs the start command of kong.conf below a
// prefix of its own: the socket must be where kong.conf has it.
func TestStartCommandOpensTheSocket(t *testing.T) {
	prefix, err := os.MkdirTemp("", "p")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(prefix)
	here := strings.NewReplacer(kongPrefix, prefix, installed, program(t, plugin))
	server := kongConf(t).load(t, kongPrefix).PluginServers[0]
	words := strings.Fields(here.Replace(server.StartCmd))
	cmd := exec.Command(words[0], words[1:]...)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	socket := here.Replace(server.Socket)
	dialErr := awaitDial(t, "unix", socket)
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	if err := cmd.Wait(); err != nil || dialErr != nil {
		t.Errorf("%s: %v, ended with %v\n%s", filepath.Base(socket), dialErr, err, said.String())
	}
}

// checkKongConf: a block of settings says what kong/kong.conf says.
func checkKongConf(t *testing.T, b block) {
	s, err := conf.Parse([]byte(b.text))
	if err != nil {
		t.Fatal(err)
	}
	settings(s).sameAs(t, kongConf(t))
	settings(s).runsPlugin(t, kongPrefix)
}

// checkEnvironment: a block of variables, as a shell reads them, says the same.
func checkEnvironment(t *testing.T, b block) {
	out, code := run(t, t.TempDir(), "env", "-i", "sh", "-ec", "set -a\n"+b.text+"exec /usr/bin/env")
	if code != 0 {
		t.Fatalf("sh: %s", out)
	}
	environment := map[string]string{}
	for l := range strings.Lines(out) {
		if name, value, _ := strings.Cut(strings.TrimSpace(l), "="); strings.HasPrefix(name, "KONG_") {
			environment[name] = value
		}
	}
	if n := strings.Count(strings.TrimSpace(b.text), "\n") + 1; len(environment) != n {
		t.Errorf("expected %d variables KONG_…, got %d", n, len(environment))
	}
	s := fromEnvironment(t, environment)
	s.sameAs(t, kongConf(t))
	s.runsPlugin(t, kongPrefix)
}

func (s settings) sameAs(t *testing.T, reference settings) {
	t.Helper()
	for key, value := range s {
		if reference[key] != value {
			t.Errorf("%s: kong/kong.conf has %q, got %q", key, reference[key], value)
		}
	}
}

var inlineVariable = regexp.MustCompile(`^KONG_[A-Z_]+=\S+$`)

// TestInlineVariables: a variable that a page's text tells to set is Kong's, and
// the one that lets the environment through reaches plugin processes.
func TestInlineVariables(t *testing.T) {
	var seen []string
	for _, p := range pages(t) {
		for _, l := range p.prose {
			for _, w := range words(l.text) {
				if !inlineVariable.MatchString(w) {
					continue
				}
				name, value, _ := strings.Cut(w, "=")
				seen = append(seen, fromEnvironment(t, map[string]string{name: value}).load(t, kongPrefix).MainEnv...)
			}
		}
	}
	if diff := cmp.Diff([]string{"SSL_CERT_FILE"}, seen); diff != "" {
		t.Errorf("variables for the plugin (-want +got):\n%s", diff)
	}
}

// checkHelmValues: the chart makes a setting of each member of env and sets the
// prefix itself.
func checkHelmValues(t *testing.T, text string) {
	var values struct {
		Image struct{ Repository, Tag string }
		Env   map[string]string
	}
	decoder := yaml.NewDecoder(strings.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(&values); err != nil {
		t.Fatal(err)
	}
	settings(values.Env).runsPlugin(t, "/kong_prefix")
	if values.Image.Repository == "" || values.Image.Tag == "" {
		t.Errorf("expected an image, got %+v", values.Image)
	}
}
