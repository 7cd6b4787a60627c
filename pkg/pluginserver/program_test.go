package pluginserver_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kong-plugin-auth-diagnosis/pkg/pluginserver"
)

func program() pluginserver.Program {
	p := probe(func(string, *event) {})
	p.Schema = map[string]any{
		"name":   "probe",
		"fields": []any{map[string]any{"config": map[string]any{"type": "record", "fields": []any{map[string]any{"a": map[string]any{"type": "string", "match": "^<&>$"}}}}}},
	}
	return pluginserver.Program{Plugin: p}
}

// run runs p and returns its exit code and output.
func run(t *testing.T, p pluginserver.Program, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errOut bytes.Buffer
	code = p.Run(t.Context(), args, &out, &errOut)
	return code, out.String(), errOut.String()
}

// Kong reads our dump with the code that reads go-pdk's: the keys, their order and their
// types are those of a stock plugin. testdata/stock-dump.json is what go-pdk v0.11.2's
// server.StartServer printed under -dump for a binary "probe" with one string field and
// an Access method.
func TestDumpHasTheShapeOfAStockPlugin(t *testing.T) {
	dir := t.TempDir()
	code, ours, stderr := run(t, program(), "-kong-prefix", dir, "-dump")
	if code != 0 || stderr != "" {
		t.Fatalf("exit code %d, stderr %q", code, stderr)
	}
	theirs, err := os.ReadFile("testdata/stock-dump.json")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(shape(t, theirs), shape(t, []byte(ours))); diff != "" {
		t.Errorf("shape of the dump (-stock +ours):\n%s", diff)
	}
	var got struct {
		SocketPath string
		Plugins    []struct {
			Phases []string
			Schema json.RawMessage
		}
	}
	if err := json.Unmarshal([]byte(ours), &got); err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(dir, "probe.socket"); got.SocketPath != want {
		t.Errorf("got socket %q, expected %q", got.SocketPath, want)
	}
	if !strings.Contains(ours, "^<&>$") {
		t.Errorf("pattern was escaped: %s", ours)
	}
	if names := list(t, dir); len(names) != 0 {
		t.Errorf("a dump created %q", names)
	}
}

// shape returns the keys of the dump in order, with the JSON kind of each value, without
// what is inside Schema.
func shape(t *testing.T, b []byte) []string {
	t.Helper()
	if !bytes.HasSuffix(b, []byte("}\n")) {
		t.Errorf("dump does not end as one line: %q", b)
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var out []string
	key := ""
	for {
		tok, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatalf("dump %q: %v", b, err)
		}
		if s, ok := tok.(string); ok && key == "" {
			key = s
			if key == "Schema" {
				var schema map[string]any
				if err := dec.Decode(&schema); err != nil || schema["name"] == nil || schema["fields"] == nil {
					t.Errorf("schema: %v, %v", schema, err)
				}
				out, key = append(out, "Schema object"), ""
			}
			continue
		}
		kind := fmt.Sprintf("%T", tok)
		if d, ok := tok.(json.Delim); ok {
			kind = d.String()
		}
		out = append(out, strings.TrimSpace(key+" "+kind))
		if kind != "[" || key != "Phases" {
			key = ""
		}
	}
}

func TestFlags(t *testing.T) {
	tests := map[string]struct {
		args []string
		code int
		err  string
	}{
		"help, as in go-pdk":  {[]string{"-help"}, 2, "-kong-prefix"},
		"unknown flag":        {[]string{"-nope"}, 2, "-nope"},
		"flag of the plugin":  {[]string{"-version"}, 0, ""},
		"early failure":       {[]string{"-fail"}, 3, ""},
		"missing prefix":      {[]string{"-kong-prefix", "/nonexistent"}, 1, "probe: "},
		"-h is no mistake":    {[]string{"-h"}, 0, "-dump"},
		"value is incomplete": {[]string{"-kong-prefix"}, 2, "kong-prefix"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			p := program()
			var version, fail *bool
			p.Flags = func(fs *flag.FlagSet) {
				version = fs.Bool("version", false, "Print the version")
				fail = fs.Bool("fail", false, "Fail")
			}
			p.Early = func(inv pluginserver.Invocation) (int, bool) {
				if *version {
					fmt.Fprintln(inv.Stdout, "1.2.3")
				}
				if *fail {
					return 3, true
				}
				return 0, *version
			}
			code, out, errOut := run(t, p, tt.args...)
			if code != tt.code || !strings.Contains(errOut, tt.err) {
				t.Errorf("got code %d, stderr %q, expected %d and %q", code, errOut, tt.code, tt.err)
			}
			if want := name == "flag of the plugin"; (out == "1.2.3\n") != want {
				t.Errorf("got stdout %q", out)
			}
		})
	}
}

func TestSetupRunsOnlyToServe(t *testing.T) {
	dir := filepath.Dir(socketPath(t))
	ctx, cancel := context.WithCancel(t.Context())
	p := program()
	var work context.Context
	p.Setup = func(ctx context.Context, inv pluginserver.Invocation) error {
		if inv.Prefix != dir {
			t.Errorf("got prefix %q, expected %q", inv.Prefix, dir)
		}
		if names := list(t, dir); len(names) != 0 {
			t.Errorf("setup after the socket: %q", names)
		}
		work = ctx
		cancel() // the program is told to end while it starts
		if ctx.Err() != nil {
			t.Error("background work ends before the events that may need it")
		}
		return nil
	}
	if code, _, _ := run(t, p, "-kong-prefix", dir, "-dump"); code != 0 || work != nil {
		t.Errorf("dump: code %d, setup ran: %v", code, work != nil)
	}
	if code := p.Run(ctx, []string{"-kong-prefix", dir}, io.Discard, io.Discard); code != 0 || work == nil {
		t.Errorf("serve: code %d, setup ran: %v", code, work != nil)
	}
	if work.Err() == nil {
		t.Error("background work outlives the program")
	}
	p.Setup = func(context.Context, pluginserver.Invocation) error { return errors.New("no state directory") }
	if code, _, errOut := run(t, p, "-kong-prefix", dir); code != 1 || !strings.Contains(errOut, "probe: no state directory") {
		t.Errorf("got code %d, stderr %q", code, errOut)
	}
}
