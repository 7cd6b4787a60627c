package h1

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Body reads one message body from a connection.
type Body struct {
	br      *bufio.Reader
	left    int64 // of the body, or of the current chunk
	chunked bool
	toEOF   bool
	done    bool
	first   bool
	trailer int // bytes of chunk extensions and trailers so far
}

// maxTrailer bounds what may stand around the chunks of a body.
const maxTrailer = 32 << 10

// errChunk is a malformed chunked body.
var errChunk = errors.New("malformed chunked body")

// Body returns the body of req, which has just been read from r.
func (r *Reader) Body(req *Request) *Body {
	if req.Length == BodyChunked {
		return &Body{br: r.br, chunked: true, first: true}
	}
	return &Body{br: r.br, left: req.Length, done: req.Length == 0}
}

// Done reports whether the body has been read to its end.
func (b *Body) Done() bool { return b.done }

// Read reads decoded bytes; it returns io.EOF at the end of the body and
// io.ErrUnexpectedEOF when the connection ends before it.
func (b *Body) Read(p []byte) (int, error) {
	if b.done {
		return 0, io.EOF
	}
	if len(p) == 0 {
		return 0, nil
	}
	if b.toEOF {
		n, err := b.br.Read(p)
		b.done = err != nil
		return n, err
	}
	if b.left == 0 {
		if err := b.nextChunk(); err != nil {
			return 0, err
		}
		if b.done {
			return 0, io.EOF
		}
	}
	n, err := b.br.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	if b.left == 0 && !b.chunked {
		b.done = true
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// nextChunk reads a chunk's size line, or the trailers after the last chunk.
func (b *Body) nextChunk() error {
	if !b.first {
		if line, err := b.line(); err != nil || line != "" {
			return firstErr(err, errChunk)
		}
	}
	b.first = false
	line, err := b.line()
	if err != nil {
		return err
	}
	size, _, _ := strings.Cut(line, ";")
	n, err := strconv.ParseUint(strings.Trim(size, " \t"), 16, 62)
	if err != nil {
		return fmt.Errorf("%w: bad chunk size", errChunk)
	}
	if b.left = int64(n); n > 0 {
		return nil
	}
	for {
		line, err := b.line()
		if err != nil {
			return err
		}
		if line == "" {
			b.done = true
			return nil
		}
	}
}

func firstErr(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

func (b *Body) line() (string, error) {
	raw, err := b.br.ReadSlice('\n')
	if err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return "", err
	}
	if b.trailer += len(raw); len(raw) > 2 && b.trailer > maxTrailer {
		return "", fmt.Errorf("%w: trailers over %d bytes", errChunk, maxTrailer)
	}
	if len(raw) <= 2 {
		b.trailer -= len(raw)
	}
	return strings.TrimRight(string(raw), "\r\n"), nil
}

// WriteChunk writes p as one chunk; an empty p writes nothing.
func WriteChunk(w io.Writer, p []byte) error {
	if len(p) == 0 {
		return nil
	}
	if _, err := fmt.Fprintf(w, "%x\r\n", len(p)); err != nil {
		return err
	}
	if _, err := w.Write(p); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\r\n")
	return err
}

// WriteLastChunk ends a chunked body.
func WriteLastChunk(w io.Writer) error {
	_, err := io.WriteString(w, "0\r\n\r\n")
	return err
}
