package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kong-plugin-auth-diagnosis/pkg/standin/ping"
)

// launch runs a stand-in on a free port and returns its address. The test ends it and
// wants the exit status 0.
func launch(t *testing.T, args ...string) string {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	out, stdout := io.Pipe()
	ended := make(chan int, 1)
	var stderr strings.Builder
	go func() {
		status := run(ctx, append(args, "-addr", "127.0.0.1:0"), stdout, &stderr)
		stdout.Close()
		ended <- status
	}()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("%v: status %d, %s", args, <-ended, stderr.String())
	}
	t.Cleanup(func() {
		stop()
		if status := <-ended; status != 0 || stderr.String() != "" {
			t.Errorf("%v: got status %d and %q", args, status, stderr.String())
		}
	})
	_, address, _ := strings.Cut(strings.TrimSpace(line), " listens on ")
	return address
}

func TestStandInsWorkTogether(t *testing.T) {
	tests := map[string]struct {
		args   []string
		status int
		body   string
	}{
		"ping":     {[]string{"ping", "-product", "pingone", "-audience", "a", "-client", "c:s:free:read write", "-url", "http://ping:1"}, 404, "not found"},
		"upstream": {[]string{"upstream"}, 200, `"Authorization":["Bearer x"]`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			behind := launch(t, tt.args...)
			edge := launch(t, "edge", "-target", behind, "-rule", "/lost=strip", "-rule", "X-Route: r=blank", "-cookie", "p", "-proto", "https")
			request, err := http.NewRequest(http.MethodGet, "http://"+edge+"/x", nil)
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Authorization", "Bearer x")
			resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(request)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			if err != nil || resp.StatusCode != tt.status || !strings.Contains(string(body), tt.body) {
				t.Errorf("got %d %q, %v, want %d with %q", resp.StatusCode, body, err, tt.status, tt.body)
			}
			if got := resp.Header.Get("Set-Cookie"); !strings.HasPrefix(got, "BIGipServerp=") {
				t.Errorf("got cookie %q", got)
			}
		})
	}
}

func TestWrongArguments(t *testing.T) {
	tests := map[string]struct {
		args   []string
		status int
		want   string
	}{
		"nothing":          {nil, 2, "usage: standin"},
		"unknown":          {[]string{"kong"}, 2, "usage: standin"},
		"help":             {[]string{"ping", "-help"}, 0, "-product name"},
		"unknown flag":     {[]string{"edge", "-x"}, 2, "-x"},
		"left over":        {[]string{"upstream", "now"}, 2, `"now"`},
		"product":          {[]string{"ping", "-product", "okta"}, 2, `"okta"`},
		"client":           {[]string{"ping", "-client", "a"}, 2, "ID:SECRET"},
		"rule":             {[]string{"edge", "-rule", "/a=eat"}, 2, `"eat"`},
		"fails to start":   {[]string{"edge", "-target", "kong"}, 1, "host:port"},
		"fails to listen":  {[]string{"upstream", "-addr", "127.0.0.1:99999"}, 1, "99999"},
		"no iss elsewhere": {[]string{"ping", "-product", "pingam", "-no-iss"}, 1, `"pingam"`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var stdout, stderr strings.Builder
			if status := run(t.Context(), tt.args, &stdout, &stderr); status != tt.status || !strings.Contains(stderr.String(), tt.want) {
				t.Errorf("got status %d and %q, want %d and %q", status, stderr.String(), tt.status, tt.want)
			}
			if stdout.String() != "" {
				t.Errorf("got %q on stdout", stdout.String())
			}
		})
	}
}

func TestParseClient(t *testing.T) {
	tests := map[string]ping.Client{
		"a:b":              {ID: "a", Secret: "b"},
		"a:b:free":         {ID: "a", Secret: "b", Tier: "free"},
		"a:b::read":        {ID: "a", Secret: "b", Scopes: []string{"read"}},
		"a:b:t:read api:w": {ID: "a", Secret: "b", Tier: "t", Scopes: []string{"read", "api:w"}},
	}
	for text, want := range tests {
		got, err := parseClient(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
		}
		if len(got.Scopes) == 0 {
			got.Scopes = nil
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
}
