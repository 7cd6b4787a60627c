package rpc

import (
	"net"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// recorder is a connection that keeps what each Write got.
type recorder struct {
	*net.UnixConn
	writes []string
}

func (r *recorder) Write(p []byte) (int, error) {
	r.writes = append(r.writes, string(p))
	return len(p), nil
}

func TestFramesAreTwoWrites(t *testing.T) {
	a, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: "@" + t.Name(), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	r := &recorder{UnixConn: a}
	c := &conn{Conn: r}
	for _, p := range []string{"abc", ""} {
		if err := c.writeFrame([]byte(p)); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"\x03\x00\x00\x00", "abc", "\x00\x00\x00\x00"}
	if diff := cmp.Diff(want, r.writes); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
