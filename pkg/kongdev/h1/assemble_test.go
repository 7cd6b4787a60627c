package h1_test

import (
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"kong-plugin-auth-diagnosis/pkg/kongdev/h1"
)

func TestAssembledHeadsKeepTheirBytes(t *testing.T) {
	fields := h1.Header{{Name: "host", Value: "Api.Test:80"}, {Name: "x-raw", Value: " Jos\xe9 "}, {Name: "x.dot", Value: "dropped"}, {Name: "x_under", Value: "a"}}
	req, err := h1.Assemble("POST", "/p?q=1", fields)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(h1.Header{fields[0], fields[1], fields[3]}, req.Header); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
	if req.Method != "POST" || req.Target != "/p?q=1" || req.Host != "api.test" || req.Major != 2 || req.Length != h1.BodyChunked || req.Close {
		t.Errorf("request: got %+v", req)
	}
	if req, err = h1.Assemble("POST", "/", append(fields, h1.Field{Name: "content-length", Value: "3"})); err != nil || req.Length != 3 {
		t.Errorf("with a length: got %+v %v", req, err)
	}
}

// TestTheMostLinesOfAssembledHeads: 1000 of them count, :authority and the cookies do
// not.
func TestTheMostLinesOfAssembledHeads(t *testing.T) {
	fields := append(h1.Header{{Name: "host", Value: "a"}, {Name: "cookie", Value: "a=b"}, {Name: "cookie", Value: "c=d"}},
		slices.Repeat(h1.Header{{Name: "x-a"}}, 1000)...)
	if _, err := h1.Assemble("GET", "/", fields); err != nil {
		t.Errorf("1000 lines: %v", err)
	}
	_, err := h1.Assemble("GET", "/", append(fields, h1.Field{Name: "x-a"}))
	var bad *h1.HeadError
	if !errors.As(err, &bad) || bad.Status != 494 {
		t.Errorf("1001 lines: expected 494, got %v", err)
	}
}

func TestAssembledHeadsThatNginxRefuses(t *testing.T) {
	host := h1.Field{Name: "host", Value: "a"}
	for name, c := range map[string]struct {
		method, target string
		fields         h1.Header
		status         int
	}{
		"lower-case method":      {"get", "/", h1.Header{host}, 400},
		"no method":              {"", "/", h1.Header{host}, 400},
		"path without slash":     {"GET", "*", h1.Header{host}, 400},
		"path above the root":    {"GET", "/../x", h1.Header{host}, 400},
		"control byte in a path": {"GET", "/\x01", h1.Header{host}, 400},
		"no host":                {"GET", "/", nil, 400},
		"two hosts":              {"GET", "/", h1.Header{host, host}, 400},
		"two authorizations":     {"GET", "/", h1.Header{host, {Name: "authorization", Value: "x"}, {Name: "authorization", Value: "x"}}, 400},
		"length that is none":    {"GET", "/", h1.Header{host, {Name: "content-length", Value: "-1"}}, 400},
		"TRACE":                  {"TRACE", "/", h1.Header{host}, 405},
		"CONNECT":                {"CONNECT", "/", h1.Header{host}, 405},
	} {
		_, err := h1.Assemble(c.method, c.target, c.fields)
		var bad *h1.HeadError
		if !errors.As(err, &bad) || bad.Status != c.status {
			t.Errorf("%s: expected %d, got %v", name, c.status, err)
		}
	}
}

func TestStartsWaitsNoLongerThanItMust(t *testing.T) {
	const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
	for name, c := range map[string]struct {
		sent string
		want bool
		err  error
	}{
		"the preface":       {preface + "more", true, nil},
		"nothing else":      {preface, true, nil},
		"another method":    {"PUT ", false, nil},
		"another version":   {"PRI * HTTP/2.1", false, nil},
		"half of a preface": {"PRI * HTTP/2.0\r\n", false, net.ErrClosed},
	} {
		for chunks, read := range map[string]func(io.Reader) io.Reader{"by bytes": iotest.OneByteReader, "by halves": iotest.HalfReader} {
			r := h1.NewReader(read(io.MultiReader(strings.NewReader(c.sent), iotest.ErrReader(net.ErrClosed))), limits)
			got, err := r.Starts(preface)
			if got != c.want || !errors.Is(err, c.err) {
				t.Errorf("%s, %s: expected %v %v, got %v %v", name, chunks, c.want, c.err, got, err)
			}
			rest := make([]byte, len(c.sent))
			if _, err := io.ReadFull(r, rest); err != nil || string(rest) != c.sent {
				t.Errorf("%s, %s: expected all bytes to be there still, got %q %v", name, chunks, rest, err)
			}
		}
	}
}
