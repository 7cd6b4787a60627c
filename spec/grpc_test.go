//go:build spec

package spec

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kong-plugin-auth-diagnosis/pkg/standin/ping"
	"kong-plugin-auth-diagnosis/spec/rig"
)

// http2Only makes HTTP/2 with prior knowledge of a client or a server. net/http takes no
// header name that is not in lower case on it, so what a client gets had such names.
func http2Only() *http.Protocols {
	p := new(http.Protocols)
	p.SetUnencryptedHTTP2(true)
	return p
}

// message puts gRPC's prefix before a message: no compression, and the length.
func message(text string) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(text))), text...)
}

// messageOf is the only message of a body.
func messageOf(body []byte) (string, error) {
	if len(body) < 5 || body[0] != 0 || int(binary.BigEndian.Uint32(body[1:])) != len(body)-5 {
		return "", fmt.Errorf("expected one message, got %q", body)
	}
	return string(body[5:]), nil
}

// greeter is a gRPC upstream that greets whom the gateway says the client is.
func greeter(t *testing.T) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Protocols: http2Only(), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/grpc")
		w.Header().Set("Trailer", "Grpc-Status")
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		word, err := messageOf(body)
		if err != nil {
			w.Header().Set("Grpc-Status", "3")
			return
		}
		w.Write(message(word + " " + r.Header.Get("X-Authenticated-Client")))
		w.Header().Set("Grpc-Status", "0")
	})}
	go s.Serve(l)
	t.Cleanup(func() { s.Close() })
	return l.Addr().String()
}

// grpcClient is a client of a gateway over HTTP/2.
type grpcClient struct {
	t      *testing.T
	client *http.Client
	base   string
}

// post sends a body and reads the answer whole, with its trailers.
func (c grpcClient) post(path, contentType, token string, body []byte) *http.Response {
	c.t.Helper()
	req, err := http.NewRequest(http.MethodPost, c.base+path, bytes.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Content-Type", contentType)
	req.Header.Set("TE", "trailers")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := c.client.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	resp.Body = io.NopCloser(bytes.NewReader(text))
	return resp
}

// greet makes a gRPC call.
func (c grpcClient) greet(token string) *http.Response {
	c.t.Helper()
	return c.post("/spec.Greeter/Greet", "application/grpc", token, message("hello"))
}

// startGRPC starts a gateway that takes HTTP/2, with the plugin before a gRPC service
// and before one of HTTP at /http, each with one request a minute.
func startGRPC(t *testing.T) (*rig.Rig, grpcClient) {
	t.Helper()
	addr := greeter(t)
	r := start(t, rig.Options{HTTP2: true, Config: func(_ []byte, r *rig.Rig) []byte {
		config := limited(map[string]string{"http": "default_tier: t, tiers: [{name: t, minute: 1}]"})(nil, r)
		return fmt.Appendf(config, `  - name: greeter
    url: grpc://%s
    routes:
      - name: greeter
        protocols: [grpc]
        paths: [/spec.Greeter/]
    plugins:
      - name: auth-diagnosis
        config:
          issuers: [%s]
          jwks: {max_stale: 31536000} # as before /http, so that both have one key set
          upstream_headers: {X-Authenticated-Client: client_id}
          rate_limiting: {default_tier: t, tiers: [{name: t, minute: 1}]}
`, addr, r.Issuer())
	}})
	transport := &http.Transport{Protocols: http2Only(), DisableCompression: true}
	t.Cleanup(transport.CloseIdleConnections)
	awaitKeys(t, r, "/http", tokenOf(r, somebody()))
	return r, grpcClient{t, &http.Client{Transport: transport, Timeout: 30 * time.Second}, r.Proxy}
}

// outcome is what a gRPC client reads of how its call ended: in the headers of a rejection,
// else in the trailers.
func outcome(resp *http.Response) string {
	end := resp.Header
	if end.Get("Grpc-Status") == "" {
		end = resp.Trailer
	}
	return strings.TrimSpace(end.Get("Grpc-Status") + " " + end.Get("Grpc-Message"))
}

func bodyOf(t *testing.T, resp *http.Response) []byte {
	t.Helper()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestGRPCCallsAreCountedAndDenied(t *testing.T) {
	r, c := startGRPC(t)
	var client string
	got := within(time.Minute, func(name string) []*http.Response {
		client = name
		token := tokenOf(r, client)
		return []*http.Response{c.greet(token), c.greet(token)}
	})
	accepted, denied := got[0], got[1]
	if text, err := messageOf(bodyOf(t, accepted)); err != nil || text != "hello "+client || outcome(accepted) != "0" || accepted.Trailer.Get("Grpc-Status") != "0" {
		t.Errorf("accepted: got %q %v, %v with trailers %v", text, err, accepted.Header, accepted.Trailer)
	}
	if got := shown(accepted); got != "200 minute=0/1 nearest=0/1" || accepted.Header.Get("Content-Type") != "application/grpc" {
		t.Errorf("accepted: got %s of type %q", got, accepted.Header.Get("Content-Type"))
	}
	if got := outcome(denied); got != "8 API rate limit exceeded" || len(bodyOf(t, denied)) != 0 {
		t.Errorf("denied: got %q", got)
	}
	if got := shown(denied); got != "429 minute=0/1 nearest=0/1" {
		t.Errorf("denied: got %s", got)
	}
	if code := diagnosisOf(t, denied).code; code != "rate_limited" {
		t.Errorf("denied: diagnosis %q", code)
	}
	retry := number(denied, "Retry-After")
	if retry < 1 || retry > 60 || retry != number(denied, "RateLimit-Reset") {
		t.Errorf("denied: Retry-After %q, RateLimit-Reset %q", denied.Header.Get("Retry-After"), denied.Header.Get("RateLimit-Reset"))
	}
	want := []string{"Ratelimit-Limit", "Ratelimit-Remaining", "Ratelimit-Reset", "Retry-After", "X-Ratelimit-Limit-Minute", "X-Ratelimit-Remaining-Minute"}
	if diff := cmp.Diff(want, limitHeaders(denied.Header)); diff != "" {
		t.Errorf("denied: headers (-want +got):\n%s", diff)
	}
}

func TestGRPCCallsAreRejectedWithTheirDiagnosis(t *testing.T) {
	r, c := startGRPC(t)
	expired := r.PingFederate.Token(ping.Expires(time.Now().Add(-time.Hour)))
	for name, tt := range map[string]struct{ token, code string }{
		"no token":         {"", "credential_missing"},
		"an expired token": {expired, "token_expired"},
	} {
		t.Run(name, func(t *testing.T) {
			resp := c.greet(tt.token)
			v := diagnosisOf(t, resp)
			if outcome(resp) != "16 Unauthorized" || v.code != tt.code || v.params["id"] != resp.Header.Get("X-Kong-Request-Id") {
				t.Errorf("got %q with %q", outcome(resp), resp.Header.Get("X-Auth-Diagnosis"))
			}
			if resp.StatusCode != 401 || len(bodyOf(t, resp)) != 0 || resp.Header.Get("Content-Type") != "" || !strings.HasPrefix(resp.Header.Get("Www-Authenticate"), "Bearer") {
				t.Errorf("got %d %v", resp.StatusCode, resp.Header)
			}
		})
	}
}

// TestHTTP2WithoutGRPC: a client that only happens to speak HTTP/2 reads JSON.
func TestHTTP2WithoutGRPC(t *testing.T) {
	r, c := startGRPC(t)
	got := within(time.Minute, func(client string) []*http.Response {
		token := tokenOf(r, client)
		return []*http.Response{c.post("/http", "application/json", token, []byte("{}")), c.post("/http", "application/json", token, []byte("{}"))}
	})
	got = append(got, c.post("/http", "application/json", "", []byte("{}")))
	for i, want := range []struct {
		shown, code, message string
	}{
		{"200 minute=0/1 nearest=0/1", "", ""},
		{"429 minute=0/1 nearest=0/1", "rate_limited", "API rate limit exceeded"},
		{"401", "credential_missing", "Unauthorized"},
	} {
		resp := got[i]
		if resp.Proto != "HTTP/2.0" || shown(resp) != want.shown || diagnosisOf(t, resp).code != want.code || resp.Header.Get("Grpc-Status") != "" {
			t.Errorf("%s: got %s %s %v", want.shown, resp.Proto, shown(resp), resp.Header)
		}
		if want.message == "" {
			continue
		}
		var body struct {
			Message   string         `json:"message"`
			Diagnosis map[string]any `json:"diagnosis"`
		}
		if err := json.Unmarshal(bodyOf(t, resp), &body); err != nil || body.Message != want.message || body.Diagnosis["code"] != want.code || resp.Header.Get("Content-Type") != "application/json; charset=utf-8" {
			t.Errorf("%s: got %+v %v of type %q", want.shown, body, err, resp.Header.Get("Content-Type"))
		}
	}
}

// TestGRPCNeedsHTTP2: Kong itself refuses what cannot be a call, before the plugin.
func TestGRPCNeedsHTTP2(t *testing.T) {
	r, c := startGRPC(t)
	req, err := http.NewRequest(http.MethodPost, r.Proxy+"/spec.Greeter/Greet", bytes.NewReader(message("hello")))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/grpc")
	over1, err := rig.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if over1.StatusCode != 426 || over1.Header.Get("X-Auth-Diagnosis") != "" {
		t.Errorf("gRPC over HTTP/1.1: got %d %v", over1.StatusCode, over1.Header)
	}
	if resp := c.post("/spec.Greeter/Greet", "application/json", "", []byte("{}")); resp.StatusCode != 415 || resp.Header.Get("X-Auth-Diagnosis") != "" {
		t.Errorf("JSON on a route of gRPC: got %d %v", resp.StatusCode, resp.Header)
	}
}
