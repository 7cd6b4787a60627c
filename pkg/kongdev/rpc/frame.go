package rpc

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"time"
)

// timeout is nginx's lua_socket_*_timeout: connect, each send, each receive.
const timeout = 60 * time.Second

// errClosed is the text of a cosocket whose peer has closed; Kong starts the
// instance again and repeats the event when it sees it.
var errClosed = errors.New("closed")

// conn is one connection to a plugin server.
type conn struct {
	net.Conn
	br *bufio.Reader
	at time.Time // when it became idle
}

func dial(socket string) (*conn, error) {
	c, err := net.DialTimeout("unix", socket, timeout)
	if err != nil {
		return nil, cosocketError(err)
	}
	return &conn{Conn: c, br: bufio.NewReader(c)}, nil
}

// writeFrame sends length and payload as two writes, as Kong does.
func (c *conn) writeFrame(p []byte) error {
	var head [4]byte
	binary.LittleEndian.PutUint32(head[:], uint32(len(p)))
	for _, part := range [][]byte{head[:], p} {
		if len(part) == 0 {
			continue
		}
		if err := c.SetWriteDeadline(time.Now().Add(timeout)); err != nil {
			return cosocketError(err)
		}
		if _, err := c.Write(part); err != nil {
			return cosocketError(err)
		}
	}
	return nil
}

// readFrame reads one frame. Kong sets no limit; the buffer grows with what
// really arrives.
func (c *conn) readFrame() ([]byte, error) {
	if err := c.SetReadDeadline(time.Now().Add(timeout)); err != nil {
		return nil, cosocketError(err)
	}
	var head [4]byte
	if _, err := io.ReadFull(c.br, head[:]); err != nil {
		return nil, cosocketError(err)
	}
	var buf bytes.Buffer
	if _, err := io.CopyN(&buf, c.br, int64(binary.LittleEndian.Uint32(head[:]))); err != nil {
		return nil, cosocketError(err)
	}
	return buf.Bytes(), nil
}

// alive reports whether an idle connection can be used: the peer has neither
// closed it nor sent anything unasked.
func (c *conn) alive() bool {
	if c.br.Buffered() > 0 {
		return false
	}
	raw, err := c.Conn.(*net.UnixConn).SyscallConn()
	if err != nil {
		return false
	}
	ok := false
	err = raw.Control(func(fd uintptr) {
		var b [1]byte
		_, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		ok = errors.Is(err, syscall.EAGAIN)
	})
	return err == nil && ok
}

// cosocketError gives an error the text that OpenResty gives it.
func cosocketError(err error) error {
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		return errClosed
	case errors.Is(err, os.ErrDeadlineExceeded):
		return errors.New("timeout")
	case errors.Is(err, syscall.ECONNREFUSED):
		return errors.New("connection refused")
	case errors.Is(err, os.ErrNotExist):
		return errors.New("no such file or directory")
	case errors.Is(err, syscall.ECONNRESET):
		return errors.New("connection reset by peer")
	case errors.Is(err, syscall.EPIPE):
		return errors.New("broken pipe")
	}
	return fmt.Errorf("socket: %w", err)
}
