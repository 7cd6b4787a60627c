package rawhttp

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
)

var (
	ErrTooLarge  = errors.New("message head too large")
	ErrMalformed = errors.New("malformed message")
)

// Head is the head of one HTTP/1.1 message.
type Head struct {
	Start  string // request line or status line, without its line end
	Fields []Field
}

// Field is one header line as received, without its final line end. Obsolete line
// folds (RFC 9112, 5.2) stay inside the line they continue.
type Field string

// NewField returns the line "name: value".
func NewField(name, value string) Field { return Field(name + ": " + value) }

// Name returns the field name in the case in which it was sent.
func (f Field) Name() string {
	name, _, _ := strings.Cut(string(f), ":")
	return name
}

// Value returns the field value without the whitespace around it (RFC 9110, 5.5).
func (f Field) Value() string {
	_, value, _ := strings.Cut(string(f), ":")
	return strings.Trim(value, " \t\r\n")
}

// Is reports whether the field has this name, in any case.
func (f Field) Is(name string) bool { return strings.EqualFold(f.Name(), name) }

// ReadHead reads one message head of at most limit bytes. Empty lines before it are
// skipped (RFC 9112, 2.2) and a bare LF ends a line like CRLF. The error is [io.EOF]
// when the stream ends before the first byte, [io.ErrUnexpectedEOF] when it ends
// later, [ErrTooLarge] or [ErrMalformed] otherwise; read errors come back as they are.
func ReadHead(r *bufio.Reader, limit int) (Head, error) {
	var head Head
	room := limit
	for {
		line, err := readLine(r, &room)
		switch {
		case errors.Is(err, io.EOF) && line == "" && room == limit:
			return Head{}, io.EOF
		case errors.Is(err, io.EOF):
			return Head{}, io.ErrUnexpectedEOF
		case err != nil:
			return Head{}, err
		case head.Start == "":
			head.Start = line // stays empty over leading empty lines
		case line == "":
			return head, nil
		case line[0] == ' ' || line[0] == '\t':
			if len(head.Fields) == 0 {
				return Head{}, fmt.Errorf("%w: fold before the first field", ErrMalformed)
			}
			head.Fields[len(head.Fields)-1] += Field("\r\n" + line)
		default:
			if name, _, found := strings.Cut(line, ":"); !found || !IsToken(name) {
				return Head{}, fmt.Errorf("%w: header line %d has no valid name", ErrMalformed, len(head.Fields)+1)
			}
			head.Fields = append(head.Fields, Field(line))
		}
	}
}

// readLine returns the next line without its end and takes its length off room.
func readLine(r *bufio.Reader, room *int) (string, error) {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		if *room -= len(part); *room < 0 {
			return "", ErrTooLarge
		}
		line = append(line, part...)
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if err != nil {
			return string(line), err
		}
		return string(bytes.TrimSuffix(line[:len(line)-1], []byte("\r"))), nil
	}
}

// Append appends the head as it goes on the wire, final empty line included.
func (h Head) Append(b []byte) []byte {
	b = append(append(b, h.Start...), "\r\n"...)
	for _, f := range h.Fields {
		b = append(append(b, f...), "\r\n"...)
	}
	return append(b, "\r\n"...)
}

// Values returns the values of every line with this name, in order.
func (h Head) Values(name string) []string {
	var values []string
	for _, f := range h.Fields {
		if f.Is(name) {
			values = append(values, f.Value())
		}
	}
	return values
}

// Nominates reports whether one of the comma-separated members of the named field is
// option, in any case: Nominates("Connection", "close").
func (h Head) Nominates(name, option string) bool {
	for _, value := range h.Values(name) {
		for member := range strings.SplitSeq(value, ",") {
			if strings.EqualFold(strings.Trim(member, " \t"), option) {
				return true
			}
		}
	}
	return false
}

// RequestLine splits the start line of a request. Its error is [ErrMalformed].
func (h Head) RequestLine() (method, target, version string, err error) {
	method, rest, ok := strings.Cut(h.Start, " ")
	target, version, ok2 := strings.Cut(rest, " ")
	if !ok || !ok2 || target == "" || !IsToken(method) || !isVersion(version) {
		return "", "", "", fmt.Errorf("%w: request line", ErrMalformed)
	}
	return method, target, version, nil
}

// Status returns the status code of a response. Its error is [ErrMalformed].
func (h Head) Status() (int, error) {
	version, rest, _ := strings.Cut(h.Start, " ")
	if !isVersion(version) || len(rest) < 3 || len(rest) > 3 && rest[3] != ' ' {
		return 0, fmt.Errorf("%w: status line", ErrMalformed)
	}
	status := 0
	for _, c := range []byte(rest[:3]) {
		if c < '0' || c > '9' {
			return 0, fmt.Errorf("%w: status line", ErrMalformed)
		}
		status = status*10 + int(c-'0')
	}
	return status, nil
}

func isVersion(s string) bool { return s == "HTTP/1.1" || s == "HTTP/1.0" }

// IsToken reports whether s is a token as RFC 9110, 5.6.2 has it, which methods and
// field names are.
func IsToken(s string) bool {
	for _, c := range []byte(s) {
		alphanumeric := '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z'
		if !alphanumeric && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return false
		}
	}
	return s != ""
}
