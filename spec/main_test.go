//go:build spec

// Package spec is the black-box suite: it sends HTTP through an edge and a
// gateway and looks at what comes back. KONG_BIN picks the gateway; no case
// knows which one it talks to.
package spec

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"testing"

	"github.com/dunglas/httpsfv"

	"kong-plugin-auth-diagnosis/pkg/standin/edge"
	"kong-plugin-auth-diagnosis/spec/rig"
)

// shared is a rig with the reference configuration, for cases that change
// nothing in it.
var shared *rig.Rig

var rules = []edge.Rule{
	{PathPrefix: "/strip", StripPrefix: true, Mode: edge.Strip()},
	{PathPrefix: "/blank", StripPrefix: true, Mode: edge.Blank()},
	{PathPrefix: "/move", StripPrefix: true, Mode: edge.Move("X-Forwarded-Authorization")},
	{PathPrefix: "/join", StripPrefix: true, Mode: edge.Join("Basic c3NvOnNzbw==")},
	{PathPrefix: "/cut", StripPrefix: true, Mode: edge.Truncate(1)},
	{PathPrefix: "/rewrite", StripPrefix: true, Mode: edge.Rewrite("Basic c3NvOnNzbw==")},
}

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	ctx := context.Background()
	defer rig.Clean()
	var err error
	if shared, err = rig.Start(ctx, rig.Options{Bin: os.Getenv("KONG_BIN"), Rules: rules}); err != nil {
		fmt.Fprintln(os.Stderr, "spec:", err)
		return 1
	}
	defer shared.Close()
	if err := shared.Ready(ctx, "/orders"); err != nil {
		fmt.Fprintln(os.Stderr, "spec:", err)
		return 1
	}
	code := m.Run()
	if code != 0 {
		fmt.Fprintf(os.Stderr, "the gateway's error log ends with:\n%s\n", shared.ErrorLog())
	}
	return code
}

// start makes a rig of a case's own.
func start(t *testing.T, o rig.Options) *rig.Rig {
	t.Helper()
	o.Bin = os.Getenv("KONG_BIN")
	r, err := rig.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("error log:\n%s", r.ErrorLog())
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// verdict is a parsed diagnosis header.
type verdict struct {
	code   string
	params map[string]any
}

func diagnosisOf(t *testing.T, resp *http.Response) verdict {
	t.Helper()
	lines := resp.Header.Values("X-Auth-Diagnosis")
	if len(lines) == 0 {
		return verdict{}
	}
	item, err := httpsfv.UnmarshalItem(lines)
	if err != nil {
		t.Fatalf("X-Auth-Diagnosis %q: %v", lines, err)
	}
	v := verdict{code: string(item.Value.(httpsfv.Token)), params: map[string]any{}}
	for _, name := range item.Params.Names() {
		value, _ := item.Params.Get(name)
		if token, ok := value.(httpsfv.Token); ok {
			value = string(token)
		}
		v.params[name] = value
	}
	return v
}

// get sends a token and fails the test when no answer comes.
func get(t *testing.T, r *rig.Rig, url, token string) *http.Response {
	t.Helper()
	resp, err := r.Get(url, token)
	if err != nil {
		t.Fatal(err)
	}
	return resp
}

// post replaces the gateway's configuration through its Admin API.
func post(t *testing.T, r *rig.Rig, config []byte) {
	t.Helper()
	resp, err := r.Post(config)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusCreated {
		text, _ := io.ReadAll(resp.Body)
		t.Fatalf("POST /config: %d %s", resp.StatusCode, text)
	}
}
