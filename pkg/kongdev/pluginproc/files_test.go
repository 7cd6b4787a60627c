package pluginproc_test

import (
	"testing"
	"time"

	"kong-plugin-auth-diagnosis/pkg/kongdev/errlog"
	"kong-plugin-auth-diagnosis/pkg/kongdev/pluginproc"
)

func TestAutoLimitOfOpenFiles(t *testing.T) {
	for ulimit, want := range map[string]int{"256": 1024, "1024": 1024, "20000": 16384, "4096": 4096, "unlimited": 16384} {
		if got, err := pluginproc.ClampFiles(ulimit); err != nil || got != want {
			t.Errorf("ulimit -n says %q: expected %d, got %d %v", ulimit, want, got, err)
		}
	}
	if got, err := pluginproc.ClampFiles("many"); err == nil {
		t.Errorf("expected an error, got %d", got)
	}
	if n, err := pluginproc.OpenFiles(); err != nil || n < 1024 || n > 16384 {
		t.Errorf("expected 1024 to 16384, got %d %v", n, err)
	}
}

// TestProcessHasTheLimitOfAWorker: soft and hard, so that it cannot raise it.
func TestProcessHasTheLimitOfAWorker(t *testing.T) {
	log := &lines{}
	p := pluginproc.Start(pluginproc.Options{Name: "srv", Command: `sh -c 'echo soft $(ulimit -Sn) hard $(ulimit -Hn); sleep 60'`,
		Files: 1000, Log: errlog.New(log, errlog.Info, time.Now), Respawn: time.Minute})
	defer p.Stop()
	log.await(t, "] soft 1000 hard 1000", 1)
}
