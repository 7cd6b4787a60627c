package h2

import (
	"encoding/binary"
	"io"
	"net"
	"sync"
	"time"
)

// lingerTimeout is how long a refused client may take to close its connection.
const lingerTimeout = 5 * time.Second

// Conn is one client connection.
type Conn struct {
	net.Conn
	rd     io.Reader
	handle Handler

	mu      sync.Mutex // guards the fields below
	streams int        // whose handlers are running
	closed  bool
	ended   bool
	done    chan struct{} // closed when the connection is and no handler runs

	out     sync.Mutex // guards the fields below and orders writes
	frames  frameEnds
	refused bool
}

// Read implements net.Conn.
func (c *Conn) Read(p []byte) (int, error) { return c.rd.Read(p) }

// Write implements net.Conn.
func (c *Conn) Write(p []byte) (int, error) {
	c.out.Lock()
	defer c.out.Unlock()
	if c.refused && c.frames.between() {
		return 0, net.ErrClosed
	}
	n, err := c.Conn.Write(p)
	c.frames.skip(p[:n])
	if c.refused && c.frames.between() {
		c.goAway()
	}
	return n, err
}

// Refuse ends the connection as nginx does when it wants no more of a client: GOAWAY
// with ENHANCE_YOUR_CALM, behind the frame that is being sent.
func (c *Conn) Refuse() {
	c.out.Lock()
	defer c.out.Unlock()
	if c.refused {
		return
	}
	c.refused = true
	if c.frames.between() {
		c.goAway()
	}
}

// Parts of a GOAWAY frame (RFC 9113, 6.8). Which stream was the last one net/http does
// not tell, so that no client may think its request was not looked at.
const (
	typeGoAway       = 7
	goAwayLength     = 8
	lastStream       = 1<<31 - 1
	enhanceYourCalm  = 0xb
	frameHeaderBytes = 9
)

// goAway sends the frame and no more; net/http reads on until the client has gone.
func (c *Conn) goAway() {
	frame := make([]byte, frameHeaderBytes+goAwayLength)
	frame[2], frame[3] = goAwayLength, typeGoAway
	binary.BigEndian.PutUint32(frame[9:], lastStream)
	binary.BigEndian.PutUint32(frame[13:], enhanceYourCalm)
	_ = c.SetReadDeadline(time.Now().Add(lingerTimeout))
	if _, err := c.Conn.Write(frame); err != nil {
		return
	}
	if t, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		_ = t.CloseWrite()
	}
}

// begin counts a handler; false says that the connection has gone.
func (c *Conn) begin() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	c.streams++
	return true
}

func (c *Conn) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.streams--
	c.settle()
}

// Close implements net.Conn.
func (c *Conn) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	c.settle()
	return c.Conn.Close()
}

func (c *Conn) settle() {
	if c.closed && c.streams == 0 && !c.ended {
		c.ended = true
		close(c.done)
	}
}

// frameEnds follows the frames of a stream of bytes.
type frameEnds struct {
	header  [frameHeaderBytes]byte
	have    int // bytes of the header
	payload int // bytes still to come
}

// between reports whether the last frame is complete.
func (f *frameEnds) between() bool { return f.have == 0 && f.payload == 0 }

func (f *frameEnds) skip(p []byte) {
	for len(p) > 0 {
		if f.payload > 0 {
			n := min(f.payload, len(p))
			f.payload, p = f.payload-n, p[n:]
			continue
		}
		n := copy(f.header[f.have:], p)
		f.have, p = f.have+n, p[n:]
		if f.have == frameHeaderBytes {
			f.have = 0
			f.payload = int(f.header[0])<<16 | int(f.header[1])<<8 | int(f.header[2])
		}
	}
}
