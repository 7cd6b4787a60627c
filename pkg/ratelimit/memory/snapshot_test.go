package memory_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"kong-plugin-auth-diagnosis/pkg/ratelimit"
	"kong-plugin-auth-diagnosis/pkg/ratelimit/memory"
)

var update = flag.Bool("update", false, "write the golden files")

var counting = ratelimit.Tier{Name: "counting", Second: 2, Minute: 40, Hour: 60, Day: 100}

// restart returns a limiter that has what l saves at now, in a new process.
func restart(t testing.TB, l *memory.Limiter, now time.Time) *memory.Limiter {
	t.Helper()
	path := filepath.Join(t.TempDir(), "counters")
	if err := l.Save(now, path); err != nil {
		t.Fatal(err)
	}
	next := memory.New(now, memory.Options{MaxKeys: 1000})
	if err := next.Load(now, path); err != nil {
		t.Fatal(err)
	}
	return next
}

// counts sends one request to each of five kinds of keys and returns what is
// left after it: of the second, the minute, the hour and the day.
func counts(l *memory.Limiter, now time.Time) map[string][4]int64 {
	left := map[string][4]int64{}
	for name, k := range map[string]ratelimit.Key{"one": key(1), "two": key(2), "address": fallback(1), "other address": fallback(2), "new": key(3)} {
		d := l.Allow(now, k, counting, utc)
		left[name] = [4]int64{d.Second.Remaining, d.Minute.Remaining, d.Hour.Remaining, d.Day.Remaining}
	}
	return left
}

func TestRestartKeepsWhatWasUsed(t *testing.T) {
	l := memory.New(start, memory.Options{MaxKeys: 1000})
	now := start
	for range 7 {
		now = now.Add(time.Second)
		l.Allow(now, key(1), counting, utc)
		l.Allow(now, fallback(1), counting, utc)
	}
	l.Allow(now, key(2), counting, utc)
	l.Allow(now, fallback(2), counting, utc)

	some, fresh := [4]int64{1, 32, 52, 92}, [4]int64{1, 39, 59, 99}
	expected := map[string][4]int64{"one": some, "two": {1, 38, 58, 98}, "address": some, "other address": {1, 38, 58, 98}, "new": fresh}
	if diff := cmp.Diff(expected, counts(restart(t, l, now), now)); diff != "" {
		t.Errorf("at once (-expected +got):\n%s", diff)
	}
	if got := restart(t, l, now.Add(12*time.Hour)).Stats(); got != (memory.Stats{}) {
		t.Errorf("on the next day: expected no key, got %+v", got)
	}
	path := filepath.Join(t.TempDir(), "counters")
	if err := l.Save(now, path); err != nil {
		t.Fatal(err)
	}
	late := memory.New(now, memory.Options{MaxKeys: 1000})
	if err := late.Load(now.Add(12*time.Hour), path); err != nil || late.Stats() != (memory.Stats{}) {
		t.Errorf("loaded on the next day: expected no key, got %+v, %v", late.Stats(), err)
	}
	for name, c := range map[string]struct {
		pause time.Duration
		one   [4]int64
	}{
		"in the next minute":      {time.Minute, [4]int64{1, 39, 52, 92}},
		"in the next hour":        {time.Hour, [4]int64{1, 39, 59, 92}},
		"on the next day":         {12 * time.Hour, fresh},
		"with the clock set back": {-time.Minute, [4]int64{1, 32, 52, 92}},
	} {
		if got := counts(restart(t, l, now.Add(c.pause)), now.Add(c.pause))["one"]; got != c.one {
			t.Errorf("%s: expected %v left, got %v", name, c.one, got)
		}
	}
}

// A limiter whose process ends again and again decides as one that goes on, as
// long as no tier has a second window.
func TestRestartsAreNotNoticed(t *testing.T) {
	tiers := []ratelimit.Tier{{Name: "day", Day: 5}, {Name: "hours", Hour: 4, Day: 9}, {Name: "minutes", Minute: 3}}
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	cals := []*ratelimit.Calendar{utc, ratelimit.NewCalendar(berlin)}
	rapid.Check(t, func(rt *rapid.T) {
		now := start.Add(time.Duration(rapid.IntRange(0, 24*60*60).Draw(rt, "start")) * time.Second)
		cal := cals[rapid.IntRange(0, 1).Draw(rt, "calendar")]
		steady := memory.New(now, memory.Options{MaxKeys: 1000})
		restarted := memory.New(now, memory.Options{MaxKeys: 1000})
		for range 60 {
			most := rapid.SampledFrom([]time.Duration{0, 30 * time.Second, 30 * time.Minute, 10 * time.Hour}).Draw(rt, "pause of up to")
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(most)).Draw(rt, "pause")))
			if rapid.IntRange(0, 3).Draw(rt, "restart") == 0 {
				var file bytes.Buffer
				if err := restarted.Encode(&file, now.Unix()); err != nil {
					rt.Fatal(err)
				}
				restarted = memory.New(now, memory.Options{MaxKeys: 1000})
				if err := restarted.Decode(now, file.Bytes()); err != nil {
					rt.Fatal(err)
				}
			}
			k, tier := key(rapid.IntRange(0, 3).Draw(rt, "key")), rapid.SampledFrom(tiers).Draw(rt, "tier")
			expected, got := steady.Allow(now, k, tier, cal), restarted.Allow(now, k, tier, cal)
			if got != expected {
				rt.Fatalf("at %v, tier %s:\nexpected %+v\ngot      %+v", now, tier.Name, expected, got)
			}
		}
	})
}

// snapshot is a file with a key of each kind of window.
func snapshot(t testing.TB) []byte {
	t.Helper()
	l := memory.New(start, memory.Options{MaxKeys: 1}) // one shard for each kind: a steady order
	for i, tier := range []ratelimit.Tier{{Name: "all", Minute: 9, Hour: 9, Day: 999}, {Name: "day", Day: 9}, {Name: "hour", Hour: 9}, {Name: "second", Second: 9}} {
		l.Raise(memory.Options{MaxKeys: 9, MaxFallbacks: 9})
		for range i + 1 {
			l.Allow(start, key(i), tier, utc)
		}
		l.Allow(start, fallback(i), tier, utc)
	}
	var file bytes.Buffer
	if err := l.Encode(&file, start.Unix()); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

// The file of an earlier version of the program is read by this one.
func TestFileGolden(t *testing.T) {
	path := filepath.Join("testdata", "counters.golden")
	got := snapshot(t)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	expected, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(expected, got); diff != "" {
		t.Errorf("file (-golden +got), -update to accept:\n%s", diff)
	}
	if bytes.Contains(got, []byte("client")) || bytes.Contains(got, []byte("idp.example")) {
		t.Error("the file names a client")
	}
}
