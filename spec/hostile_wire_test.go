//go:build spec

package spec

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"kong-plugin-auth-diagnosis/pkg/standin/ping"
)

// sendRaw writes bytes to the gateway as they are and reads the answers to n
// requests, bodies and all.
func sendRaw(t *testing.T, n int, text string) []*http.Response {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(shared.Proxy, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(conn)
	answers := make([]*http.Response, n)
	for i := range answers {
		if answers[i], err = http.ReadResponse(in, nil); err != nil {
			t.Fatalf("answer %d: %v", i, err)
		}
		body, err := io.ReadAll(answers[i].Body)
		if err != nil {
			t.Fatal(err)
		}
		answers[i].Body = io.NopCloser(strings.NewReader(string(body)))
	}
	return answers
}

// TestHostileBytes sends heads that no client library writes. The code "" with a
// status of 400 is the gateway's own answer, which no plugin sees.
func TestHostileBytes(t *testing.T) {
	good := shared.PingFederate.Token(ping.ForClient("premium-client"))
	get := func(fields ...string) string {
		return "GET /orders HTTP/1.1\r\nHost: localhost\r\n" + strings.Join(fields, "\r\n") + "\r\n\r\n"
	}
	many := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "x%d: y\r\n", i)
		}
		return strings.TrimSuffix(b.String(), "\r\n")
	}
	for name, tt := range map[string]struct {
		send   string
		status int
		code   string
	}{
		"tabs around":                          {get("Authorization:\tBearer\t" + good + "\t"), 200, ""},
		"name in capitals":                     {get("AUTHORIZATION: BEARER " + good), 200, ""},
		"nothing behind the colon":             {get("Authorization:"), 400, "credential_empty"},
		"spaces behind the colon":              {get("Authorization:" + strings.Repeat(" ", 60)), 400, "credential_empty"},
		"no-break space":                       {get("Authorization: Bearer\u00a0" + good), 400, "token_bad_charset"},
		"0xFF":                                 {get("Authorization: Bearer " + good + "\xff"), 400, "token_bad_charset"},
		"0x01":                                 {get("Authorization: Bearer \x01" + good), 400, "token_bad_charset"},
		"other fields with every byte":         {get("X-Name: Jos\xe9 \x80\xfe", "Authorization: Bearer "+good), 200, ""},
		"two lines":                            {get("Authorization: Bearer "+good, "Authorization: Bearer "+good), 400, ""},
		"9 KB":                                 {get("Authorization: Bearer " + strings.Repeat("a", 9<<10)), 400, ""},
		"900 fields in front":                  {get(many(900), "Authorization: Bearer "+good), 200, ""},
		"999 lines":                            {get(many(997), "Authorization: Bearer "+good), 200, ""},
		"1000 lines, of which Kong tells":      {get(many(998), "Authorization: Bearer "+good), 200, ""},
		"1001 lines, which nginx refuses":      {get(many(999), "Authorization: Bearer "+good), 400, ""},
		"999 lines, a proxy, no credential":    {get(many(997), "Via: 1.1 proxy (squid/5.7)"), 401, "credential_stripped_suspected"},
		"1000 lines, it may be behind them":    {get(many(998), "Via: 1.1 proxy (squid/5.7)"), 401, "credential_missing"},
		"query and fragment":                   {strings.Replace(get("Authorization: Bearer "+good), "/orders", "/orders?a=%ff&b[]=\xe9", 1), 200, ""},
		"no credential and a body":             {"POST /orders HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello", 401, "credential_missing"},
		"no credential, chunked":               {"POST /orders HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 401, "credential_missing"},
		"a token in the query alone":           {strings.Replace(get(), "/orders", "/orders?access_token="+good, 1), 401, "credential_missing"},
		"a method of one's own":                {strings.Replace(get("Authorization: Bearer null"), "GET", "FROB", 1), 400, "token_placeholder"},
		"moved, with a comma in another field": {get("Accept: a, Bearer b", "X-Forwarded-Authorization: Bearer "+good), 401, "credential_moved"},
	} {
		t.Run(name, func(t *testing.T) {
			resp := sendRaw(t, 1, tt.send)[0]
			if v := diagnosisOf(t, resp); resp.StatusCode != tt.status || v.code != tt.code {
				t.Errorf("got %d %q, want %d %q", resp.StatusCode, resp.Header.Get("X-Auth-Diagnosis"), tt.status, tt.code)
			}
		})
	}
}

// TestVerdictsKeepTheirOrderOnOneConnection: no verdict may meet the request
// behind or in front of its own.
func TestVerdictsKeepTheirOrderOnOneConnection(t *testing.T) {
	good := shared.PingFederate.Token(ping.ForClient("premium-client"))
	var text strings.Builder
	want := []string{"", "token_placeholder", "credential_missing", "", "token_opaque", "credential_empty", ""}
	for _, field := range []string{"Bearer " + good, "Bearer null", "-", "bearer " + good, "Bearer abcdefghijklmnopqrstuvwx", "", "Bearer " + good} {
		text.WriteString("GET /orders HTTP/1.1\r\nHost: localhost\r\n")
		if field != "-" {
			text.WriteString("Authorization: " + field + "\r\n")
		}
		text.WriteString("\r\n")
	}
	for i, resp := range sendRaw(t, len(want), text.String()) {
		if v := diagnosisOf(t, resp); v.code != want[i] {
			t.Errorf("answer %d: %q, want %q", i, v.code, want[i])
		}
	}
}

func TestHeadIsRejectedWithoutABody(t *testing.T) {
	req, _ := http.NewRequest("HEAD", shared.Proxy+"/orders", nil)
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if v := diagnosisOf(t, resp); resp.StatusCode != 401 || v.code != "credential_missing" || resp.Header.Get("Www-Authenticate") == "" {
		t.Errorf("got %d %v", resp.StatusCode, resp.Header)
	}
}

// TestUnderscoresAreNoWayIn: a service behind CGI or WSGI reads X_A and X-A from
// one variable, so both are the plugin's.
func TestUnderscoresAreNoWayIn(t *testing.T) {
	req, _ := http.NewRequest("GET", shared.Proxy+"/orders", nil)
	req.Header.Set("Authorization", "Bearer "+shared.PingFederate.Token(ping.ForClient("premium-client"), ping.Subject("alice")))
	for _, name := range []string{"X_Authenticated_Userid", "X-Authenticated_Client", "X_Consumer_Username"} {
		req.Header.Set(name, "mallory")
	}
	e := echo(t, req)
	for _, name := range []string{"X_Authenticated_Userid", "X-Authenticated_Client", "X_Consumer_Username"} {
		if v, ok := e.Get(name); ok {
			t.Errorf("the client's %s: %q reached the upstream", name, v)
		}
	}
	for name, want := range map[string]string{"X-Authenticated-Userid": "alice", "X-Authenticated-Client": "premium-client"} {
		if v, _ := e.Get(name); v != want {
			t.Errorf("%s: %q, want %q", name, v, want)
		}
	}
}
