package rawhttp_test

import (
	"bufio"
	"errors"
	"io"
	"strings"
	"testing"

	"kong-plugin-auth-diagnosis/pkg/standin/rawhttp"
)

func TestRequestBody(t *testing.T) {
	tests := map[string]struct {
		fields []rawhttp.Field
		want   rawhttp.Framing
		err    error
	}{
		"none":              {nil, rawhttp.Framing{}, nil},
		"length":            {[]rawhttp.Field{"content-length: 12"}, rawhttp.Framing{Length: 12}, nil},
		"length zero":       {[]rawhttp.Field{"Content-Length: 0"}, rawhttp.Framing{}, nil},
		"chunked":           {[]rawhttp.Field{"Transfer-Encoding: Chunked"}, rawhttp.Framing{Chunked: true}, nil},
		"both":              {[]rawhttp.Field{"Content-Length: 1", "Transfer-Encoding: chunked"}, rawhttp.Framing{}, rawhttp.ErrMalformed},
		"two lengths":       {[]rawhttp.Field{"Content-Length: 1", "Content-Length: 1"}, rawhttp.Framing{}, rawhttp.ErrMalformed},
		"list of lengths":   {[]rawhttp.Field{"Content-Length: 1, 1"}, rawhttp.Framing{}, rawhttp.ErrMalformed},
		"signed length":     {[]rawhttp.Field{"Content-Length: +1"}, rawhttp.Framing{}, rawhttp.ErrMalformed},
		"length overflow":   {[]rawhttp.Field{"Content-Length: 9223372036854775808"}, rawhttp.Framing{}, rawhttp.ErrMalformed},
		"another coding":    {[]rawhttp.Field{"Transfer-Encoding: gzip"}, rawhttp.Framing{}, rawhttp.ErrMalformed},
		"codings in a list": {[]rawhttp.Field{"Transfer-Encoding: gzip, chunked"}, rawhttp.Framing{}, rawhttp.ErrMalformed},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := rawhttp.Head{Fields: tt.fields}.RequestBody()
			if got != tt.want || !errors.Is(err, tt.err) {
				t.Errorf("got %+v, %v, want %+v, %v", got, err, tt.want, tt.err)
			}
		})
	}
}

func TestResponseBody(t *testing.T) {
	length := []rawhttp.Field{"Content-Length: 5"}
	tests := map[string]struct {
		method, start string
		fields        []rawhttp.Field
		want          rawhttp.Framing
	}{
		"length":       {"GET", "HTTP/1.1 200 OK", length, rawhttp.Framing{Length: 5}},
		"head":         {"HEAD", "HTTP/1.1 200 OK", length, rawhttp.Framing{}},
		"not modified": {"GET", "HTTP/1.1 304 Not Modified", length, rawhttp.Framing{}},
		"no content":   {"GET", "HTTP/1.1 204 No Content", nil, rawhttp.Framing{}},
		"until close":  {"GET", "HTTP/1.0 200 OK", nil, rawhttp.Framing{UntilClose: true}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := rawhttp.Head{Start: tt.start, Fields: tt.fields}.ResponseBody(tt.method)
			if err != nil || got != tt.want {
				t.Errorf("got %+v, %v, want %+v", got, err, tt.want)
			}
		})
	}
}

func TestCopy(t *testing.T) {
	tests := map[string]struct {
		framing rawhttp.Framing
		in      string
		payload int64
		copied  string
		err     error
	}{
		"length":             {rawhttp.Framing{Length: 3}, "abcrest", 3, "abc", nil},
		"length cut":         {rawhttp.Framing{Length: 3}, "ab", 2, "ab", io.ErrUnexpectedEOF},
		"chunks and trailer": {rawhttp.Framing{Chunked: true}, "2;x=y\r\nab\r\n1\r\nc\r\n0\r\nT: 1\r\n\r\nrest", 3, "2;x=y\r\nab\r\n1\r\nc\r\n0\r\nT: 1\r\n\r\n", nil},
		"chunks cut":         {rawhttp.Framing{Chunked: true}, "2\r\nab\r\n", 2, "2\r\nab\r\n", io.ErrUnexpectedEOF},
		"chunk too long":     {rawhttp.Framing{Chunked: true}, "1\r\nabc\r\n", 1, "1\r\nabc\r\n", rawhttp.ErrMalformed},
		"size of garbage":    {rawhttp.Framing{Chunked: true}, "0x2\r\nab\r\n", 0, "0x2\r\n", rawhttp.ErrMalformed},
		"size overflow":      {rawhttp.Framing{Chunked: true}, "ffffffffffffffff\r\n", 0, "ffffffffffffffff\r\n", rawhttp.ErrMalformed},
		"endless size line":  {rawhttp.Framing{Chunked: true}, strings.Repeat("0", 20<<10), 0, "", rawhttp.ErrTooLarge},
		"until close":        {rawhttp.Framing{UntilClose: true}, "abc", 3, "abc", nil},
		"none":               {rawhttp.Framing{}, "rest", 0, "", nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			n, err := tt.framing.Copy(&out, bufio.NewReader(strings.NewReader(tt.in)))
			if n != tt.payload || !errors.Is(err, tt.err) {
				t.Errorf("got %d bytes, %v, want %d, %v", n, err, tt.payload, tt.err)
			}
			if tt.err == nil && out.String() != tt.copied {
				t.Errorf("copied %q, want %q", out.String(), tt.copied)
			}
		})
	}
}
