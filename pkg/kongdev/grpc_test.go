package kongdev_test

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

func listen(addr string) (net.Listener, error) { return net.Listen("tcp", addr) }

// grpcConfig is a gRPC service with the stock plugin on one route, and routes that some
// clients do not fit.
func grpcConfig(url string) string {
	addr := strings.TrimPrefix(url, "http://")
	return "_format_version: \"3.0\"\nservices:\n- name: svc\n  url: grpc://" + addr + "\n  read_timeout: 2000\n  routes:\n" +
		"  - name: a\n    protocols: [grpc]\n    paths: [/pkg.Svc/]\n    plugins:\n    - name: stock\n      config: {label: a, do: none}\n" +
		"  - name: tls\n    protocols: [grpcs]\n    paths: [/pkg.Tls/]\n" +
		"  - name: exit\n    protocols: [grpc]\n    paths: [/pkg.Exit/]\n    plugins:\n    - name: stock\n      config: {label: a, do: exit}\n" +
		"  - name: web\n    paths: [/web]\n    strip_path: false\n" +
		"- name: hasty\n  url: grpc://" + addr + "\n  read_timeout: 200\n  routes:\n  - name: hasty\n    protocols: [grpc]\n    paths: [/pkg.Hasty/]\n" +
		"- name: dead\n  url: grpc://127.0.0.1:1\n  routes:\n  - name: dead\n    protocols: [grpc]\n    paths: [/pkg.Dead/]\n" +
		"- name: secure\n  url: grpcs://" + addr + "\n  routes:\n  - name: secure\n    protocols: [grpc]\n    paths: [/pkg.Secure/]\n"
}

// grpcUpstream answers in the way of gRPC: headers, messages, trailers.
func grpcUpstream(t *testing.T) string {
	t.Helper()
	return serveHTTP(t, http2Only(), func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/grpc")
		switch r.URL.Path {
		case "/pkg.Svc/Failing": // trailers only, which are headers on the wire
			w.Header().Set("Grpc-Status", "5")
			return
		case "/pkg.Svc/Silent":
			<-r.Context().Done()
			return
		case "/pkg.Svc/Cut":
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}
		if r.URL.Path == "/pkg.Hasty/Collect" { // answers when it has heard everything
			io.Copy(io.Discard, r.Body)
		}
		w.(http.Flusher).Flush()
		buf := make([]byte, 1024)
		if r.URL.Path != "/pkg.Svc/Chat" {
			io.WriteString(w, echoHead(r))
		}
		for {
			n, err := r.Body.Read(buf)
			w.Write(buf[:n])
			w.(http.Flusher).Flush()
			if err != nil {
				break
			}
		}
		w.Header().Set(http.TrailerPrefix+"Grpc-Status", "0")
		w.Header().Set(http.TrailerPrefix+"X-Count", "1")
	})
}

func TestGRPCCallsPassWithTheirTrailers(t *testing.T) {
	t.Parallel()
	url := grpcUpstream(t)
	k := startHTTP2(t, grpcConfig(url))
	c := k.http2()
	resp, body := k.ask(c, "POST", "/pkg.Svc/Unary?q=1", "message", "Content-Type: application/grpc", "TE: trailers", "X-Mine: yes", "User-Agent: grpc-test/1")
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "application/grpc" || resp.Header.Get("X-Label") != "a" || resp.Header.Get("Via") != "2 kong/3.9.3" {
		t.Errorf("got %d %v", resp.StatusCode, resp.Header)
	}
	if resp.Trailer.Get("Grpc-Status") != "0" || resp.Trailer.Get("X-Count") != "1" || resp.Header.Get("Grpc-Status") != "" {
		t.Errorf("trailers: got %v", resp.Trailer)
	}
	for _, want := range []string{"POST /pkg.Svc/Unary?q=1 HTTP/2.0", "Host: " + strings.TrimPrefix(url, "http://"), "Te: trailers", "Via: 2 kong/3.9.3", "X-Mine: yes", "User-Agent: grpc-test/1",
		"X-Forwarded-Path: /pkg.Svc/Unary", "X-Kong-Request-Id: " + resp.Header.Get("X-Kong-Request-Id")} {
		if !strings.Contains(body, want+"%0D%0A") {
			t.Errorf("expected %q at the upstream, got %q", want, body)
		}
	}
	if !strings.HasSuffix(body, "message") || strings.Contains(body, "Connection") {
		t.Errorf("got %q", body)
	}
	resp, _ = k.ask(c, "POST", "/pkg.Svc/Failing", "x", "Content-Type: application/grpc")
	if resp.StatusCode != 200 || resp.Header.Get("Grpc-Status") != "5" {
		t.Errorf("trailers only: got %d %v", resp.StatusCode, resp.Header)
	}
}

// stream begins a call whose messages are still to come.
func (k *kong) stream(path string, messages io.Reader) *http.Response {
	k.t.Helper()
	req, err := http.NewRequest(http.MethodPost, "http://"+k.proxy+path, messages)
	if err != nil {
		k.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/grpc")
	resp, err := k.http2().Do(req)
	if err != nil {
		k.t.Fatal(err)
	}
	k.t.Cleanup(func() { resp.Body.Close() })
	return resp
}

func TestGRPCStreamsBothWays(t *testing.T) {
	t.Parallel()
	k := startHTTP2(t, grpcConfig(grpcUpstream(t)))
	rd, wr := io.Pipe()
	resp := k.stream("/pkg.Svc/Chat", rd)
	for _, word := range []string{"one", "two"} {
		if _, err := io.WriteString(wr, word); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, len(word))
		if _, err := io.ReadFull(resp.Body, got); err != nil || string(got) != word {
			t.Fatalf("expected %q back before the call's end, got %q %v", word, got, err)
		}
	}
	wr.Close()
	if rest, err := io.ReadAll(resp.Body); err != nil || len(rest) > 0 || resp.Trailer.Get("Grpc-Status") != "0" {
		t.Errorf("the end: got %q %v %v", rest, resp.Trailer, err)
	}
}

// TestGRPCClientsMayTakeTheirTime: read_timeout begins when the request has been sent.
func TestGRPCClientsMayTakeTheirTime(t *testing.T) {
	t.Parallel()
	k := startHTTP2(t, grpcConfig(grpcUpstream(t)))
	rd, wr := io.Pipe()
	slow := time.AfterFunc(600*time.Millisecond, func() { wr.Close() })
	defer slow.Stop()
	resp := k.stream("/pkg.Hasty/Collect", rd)
	if _, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != 200 || resp.Trailer.Get("Grpc-Status") != "0" {
		t.Errorf("expected the call to succeed, got %d %v %v %v", resp.StatusCode, resp.Header, resp.Trailer, err)
	}
}

// TestGRPCErrors: what Kong itself answers is in grpc-status and grpc-message.
func TestGRPCErrors(t *testing.T) {
	t.Parallel()
	k := startHTTP2(t, grpcConfig(grpcUpstream(t)))
	c := k.http2()
	for name, tt := range map[string]struct {
		path, status, message string
		http                  int
	}{
		"exit of a plugin":   {"/pkg.Exit/X", "3", "short and stout", 418},
		"no route":           {"/pkg.None/X", "5", "NotFound", 404},
		"route for TLS":      {"/pkg.Tls/X", "1", "gRPC request matched gRPCs route", 200},
		"upstream is dead":   {"/pkg.Dead/X", "13", "An invalid response was received from the upstream server", 502},
		"upstream for TLS":   {"/pkg.Secure/X", "13", "An invalid response was received from the upstream server", 502},
		"upstream is silent": {"/pkg.Svc/Silent", "4", "The upstream server is timing out", 504},
	} {
		t.Run(name, func(t *testing.T) {
			resp, body := k.ask(c, "POST", tt.path, "x", "Content-Type: application/grpc")
			h := resp.Header
			if resp.StatusCode != tt.http || h.Get("Grpc-Status") != tt.status || h.Get("Grpc-Message") != tt.message || body != "" || h.Get("Content-Length") != "0" {
				t.Errorf("got %d %q %v", resp.StatusCode, body, h)
			}
		})
	}
	if _, _, err := k.tryHTTP2(c, "POST", "/pkg.Svc/Cut", "x", "Content-Type: application/grpc"); err == nil {
		t.Error("an answer that breaks off: expected the stream to be reset")
	}
}

func TestGRPCRoutesAreForGRPC(t *testing.T) {
	t.Parallel()
	k := startHTTP2(t, grpcConfig(grpcUpstream(t)))
	c := k.http2()
	if resp, body := k.ask(c, "POST", "/pkg.Svc/X", "{}", "Content-Type: application/json"); resp.StatusCode != 415 || !strings.Contains(body, "Non-gRPC request matched gRPC route") {
		t.Errorf("JSON over HTTP/2: got %d %q", resp.StatusCode, body)
	}
	if got := k.get("/pkg.Svc/X"); got.Status != 415 || !strings.Contains(got.body, `"message":"Non-gRPC request matched gRPC route"`) {
		t.Errorf("HTTP/1.1: got %d %q", got.Status, got.body)
	}
	got := k.get("/pkg.Svc/X", "Content-Type: application/grpc")
	if got.Status != 426 || !strings.Contains(got.body, "Please use HTTP2 protocol") || got.Header.Value("Upgrade") != "HTTP/2" || got.Header.Value("Connection") != "Upgrade" {
		t.Errorf("gRPC over HTTP/1.1: got %d %q %v", got.Status, got.body, got.Header)
	}
	// A service of gRPC behind a route of HTTP takes whatever comes.
	if got := k.get("/web/x"); got.Status != 200 || !strings.Contains(got.body, "GET /web/x HTTP/2.0") {
		t.Errorf("HTTP/1.1 to a gRPC service: got %d %q", got.Status, got.body)
	}
}
