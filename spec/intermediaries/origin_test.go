//go:build spec

package intermediaries

import (
	"bufio"
	"io"
	"net"
	"testing"
	"time"

	"kong-plugin-auth-diagnosis/pkg/standin/rawhttp"
)

// origin answers every request with 200 and hands its head over, bytes as they
// came.
type origin struct {
	addr  string
	heads chan rawhttp.Head
}

func startOrigin(t *testing.T) origin {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	o := origin{l.Addr().String(), make(chan rawhttp.Head, 1)}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			o.answer(c)
		}
	}()
	return o
}

func (o origin) answer(c net.Conn) {
	defer c.Close()
	if c.SetDeadline(time.Now().Add(patience)) != nil {
		return
	}
	head, err := rawhttp.ReadHead(bufio.NewReader(c), 64<<10)
	if err != nil {
		return // a probe of whether somebody listens
	}
	o.heads <- head
	io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
}
