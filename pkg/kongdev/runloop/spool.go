package runloop

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
)

// Body is a request body on its way in.
type Body interface {
	io.Reader
	Done() bool // it has been read to its end, or there is none
}

// bodyBuffer is nginx's client_body_buffer_size: a longer body goes to a file.
const bodyBuffer = 8 << 10

// Spool buffers a request body, as nginx does before it proxies
// (proxy_request_buffering on): small in memory, large in a temporary file.
type Spool struct {
	src      Body
	dir      string
	onRead   func() error // answers Expect: 100-continue before the first read
	once     sync.Once
	err      error
	mem      []byte
	file     *os.File
	size     int64
	present  bool
	consumed bool
}

// NewSpool buffers src in dir when asked for it. present says that the request
// has a body at all, an empty one included.
func NewSpool(src Body, dir string, present bool, onRead func() error) *Spool {
	return &Spool{src: src, dir: dir, onRead: onRead, present: present}
}

// Load reads the whole body once.
func (s *Spool) Load() error {
	s.once.Do(func() { s.err = s.load() })
	return s.err
}

func (s *Spool) load() error {
	s.consumed = true
	if s.src.Done() {
		return nil
	}
	if err := s.onRead(); err != nil {
		return err
	}
	var buf bytes.Buffer
	_, err := io.CopyN(&buf, s.src, bodyBuffer)
	if errors.Is(err, io.EOF) {
		s.mem, s.size = buf.Bytes(), int64(buf.Len())
		return nil
	}
	if err != nil {
		return err
	}
	if s.file, err = os.CreateTemp(s.dir, "body-*"); err != nil {
		return fmt.Errorf("buffering the request body: %w", err)
	}
	s.size, err = io.Copy(s.file, io.MultiReader(&buf, s.src))
	return err
}

// Bytes implements exchange.BodySource.
func (s *Spool) Bytes() (content []byte, path string, err error) {
	if err := s.Load(); err != nil {
		return nil, "", err
	}
	if s.file != nil {
		return nil, s.file.Name(), nil
	}
	return s.mem, "", nil
}

// Stream reads the body as it comes, or from its start when it has been loaded: nginx
// buffers no request that it passes on with grpc_pass.
func (s *Spool) Stream() (io.Reader, error) {
	if s.consumed {
		return s.Reader()
	}
	s.consumed = true
	return s.src, s.onRead()
}

// Size is the length of a loaded body in bytes.
func (s *Spool) Size() int64 { return s.size }

// Reader reads a loaded body from its start.
func (s *Spool) Reader() (io.Reader, error) {
	if s.file == nil {
		return bytes.NewReader(s.mem), nil
	}
	_, err := s.file.Seek(0, io.SeekStart)
	return s.file, err
}

// Close removes the temporary file.
func (s *Spool) Close() {
	if s.file == nil {
		return
	}
	s.file.Close()
	os.Remove(s.file.Name())
}
