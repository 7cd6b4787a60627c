package ratelimit_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kong-plugin-auth-diagnosis/pkg/ratelimit"
)

var update = flag.Bool("update", false, "write the golden files")

// headerCases are decisions reached by sending, so that the golden file shows
// what clients see rather than what a test can put together.
var headerCases = []struct {
	name  string
	tier  ratelimit.Tier
	sent  int // requests before the one shown, all at once
	now   time.Time
	shown func(ratelimit.Decision) ratelimit.Decision
}{
	{name: "first request, the second window is nearer", tier: ratelimit.Tier{Second: 20, Day: 50_000}, now: noon},
	{name: "last of the burst", tier: ratelimit.Tier{Second: 20, Day: 50_000}, sent: 19, now: noon},
	{name: "denied by second, the day is not charged", tier: ratelimit.Tier{Second: 20, Day: 50_000}, sent: 20, now: noon},
	{name: "equal remaining, the day is shown", tier: ratelimit.Tier{Second: 20, Day: 20}, sent: 4, now: noon},
	{name: "the day is nearer", tier: ratelimit.Tier{Second: 20, Day: 10}, sent: 4, now: noon},
	{name: "denied by day, the second is not charged", tier: ratelimit.Tier{Second: 20, Day: 10}, sent: 10, now: noon},
	{name: "denied by day with jitter", tier: ratelimit.Tier{Second: 20, Day: 10}, sent: 10, now: noon,
		shown: func(d ratelimit.Decision) ratelimit.Decision {
			return d.Jitter(30*time.Second, func(n int64) int64 { return n / 2 })
		}},
	{name: "denied by both", tier: ratelimit.Tier{Second: 5, Day: 5}, sent: 5, now: noon},
	{name: "denied in the last millisecond of the day", tier: ratelimit.Tier{Day: 1}, sent: 1, now: noon.Add(12*time.Hour - time.Millisecond)},
	{name: "second alone", tier: ratelimit.Tier{Second: 20}, now: noon},
	{name: "day alone", tier: ratelimit.Tier{Day: 50_000}, now: noon},
	{name: "burst above the rate, full again after 3 s", tier: ratelimit.Tier{Second: 10, Burst: 35}, sent: 25, now: noon},
	{name: "denied with a burst above the rate", tier: ratelimit.Tier{Second: 10, Burst: 35}, sent: 35, now: noon},
	{name: "largest numbers", tier: ratelimit.Tier{Second: ratelimit.MaxRate, Day: ratelimit.MaxDay}, now: noon},
	{name: "allowed without counting", tier: ratelimit.Tier{}, now: noon},
	{name: "denied without counting", tier: ratelimit.Tier{}, now: noon,
		shown: func(ratelimit.Decision) ratelimit.Decision {
			return ratelimit.Decision{RetryAfter: 1500 * time.Millisecond}
		}},
}

func TestHeadersGolden(t *testing.T) {
	var b strings.Builder
	for _, c := range headerCases {
		var s ratelimit.State
		var d ratelimit.Decision
		for range c.sent + 1 {
			s, d = s.Spend(0, c.now, c.tier, utc.Day(c.now), 1)
		}
		if c.shown != nil {
			d = c.shown(d)
		}
		fmt.Fprintf(&b, "%s\n----------\n", c.name)
		for _, h := range ratelimit.AppendHeaders(nil, d) {
			fmt.Fprintf(&b, "%s: %s\n", h.Name, h.Value)
		}
		b.WriteByte('\n')
	}
	path := filepath.Join("testdata", "headers.golden")
	if *update {
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	expected, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(expected), b.String()); diff != "" {
		t.Errorf("headers (-golden +got), -update to accept:\n%s", diff)
	}
}

func TestAppendHeadersKeepsWhatIsThere(t *testing.T) {
	d := ratelimit.Decision{Allowed: true, Day: ratelimit.Quota{Limit: 5, Remaining: 4, Reset: time.Second}}
	before := ratelimit.Header{Name: "Cache-Control", Value: "no-store"}
	got := ratelimit.AppendHeaders([]ratelimit.Header{before}, d)
	expected := []ratelimit.Header{before,
		{Name: "X-RateLimit-Limit-Day", Value: "5"}, {Name: "X-RateLimit-Remaining-Day", Value: "4"},
		{Name: "RateLimit-Limit", Value: "5"}, {Name: "RateLimit-Remaining", Value: "4"}, {Name: "RateLimit-Reset", Value: "1"},
	}
	if diff := cmp.Diff(expected, got); diff != "" {
		t.Errorf("-expected +got:\n%s", diff)
	}
}

func TestAppendHeadersAllocatesOnce(t *testing.T) {
	d := ratelimit.Decision{
		Second: ratelimit.Quota{Limit: 100, Remaining: 100, Reset: time.Second},
		Day:    ratelimit.Quota{Limit: 1_000_000, Remaining: 999_999, Reset: 20 * time.Hour},
	}
	dst := make([]ratelimit.Header, 0, 8)
	if n := testing.AllocsPerRun(100, func() { ratelimit.AppendHeaders(dst, d) }); n != 1 {
		t.Errorf("expected 1 allocation, got %v", n)
	}
}
