package h1_test

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kong-plugin-auth-diagnosis/pkg/kongdev/h1"
)

var limits = h1.Limits{Number: 4, Size: 8 << 10}

func read(raw string) (*h1.Request, error) {
	return h1.NewReader(strings.NewReader(raw), limits).ReadRequest()
}

// with builds a head from header lines.
func with(lines ...string) string {
	return "GET / HTTP/1.1\r\nHost: a\r\n" + strings.Join(lines, "\r\n") + "\r\n\r\n"
}

func TestHeadersKeepTheirBytes(t *testing.T) {
	req, err := read("\r\nPOST  /p?q=1 HTTP/1.1\r\nHOST: Api.Test:8000\r\nX-Raw: Jos\xe9 \x01\r\nAuthorization:   \t \r\nX_under: a\r\n" +
		"x.dot: dropped\r\nX-Two: 1\r\nx-two: \t2 \r\nBare\nContent-Length: 3\r\n\r\n")
	if err != nil {
		t.Fatal(err)
	}
	want := h1.Header{{Name: "HOST", Value: "Api.Test:8000"}, {Name: "X-Raw", Value: "Jos\xe9 \x01"}, {Name: "Authorization", Value: "\t"},
		{Name: "X_under", Value: "a"}, {Name: "X-Two", Value: "1"}, {Name: "x-two", Value: "\t2"}, {Name: "Bare"},
		{Name: "Content-Length", Value: "3"}}
	if diff := cmp.Diff(want, req.Header); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
	if req.Method != "POST" || req.Target != "/p?q=1" || req.Host != "api.test" || req.Length != 3 || req.Close {
		t.Errorf("request: got %+v", req)
	}
	req, err = read(with("Authorization:     "))
	if err != nil {
		t.Fatal(err)
	}
	if v, ok := req.Header.Get("authorization"); v != "" || !ok {
		t.Errorf("blank value: expected present and empty, got %q %v", v, ok)
	}
}

func TestHeadsThatNginxRefuses(t *testing.T) {
	long := strings.Repeat("x", 8<<10)
	for name, c := range map[string]struct {
		raw    string
		status int
	}{
		"lower-case method":            {"get / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
		"no version":                   {"GET /\r\n\r\n", 400},
		"blank in the target":          {"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
		"control byte in the target":   {"GET /a\x01 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
		"target without slash":         {"GET a HTTP/1.1\r\nHost: a\r\n\r\n", 400},
		"HTTP/2.0":                     {"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505},
		"preface of HTTP/2":            {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400},
		"CONNECT":                      {"CONNECT / HTTP/1.1\r\nHost: a\r\n\r\n", 405},
		"CONNECT to an authority":      {"CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
		"escape that is none":          {"GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", 400},
		"escape cut short":             {"GET /a%4 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
		"escaped NUL":                  {"GET /a%00 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
		"path above the root":          {"GET /a/../../b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
		"path above the root, escaped": {"GET /%2e%2E%2fb HTTP/1.1\r\nHost: a\r\n\r\n", 400},
		"TRACE":                        {"TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", 405},
		"no Host":                      {"GET / HTTP/1.1\r\n\r\n", 400},
		"empty Host":                   {"GET / HTTP/1.1\r\nHost:\r\n\r\n", 400},
		"two Host lines":               {with("host: b"), 400},
		"two Authorization lines":      {with("Authorization: a", "authorization: a"), 400},
		"blank before the colon":       {with("Name : x"), 400},
		"folded line":                  {with("A: b", " c"), 400},
		"tab-folded line":              {with("A: b", "\tc"), 400},
		"NUL in a value":               {with("A: b\x00"), 400},
		"CR in a value":                {with("A: b\rc"), 400},
		"line without a name":          {with(": x"), 400},
		"two lengths":                  {with("Content-Length: 1", "Content-Length: 1"), 400},
		"bad length":                   {with("Content-Length: -1"), 400},
		"length and chunked":           {with("Content-Length: 1", "Transfer-Encoding: chunked"), 400},
		"unknown transfer coding":      {with("Transfer-Encoding: gzip"), 501},
		"chunked in HTTP/1.0":          {"GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
		"long request line":            {"GET /" + long + " HTTP/1.1\r\n\r\n", 414},
		"long header line":             {with("A: " + long), 494},
		"1001 lines":                   {with(slices.Repeat([]string{"A:"}, 1000)...), 494},
		"more lines than buffers hold": {with(strings.Split(strings.Repeat("A: "+long[:8000]+"\n", 6), "\n")[:6]...), 494},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := read(c.raw)
			var bad *h1.HeadError
			if !errors.As(err, &bad) || bad.Status != c.status {
				t.Errorf("expected %d, got %v", c.status, err)
			}
		})
	}
}

func TestLinesThatAreDroppedDoNotCount(t *testing.T) {
	lines := append(slices.Repeat([]string{"A:"}, 999), "x.dot: dropped")
	if req, err := read(with(lines...)); err != nil || len(req.Header) != 1000 {
		t.Errorf("expected 1000 lines, got %d, %v", len(req.Header), err)
	}
}

func TestTargetsThatNginxTakes(t *testing.T) {
	for _, target := range []string{"/a/b/../..", "/a//../b", "/a/./..", "/a?%zz=/../%00", "/%25zz", "/caf\xe9/%ff", "/..a/...", "http://x/a"} {
		if _, err := read("GET " + target + " HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
			t.Errorf("%s: %v", target, err)
		}
	}
}

func TestLineOfExactlyOneBufferFits(t *testing.T) {
	line := "A: " + strings.Repeat("x", 8<<10-len("A: \r\n"))
	if _, err := read(with(line)); err != nil {
		t.Errorf("8192 bytes: %v", err)
	}
	if _, err := read(with(line + "x")); err == nil {
		t.Error("8193 bytes: expected an error")
	}
}

func TestConnectionPersistence(t *testing.T) {
	for raw, want := range map[string]bool{
		"GET / HTTP/1.1\r\nHost: a\r\n\r\n":                                  false,
		"GET / HTTP/1.1\r\nHost: a\r\nConnection: Close\r\n\r\n":             true,
		"GET / HTTP/1.0\r\n\r\n":                                             true,
		"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n":                   false,
		"GET http://b/x HTTP/1.1\r\nHost: a\r\nConnection: x, close\r\n\r\n": true,
	} {
		req, err := read(raw)
		if err != nil || req.Close != want {
			t.Errorf("%q: expected close %v, got %v %v", raw, want, req.Close, err)
		}
	}
	req, err := read("GET http://B.test?x HTTP/1.1\r\nHost: a\r\n\r\n")
	if err != nil || req.Host != "b.test" || req.Target != "/?x" {
		t.Errorf("absolute form: got %q %q %v", req.Host, req.Target, err)
	}
}

func TestBodies(t *testing.T) {
	for name, c := range map[string]struct {
		raw, want string
		err       error
	}{
		"by length":        {with("Content-Length: 5") + "hello+", "hello", nil},
		"none":             {with() + "next", "", nil},
		"chunked":          {with("Transfer-Encoding: chunked") + "3;x=y\r\nhel\r\n2\r\nlo\r\n0\r\nT: 1\r\n\r\nnext", "hello", nil},
		"ends early":       {with("Content-Length: 5") + "hel", "hel", io.ErrUnexpectedEOF},
		"chunk ends early": {with("Transfer-Encoding: chunked") + "5\r\nhel", "hel", io.ErrUnexpectedEOF},
	} {
		t.Run(name, func(t *testing.T) {
			rd := h1.NewReader(strings.NewReader(c.raw), limits)
			req, err := rd.ReadRequest()
			if err != nil {
				t.Fatal(err)
			}
			body := rd.Body(req)
			got, err := io.ReadAll(body)
			if string(got) != c.want || !errors.Is(err, c.err) {
				t.Errorf("expected %q %v, got %q %v", c.want, c.err, got, err)
			}
			if c.err == nil && !body.Done() {
				t.Error("expected the body to be done")
			}
		})
	}
	for _, bad := range []string{"x\r\n", "5\r\nhelloX\r\n0\r\n\r\n", "-1\r\n", "ffffffffffffffffff\r\n"} {
		rd := h1.NewReader(strings.NewReader(with("Transfer-Encoding: chunked")+bad), limits)
		req, err := rd.ReadRequest()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(rd.Body(req)); err == nil {
			t.Errorf("chunked body %q: expected an error", bad)
		}
	}
}

func FuzzReadRequest(f *testing.F) {
	f.Add(with("Authorization: Bearer x"))
	f.Add("GET http://a/b HTTP/1.0\n\n")
	f.Add(with("Transfer-Encoding: chunked") + "1\r\na\r\n0\r\n\r\n")
	f.Fuzz(func(t *testing.T, raw string) {
		rd := h1.NewReader(strings.NewReader(raw), limits)
		req, err := rd.ReadRequest()
		if err != nil {
			return
		}
		for _, field := range req.Header {
			if strings.ContainsAny(field.Name+field.Value, "\r\n\x00") || strings.Trim(field.Value, " \t") != field.Value {
				t.Fatalf("header %q", field)
			}
		}
		if !strings.HasPrefix(req.Target, "/") || strings.ContainsAny(req.Target, " \r\n\x00") {
			t.Fatalf("target %q", req.Target)
		}
		if n, err := io.Copy(io.Discard, rd.Body(req)); n > int64(len(raw)) {
			t.Fatalf("body of %d bytes from %d, %v", n, len(raw), err)
		}
	})
}
