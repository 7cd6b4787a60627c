package ping

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// everywhere is the key of a failure of every path.
const everywhere = "*"

// Failure is one way of not answering as a healthy issuer does.
type Failure struct {
	// serve answers in place of the issuer. repaired is closed when the issuer is
	// restored or closed; an answer that waits must end then.
	serve func(w http.ResponseWriter, r *http.Request, repaired <-chan struct{})
}

// Hangup closes the connection without an answer.
func Hangup() Failure {
	return Failure{func(http.ResponseWriter, *http.Request, <-chan struct{}) {
		panic(http.ErrAbortHandler)
	}}
}

// Hang accepts the request and sends nothing.
func Hang() Failure {
	return Failure{func(_ http.ResponseWriter, r *http.Request, repaired <-chan struct{}) {
		select {
		case <-r.Context().Done():
		case <-repaired:
		}
		panic(http.ErrAbortHandler)
	}}
}

// Drip sends the head at once and then one space per interval, without end.
func Drip(interval time.Duration) Failure {
	return Failure{func(w http.ResponseWriter, r *http.Request, repaired <-chan struct{}) {
		w.Header().Set("Content-Type", "application/json")
		control := http.NewResponseController(w)
		control.Flush()
		tick := time.NewTicker(interval)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				if _, err := io.WriteString(w, " "); err != nil || control.Flush() != nil {
					return
				}
			case <-r.Context().Done():
				return
			case <-repaired:
				panic(http.ErrAbortHandler)
			}
		}
	}}
}

// Flood sends size bytes that begin like a key set.
func Flood(size int64) Failure {
	return Failure{func(w http.ResponseWriter, _ *http.Request, _ <-chan struct{}) {
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, `{"keys":[`)
		io.CopyN(w, spaces{}, size)
	}}
}

type spaces struct{}

func (spaces) Read(b []byte) (int, error) {
	for n := range b {
		b[n] = ' '
	}
	return len(b), nil
}

// Status answers every request with this status and a small JSON error.
func Status(code int) Failure {
	return Failure{func(w http.ResponseWriter, _ *http.Request, _ <-chan struct{}) {
		writeJSON(w, code, map[string]string{"error": strings.ToLower(http.StatusText(code))})
	}}
}

// LoginPage answers 200 with HTML, as a portal in front of the issuer does.
func LoginPage() Failure {
	return body("text/html; charset=utf-8", "<!DOCTYPE html><html><head><title>Sign On</title></head>"+
		"<body><form method=\"post\"><input name=\"pf.username\"></form></body></html>\n")
}

// EmptyKeys answers 200 with a key set that has no keys.
func EmptyKeys() Failure { return body("application/json", `{"keys":[]}`) }

// Garbage answers 200 with a document cut off in the middle of a key.
func Garbage() Failure {
	return body("application/json", `{"keys":[{"kty":"RSA","kid":"cut","use":"sig","n":"AQ`)
}

// Redirect answers 302 to location.
func Redirect(location string) Failure {
	return Failure{func(w http.ResponseWriter, r *http.Request, _ <-chan struct{}) {
		http.Redirect(w, r, location, http.StatusFound)
	}}
}

func body(contentType, text string) Failure {
	return Failure{func(w http.ResponseWriter, _ *http.Request, _ <-chan struct{}) {
		w.Header().Set("Content-Type", contentType)
		io.WriteString(w, text)
	}}
}

// Break lets the named paths fail, or every path when none is named, until Restore. A
// path's own failure counts before the general one.
func (i *Issuer) Break(f Failure, paths ...string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if len(paths) == 0 {
		paths = []string{everywhere}
	}
	for _, path := range paths {
		i.failures[path] = f
	}
}

// Refuse stops listening: open connections are dropped and new ones refused until
// Restore.
func (i *Issuer) Refuse() error {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.stop()
}

// Restore ends every failure and answers that wait because of one, and listens again
// on the old address after Refuse. The error says why that cannot be listened on.
func (i *Issuer) Restore() error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.closed {
		return fmt.Errorf("restore the issuer at %s: %w", i.address, net.ErrClosed)
	}
	clear(i.failures)
	close(i.repaired)
	i.repaired = make(chan struct{})
	if i.server != nil {
		return nil
	}
	listener, err := net.Listen("tcp", i.address)
	if err != nil {
		return fmt.Errorf("restore the issuer: %w", err)
	}
	i.serve(listener)
	return nil
}
