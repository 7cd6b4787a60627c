package main

import (
	"bytes"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kong-plugin-auth-diagnosis/pkg/pluginserver"
)

func TestStateLiesBelowThePrefixOrWhereToldTo(t *testing.T) {
	prefix, elsewhere := t.TempDir(), t.TempDir()
	var log bytes.Buffer
	inv := pluginserver.Invocation{Prefix: prefix, Log: slog.New(slog.NewTextHandler(&log, nil))}
	for _, p := range []*plugin{{}, {stateDir: elsewhere}} {
		p.keys(inv).Close()
	}
	for _, dir := range []string{prefix, elsewhere} {
		info, err := os.Stat(filepath.Join(dir, "auth-diagnosis-state"))
		if err != nil || info.Mode() != fs.ModeDir|0o700 {
			t.Errorf("state below %s: %v, %v", dir, info, err)
		}
	}
	if log.Len() != 0 {
		t.Errorf("log %q", log.String())
	}
}

func TestUnsafeStateIsOneWarning(t *testing.T) {
	var log bytes.Buffer
	dir := t.TempDir()
	state := filepath.Join(dir, "auth-diagnosis-state")
	if err := os.WriteFile(state, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	p := &plugin{stateDir: dir}
	p.keys(pluginserver.Invocation{Log: slog.New(slog.NewTextHandler(&log, nil))}).Close()
	if lines := strings.Count(log.String(), "\n"); lines != 1 || !strings.Contains(log.String(), state) {
		t.Errorf("log %q, expected one line that names the directory", log.String())
	}
}
