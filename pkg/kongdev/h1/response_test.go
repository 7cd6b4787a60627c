package h1_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kong-plugin-auth-diagnosis/pkg/kongdev/h1"
)

func TestReadResponse(t *testing.T) {
	br := bufio.NewReader(strings.NewReader("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Made It\r\nX: \xff\r\nSet-Cookie: a\r\nSet-Cookie: b\r\nContent-Length: 2\r\n\r\nok"))
	resp, err := h1.ReadResponse(br)
	if err != nil || resp.Status != 201 || resp.Reason != "Made It" || resp.Header.Value("x") != "\xff" {
		t.Fatalf("got %+v %v", resp, err)
	}
	body, reusable, err := h1.ResponseBody(br, resp, "GET")
	if err != nil || !reusable {
		t.Fatalf("reusable: got %v %v", reusable, err)
	}
	if text, err := io.ReadAll(body); string(text) != "ok" || err != nil {
		t.Errorf("body: got %q %v", text, err)
	}
}

func TestResponseBodies(t *testing.T) {
	for name, c := range map[string]struct {
		raw, method, want string
		reusable          bool
	}{
		"until the end":       {"HTTP/1.1 200 OK\r\n\r\nall of it", "GET", "all of it", false},
		"HTTP/1.0 keep-alive": {"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\nx", "GET", "x", true},
		"close":               {"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx", "GET", "x", false},
		"HEAD":                {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", "HEAD", "", true},
		"304":                 {"HTTP/1.1 304 Not Modified\r\n\r\n", "GET", "", true},
		"chunked":             {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", "GET", "hi", true},
	} {
		t.Run(name, func(t *testing.T) {
			br := bufio.NewReader(strings.NewReader(c.raw))
			resp, err := h1.ReadResponse(br)
			if err != nil {
				t.Fatal(err)
			}
			body, reusable, err := h1.ResponseBody(br, resp, c.method)
			if err != nil || reusable != c.reusable {
				t.Fatalf("reusable: expected %v, got %v %v", c.reusable, reusable, err)
			}
			if text, err := io.ReadAll(body); string(text) != c.want || err != nil {
				t.Errorf("expected %q, got %q %v", c.want, text, err)
			}
		})
	}
}

func TestBadResponses(t *testing.T) {
	for _, raw := range []string{"garbage\r\n\r\n", "HTTP/2 200 OK\r\n\r\n", "HTTP/1.1 abc\r\n\r\n", "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
		"HTTP/1.1 200 OK\r\nA b: c\r\n\r\n", "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 70<<10) + "\r\n\r\n"} {
		if _, err := h1.ReadResponse(bufio.NewReader(strings.NewReader(raw))); !errors.Is(err, h1.ErrBadResponse) {
			t.Errorf("%.20q: expected %v, got %v", raw, h1.ErrBadResponse, err)
		}
	}
}

func TestHeaderList(t *testing.T) {
	h := h1.Header{{Name: "A", Value: "1"}, {Name: "B", Value: "2"}, {Name: "a", Value: "3"}}
	h.Set("a", "x", "y")
	h.Set("B")
	h.Add("C", "p, Q ,")
	want := h1.Header{{Name: "a", Value: "x"}, {Name: "a", Value: "y"}, {Name: "C", Value: "p, Q ,"}}
	if diff := cmp.Diff(want, h); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if !h.HasToken("c", "q") || h.HasToken("c", "r") {
		t.Error("tokens compare without regard to case")
	}
}

func TestWritingIsSafe(t *testing.T) {
	head := h1.AppendHead(nil, 404, "", h1.Header{{Name: "X", Value: "a\r\nSet-Cookie: b\x00"}})
	if want := "HTTP/1.1 404 Not Found\r\nX: a%0D%0ASet-Cookie: b%00\r\n\r\n"; string(head) != want {
		t.Errorf("expected %q, got %q", want, head)
	}
	var buf bytes.Buffer
	for _, p := range []string{"abc", "", "d"} {
		if err := h1.WriteChunk(&buf, []byte(p)); err != nil {
			t.Fatal(err)
		}
	}
	if err := h1.WriteLastChunk(&buf); err != nil || buf.String() != "3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n" {
		t.Errorf("chunks: got %q %v", buf.String(), err)
	}
}
