package ratelimit_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dunglas/httpsfv"
	"github.com/google/go-cmp/cmp"

	"kong-plugin-auth-diagnosis/pkg/ratelimit"
)

var update = flag.Bool("update", false, "write the golden files")

var largest = ratelimit.Tier{
	Second: ratelimit.MaxRate, Minute: ratelimit.MaxRate, Hour: ratelimit.MaxRate, Day: ratelimit.MaxDay,
}

// headerCases are decisions reached by sending, so that the golden files show
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
	{name: "minute alone", tier: ratelimit.Tier{Minute: 6}, now: noon.Add(5 * time.Second)},
	{name: "hour alone", tier: ratelimit.Tier{Hour: 600}, now: noon.Add(5 * time.Second)},
	{name: "day alone", tier: ratelimit.Tier{Day: 50_000}, now: noon},
	{name: "all four windows", tier: ratelimit.Tier{Second: 20, Minute: 600, Hour: 10_000, Day: 50_000}, sent: 6, now: noon.Add(5 * time.Second)},
	{name: "denied by minute, the others are not charged", tier: ratelimit.Tier{Second: 20, Minute: 6, Hour: 99_999, Day: 100_000}, sent: 6, now: noon.Add(5 * time.Second)},
	{name: "equal remaining of three, the longest is shown", tier: ratelimit.Tier{Second: 20, Minute: 20, Hour: 20, Day: 21}, sent: 3, now: noon.Add(5 * time.Second)},
	{name: "burst above the rate, full again after 3 s", tier: ratelimit.Tier{Second: 10, Burst: 35}, sent: 25, now: noon},
	{name: "denied with a burst above the rate", tier: ratelimit.Tier{Second: 10, Burst: 35}, sent: 35, now: noon},
	{name: "largest numbers", tier: largest, now: noon},
	{name: "allowed without counting", tier: ratelimit.Tier{}, now: noon},
	{name: "denied without counting", tier: ratelimit.Tier{}, now: noon,
		shown: func(ratelimit.Decision) ratelimit.Decision {
			return ratelimit.Decision{RetryAfter: 1500 * time.Millisecond}
		}},
}

// decisions returns the decision of each of headerCases.
func decisions() []ratelimit.Decision {
	var list []ratelimit.Decision
	for _, c := range headerCases {
		var s ratelimit.State
		var d ratelimit.Decision
		for range c.sent + 1 {
			s, d = s.Spend(0, c.now, c.tier, utc.Day(c.now), 1)
		}
		if c.shown != nil {
			d = c.shown(d)
		}
		list = append(list, d)
	}
	return list
}

func TestHeadersGolden(t *testing.T) {
	for file, write := range map[string]func([]ratelimit.Header, ratelimit.Decision) []ratelimit.Header{
		"headers.golden":      ratelimit.AppendHeaders,
		"headers_ietf.golden": ratelimit.AppendIETFHeaders,
	} {
		var b strings.Builder
		for i, d := range decisions() {
			fmt.Fprintf(&b, "%s\n----------\n", headerCases[i].name)
			for _, h := range write(nil, d) {
				fmt.Fprintf(&b, "%s: %s\n", h.Name, h.Value)
			}
			b.WriteByte('\n')
		}
		path := filepath.Join("testdata", file)
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
}

// What a parser of structured fields reads is what was decided.
func TestIETFHeadersParse(t *testing.T) {
	lengths := map[string]int64{"second": 1, "minute": 60, "hour": 3600, "day": 86400}
	for i, d := range decisions() {
		name, expected, got := headerCases[i].name, map[string]map[string]any{}, map[string]map[string]any{}
		for window, q := range map[string]ratelimit.Quota{"second": d.Second, "minute": d.Minute, "hour": d.Hour, "day": d.Day} {
			if q.Limit > 0 {
				seconds := int64(max(1, (q.Reset+time.Second-1)/time.Second))
				expected[window] = map[string]any{"q": q.Limit, "w": lengths[window], "r": q.Remaining, "t": seconds}
			}
		}
		for _, h := range ratelimit.AppendIETFHeaders(nil, d) {
			list, err := httpsfv.UnmarshalList([]string{h.Value})
			if err != nil {
				t.Fatalf("%s: %s: %q: %v", name, h.Name, h.Value, err)
			}
			for _, member := range list {
				item := member.(httpsfv.Item)
				window := item.Value.(string)
				if got[window] == nil {
					got[window] = map[string]any{}
				}
				for _, p := range item.Params.Names() {
					got[window][p], _ = item.Params.Get(p)
				}
			}
			// The canonical text, with the shorter window before the longer.
			if text, err := httpsfv.Marshal(list); err != nil || text != h.Value {
				t.Errorf("%s: %s: expected %q, got %q, %v", name, h.Name, text, h.Value, err)
			}
		}
		if diff := cmp.Diff(expected, got); diff != "" {
			t.Errorf("%s (-expected +got):\n%s", name, diff)
		}
	}
}

func TestAppendHeadersKeepsWhatIsThere(t *testing.T) {
	d := ratelimit.Decision{Allowed: true, Day: ratelimit.Quota{Limit: 5, Remaining: 4, Reset: time.Second}}
	before := ratelimit.Header{Name: "Cache-Control", Value: "no-store"}
	got := ratelimit.AppendIETFHeaders(ratelimit.AppendHeaders([]ratelimit.Header{before}, d), d)
	expected := []ratelimit.Header{before,
		{Name: "X-RateLimit-Limit-Day", Value: "5"}, {Name: "X-RateLimit-Remaining-Day", Value: "4"},
		{Name: "RateLimit-Limit", Value: "5"}, {Name: "RateLimit-Remaining", Value: "4"}, {Name: "RateLimit-Reset", Value: "1"},
		{Name: "RateLimit-Policy", Value: `"day";q=5;w=86400`}, {Name: "RateLimit", Value: `"day";r=4;t=1`},
	}
	if diff := cmp.Diff(expected, got); diff != "" {
		t.Errorf("-expected +got:\n%s", diff)
	}
}

// Even the largest numbers take one allocation, and MaxHeaders holds them all.
func TestAppendHeadersAllocatesOnce(t *testing.T) {
	s, _ := ratelimit.State{}.Spend(0, noon, largest, utc.Day(noon), 1)
	_, d := s.Spend(0, noon, largest, utc.Day(noon), 1)
	d.Allowed, d.RetryAfter = false, 1_000_000*time.Hour
	dst := make([]ratelimit.Header, 0, ratelimit.MaxHeaders)
	for name, write := range map[string]func([]ratelimit.Header, ratelimit.Decision) []ratelimit.Header{
		"kong": ratelimit.AppendHeaders, "ietf": ratelimit.AppendIETFHeaders,
	} {
		if n := testing.AllocsPerRun(100, func() { write(dst, d) }); n != 1 {
			t.Errorf("%s: expected 1 allocation, got %v", name, n)
		}
	}
	if n := len(ratelimit.AppendIETFHeaders(ratelimit.AppendHeaders(dst, d), d)); n != ratelimit.MaxHeaders {
		t.Errorf("expected %d headers, got %d", ratelimit.MaxHeaders, n)
	}
}
