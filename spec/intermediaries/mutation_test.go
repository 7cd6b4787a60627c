//go:build spec

package intermediaries

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/dunglas/httpsfv"
	"github.com/google/go-cmp/cmp"

	"kong-plugin-auth-diagnosis/pkg/standin/ping"
	"kong-plugin-auth-diagnosis/pkg/standin/upstream"
)

// mutation is one thing that a proxy does to a request, and what comes of it.
type mutation struct {
	proxy string
	path  string   // below /orders/, which picks the proxy's rule
	send  []string // header lines; TOKEN stands for a good token
	want  verdict
}

// verdict is what the client gets. The status alone is an answer that no plugin
// made: the proxy's own, or that of the gateway's nginx.
type verdict struct {
	status         int
	code           string
	hop, certainty string
	upstream       string // Authorization at the service if the status is 200, "-" for none
}

const authorization = "Authorization: Bearer TOKEN"

var (
	good   = []string{authorization}
	passed = verdict{status: 200, upstream: "Bearer TOKEN"}
)

func refused(status int, code, hop, certainty string) verdict {
	return verdict{status: status, code: code, hop: hop, certainty: certainty}
}

// mutations are what the configurations in testdata and the proxies' own habits
// make of a request. A header that a proxy removed and one that was never sent
// are the same bytes at the gateway: without a witness nobody is accused.
var mutations = []mutation{
	{"haproxy", "pass", good, passed},
	{"haproxy", "strip", good, refused(401, "credential_missing", "client", "weak")},
	{"haproxy", "blank", good, refused(400, "credential_empty", "edge", "weak")},
	{"haproxy", "move", good, refused(401, "credential_moved", "edge", "weak")},
	{"haproxy", "move-unknown", good, refused(401, "credential_moved", "edge", "weak")},
	{"haproxy", "join", good, refused(400, "credential_comma_joined", "edge", "weak")},
	{"haproxy", "cut", good, refused(401, "credential_truncated", "edge", "weak")},
	{"haproxy", "cut-early", good, refused(401, "token_segments", "client", "weak")},
	{"haproxy", "cut-signature", good, refused(401, "token_segments", "client", "weak")},
	{"haproxy", "recase", good, verdict{status: 200, upstream: "BEARER TOKEN"}},
	{"haproxy", "no-scheme", good, refused(400, "scheme_missing", "client", "weak")},
	{"haproxy", "scheme-twice", good, refused(400, "scheme_repeated", "client", "weak")},
	{"haproxy", "quote", good, refused(400, "token_bad_charset", "client", "weak")},
	{"haproxy", "encode", good, refused(400, "token_bad_charset", "client", "weak")},
	{"haproxy", "sign-in", good, refused(401, "scheme_unsupported", "client", "weak")},
	{"haproxy", "kerberos", good, refused(401, "scheme_unsupported", "edge", "weak")},
	{"haproxy", "template", good, refused(400, "token_placeholder", "client", "definite")},
	{"haproxy", "second-line", good, verdict{status: 400}},
	{"haproxy", "nominate", good, verdict{status: 200, upstream: "-"}},
	{"haproxy", "host", good, passed},
	{"haproxy", "pass", []string{authorization, authorization}, verdict{status: 400}},
	{"haproxy", "pass", []string{"Authorization: Bearer\r\n TOKEN"}, verdict{status: 200, upstream: "Bearer   TOKEN"}},
	{"haproxy", "pass", []string{authorization + "\r\n more"}, refused(400, "token_bad_charset", "client", "weak")},
	{"haproxy", "pass", []string{authorization, "Connection: close, Authorization"}, verdict{status: 200, upstream: "-"}},
	{"haproxy", "pass", []string{"Authorization:" + strings.Repeat(" ", 60)}, refused(400, "credential_empty", "edge", "weak")},
	{"haproxy", "pass", []string{"Authorization : Bearer TOKEN"}, verdict{status: 400}},
	{"haproxy", "pass", []string{"X_Forwarded_Authorization: Bearer TOKEN"}, refused(401, "credential_moved", "edge", "weak")},
	{"haproxy", "pass", manyLines, verdict{status: 400}},

	{"nginx", "pass", good, passed},
	{"nginx", "strip", good, refused(401, "credential_missing", "client", "weak")},
	{"nginx", "blank", good, refused(400, "credential_empty", "edge", "weak")},
	{"nginx", "move", good, refused(401, "credential_moved", "edge", "weak")},
	{"nginx", "join", good, refused(400, "credential_comma_joined", "edge", "weak")},
	{"nginx", "cut", good, refused(401, "credential_truncated", "edge", "weak")},
	{"nginx", "cut-early", good, refused(401, "token_segments", "client", "weak")},
	{"nginx", "recase", good, verdict{status: 200, upstream: "bEARER TOKEN"}},
	{"nginx", "no-scheme", good, refused(400, "scheme_missing", "client", "weak")},
	{"nginx", "quote", good, refused(400, "token_bad_charset", "client", "weak")},
	{"nginx", "spnego", good, refused(401, "scheme_unsupported", "edge", "weak")},
	{"nginx", "template", good, refused(400, "token_placeholder", "client", "definite")},
	{"nginx", "nominate", good, verdict{status: 200, upstream: "-"}},
	{"nginx", "host", good, passed},
	{"nginx", "pass", []string{authorization, authorization}, verdict{status: 400}},
	{"nginx", "pass", []string{"Authorization: Bearer\r\n TOKEN"}, verdict{status: 400}},
	{"nginx", "pass", []string{authorization, "Connection: close, Authorization"}, passed},
	{"nginx", "pass", []string{"X_Forwarded_Authorization: Bearer TOKEN"}, refused(401, "credential_missing", "client", "weak")},
	{"nginx", "pass", []string{"Authorization: Bearer " + strings.Repeat("a", 8300)}, verdict{status: 400}},
	{"nginx", "pass", manyLines, passed},

	{"apache", "pass", good, passed},
	{"apache", "strip", good, refused(401, "credential_missing", "client", "weak")},
	{"apache", "blank", good, refused(400, "credential_empty", "edge", "weak")},
	{"apache", "move", good, refused(401, "credential_moved", "edge", "weak")},
	{"apache", "append", good, refused(400, "credential_comma_joined", "edge", "weak")},
	{"apache", "cut", good, refused(401, "credential_truncated", "edge", "weak")},
	{"apache", "recase", good, verdict{status: 200, upstream: "BeArEr TOKEN"}},
	{"apache", "no-scheme", good, refused(400, "scheme_missing", "client", "weak")},
	{"apache", "ntlm", good, refused(401, "scheme_unsupported", "edge", "weak")},
	{"apache", "host", good, passed},
	{"apache", "pass", []string{authorization, authorization}, refused(400, "credential_comma_joined", "edge", "weak")},
	{"apache", "pass", []string{"Authorization: Bearer\r\n TOKEN"}, passed},
	{"apache", "pass", []string{authorization + "\r\n more"}, refused(400, "token_bad_charset", "client", "weak")},
	{"apache", "pass", []string{authorization, "Connection: close, Authorization"}, refused(401, "credential_missing", "client", "weak")},
	{"apache", "pass", manyLines, verdict{status: 400}},

	{"squid", "pass", good, passed},
	{"squid", "default", good, refused(401, "credential_stripped_suspected", "edge", "weak")},
	{"squid", "strip", good, refused(401, "credential_stripped_suspected", "edge", "weak")},
	{"squid", "replace", good, refused(401, "scheme_unsupported", "client", "weak")},
	{"squid", "pass", []string{authorization, authorization}, verdict{status: 400}},
	{"squid", "pass", []string{"Authorization: Bearer\r\n TOKEN"}, passed},
	{"squid", "pass", []string{authorization + "\r\n more"}, refused(400, "token_bad_charset", "client", "weak")},
	{"squid", "pass", []string{authorization, "Connection: close, Authorization"}, passed},
	{"squid", "pass", []string{"Authorization:" + strings.Repeat(" ", 60)}, refused(400, "credential_empty", "edge", "weak")},
	{"squid", "pass", nil, refused(401, "credential_stripped_suspected", "edge", "weak")},
}

// manyLines are more header lines than HAProxy and Apache take.
var manyLines = append(strings.Split(strings.Repeat("X-Many: x,", 119)+"X-Many: x", ","), authorization)

// TestMutationsAreEnough: 30 with a verdict, through three proxies or more.
func TestMutationsAreEnough(t *testing.T) {
	n, through := 0, map[string]bool{}
	for _, m := range mutations {
		if m.want.code != "" {
			n++
			through[m.proxy] = true
		}
	}
	if n < 30 || len(through) < 3 {
		t.Errorf("%d mutations through %d proxies", n, len(through))
	}
}

func TestMutations(t *testing.T) {
	r := gateway(t)
	token := r.PingFederate.Token(ping.ForClient("premium-client"))
	addrs := startAll(t, r)
	for _, m := range mutations {
		name := strings.TrimSpace(m.proxy + "/" + m.path)
		if len(m.send) != 1 || m.send[0] != authorization {
			name += ", " + summary(m.send)
		}
		t.Run(name, func(t *testing.T) {
			head := "GET /orders/" + m.path + " HTTP/1.1\r\nHost: api.example.com\r\n"
			for _, line := range m.send {
				head += strings.ReplaceAll(line, "TOKEN", token) + "\r\n"
			}
			resp := exchange(t, addrs[m.proxy], head+"\r\n")
			got, err := verdictOf(resp)
			if err != nil {
				t.Fatal(err)
			}
			got.upstream = strings.ReplaceAll(got.upstream, token, "TOKEN")
			if diff := cmp.Diff(m.want, got, cmp.AllowUnexported(verdict{})); diff != "" {
				t.Errorf("(-want +got):\n%s%s", diff, resp.Header.Get("X-Auth-Diagnosis"))
			}
		})
	}
}

// TestHosts: which host the gateway sees is the proxy's choice, and where routes
// have hosts it decides whether any plugin runs.
func TestHosts(t *testing.T) {
	r := gateway(t)
	addrs := startAll(t, r)
	token := r.PingFederate.Token(ping.ForClient("premium-client"))
	for _, tt := range []struct{ proxy, path, want string }{
		{"haproxy", "pass", "api.example.com"},
		{"haproxy", "host", "kong.internal"},
		{"nginx", "pass", "127.0.0.1"},
		{"nginx", "host", "kong.internal"},
		{"apache", "pass", "127.0.0.1"},
		{"apache", "host", "api.example.com"},
		{"squid", "pass", "edge"},
	} {
		t.Run(tt.proxy+"/"+tt.path, func(t *testing.T) {
			resp := exchange(t, addrs[tt.proxy], "GET /orders/"+tt.path+" HTTP/1.1\r\nHost: api.example.com\r\nAuthorization: Bearer "+token+"\r\n\r\n")
			var echo upstream.Echo
			if err := json.NewDecoder(resp.Body).Decode(&echo); err != nil {
				t.Fatalf("status %d: %v", resp.StatusCode, err)
			}
			if got, _ := echo.Get("X-Forwarded-Host"); got != tt.want {
				t.Errorf("expected %q, got %q", tt.want, got)
			}
		})
	}
}

// summary names the lines of a request in the name of a test.
func summary(lines []string) string {
	switch {
	case len(lines) == 0:
		return "nothing sent"
	case len(lines) > 9:
		return "many lines"
	}
	text := strings.Join(lines, " and ")
	return strings.Join(strings.Fields(text[:min(len(text), 64)]), " ")
}

func verdictOf(resp *http.Response) (v verdict, err error) {
	v.status = resp.StatusCode
	if lines := resp.Header.Values("X-Auth-Diagnosis"); len(lines) > 0 {
		item, err := httpsfv.UnmarshalItem(lines)
		if err != nil {
			return v, err
		}
		for name, to := range map[string]*string{"hop": &v.hop, "certainty": &v.certainty} {
			value, _ := item.Params.Get(name)
			word, ok := value.(httpsfv.Token)
			if !ok {
				return v, errors.New("expected a word as " + name)
			}
			*to = string(word)
		}
		code, ok := item.Value.(httpsfv.Token)
		if !ok {
			return v, errors.New("expected a code")
		}
		v.code = string(code)
	}
	if v.status != http.StatusOK {
		return v, nil
	}
	var echo upstream.Echo
	if err := json.NewDecoder(resp.Body).Decode(&echo); err != nil {
		return v, err
	}
	v.upstream = "-"
	if value, ok := echo.Get("Authorization"); ok {
		v.upstream = value
	}
	return v, nil
}
