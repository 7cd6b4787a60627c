package pluginserver

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"slices"
)

// frameHeader is the length of a frame's length: a uint32 in little-endian order.
const frameHeader = 4

// growth is how many bytes of a frame are made room for before they have arrived.
const growth = 4 << 10

var errOversized = errors.New("frame over the limit")

// frameReader reads length-prefixed frames. Kong sends length and payload as two
// writes, and many frames are empty, hence the buffer below it.
type frameReader struct {
	br  *bufio.Reader
	buf []byte
}

// next returns the payload of the next frame, valid until the following call. A frame
// of more than limit bytes is read to its end, stored nowhere and reported as
// errOversized. io.EOF means that the stream ended between two frames.
func (r *frameReader) next(limit int) ([]byte, error) {
	size, err := r.size()
	if err != nil {
		return nil, err
	}
	if uint64(size) > uint64(limit) {
		return nil, errors.Join(r.drop(size), errOversized)
	}
	r.buf = r.buf[:0]
	for rest := int(size); rest > 0; {
		step := min(rest, max(growth, len(r.buf)))
		at := len(r.buf)
		r.buf = slices.Grow(r.buf, step)[:at+step]
		if _, err := io.ReadFull(r.br, r.buf[at:]); err != nil {
			return nil, cut(err)
		}
		rest -= step
	}
	return r.buf, nil
}

// skip reads the next frame away, without storing it. Over limit it still does, and
// then reports errOversized.
func (r *frameReader) skip(limit int) error {
	size, err := r.size()
	if err != nil {
		return err
	}
	if err := r.drop(size); err != nil {
		return err
	}
	if uint64(size) > uint64(limit) {
		return errOversized
	}
	return nil
}

func (r *frameReader) size() (uint32, error) {
	head, err := r.br.Peek(frameHeader)
	if err != nil {
		if len(head) > 0 {
			return 0, cut(err)
		}
		return 0, err
	}
	size := binary.LittleEndian.Uint32(head)
	_, err = r.br.Discard(frameHeader)
	return size, err
}

func (r *frameReader) drop(size uint32) error {
	for rest := int64(size); rest > 0; {
		n, err := r.br.Discard(int(min(rest, math.MaxInt32)))
		if err != nil {
			return cut(err)
		}
		rest -= int64(n)
	}
	return nil
}

// cut turns the end of the stream inside a frame into what it is.
func cut(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// outbox collects frames and sends them in one write. It remembers where each PDK call
// ends, so that a failing event can drop the calls that Kong has seen nothing of and
// still complete the one whose first bytes have left.
type outbox struct {
	buf  []byte
	sent int
	ends []int
}

// call appends a PDK call: the method's frame and the arguments'.
func (o *outbox) call(method string, args []byte) {
	o.buf = binary.LittleEndian.AppendUint32(o.buf, uint32(len(method)))
	o.buf = append(o.buf, method...)
	o.frame(args)
	o.ends = append(o.ends, len(o.buf))
}

// frame appends one frame.
func (o *outbox) frame(payload []byte) {
	o.buf = binary.LittleEndian.AppendUint32(o.buf, uint32(len(payload)))
	o.buf = append(o.buf, payload...)
}

// flush writes what is left in one Write. After a partial write it can be called again.
func (o *outbox) flush(w io.Writer) error {
	if o.sent == len(o.buf) {
		o.reset()
		return nil
	}
	n, err := w.Write(o.buf[o.sent:])
	o.sent += n
	if err != nil {
		return err
	}
	o.reset()
	return nil
}

// cut drops every call that has not begun to leave.
func (o *outbox) cut() {
	if o.sent == 0 {
		o.reset()
		return
	}
	for i, end := range o.ends {
		if end >= o.sent {
			o.buf, o.ends = o.buf[:end], o.ends[:i+1]
			return
		}
	}
}

func (o *outbox) reset() { o.buf, o.sent, o.ends = o.buf[:0], 0, o.ends[:0] }
