package pluginserver

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"time"
)

// pdkConn is the net.Conn below go-pdk's PDK. The PDK writes the frames of a call
// (method, arguments) in up to four pieces and then reads one frame; pdkConn makes an
// Ask or a Tell of each, so both ways of calling share the order of frames.
type pdkConn struct {
	ev    *Event
	wrote []byte // frames of the call that is being written
	reply []byte // frame of the last reply, not read yet
}

var errUnframed = errors.New("pdk call is not framed")

// Write collects the pieces of a call.
func (p *pdkConn) Write(b []byte) (int, error) {
	p.reply = p.reply[:0]
	p.wrote = append(p.wrote, b...)
	return len(b), nil
}

// Read makes the call that was written, if there is one, and gives out its reply.
func (p *pdkConn) Read(b []byte) (int, error) {
	if len(p.wrote) > 0 {
		if err := p.call(); err != nil {
			return 0, err
		}
	}
	if len(p.reply) == 0 {
		return 0, io.EOF
	}
	n := copy(b, p.reply)
	p.reply = p.reply[n:]
	return n, nil
}

func (p *pdkConn) call() error {
	method, args, err := lastCall(p.wrote)
	if err != nil {
		p.wrote = p.wrote[:0]
		return err
	}
	var reply []byte
	if void(method) {
		err = p.ev.Tell(string(method), args)
	} else {
		reply, err = p.ev.Ask(string(method), args)
	}
	p.wrote = p.wrote[:0]
	if err != nil {
		return err
	}
	if string(method) == exitMethod {
		return io.EOF // Kong never answers it; the PDK ignores the error
	}
	p.reply = binary.LittleEndian.AppendUint32(p.reply[:0], uint32(len(reply)))
	p.reply = append(p.reply, reply...)
	return nil
}

// lastCall returns the last two frames of b. There are more when the PDK gave up between
// writing a method and its arguments (it does at a string that is not UTF-8): Kong must
// never see that method.
func lastCall(b []byte) (method, args []byte, err error) {
	for frames := 0; len(b) > 0; frames++ {
		if len(b) < frameHeader {
			return nil, nil, errUnframed
		}
		size := binary.LittleEndian.Uint32(b)
		if uint64(size) > uint64(len(b)-frameHeader) {
			return nil, nil, errUnframed
		}
		method, args = args, b[frameHeader:frameHeader+size]
		b = b[frameHeader+size:]
	}
	if len(method) == 0 {
		return nil, nil, errUnframed
	}
	return method, args, nil
}

// Close does nothing: the connection is Kong's.
func (p *pdkConn) Close() error { return nil }

// LocalAddr and the rest are the server's business.
func (p *pdkConn) LocalAddr() net.Addr              { return p.ev.c.nc.LocalAddr() }
func (p *pdkConn) RemoteAddr() net.Addr             { return p.ev.c.nc.RemoteAddr() }
func (p *pdkConn) SetDeadline(time.Time) error      { return nil }
func (p *pdkConn) SetReadDeadline(time.Time) error  { return nil }
func (p *pdkConn) SetWriteDeadline(time.Time) error { return nil }

var _ net.Conn = (*pdkConn)(nil)

// void reports whether the PDK call's reply carries nothing (google.protobuf.Empty in
// kong/pluginsocket.proto, and set_ctx, which declares a String and returns none).
func void(method []byte) bool {
	if bytes.HasPrefix(method, []byte("kong.log.")) {
		return !bytes.Equal(method, []byte("kong.log.serialize"))
	}
	switch string(method) {
	case "kong.client.authenticate",
		"kong.ctx.shared.set",
		"kong.nginx.set_ctx",
		"kong.response.set_status",
		"kong.response.set_header",
		"kong.response.add_header",
		"kong.response.clear_header",
		"kong.response.set_headers",
		exitMethod,
		"kong.service.set_target",
		"kong.service.request.set_scheme",
		"kong.service.request.set_path",
		"kong.service.request.set_raw_query",
		"kong.service.request.set_method",
		"kong.service.request.set_query",
		"kong.service.request.set_header",
		"kong.service.request.add_header",
		"kong.service.request.clear_header",
		"kong.service.request.set_headers",
		"kong.service.request.set_raw_body":
		return true
	}
	return false
}
