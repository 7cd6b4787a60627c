package memory

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"kong-plugin-auth-diagnosis/pkg/ratelimit"
)

// decode calls visit with each key of a snapshot and what it had counted, unless
// any byte of it is wrong: then with none, and the error is [ErrSnapshot].
func decode(file io.ReaderAt, size int64, visit func(ratelimit.Key, ratelimit.State)) error {
	if size < int64(len(magic)+2+sumSize) {
		return fmt.Errorf("%w: %d bytes", ErrSnapshot, size)
	}
	body := func() io.Reader { return io.NewSectionReader(file, 0, size-sumSize) }
	sum := &sums{w: io.Discard}
	var last [sumSize]byte
	_, err := io.Copy(sum, body())
	if err == nil {
		_, err = io.ReadFull(io.NewSectionReader(file, size-sumSize, sumSize), last[:])
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrSnapshot, err)
	}
	if binary.LittleEndian.Uint32(last[:]) != sum.sum {
		return fmt.Errorf("%w: checksum", ErrSnapshot)
	}
	if err := records(body(), func(ratelimit.Key, ratelimit.State) {}); err != nil {
		return err
	}
	return records(body(), visit)
}

// records reads a snapshot without its checksum.
func records(r io.Reader, visit func(ratelimit.Key, ratelimit.State)) error {
	d := &decoder{r: bufio.NewReaderSize(r, 1<<16)}
	var head [len(magic)]byte
	d.full(head[:])
	base := d.varint(0, (math.MaxUint32-1)*secondsPerMinute)
	if string(head[:]) != magic {
		d.fail("magic")
	}
	for d.err == nil {
		flags := d.byte()
		if flags == 0 {
			break
		}
		if flags&flagsAll != flags || flags == flagFallback {
			d.fail("flags")
		}
		d.record(flags, base, visit)
	}
	if d.err == nil {
		if _, err := d.r.ReadByte(); err != io.EOF {
			d.fail("length")
		}
	}
	return d.err
}

// decoder reads until the first error.
type decoder struct {
	r   *bufio.Reader
	err error
}

func (d *decoder) record(flags byte, base int64, visit func(ratelimit.Key, ratelimit.State)) {
	var (
		digest [ratelimit.DigestSize]byte
		s      ratelimit.State
	)
	d.full(digest[:])
	if flags&flagDay != 0 {
		s.Used = d.count(ratelimit.MaxDay)
		s.Day = int32(base/secondsPerDay + d.varint(-maxDays, maxDays))
		s.DayEnd = base + d.varint(1, maxDays*secondsPerDay)
	}
	if flags&flagHour != 0 {
		s.Hour = d.window(base / secondsPerHour)
	}
	if flags&flagMinute != 0 {
		s.Minute = d.window(base / secondsPerMinute)
	}
	if d.err == nil {
		visit(ratelimit.RestoreKey(digest, flags&flagFallback != 0), s)
	}
}

func (d *decoder) window(base int64) ratelimit.Count {
	c := ratelimit.Count{Used: uint32(d.count(ratelimit.MaxRate))}
	next := d.byte()
	if next > 1 {
		d.fail("window")
	}
	c.Number = uint32(base + int64(next))
	return c
}

func (d *decoder) fail(what string) {
	if d.err == nil {
		d.err = fmt.Errorf("%w: %s", ErrSnapshot, what)
	}
}

// check takes an error of reading: a file that ends early is damaged too.
func (d *decoder) check(err error) {
	if err != nil && d.err == nil {
		d.err = fmt.Errorf("%w: %w", ErrSnapshot, err)
	}
}

func (d *decoder) full(p []byte) {
	if d.err == nil {
		_, err := io.ReadFull(d.r, p)
		d.check(err)
	}
}

func (d *decoder) byte() byte {
	var b [1]byte
	d.full(b[:])
	return b[0]
}

// count reads how many requests were admitted, from 1 to most.
func (d *decoder) count(most int64) int64 {
	if d.err != nil {
		return 0
	}
	n, err := binary.ReadUvarint(d.r)
	d.check(err)
	if n == 0 || n > uint64(most) {
		d.fail("count")
	}
	return int64(n)
}

func (d *decoder) varint(least, most int64) int64 {
	if d.err != nil {
		return 0
	}
	n, err := binary.ReadVarint(d.r)
	d.check(err)
	if n < least || n > most {
		d.fail("number")
	}
	return n
}
