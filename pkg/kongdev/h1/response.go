package h1

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// Response is a response head.
type Response struct {
	Status int
	Reason string
	Minor  int // of HTTP/1.x
	Header Header
}

// maxResponseHead bounds an upstream's response head, as nginx's
// proxy_buffer_size does (Kong leaves it at 8k; this is more generous).
const maxResponseHead = 64 << 10

// ErrBadResponse is an upstream answer that is not HTTP/1.x.
var ErrBadResponse = errors.New("upstream sent an invalid response head")

// ReadResponse reads a response head; 1xx answers are skipped. Header bytes are
// kept as they are.
func ReadResponse(br *bufio.Reader) (*Response, error) {
	for {
		resp, err := readResponse(br)
		if err != nil || resp.Status >= 200 || resp.Status == 101 {
			return resp, err
		}
	}
}

func readResponse(br *bufio.Reader) (*Response, error) {
	size := 0
	next := func() (string, error) {
		raw, err := br.ReadSlice('\n')
		if size += len(raw); size > maxResponseHead || errors.Is(err, bufio.ErrBufferFull) {
			return "", fmt.Errorf("%w: over %d bytes", ErrBadResponse, maxResponseHead)
		}
		if err != nil {
			return "", err
		}
		return strings.TrimRight(string(raw), "\r\n"), nil
	}
	line, err := next()
	if err != nil {
		return nil, err
	}
	resp := &Response{}
	version, rest, _ := strings.Cut(line, " ")
	code, reason, _ := strings.Cut(rest, " ")
	status, err := strconv.Atoi(code)
	if !strings.HasPrefix(version, "HTTP/1.") || !isDigits(version[7:]) || err != nil || status < 100 || status > 999 {
		return nil, fmt.Errorf("%w: bad status line", ErrBadResponse)
	}
	resp.Minor, _ = strconv.Atoi(version[7:])
	resp.Status, resp.Reason = status, reason
	for {
		line, err := next()
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
		if line == "" {
			return resp, nil
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok || name == "" || strings.ContainsAny(name, " \t") {
			return nil, fmt.Errorf("%w: bad header line", ErrBadResponse)
		}
		resp.Header.Add(name, strings.Trim(value, " \t"))
	}
}

// ResponseBody returns the body of resp, which answered a request with the
// given method. reusable says whether the connection can serve another request
// after the body has been read.
func ResponseBody(br *bufio.Reader, resp *Response, method string) (body *Body, reusable bool, err error) {
	reusable = resp.Minor >= 1 && !resp.Header.HasToken("Connection", "close") ||
		resp.Header.HasToken("Connection", "keep-alive")
	if method == "HEAD" || resp.Status == 204 || resp.Status == 304 {
		return &Body{done: true}, reusable, nil
	}
	if resp.Header.HasToken("Transfer-Encoding", "chunked") {
		return &Body{br: br, chunked: true, first: true}, reusable, nil
	}
	if v, ok := resp.Header.Get("Content-Length"); ok {
		n, err := strconv.ParseUint(v, 10, 63)
		if err != nil {
			return nil, false, fmt.Errorf("%w: bad Content-Length", ErrBadResponse)
		}
		return &Body{br: br, left: int64(n), done: n == 0}, reusable, nil
	}
	return &Body{br: br, toEOF: true}, false, nil
}

// reasons that differ from net/http's or that it has not.
var reasons = map[int]string{413: "Request Entity Too Large", 414: "Request-URI Too Large", 503: "Service Temporarily Unavailable", 504: "Gateway Time-out", 416: "Requested Range Not Satisfiable"}

// Reason is nginx's reason phrase of a status, "" when it has none.
func Reason(status int) string {
	if r, ok := reasons[status]; ok {
		return r
	}
	return http.StatusText(status)
}

// AppendHead appends a status line and header lines with the empty line.
func AppendHead(dst []byte, status int, reason string, h Header) []byte {
	if reason == "" {
		reason = Reason(status)
	}
	dst = fmt.Appendf(dst, "HTTP/1.1 %d %s\r\n", status, reason)
	return append(AppendHeader(dst, h), "\r\n"...)
}

// AppendHeader appends header lines.
func AppendHeader(dst []byte, h Header) []byte {
	for _, f := range h {
		dst = append(dst, Escape(f.Name)...)
		dst = append(dst, ": "...)
		dst = append(dst, Escape(f.Value)...)
		dst = append(dst, "\r\n"...)
	}
	return dst
}
