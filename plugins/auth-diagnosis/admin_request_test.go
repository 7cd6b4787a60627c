package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
)

func TestReadRequest(t *testing.T) {
	for text, want := range map[string]struct {
		method, path string
		err          error
	}{
		"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n":               {"GET", "/metrics", nil},
		"HEAD /healthz HTTP/1.0\r\n\r\n":                         {"HEAD", "/healthz", nil},
		"GET /readyz?verbose=1 HTTP/1.1\n\n":                     {"GET", "/readyz", nil},
		"GET http://host:9100/metrics?x HTTP/1.1\r\n\r\n":        {"GET", "/metrics", nil},
		"GET http://host:9100 HTTP/1.1\r\n\r\n":                  {"GET", "/", nil},
		"GET /a?b=://c HTTP/1.1\r\n\r\n":                         {"GET", "/a", nil},
		"OPTIONS * HTTP/1.1\r\n\r\n":                             {"OPTIONS", "*", nil},
		"POST /metrics HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc": {"POST", "/metrics", nil},
		"GET /metrics\r\n\r\n":                                   {"", "", errRequest},
		"GET  /metrics HTTP/1.1\r\n\r\n":                         {"", "", errRequest},
		" /metrics HTTP/1.1\r\n\r\n":                             {"", "", errRequest},
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n":                       {"", "", errRequest},
		"\x16\x03\x01\x02\n":                                     {"", "", errRequest},
		"\r\n":                                                   {"", "", errRequest},
		"GET /metrics HTTP/1.1\r\nHost":                          {"", "", io.EOF},
		"":                                                       {"", "", io.EOF},
		strings.Repeat("a", maxHead):                             {"", "", errTooLarge},
		"GET / HTTP/1.1\r\n" + strings.Repeat("a: b\r\n", 2000):  {"", "", errTooLarge},
	} {
		for how, in := range map[string]io.Reader{"at once": strings.NewReader(text), "by the byte": iotest.OneByteReader(strings.NewReader(text))} {
			method, path, err := readRequest(in)
			if err != want.err || err == nil && (method != want.method || path != want.path) {
				t.Errorf("%.40q %s: got %q %q %v, expected %q %q %v", text, how, method, path, err, want.method, want.path, want.err)
			}
		}
	}
}

func FuzzReadRequest(f *testing.F) {
	for _, s := range []string{"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n", "GET http://h/x?y HTTP/1.0\n\n", "a b HTTP/1.\n\n", "\x00"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		method, path, err := readRequest(strings.NewReader(string(text)))
		if err == nil && (method == "" || strings.ContainsAny(method+path, " \n?") || len(method)+len(path) > maxHead) {
			t.Errorf("%q: method %q, path %q", text, method, path)
		}
		if err != nil && method+path != "" {
			t.Errorf("%q: %v with method %q, path %q", text, err, method, path)
		}
	})
}

// talk sends text to an admin and returns all of the answer.
func talk(t *testing.T, a *admin, text string) string {
	t.Helper()
	client, server := net.Pipe()
	go a.serve(t.Context(), server)
	go func() { _, _ = io.WriteString(client, text) }()
	in := bufio.NewReader(client)
	resp, err := http.ReadResponse(in, &http.Request{Method: strings.SplitN(text, " ", 2)[0]})
	if err != nil {
		client.Close()
		return err.Error()
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Errorf("%q: body: %v", text, err)
	}
	client.Close()
	return fmt.Sprintf("%s %s %d %q %q", resp.Status, resp.Header.Get("Content-Type"), resp.ContentLength, resp.Header.Get("Allow"), body)
}

func TestAnswers(t *testing.T) {
	a := &admin{log: slog.New(slog.DiscardHandler), pages: map[string]func() page{
		"/page":  func() page { return page{503, "application/json", []byte("{}")} },
		"/panic": func() page { panic("oh") },
	}}
	const plain = "text/plain; charset=utf-8"
	for text, want := range map[string]string{
		"GET /page HTTP/1.1\r\nHost: a\r\n\r\n":              `503 Service Unavailable application/json 2 "" "{}"`,
		"GET /page HTTP/1.0\r\n\r\n":                         `503 Service Unavailable application/json 2 "" "{}"`,
		"HEAD /page HTTP/1.1\r\nHost: a\r\n\r\n":             `503 Service Unavailable application/json 2 "" ""`,
		"GET /other HTTP/1.1\r\nHost: a\r\n\r\n":             `404 Not Found ` + plain + ` 41 "" "there are /healthz, /readyz and /metrics\n"`,
		"POST /page HTTP/1.1\r\nContent-Length: 0\r\n\r\n":   `405 Method Not Allowed ` + plain + ` 18 "GET, HEAD" "GET and HEAD only\n"`,
		"what is this\n":                                     `400 Bad Request ` + plain + ` 49 "" "expected an HTTP/1.1 request, got something else\n"`,
		"GET /page HTTP/1.1\r\n" + strings.Repeat("a", 9000): `431 Request Header Fields Too Large ` + plain + ` 27 "" "expected a smaller request\n"`,
		"GET /panic HTTP/1.1\r\n\r\n":                        `unexpected EOF`,
	} {
		if got := talk(t, a, text); got != want {
			t.Errorf("%.40q:\ngot      %s\nexpected %s", text, got, want)
		}
	}
}

func TestTheEndCutsAConnectionOff(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	client, server := net.Pipe()
	defer client.Close()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		(&admin{log: slog.New(slog.DiscardHandler)}).serve(ctx, server)
	}()
	if _, err := io.WriteString(client, "GET /metrics HTTP/1.1\r\n"); err != nil { // it waits for more
		t.Fatal(err)
	}
	cancel()
	<-ended
}
