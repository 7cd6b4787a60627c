//go:build spec

package spec

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kong-plugin-auth-diagnosis/pkg/standin/ping"
	"kong-plugin-auth-diagnosis/spec/rig"
)

// TestKilledPluginLetsNothingThrough kills the plugin process under load. While
// it is away a request may be a 5xx and nothing else that is wrong; a moment
// later every verdict is right again.
func TestKilledPluginLetsNothingThrough(t *testing.T) {
	r := start(t, rig.Options{Config: realms("a")})
	load := newLoad(t, r, "/a")
	load.pass(t, 20)
	load.gap.Store(true)
	before, err := r.PluginPid()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.KillPlugin(); err != nil {
		t.Fatal(err)
	}
	killed := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := rig.Until(ctx, func() error {
		if now, err := r.PluginPid(); err != nil || now == before {
			return fmt.Errorf("process %d is now %d, %w", before, now, err)
		}
		for token, right := range map[string]int{r.PingFederate.Token(): 200, "": 401} {
			resp, err := r.Get(r.Proxy+"/a", token)
			if err != nil {
				return err
			}
			if resp.StatusCode != right {
				return fmt.Errorf("%d %s", resp.StatusCode, resp.Header.Get("X-Auth-Diagnosis"))
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if away := time.Since(killed); away > 2*time.Second {
		t.Errorf("right verdicts came back after %s, want within 2 s", away)
	}
	load.pass(t, 8) // what was under way
	load.gap.Store(false)
	load.pass(t, 50)
	load.stop(t)
	if load.status[500] == 0 {
		t.Error("no request of the load met the gap: nothing was tested")
	}
}

// TestBadConfigurationIsRefusedWithItsPath posts a configuration with faults;
// the one before it keeps serving.
func TestBadConfigurationIsRefusedWithItsPath(t *testing.T) {
	for name, tt := range map[string]struct{ from, to, want string }{
		"wrong type":        {"second: 20", "second: many", "second"},
		"unknown field":     {"realm: orders", "relm: orders", "relm"},
		"not in the list":   {"mode: advise", "mode: watch", "mode"},
		"no audience":       {"audiences:\n                - https://api.example.com\n              #", "#", "audiences"},
		"tiers, no default": {"default_tier: free", "namespace: x", "default_tier"},
	} {
		t.Run(name, func(t *testing.T) {
			config := string(shared.Config())
			bad := strings.Replace(config, tt.from, tt.to, 1)
			if name == "no audience" {
				bad = strings.Replace(config, "              audiences:\n                - https://api.example.com\n", "", 1)
			}
			if bad == config {
				t.Fatalf("the reference configuration has no %q", tt.from)
			}
			resp, err := shared.Post([]byte(bad))
			if err != nil {
				t.Fatal(err)
			}
			text, _ := io.ReadAll(resp.Body)
			if resp.StatusCode != 400 || !bytes.Contains(text, []byte(tt.want)) {
				t.Errorf("got %d %s, want 400 that names %q", resp.StatusCode, text, tt.want)
			}
		})
	}
	if resp := get(t, shared, shared.Proxy+"/orders", shared.PingFederate.Token(ping.ForClient("premium-client"))); resp.StatusCode != 200 {
		t.Errorf("the configuration before no longer serves: %d", resp.StatusCode)
	}
}

// TestWhatTheSchemaCannotSeeIsAnswered has a tier that allows less in a day
// than in a second, which Kong's schema language cannot express.
func TestWhatTheSchemaCannotSeeIsAnswered(t *testing.T) {
	r := start(t, rig.Options{Config: func(reference []byte, _ *rig.Rig) []byte {
		return bytes.Replace(reference, []byte("day: 50000"), []byte("day: 5"), 1)
	}})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := rig.Until(ctx, func() error {
		resp, err := r.Get(r.Proxy+"/orders", r.PingFederate.Token())
		if err != nil {
			return err
		}
		if v := diagnosisOf(t, resp); resp.StatusCode != 500 || v.code != "config_invalid" {
			return fmt.Errorf("got %d %q", resp.StatusCode, resp.Header.Get("X-Auth-Diagnosis"))
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	if !strings.Contains(r.ErrorLog(), "rate_limiting.tiers[0].day") {
		t.Errorf("the error log does not name the field")
	}
}

// TestLogPluginsGetTheDiagnosis reads what Kong's file-log writes.
func TestLogPluginsGetTheDiagnosis(t *testing.T) {
	dir := rig.Dir(t)
	file := filepath.Join(dir, "requests.log")
	r := start(t, rig.Options{Config: func(_ []byte, r *rig.Rig) []byte {
		return append(realms("a")(nil, r), []byte("plugins:\n  - name: file-log\n    config:\n      path: "+file+"\n")...)
	}})
	awaitStatus(t, r, "/a", 401)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := rig.Until(ctx, func() error {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		for line := range bytes.Lines(text) {
			var entry struct {
				Diagnosis map[string]any `json:"auth_diagnosis"`
			}
			if err := json.Unmarshal(line, &entry); err == nil && entry.Diagnosis["code"] == "credential_missing" {
				return nil
			}
		}
		return fmt.Errorf("no auth_diagnosis in %s", text)
	}); err != nil {
		t.Error(err)
	}
}
