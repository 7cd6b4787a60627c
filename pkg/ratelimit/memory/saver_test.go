package memory_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"kong-plugin-auth-diagnosis/pkg/ratelimit"
	"kong-plugin-auth-diagnosis/pkg/ratelimit/memory"
)

// saving is a limiter that saves, by the clock of a synctest bubble.
type saving struct {
	*memory.Limiter
	t     *testing.T
	saver *memory.Saver
	path  string

	mu       sync.Mutex
	reported []error
}

func newSaving(t *testing.T, path string) *saving {
	s := &saving{Limiter: memory.New(time.Now(), memory.Options{MaxKeys: 100}), t: t, path: path}
	s.saver = s.Persist(path, memory.Hooks{Now: time.Now, Report: func(err error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.reported = append(s.reported, err)
	}})
	return s
}

func (s *saving) reports() []error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.reported)
}

func (s *saving) send(n int, tier ratelimit.Tier) (d ratelimit.Decision) {
	for range n {
		d = s.Allow(time.Now(), key(1), tier, utc)
	}
	return d
}

// wait lets time pass until all is quiet.
func (s *saving) wait(d time.Duration) {
	time.Sleep(d) // in the bubble
	synctest.Wait()
}

// saved returns how many requests of the key are in the file, -1 for no file.
func (s *saving) saved() int64 {
	s.t.Helper()
	if _, err := os.Stat(s.path); errors.Is(err, fs.ErrNotExist) {
		return -1
	}
	l := memory.New(time.Now(), memory.Options{MaxKeys: 100})
	if err := l.Load(time.Now(), s.path); err != nil {
		s.t.Fatal(err)
	}
	left := int64(0)
	for l.Allow(time.Now(), key(1), daily, utc).Allowed {
		left++
	}
	return daily.Day - left
}

func (s *saving) expect(what string, used int64) {
	s.t.Helper()
	if got := s.saved(); got != used {
		s.t.Errorf("%s: expected %d saved, got %d", what, used, got)
	}
}

func TestSaverSavesWhatChanged(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := newSaving(t, filepath.Join(dir, "counters"))
		s.send(3, ratelimit.Tier{Name: "second", Second: 10})
		s.wait(time.Minute)
		s.expect("nothing to save", -1)
		s.send(1, daily)
		s.wait(memory.SaveEvery)
		s.expect("in time", 1)

		if err := os.Remove(s.path); err != nil {
			t.Fatal(err)
		}
		s.wait(10 * memory.SaveEvery)
		s.expect("nothing new", -1)
		s.send(9, daily) // the last five are denied
		s.saver.Close()
		s.expect("at the end", 5)
		if err := os.Remove(s.path); err != nil {
			t.Fatal(err)
		}
		s.send(1, daily)
		s.saver.Close()
		s.expect("closed twice", -1)
		if got := s.reports(); len(got) != 0 {
			t.Errorf("expected no report, got %v", got)
		}
	})
}

func TestSaverGoesOnWhereTheLastEnded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "counters")
	synctest.Test(t, func(t *testing.T) {
		s := newSaving(t, path)
		s.send(2, daily)
		s.saver.Close()
		s = newSaving(t, path)
		if d := s.send(1, daily); d.Day.Remaining != 2 {
			t.Errorf("expected 2 left, got %+v", d)
		}
		s.saver.Close()
		s.expect("in the end", 3)
	})
}

func TestSaverReportsEachOutageOnce(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	synctest.Test(t, func(t *testing.T) {
		s := newSaving(t, filepath.Join(dir, "counters"))
		s.send(1, daily)
		s.wait(5 * memory.SaveEvery)
		if got := s.reports(); len(got) != 1 || !errors.Is(got[0], fs.ErrNotExist) {
			t.Errorf("without a directory: expected one report, got %v", got)
		}
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		s.wait(5 * memory.SaveEvery) // tried again although nothing was counted since
		s.expect("with a directory", 1)
		if got := s.reports(); len(got) != 2 || got[1] != nil {
			t.Errorf("with a directory: expected a second report of no error, got %v", got)
		}
		s.saver.Close()
	})
}

func TestSaverReportsAndReplacesADamagedFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "counters")
	if err := os.WriteFile(path, []byte("auth-diagnosis counters 0\nof another version"), 0o600); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		s := newSaving(t, path)
		if got := s.reports(); len(got) != 1 || !errors.Is(got[0], memory.ErrSnapshot) {
			t.Errorf("expected one report of %v, got %v", memory.ErrSnapshot, got)
		}
		s.send(1, daily)
		s.saver.Close()
		s.expect("in the end", 1)
	})
}
