package rawhttp

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// maxTrailer bounds a chunk-size line and the trailer section of a chunked body.
const maxTrailer = 16 << 10

// Framing says how the body of a message is delimited. The zero value is no body.
type Framing struct {
	Length     int64 // bytes, when neither of the others is set
	Chunked    bool
	UntilClose bool // a response that ends with its connection
}

// Empty reports whether no body byte follows the head.
func (f Framing) Empty() bool { return f == Framing{} }

// RequestBody returns the framing of a request. Both Content-Length and
// Transfer-Encoding, two lengths, or a coding other than chunked are [ErrMalformed]:
// two hops could read such a request differently (RFC 9112, 6.3).
func (h Head) RequestBody() (Framing, error) {
	codings, lengths := h.Values("Transfer-Encoding"), h.Values("Content-Length")
	switch {
	case len(codings) == 0 && len(lengths) == 0:
		return Framing{}, nil
	case len(codings) == 1 && len(lengths) == 0 && strings.EqualFold(codings[0], "chunked"):
		return Framing{Chunked: true}, nil
	case len(codings) == 0 && len(lengths) == 1:
		n, err := strconv.ParseUint(lengths[0], 10, 63)
		if err != nil {
			return Framing{}, fmt.Errorf("%w: content-length", ErrMalformed)
		}
		return Framing{Length: int64(n)}, nil
	}
	return Framing{}, fmt.Errorf("%w: ambiguous body length", ErrMalformed)
}

// ResponseBody returns the framing of a response to a request with this method.
func (h Head) ResponseBody(method string) (Framing, error) {
	status, err := h.Status()
	if err != nil {
		return Framing{}, err
	}
	if method == http.MethodHead || status < 200 || status == http.StatusNoContent || status == http.StatusNotModified {
		return Framing{}, nil
	}
	if len(h.Values("Transfer-Encoding")) == 0 && len(h.Values("Content-Length")) == 0 {
		return Framing{UntilClose: true}, nil
	}
	return h.RequestBody()
}

// Copy moves one body from src to dst as it arrives, chunk lines and trailers as they
// are, and returns the number of payload bytes.
func (f Framing) Copy(dst io.Writer, src *bufio.Reader) (int64, error) {
	switch {
	case f.Chunked:
		return copyChunked(dst, src)
	case f.UntilClose:
		return io.Copy(dst, src)
	}
	return copyExactly(dst, src, f.Length)
}

func copyExactly(dst io.Writer, src io.Reader, n int64) (int64, error) {
	moved, err := io.CopyN(dst, src, n)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return moved, err
}

func copyChunked(dst io.Writer, src *bufio.Reader) (int64, error) {
	var total int64
	for {
		room := maxTrailer
		line, err := forwardLine(dst, src, &room)
		if err != nil {
			return total, err
		}
		digits, _, _ := strings.Cut(line, ";")
		size, err := strconv.ParseUint(strings.TrimRight(digits, " \t"), 16, 63)
		if err != nil {
			return total, fmt.Errorf("%w: chunk size", ErrMalformed)
		}
		if size == 0 {
			return total, copyTrailer(dst, src)
		}
		moved, err := copyExactly(dst, src, int64(size))
		if total += moved; err != nil {
			return total, err
		}
		if line, err := forwardLine(dst, src, &room); err != nil {
			return total, err
		} else if line != "" {
			return total, fmt.Errorf("%w: chunk longer than its size", ErrMalformed)
		}
	}
}

func copyTrailer(dst io.Writer, src *bufio.Reader) error {
	room := maxTrailer
	for {
		line, err := forwardLine(dst, src, &room)
		if err != nil || line == "" {
			return err
		}
	}
}

// forwardLine reads one line of chunk framing, writes it to dst and returns it.
func forwardLine(dst io.Writer, src *bufio.Reader, room *int) (string, error) {
	line, err := readLine(src, room)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return "", err
	}
	_, err = io.WriteString(dst, line+"\r\n")
	return line, err
}
