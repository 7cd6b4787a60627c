package main

import (
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestParseEndpoint(t *testing.T) {
	for text, want := range map[string]endpoint{ // empty for refused
		"127.0.0.1:9100":                    {"tcp", "127.0.0.1:9100"},
		"localhost:9100":                    {"tcp", "localhost:9100"},
		"[::1]:9100":                        {"tcp", "[::1]:9100"},
		":9100":                             {"tcp", ":9100"},
		"0.0.0.0:9100":                      {"tcp", "0.0.0.0:9100"},
		"[::]:9100":                         {"tcp", "[::]:9100"},
		"127.0.0.1:65535":                   {"tcp", "127.0.0.1:65535"},
		"unix:/run/x.sock":                  {"unix", "/run/x.sock"},
		"unix://run//x.sock":                {"unix", "/run/x.sock"},
		"unix:/" + strings.Repeat("a", 107): {},
		"unix:x.sock":                       {},
		"unix:":                             {},
		"9100":                              {},
		"127.0.0.1":                         {},
		"127.0.0.1:":                        {},
		"127.0.0.1:0":                       {},
		"127.0.0.1:65536":                   {},
		"127.0.0.1:-1":                      {},
		"127.0.0.1:http":                    {},
		"::1:9100":                          {},
		"http://127.0.0.1:9100":             {},
		"a b:9100":                          {},
	} {
		got, err := parseEndpoint(text)
		if got != want {
			t.Errorf("%q: %+v, %v; expected %+v", text, got, err, want)
		}
		if (err != nil) != (want.network == "") || err != nil && !strings.HasPrefix(err.Error(), `-admin-listen: expected host:port or unix:/path, got "`) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// socketPath is short enough for a socket, wherever temporary files go.
func socketPath(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "x")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return filepath.Join(dir, "admin")
}

func TestASocketLeftBehindIsReplaced(t *testing.T) {
	e := endpoint{"unix", socketPath(t)}
	left, err := net.ListenUnix("unix", &net.UnixAddr{Name: e.address, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	left.SetUnlinkOnClose(false)
	if ln, err := e.listen(); err == nil {
		ln.Close()
		t.Fatal("a socket that somebody listens on is replaced")
	}
	left.Close()
	ln, err := e.listen()
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(e.address)
	if err != nil || info.Mode() != fs.ModeSocket|adminMode {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	ln.Close()
	if _, err := os.Lstat(e.address); !os.IsNotExist(err) {
		t.Errorf("the socket is still there: %v", err)
	}
}

func TestAFileIsNotReplaced(t *testing.T) {
	e := endpoint{"unix", socketPath(t)}
	if err := os.WriteFile(e.address, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if ln, err := e.listen(); err == nil || !strings.Contains(err.Error(), "no socket") {
		t.Errorf("got %v, %v", ln, err)
	}
	if text, err := os.ReadFile(e.address); err != nil || string(text) != "precious" {
		t.Errorf("the file is %q, %v", text, err)
	}
}
