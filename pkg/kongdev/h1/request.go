package h1

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strconv"
	"strings"
)

// Limits bounds a request head as nginx's large_client_header_buffers does:
// lines go into buffers of Size bytes, at most Number of them, and one line
// never spans two.
type Limits struct {
	Number int
	Size   int
}

// firstBuffer is nginx's client_header_buffer_size, which lines fill before the
// large buffers.
const firstBuffer = 1024

// maxLines is Kong's max_headers: its nginx has the directive, with this default, since
// 3.9.3 (nginx-1.25.3_17-CVE-2026-49975.patch). Names that are dropped do not count.
const maxLines = 1000

// BodyChunked is the Length of a request with a chunked body.
const BodyChunked = -1

// Request is a parsed request head.
type Request struct {
	Method   string
	Target   string // as received, without scheme and authority
	Major    int
	Minor    int
	Header   Header
	Host     string // lower-case, without port; "" for HTTP/1.0 without Host
	Length   int64  // of the body in bytes, or BodyChunked
	Close    bool   // the client does not want the connection kept
	HeadSize int    // bytes of the head, request line and empty line included

	lines int // that count towards maxLines
}

// HeadError is a refused request head. Status is the code nginx works with:
// 494, which the client sees as 400, stands for headers that are too large.
type HeadError struct {
	Status int
	Reason string // as in nginx's error log, without request data
}

func (e *HeadError) Error() string { return fmt.Sprintf("%d: %s", e.Status, e.Reason) }

// Reader reads the requests of one connection.
type Reader struct {
	br  *bufio.Reader
	lim Limits
}

// NewReader reads from r; its buffer is as large as one header buffer.
func NewReader(r io.Reader, lim Limits) *Reader {
	return &Reader{br: bufio.NewReaderSize(r, max(lim.Size, firstBuffer)), lim: lim}
}

// Await blocks until the next request's first byte is there.
func (r *Reader) Await() error {
	_, err := r.br.Peek(1)
	return err
}

// Starts reports whether the connection goes on with text, which is not empty. It waits for no byte
// behind the first that differs.
func (r *Reader) Starts(text string) (bool, error) {
	for n := 1; ; n = min(r.br.Buffered(), len(text)-1) + 1 {
		got, err := r.br.Peek(n)
		if !strings.HasPrefix(text, string(got)) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		if n == len(text) {
			return true, nil
		}
	}
}

// Read reads the connection as it is, for another protocol than HTTP/1.
func (r *Reader) Read(p []byte) (int, error) { return r.br.Read(p) }

// Buffered is the number of bytes read from the connection and not yet used.
func (r *Reader) Buffered() int { return r.br.Buffered() }

// head counts what a request's lines take of nginx's buffers.
type head struct {
	lim  Limits
	free int // of the current buffer
	used int // large buffers taken
	size int // bytes so far
}

// take accounts for one line and reports whether it fits.
func (h *head) take(n int) bool {
	h.size += n
	if n > h.lim.Size {
		return false
	}
	if n > h.free {
		h.used++
		h.free = h.lim.Size
	}
	h.free -= n
	return h.used <= h.lim.Number
}

// ReadRequest reads one request head. A *HeadError is the client's fault and
// comes with the headers read so far; any other error is the connection's.
func (r *Reader) ReadRequest() (*Request, error) {
	h := &head{lim: r.lim, free: firstBuffer}
	req := &Request{}
	line, err := r.requestLine(h)
	if err != nil {
		return req, err
	}
	if err := parseRequestLine(req, line); err != nil {
		return req, err
	}
	for {
		line, err := r.line(h, 494, "client sent too large header")
		if err != nil {
			return req, err
		}
		if len(line) == 0 {
			break
		}
		if err := req.addLine(line); err != nil {
			return req, err
		}
	}
	req.HeadSize = h.size
	return req, req.finish()
}

// requestLine skips the empty lines that may stand before a request.
func (r *Reader) requestLine(h *head) (string, error) {
	for {
		line, err := r.line(h, 414, "client sent too long URI")
		if err != nil || line != "" {
			return line, err
		}
	}
}

// line reads one line without its end. A CR that is not part of the line end is
// an error of the line's own parser.
func (r *Reader) line(h *head, status int, reason string) (string, error) {
	raw, err := r.br.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) || err == nil && !h.take(len(raw)) {
		return "", &HeadError{status, reason}
	}
	if err != nil {
		if len(raw) > 0 && errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return "", err
	}
	line := string(raw[:len(raw)-1])
	for strings.HasSuffix(line, "\r") {
		line = line[:len(line)-1]
	}
	return line, nil
}

func badRequest(format string, args ...any) error {
	return &HeadError{400, fmt.Sprintf(format, args...)}
}

// parseRequestLine is ngx_http_parse_request_line.
func parseRequestLine(req *Request, line string) error {
	method, rest, ok := strings.Cut(line, " ")
	if !ok || !validMethod(method) {
		return badRequest("client sent invalid method")
	}
	req.Method = method
	target, version, ok := strings.Cut(strings.TrimLeft(rest, " "), " ")
	if !ok {
		return badRequest("client sent invalid request")
	}
	host := ""
	if !strings.HasPrefix(target, "/") {
		if host, target, ok = splitAbsolute(target); !ok {
			return badRequest("client sent invalid request")
		}
	}
	if err := parseVersion(req, strings.Trim(version, " ")); err != nil {
		return err
	}
	req.Host = host
	if method == "CONNECT" {
		return &HeadError{405, "client sent CONNECT method"}
	}
	if !validTarget(target) {
		return badRequest("client sent invalid request")
	}
	req.Target = target
	return nil
}

func validMethod(method string) bool {
	return method != "" && strings.Trim(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_-") == ""
}

// validTarget is ngx_http_parse_uri.
func validTarget(target string) bool {
	for i := range len(target) {
		if target[i] <= 0x20 || target[i] == 0x7f {
			return false
		}
	}
	path, _, _ := strings.Cut(target, "?")
	return strings.HasPrefix(path, "/") && validPath(path)
}

// validPath reports whether ngx_http_parse_complex_uri takes a path: escapes have two
// digits and are no NUL, and no segment leads above the root.
func validPath(path string) bool {
	plain, err := url.PathUnescape(path)
	if err != nil || strings.Contains(plain, "\x00") {
		return false
	}
	depth := 0
	for segment := range strings.SplitSeq(plain, "/") {
		switch segment {
		case "", ".":
		case "..":
			depth--
		default:
			depth++
		}
		if depth < 0 {
			return false
		}
	}
	return true
}

func parseVersion(req *Request, v string) error {
	digits, ok := strings.CutPrefix(v, "HTTP/")
	major, minor, dot := strings.Cut(digits, ".")
	if !ok || !dot || !isDigits(major) || !isDigits(minor) || major[0] == '0' {
		return badRequest("client sent invalid request")
	}
	req.Major, _ = strconv.Atoi(major)
	req.Minor, _ = strconv.Atoi(minor)
	if req.Major > 1 {
		return &HeadError{505, "client sent invalid version"}
	}
	return nil
}

func isDigits(s string) bool {
	if s == "" || len(s) > 3 {
		return false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// splitAbsolute takes scheme and authority off an absolute-form target.
func splitAbsolute(target string) (host, path string, ok bool) {
	scheme, rest, ok := strings.Cut(target, "://")
	if !ok || scheme == "" || rest == "" {
		return "", "", false
	}
	end := strings.IndexAny(rest, "/?")
	if end < 0 {
		host, path = rest, "/"
	} else if host, path = rest[:end], rest[end:]; path[0] == '?' {
		path = "/" + path
	}
	host, ok = validHost(host)
	return host, path, ok
}

// addLine is ngx_http_parse_header_line for one line: names with characters
// other than letters, digits, dash and underscore are dropped silently (nginx's
// ignore_invalid_headers); blanks in or before a name are an error.
func (req *Request) addLine(line string) error {
	name, value, hasColon := strings.Cut(line, ":")
	if !hasColon {
		name, value = line, ""
	}
	if name == "" {
		return badRequest("client sent invalid header line")
	}
	if strings.ContainsAny(value, "\r\x00") {
		return badRequest("client sent invalid header line")
	}
	return req.addField(name, strings.Trim(value, " "), 1) // and no tabs
}

// addField adds a header field of either version of HTTP, which counts as so many
// lines.
func (req *Request) addField(name, value string, lines int) error {
	valid := true
	for i := range len(name) {
		c := name[i]
		if c <= 0x20 || c == 0x7f {
			return badRequest("client sent invalid header line")
		}
		valid = valid && isNameByte(c)
	}
	if !valid {
		return nil
	}
	if req.lines += lines; req.lines > maxLines {
		return &HeadError{494, "client sent too many header lines"}
	}
	if isUnique(name) && req.Header.Has(name) {
		return badRequest("client sent duplicate header line")
	}
	if strings.EqualFold(name, "Host") {
		host, ok := validHost(value)
		if !ok {
			return badRequest("client sent invalid host header")
		}
		if req.Host == "" {
			req.Host = host
		}
	}
	req.Header.Add(name, value)
	return nil
}

func isNameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_'
}

// uniqueHeaders are those that nginx refuses to see twice.
var uniqueHeaders = []string{"host", "if-modified-since", "if-unmodified-since", "if-match",
	"if-none-match", "content-length", "content-range", "if-range", "transfer-encoding", "expect",
	"authorization"}

func isUnique(name string) bool {
	for _, u := range uniqueHeaders {
		if strings.EqualFold(u, name) {
			return true
		}
	}
	return false
}

// validHost is ngx_http_validate_host: lower case, no port, one trailing dot
// removed.
func validHost(v string) (string, bool) {
	host := v
	if h, _, err := net.SplitHostPort(v); err == nil {
		host = h
		if strings.HasPrefix(v, "[") {
			host = "[" + h + "]"
		}
	} else if i := strings.LastIndexByte(v, ':'); i >= 0 && !strings.HasPrefix(v, "[") {
		host = v[:i]
	}
	host = strings.TrimSuffix(host, ".")
	if host == "" || strings.Contains(host, "..") {
		return "", false
	}
	for i := range len(host) {
		if c := host[i]; c <= 0x20 || c == 0x7f || c == '/' || c == '\\' {
			return "", false
		}
	}
	return strings.ToLower(host), true
}

// finish is ngx_http_process_request_header: what can only be judged on the
// whole head.
func (req *Request) finish() error {
	modern := req.Major > 1 || req.Minor >= 1
	if modern && !req.Header.Has("Host") {
		return badRequest("client sent HTTP/1.1 request without Host header")
	}
	length, hasLength := req.Header.Get("Content-Length")
	if hasLength {
		n, err := strconv.ParseUint(length, 10, 63)
		if err != nil {
			return badRequest("client sent invalid Content-Length header")
		}
		req.Length = int64(n)
	}
	if te, ok := req.Header.Get("Transfer-Encoding"); ok {
		switch {
		case !modern:
			return badRequest("client sent HTTP/1.0 request with Transfer-Encoding header")
		case !strings.EqualFold(te, "chunked"):
			return &HeadError{501, "client sent unknown Transfer-Encoding"}
		case hasLength:
			return badRequest("client sent Content-Length and Transfer-Encoding headers at the same time")
		}
		req.Length = BodyChunked
	}
	if req.Method == "TRACE" {
		return &HeadError{405, "client sent TRACE method"}
	}
	req.Close = !modern && !req.Header.HasToken("Connection", "keep-alive") ||
		req.Header.HasToken("Connection", "close")
	return nil
}
