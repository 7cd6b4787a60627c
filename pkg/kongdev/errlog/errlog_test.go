package errlog_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"kong-plugin-auth-diagnosis/pkg/kongdev/errlog"
)

func TestLongLinesAreCut(t *testing.T) {
	var out strings.Builder
	l := errlog.New(&out, errlog.Info, time.Now)
	l.Printf(errlog.Info, "%s", strings.Repeat("x", 5000))
	l.Printf(errlog.Info, "the next")
	lines := strings.SplitAfter(out.String(), "\n")
	if len(lines) != 3 || len(lines[0]) != 4096 || !strings.HasSuffix(lines[0], "x\n") || !strings.HasSuffix(lines[1], ": the next\n") {
		t.Errorf("expected a line of 4096 bytes and the next one, got %q", lines)
	}
}

func TestLinesAreNginxs(t *testing.T) {
	var out strings.Builder
	l := errlog.New(&out, errlog.ParseLevel("notice"), func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) })
	l.Printf(errlog.Warn, "two\nlines %d", 1)
	l.Printf(errlog.Info, "below the level")
	want := fmt.Sprintf("2026/01/02 03:04:05 [warn] %d#0: two lines 1\n", os.Getpid())
	if out.String() != want {
		t.Errorf("expected %q, got %q", want, out.String())
	}
	if got := errlog.ParseLevel("loud"); got != errlog.Notice {
		t.Errorf("unknown level: expected notice, got %d", got)
	}
}
