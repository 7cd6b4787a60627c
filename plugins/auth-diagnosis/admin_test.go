package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kong-plugin-auth-diagnosis/pkg/access"
	"kong-plugin-auth-diagnosis/pkg/diagnosis"
	"kong-plugin-auth-diagnosis/pkg/jwks"
	"kong-plugin-auth-diagnosis/pkg/metrics"
	"kong-plugin-auth-diagnosis/pkg/pluginserver"
	"kong-plugin-auth-diagnosis/pkg/ratelimit"
	"kong-plugin-auth-diagnosis/pkg/ratelimit/table"
)

var update = flag.Bool("update", false, "write golden files anew")

// status is one of everything.
func status() access.Status {
	const good, bad = "https://sso.example.com", `https://odd.example/"\?a=1&b=2`
	return access.Status{
		Verdicts: []access.Verdicts{
			{Code: diagnosis.CredentialEmpty, Hop: diagnosis.Edge, Count: 3},
			{Code: diagnosis.TokenExpired, Hop: diagnosis.Client, Count: 7},
			{Code: diagnosis.TokenExpired, Hop: diagnosis.Client, Advise: true, Count: 2},
			{Code: diagnosis.Accepted, Hop: diagnosis.Gateway, Count: 123456789},
		},
		Findings: []access.Findings{{Name: diagnosis.LimiterDegraded, Count: 4}, {Name: diagnosis.WitnessIgnored}},
		Decisions: []access.Decisions{
			{Allowed: true, Count: 10}, {Window: ratelimit.WindowNone}, {Window: ratelimit.WindowSecond, Count: 6}, {Window: ratelimit.WindowDay, Count: 5},
		},
		SignatureChecks: 42, GoodTokens: 11, BadTokens: 12,
		Instances: 5, Invalid: 1,
		Issuers: []access.IssuerKeys{
			{Issuer: bad, Health: jwks.Health{Code: diagnosis.JWKSDNS}},
			{Issuer: good, Health: jwks.Health{Usable: true, Keys: 3, Age: 90500 * time.Millisecond}},
		},
		Fetches: []jwks.Fetches{{Issuer: good, Count: 8}, {Issuer: bad, Code: diagnosis.JWKSDNS, Count: 9}, {Count: 1}},
		Local:   table.Stats{Keys: 100, Fallbacks: 10, Overflows: 1},
		Redis:   access.RedisStatus{Stats: table.Stats{Keys: 200, Fallbacks: 20, Overflows: 2}, Stores: 2, Away: 1},
	}
}

// metricsOf writes the metrics of a status, without those of the process.
func metricsOf(s access.Status) string {
	var f faults
	f.add(pluginserver.FaultPanic)
	f.add(pluginserver.FaultDeadline)
	f.add(pluginserver.FaultDeadline)
	f.add(-1) // not known: no such kind is shown
	var to metrics.Page
	writeMetrics(&to, s, &f)
	return string(to.Bytes())
}

func TestMetricsPage(t *testing.T) {
	got := metricsOf(status())
	if _, _, err := parsePage(got); err != nil {
		t.Error(err)
	}
	got = strings.NewReplacer(`"`+version+`"`, `"VERSION"`, runtime.Version(), "GOVERSION").Replace(got)
	const golden = "testdata/metrics.txt"
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("page (-%s +got):\n%s", golden, diff)
	}
}

// TestSeriesAreExplained: the page for operators has a row for each series, with its
// labels, and none for another.
func TestSeriesAreExplained(t *testing.T) {
	series := map[string]string{}
	var to metrics.Page
	metrics.Process{Goroutines: 1, Resident: 1, Descriptors: 1, CPU: 1, Started: 1}.Write(&to)
	for line := range strings.Lines(metricsOf(status()) + string(to.Bytes())) {
		if m := sampleLine.FindStringSubmatch(strings.TrimSpace(line)); m != nil {
			var names []string
			for _, l := range labelName.FindAllStringSubmatch(m[2], -1) {
				names = append(names, l[1])
			}
			series[m[1]] = strings.Join(names, ", ")
		}
	}
	text, err := os.ReadFile("../../docs/OPERATIONS.md")
	if err != nil {
		t.Fatal(err)
	}
	explained := map[string]string{}
	row := regexp.MustCompile(`(?m)^\| ([a-z_]+) \| ([a-z, ]*?) ?\|`)
	for _, m := range row.FindAllStringSubmatch(string(text), -1) {
		if m[1] != "series" && m[1] != "path" {
			explained[m[1]] = m[2]
		}
	}
	if diff := cmp.Diff(series, explained); diff != "" {
		t.Errorf("series and labels (-page of metrics +docs/OPERATIONS.md):\n%s", diff)
	}
}

func TestReadiness(t *testing.T) {
	many := access.Status{Instances: 1}
	for i := range maxMissing + 3 {
		many.Issuers = append(many.Issuers, access.IssuerKeys{Issuer: fmt.Sprint(i), Health: jwks.Health{Code: diagnosis.JWKSConnect}})
	}
	odd := `https://odd.example/\"\\?a=1&b=2`
	good := status()
	good.Issuers = good.Issuers[1:]
	for name, tt := range map[string]struct {
		status access.Status
		code   int
		body   string // its beginning
	}{
		"nothing has come yet": {access.Status{}, 200, `{"status":"no instances","instances":0}` + "\n"},
		"keys are there":       {good, 200, `{"status":"ready","instances":5}` + "\n"},
		"no issuer is needed":  {access.Status{Instances: 1}, 200, `{"status":"ready","instances":1}` + "\n"},
		"keys are missing":     {status(), 503, `{"status":"keys missing","instances":5,"issuers":[{"issuer":"` + odd + `","code":"jwks_dns"}]}` + "\n"},
		"many are missing":     {many, 503, `{"status":"keys missing","instances":1,"issuers":[{"issuer":"0","code":"jwks_connect"},`},
	} {
		t.Run(name, func(t *testing.T) {
			p := readiness(tt.status)
			if p.status != tt.code || p.contentType != "application/json" || !strings.HasPrefix(string(p.body), tt.body) || !json.Valid(p.body) {
				t.Errorf("got %d %s %s, expected %d %s", p.status, p.contentType, p.body, tt.code, tt.body)
			}
		})
	}
	if p := readiness(many); len(p.body) > 4096 || !bytes.HasSuffix(p.body, []byte(`"more":3}`+"\n")) {
		t.Errorf("%d bytes that end in %.20q", len(p.body), p.body[len(p.body)-20:])
	}
}

// logged tells of each line of a log.
type logged chan string

func (l logged) Write(b []byte) (int, error) { l <- string(b); return len(b), nil }

// await returns the first line that has the words.
func (l logged) await(t *testing.T, words string) {
	t.Helper()
	timeout := time.After(10 * time.Second)
	for {
		select {
		case line := <-l:
			if strings.Contains(line, words) {
				return
			}
		case <-timeout:
			t.Fatalf("the log never says %q", words)
		}
	}
}

// TestTheAddressIsWaitedFor starts a process while its predecessor has the address, and
// ends one after the other.
func TestTheAddressIsWaitedFor(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	lines := make(logged, 100)
	p := &plugin{adminListen: address, engine: access.New()}
	t.Cleanup(p.engine.Close)
	ctx, cancel := context.WithCancel(t.Context())
	if err := p.openAdmin(ctx, pluginserver.Invocation{Log: slog.New(slog.NewTextHandler(lines, nil))}); err != nil {
		t.Fatal(err)
	}
	lines.await(t, "trying again")
	l.Close()
	lines.await(t, "admin listening")
	for path, want := range map[string]string{"/healthz": "200 text/plain; charset=utf-8", "/readyz": "200 application/json", "/metrics": "200 " + metrics.ContentType} {
		resp, err := http.Get("http://" + address + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if got := fmt.Sprint(resp.StatusCode, " ", resp.Header.Get("Content-Type")); got != want || err != nil {
			t.Errorf("%s: %s, %v, expected %s", path, got, err, want)
		}
		if path != "/metrics" {
			continue
		}
		all, kinds, err := parsePage(string(body))
		if err != nil {
			t.Fatal(err)
		}
		if all["process_resident_memory_bytes"] < 1<<20 || kinds["process_start_time_seconds"] != "gauge" {
			t.Errorf("the process is not on the page:\n%s", body)
		}
	}
	p.superseded(true)
	p.admin.wait()
	if _, err := net.Dial("tcp", address); err == nil {
		t.Error("somebody still listens for a process that was superseded")
	}
	p.superseded(false) // its successor has gone
	lines.await(t, "admin listening")
	cancel()
	p.admin.wait()
	if _, err := net.Dial("tcp", address); err == nil {
		t.Error("somebody still listens")
	}
}

func TestTheEndDoesNotWaitForTheAddress(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	a := &admin{at: endpoint{"tcp", l.Addr().String()}, log: slog.New(slog.DiscardHandler), retry: time.Hour, ended: make(chan struct{})}
	ctx, cancel := context.WithCancel(t.Context())
	go a.run(ctx)
	cancel()
	a.wait()
	(*admin)(nil).wait() // and where there is none
}

func TestAllAddressesAreWarnedOf(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	l.Close()
	lines := make(logged, 100)
	a := &admin{at: endpoint{"tcp", "[::ffff:0.0.0.0]:" + port}, log: slog.New(slog.NewTextHandler(lines, nil)), retry: time.Millisecond, ended: make(chan struct{})}
	ctx, cancel := context.WithCancel(t.Context())
	go a.run(ctx)
	lines.await(t, "on all addresses")
	cancel()
	a.wait()
}

func TestFaultsAreCountedAndAnswered(t *testing.T) {
	p := &plugin{engine: access.New()}
	t.Cleanup(p.engine.Close)
	before := p.engine.Status().Verdicts
	for kind, header := range map[pluginserver.FaultKind]string{
		pluginserver.FaultPanic: "internal_error", pluginserver.FaultDeadline: "deadline_exceeded", pluginserver.FaultKind(99): "internal_error",
	} {
		exit := p.fault(pluginserver.Fault{Kind: kind})
		if exit.Status != 500 || !strings.HasPrefix(exit.Headers[0].Values[0], header) {
			t.Errorf("%v: %d %v", kind, exit.Status, exit.Headers)
		}
	}
	if p.faults[pluginserver.FaultPanic].Load() != 1 || p.faults[pluginserver.FaultDeadline].Load() != 1 || p.faults[pluginserver.FaultUnknown].Load() != 1 {
		t.Error("faults are not counted by kind")
	}
	want := append([]access.Verdicts{
		{Code: diagnosis.InternalError, Hop: diagnosis.Gateway, Count: 2},
		{Code: diagnosis.DeadlineExceeded, Hop: diagnosis.Gateway, Count: 1},
	}, before...)
	if diff := cmp.Diff(want, p.engine.Status().Verdicts); diff != "" {
		t.Errorf("verdicts (-want +got):\n%s", diff)
	}
}
