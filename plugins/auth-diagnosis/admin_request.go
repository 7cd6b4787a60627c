package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// A connection carries one request, of which the first line is all that matters. That
// is enough for a probe or a scrape and takes a page of code; net/http's server would
// add more to the released program than there is room for.

const (
	// adminTime is for one request from its first byte to the last of its answer.
	adminTime = 5 * time.Second
	// adminLinger is how long a client that has its answer may take to close: to close
	// before it has sent all it wants to would make the kernel throw the answer away.
	adminLinger = 500 * time.Millisecond
	maxHead     = 8 << 10 // bytes of a request
)

// page is what a path has to say.
type page struct {
	status      int
	contentType string
	body        []byte
}

func textPage(status int, text string) page {
	return page{status, "text/plain; charset=utf-8", append([]byte(text), '\n')}
}

var (
	errRequest  = errors.New("expected an HTTP/1.1 request, got something else")
	errTooLarge = errors.New("expected a smaller request")
)

// serve answers the one request of a connection. The end of ctx ends it.
func (a *admin) serve(ctx context.Context, nc net.Conn) {
	defer nc.Close()
	defer func() {
		if r := recover(); r != nil { // the plugin lives on
			a.log.Warn("admin page panicked", "panic", fmt.Sprintf("%T", r))
		}
	}()
	if nc.SetDeadline(time.Now().Add(adminTime)) != nil {
		return
	}
	stop := context.AfterFunc(ctx, func() { _ = nc.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	method, path, err := readRequest(nc)
	var p page
	switch {
	case err == nil:
		p = a.page(method, path)
	case errors.Is(err, errTooLarge):
		p = textPage(http.StatusRequestHeaderFieldsTooLarge, err.Error())
	case errors.Is(err, errRequest):
		p = textPage(http.StatusBadRequest, err.Error())
	default:
		return // whoever it is has gone, or only looked whether the port is open
	}
	if _, err := nc.Write(p.response(method)); err != nil || ctx.Err() != nil {
		return
	}
	_ = nc.SetReadDeadline(time.Now().Add(adminLinger))
	_, _ = io.CopyN(io.Discard, nc, maxHead)
}

// readRequest reads the head of a request (RFC 9112 section 2) and returns its method
// and the path of its target.
//
// Errors: errRequest, errTooLarge, and those of in.
func readRequest(in io.Reader) (method, path string, err error) {
	head := &io.LimitedReader{R: in, N: maxHead}
	lines := bufio.NewReader(head)
	for first := true; ; first = false {
		text, err := lines.ReadSlice('\n')
		switch {
		case err == bufio.ErrBufferFull, err != nil && head.N == 0:
			return "", "", errTooLarge
		case err != nil:
			return "", "", err
		}
		line := strings.TrimRight(string(text), "\r\n")
		switch {
		case first:
			var ok bool
			if method, path, ok = parseRequestLine(line); !ok {
				return "", "", errRequest
			}
		case line == "":
			return method, path, nil
		}
	}
}

// parseRequestLine reads method SP target SP version (RFC 9112 section 3). The path is
// the target's up to the query, also of one in absolute form; no path here has anything
// to unescape.
func parseRequestLine(line string) (method, path string, ok bool) {
	parts := strings.Split(line, " ")
	if len(parts) != 3 || parts[0] == "" || parts[1] == "" || !strings.HasPrefix(parts[2], "HTTP/1.") {
		return "", "", false
	}
	target := parts[1]
	if _, rest, absolute := strings.Cut(target, "://"); absolute && target[0] != '/' {
		_, target, _ = strings.Cut(rest, "/")
		target = "/" + target
	}
	path, _, _ = strings.Cut(target, "?")
	return parts[0], path, true
}

// page is the answer to a request.
func (a *admin) page(method, path string) page {
	if method != http.MethodGet && method != http.MethodHead {
		return textPage(http.StatusMethodNotAllowed, "GET and HEAD only")
	}
	if make := a.pages[path]; make != nil {
		return make()
	}
	return textPage(http.StatusNotFound, "there are /healthz, /readyz and /metrics")
}

// response is the page as the response to a request with that method.
func (p page) response(method string) []byte {
	allow := ""
	if p.status == http.StatusMethodNotAllowed {
		allow = "Allow: GET, HEAD\r\n"
	}
	b := fmt.Appendf(nil, "HTTP/1.1 %d %s\r\nDate: %s\r\nContent-Type: %s\r\nContent-Length: %d\r\nCache-Control: no-store\r\n%sConnection: close\r\n\r\n",
		p.status, http.StatusText(p.status), time.Now().UTC().Format(http.TimeFormat), p.contentType, len(p.body), allow)
	if method != http.MethodHead {
		b = append(b, p.body...)
	}
	return b
}
