package access_test

import (
	"fmt"
	"maps"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"kong-plugin-auth-diagnosis/pkg/access"
	"kong-plugin-auth-diagnosis/pkg/standin/ping"
)

// redisAt is a rate_limiting that asks a Redis for each request; over replaces
// fields.
func redisAt(addr string, over map[string]any) map[string]any {
	host, port, _ := net.SplitHostPort(addr)
	rl := map[string]any{
		"policy": "redis", "sync_rate": -1, "redis": map[string]any{"host": host, "port": number(port), "timeout": 2000},
		"default_tier": "small", "tiers": []any{map[string]any{"name": "small", "day": 5}},
	}
	maps.Copy(rl, over)
	return map[string]any{"rate_limiting": rl, "diagnosis": map[string]any{"on_accept": true}}
}

// nobody is an address at which nobody listens.
func nobody(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestRedisDecides(t *testing.T) {
	issuer := newIssuer(t)
	server := miniredis.RunT(t)
	r := start(t, issuer, redisAt(server.Addr(), nil))
	for i := range 7 {
		g := run(t, r, bearer(issuer.Token(ping.ForClient("a"))))
		if g.exited != (i >= 5) || g.header("X-RateLimit-Remaining-Day") != fmt.Sprint(max(0, 4-i)) || strings.Contains(g.header("X-Auth-Diagnosis"), "limiter=") {
			t.Errorf("request %d: %d %v", i, g.status, g.response)
		}
	}
	if g := run(t, r, bearer(issuer.Token(ping.ForClient("b")))); g.exited {
		t.Error("another client has the same counter")
	}
}

func TestRedisAway(t *testing.T) {
	issuer := newIssuer(t)
	addr := nobody(t)
	for name, tt := range map[string]struct {
		over    map[string]any
		status  int // 0: goes on
		code    string
		params  []string // of the header
		not     []string
		limits  bool // tells what is left
		finding bool
	}{
		"local":          {map[string]any{"fault_policy": "local"}, 0, "accepted", []string{"limiter=degraded"}, nil, true, true},
		"allow":          {map[string]any{"fault_policy": "allow"}, 0, "accepted", []string{"limiter=degraded"}, nil, false, true},
		"deny":           {map[string]any{"fault_policy": "deny"}, 503, "limiter_unavailable", []string{"hop=gateway", "certainty=definite"}, []string{"tier=", "window="}, false, false},
		"deny, own code": {map[string]any{"fault_policy": "deny", "error_code": 420, "hide_client_headers": true}, 503, "limiter_unavailable", nil, nil, false, false},
		"deny, reported": {map[string]any{"fault_policy": "deny", "report_only": true}, 0, "limiter_unavailable", []string{"mode=advise"}, nil, false, false},
		"used up":        {map[string]any{"nodes": 3}, 429, "quota_exceeded", []string{"limiter=degraded", `tier="small"`, "window=day"}, nil, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t, issuer, redisAt(addr, tt.over))
			token := issuer.Token(ping.ForClient(name))
			if name == "used up" { // a third of 5, rounded down
				run(t, r, bearer(token))
			}
			g := run(t, r, bearer(token))
			header := g.header("X-Auth-Diagnosis")
			if g.status != tt.status || code(t, g) != tt.code {
				t.Fatalf("got %d %s, want %d %s", g.status, header, tt.status, tt.code)
			}
			for _, p := range tt.params {
				if !strings.Contains(header, ";"+p) {
					t.Errorf("no %s in %s", p, header)
				}
			}
			for _, p := range tt.not {
				if strings.Contains(header, p) {
					t.Errorf("%s in %s", p, header)
				}
			}
			if got := g.header("X-RateLimit-Limit-Day") != ""; got != tt.limits {
				t.Errorf("tells limits: %v, want %v: %v", got, tt.limits, g.response)
			}
			if got := strings.Contains(fmt.Sprint(logObject(t, g)["findings"]), "limiter_degraded"); got != tt.finding {
				t.Errorf("finding in the log: %v, want %v", got, tt.finding)
			}
			if tt.status == 503 && (g.header("Retry-After") != "1" || g.header("WWW-Authenticate") != "" || g.header("Cache-Control") != "no-store") {
				t.Errorf("a 503 with %v", g.response)
			}
			if status := logObject(t, g)["status"]; status != float64(tt.status) {
				t.Errorf("the log says %v, the client got %d", status, tt.status)
			}
		})
	}
}

// TestRedisAwayIsToldOnce: the log has one line when it goes and one when it is
// back, by whatever request comes next.
func TestRedisAwayIsToldOnce(t *testing.T) {
	issuer := newIssuer(t)
	addr := nobody(t)
	r := start(t, issuer, redisAt(addr, nil))
	told := func(g *gateway) (lines []string) {
		for _, c := range g.told {
			if text := string(c.args); strings.HasPrefix(c.method, "kong.log.") && strings.Contains(text, "redis ") {
				lines = append(lines, c.method+" "+text)
			}
		}
		return lines
	}
	var lines []string
	for range 20 {
		lines = append(lines, told(run(t, r, bearer(issuer.Token(ping.ForClient("a")))))...)
	}
	if len(lines) != 1 || !strings.HasPrefix(lines[0], "kong.log.warn") || !strings.Contains(lines[0], addr+"/0 does not answer (unreachable)") {
		t.Fatalf("told %q", lines)
	}
	server := miniredis.NewMiniRedis()
	if err := server.StartAddr(addr); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	for deadline := time.Now().Add(20 * time.Second); len(lines) < 2; {
		lines = append(lines, told(run(t, r, bearer(issuer.Token(ping.ForClient("a")))))...)
		if time.Now().After(deadline) {
			t.Fatal("it is back, and nobody says so")
		}
	}
	if !strings.Contains(lines[1], addr+"/0 answers again") {
		t.Errorf("told %q", lines)
	}
}

func TestSlowSyncRateIsWarnedOf(t *testing.T) {
	issuer := newIssuer(t)
	for rate, warned := range map[float64]bool{0.1: false, 0.25: false, 0.5: true, -1: false} {
		e := access.New()
		r := e.Start(config(issuer, redisAt(nobody(t), map[string]any{"sync_rate": rate})))
		g := run(t, r, &gateway{})
		found := false
		for _, c := range g.told {
			found = found || strings.Contains(string(c.args), "sync_rate")
		}
		if found != warned {
			t.Errorf("sync_rate %v: warned %v, want %v", rate, found, warned)
		}
		e.Close()
	}
}

func TestCountersOutliveTheEngine(t *testing.T) {
	issuer := newIssuer(t)
	file := filepath.Join(t.TempDir(), "counters")
	remaining := func() string {
		e := access.New(access.WithCounterFile(file))
		defer e.Close()
		r := ready(t, e, issuer, map[string]any{"rate_limiting": sizes(nil)})
		return run(t, r, bearer(issuer.Token(ping.ForClient("a"), ping.Tier("large")))).header("X-RateLimit-Remaining-Day")
	}
	for _, want := range []string{"4", "3", "2"} {
		if got := remaining(); got != want {
			t.Errorf("%s are left, want %s", got, want)
		}
	}
}

// TestHeaderStyles: which header fields about limits an answer has.
func TestHeaderStyles(t *testing.T) {
	issuer := newIssuer(t)
	kong := []string{"X-RateLimit-Limit-Minute", "X-RateLimit-Remaining-Minute", "X-RateLimit-Limit-Hour", "X-RateLimit-Remaining-Hour", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"}
	ietf := []string{"RateLimit-Policy", "RateLimit"}
	for style, want := range map[string][]string{"kong": kong, "ietf": ietf, "both": append(append([]string{}, kong...), ietf...), "none": nil} {
		for _, hidden := range []bool{false, true} {
			t.Run(fmt.Sprint(style, " hidden ", hidden), func(t *testing.T) {
				r := start(t, issuer, map[string]any{"rate_limiting": map[string]any{
					"header_style": style, "hide_client_headers": hidden, "default_tier": "t", "tiers": []any{map[string]any{"name": "t", "minute": 7, "hour": 9}},
				}})
				g := run(t, r, bearer(issuer.Token()))
				n := 0
				for name := range g.response {
					if strings.Contains(strings.ToLower(name), "ratelimit") {
						n++
					}
				}
				expected := want
				if hidden {
					expected = nil
				}
				for _, name := range expected {
					if g.header(name) == "" {
						t.Errorf("no %s", name)
					}
				}
				if n != len(expected) {
					t.Errorf("%d fields, want %d: %v", n, len(expected), g.response)
				}
			})
		}
	}
}
