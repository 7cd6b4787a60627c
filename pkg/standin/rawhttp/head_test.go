package rawhttp_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kong-plugin-auth-diagnosis/pkg/standin/rawhttp"
)

const limit = 4096

func read(t *testing.T, text string) (rawhttp.Head, *bufio.Reader, error) {
	t.Helper()
	in := bufio.NewReaderSize(strings.NewReader(text), 16) // smaller than a line
	head, err := rawhttp.ReadHead(in, limit)
	return head, in, err
}

func TestReadHeadKeepsBytes(t *testing.T) {
	tests := map[string]struct {
		in     string
		fields []rawhttp.Field
	}{
		"no fields":              {"GET / HTTP/1.1\r\n\r\n", nil},
		"case of names":          {"GET / HTTP/1.1\r\naUTHorization: x\r\n\r\n", []rawhttp.Field{"aUTHorization: x"}},
		"spaces around a value":  {"GET / HTTP/1.1\r\nA:  \t x \r\n\r\n", []rawhttp.Field{"A:  \t x "}},
		"blank value":            {"GET / HTTP/1.1\r\nA:       \r\n\r\n", []rawhttp.Field{"A:       "}},
		"repeated lines":         {"GET / HTTP/1.1\r\nA: 1\r\nB: 2\r\na: 3\r\n\r\n", []rawhttp.Field{"A: 1", "B: 2", "a: 3"}},
		"8-bit bytes":            {"GET / HTTP/1.1\r\nA: \xe9\xff\r\n\r\n", []rawhttp.Field{"A: \xe9\xff"}},
		"fold":                   {"GET / HTTP/1.1\r\nA: 1\r\n  2\r\n\r\n", []rawhttp.Field{"A: 1\r\n  2"}},
		"line longer than input": {"GET / HTTP/1.1\r\nA: " + strings.Repeat("x", 100) + "\r\n\r\n", []rawhttp.Field{rawhttp.Field("A: " + strings.Repeat("x", 100))}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			head, in, err := read(t, tt.in+"rest")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(rawhttp.Head{Start: "GET / HTTP/1.1", Fields: tt.fields}, head); diff != "" {
				t.Errorf("head (-want +got):\n%s", diff)
			}
			if got := string(head.Append(nil)); got != tt.in {
				t.Errorf("written again: got %q, want %q", got, tt.in)
			}
			if rest, _ := io.ReadAll(in); string(rest) != "rest" {
				t.Errorf("left to read: got %q, want %q", rest, "rest")
			}
		})
	}
}

func TestReadHeadNormalisesLineEndsOnly(t *testing.T) {
	head, _, err := read(t, "\r\n\r\nGET / HTTP/1.1\nA: 1\n\n")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(head.Append(nil)), "GET / HTTP/1.1\r\nA: 1\r\n\r\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestReadHeadErrors(t *testing.T) {
	tests := map[string]struct {
		in   string
		want error
	}{
		"nothing":                {"", io.EOF},
		"cut in the start line":  {"GET /", io.ErrUnexpectedEOF},
		"cut after a field":      {"GET / HTTP/1.1\r\nA: 1\r\n", io.ErrUnexpectedEOF},
		"too large":              {"GET / HTTP/1.1\r\nA: " + strings.Repeat("x", limit) + "\r\n\r\n", rawhttp.ErrTooLarge},
		"endless empty lines":    {strings.Repeat("\r\n", limit), rawhttp.ErrTooLarge},
		"no colon":               {"GET / HTTP/1.1\r\nA\r\n\r\n", rawhttp.ErrMalformed},
		"empty name":             {"GET / HTTP/1.1\r\n: 1\r\n\r\n", rawhttp.ErrMalformed},
		"space before the colon": {"GET / HTTP/1.1\r\nA : 1\r\n\r\n", rawhttp.ErrMalformed},
		"fold first":             {"GET / HTTP/1.1\r\n A: 1\r\n\r\n", rawhttp.ErrMalformed},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if _, _, err := read(t, tt.in); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

func TestFieldsByName(t *testing.T) {
	head, _, err := read(t, "GET / HTTP/1.1\r\nConnection: keep-alive, Close\r\nx:  a \r\nX:\r\n\r\n")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a", ""}, head.Values("X")); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
	}
	if !head.Nominates("connection", "close") || head.Nominates("connection", "clos") {
		t.Error("nominates: want the whole member close, in any case, and nothing shorter")
	}
}

func TestStartLines(t *testing.T) {
	for _, line := range []string{"GET / HTTP/1.1", "M-SEARCH * HTTP/1.0"} {
		if _, _, _, err := (rawhttp.Head{Start: line}).RequestLine(); err != nil {
			t.Errorf("%q: %v", line, err)
		}
	}
	for _, line := range []string{"GET /", "GET  HTTP/1.1", "GET / HTTP/2.0", "G(T / HTTP/1.1", "GET / x HTTP/1.1"} {
		if _, _, _, err := (rawhttp.Head{Start: line}).RequestLine(); !errors.Is(err, rawhttp.ErrMalformed) {
			t.Errorf("%q: got %v, want %v", line, err, rawhttp.ErrMalformed)
		}
	}
	for line, want := range map[string]int{"HTTP/1.1 200 OK": 200, "HTTP/1.0 401": 401, "HTTP/1.1 503 ": 503} {
		if got, err := (rawhttp.Head{Start: line}).Status(); err != nil || got != want {
			t.Errorf("%q: got %d, %v, want %d", line, got, err, want)
		}
	}
	for _, line := range []string{"HTTP/1.1 20", "HTTP/1.1 2000", "HTTP/1.1 -20 x", "ICY 200 OK"} {
		if _, err := (rawhttp.Head{Start: line}).Status(); !errors.Is(err, rawhttp.ErrMalformed) {
			t.Errorf("%q: got %v, want %v", line, err, rawhttp.ErrMalformed)
		}
	}
}

// FuzzMessage holds that no input makes the reader panic or pass its bounds, and that
// a message which was accepted reads the same after it was written.
func FuzzMessage(f *testing.F) {
	f.Add([]byte("POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc"))
	f.Add([]byte("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nT: 1\r\n\r\n"))
	f.Add([]byte("GET / HTTP/1.1\nA:  \xff \n folded\n\n"))
	f.Fuzz(func(t *testing.T, message []byte) {
		in := bufio.NewReader(bytes.NewReader(message))
		head, err := rawhttp.ReadHead(in, limit)
		if err != nil {
			return
		}
		written := head.Append(nil)
		again, err := rawhttp.ReadHead(bufio.NewReader(bytes.NewReader(written)), 2*limit)
		if err != nil {
			t.Fatalf("head written as %q: %v", written, err)
		}
		if diff := cmp.Diff(head, again); diff != "" {
			t.Fatalf("read again (-first +second):\n%s", diff)
		}
		framing, err := head.RequestBody()
		if err != nil {
			return
		}
		var out bytes.Buffer
		n, err := framing.Copy(&out, in)
		if n > int64(out.Len()) || out.Len() > 2*len(message) {
			t.Fatalf("copied %d payload bytes as %d of %d", n, out.Len(), len(message))
		}
		if err != nil {
			return
		}
		if m, err := framing.Copy(io.Discard, bufio.NewReader(&out)); err != nil || m != n {
			t.Fatalf("copied again: got %d bytes, %v, want %d", m, err, n)
		}
	})
}
