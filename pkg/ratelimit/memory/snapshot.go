package memory

import (
	"bufio"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"iter"
	"time"

	"kong-plugin-auth-diagnosis/pkg/ratelimit"
	"kong-plugin-auth-diagnosis/pkg/ratelimit/table"
)

// A snapshot is what counters of minutes, hours and days need to outlive the
// process: of each key the digest and the counts of the windows that are not
// over. Nothing of the second window is in it, whose time line is the process's,
// nor of counters that keys share for want of room.
//
//	magic, with the version
//	varint   when it was made, in Unix seconds: the base of the numbers below
//	record…  flags, not 0, and digest; then of each window that the flags name:
//	         day     uvarint count, varint number and end less the base's
//	         hour    uvarint count, byte number less the base's
//	         minute  the same
//	byte 0
//	4 bytes  CRC-32C of all before, little-endian
const magic = "auth-diagnosis counters 1\n"

const (
	secondsPerMinute = 60
	secondsPerHour   = 60 * secondsPerMinute
	secondsPerDay    = 24 * secondsPerHour
)

const (
	flagFallback = 1 << iota
	flagDay
	flagHour
	flagMinute
	flagsAll = 1<<iota - 1
)

const (
	sumSize   = 4
	maxRecord = 1 + ratelimit.DigestSize + 5*binary.MaxVarintLen64 + 2
	maxDays   = 3 // that the end of a day is ahead, at most
)

// Why a snapshot is not used or not complete.
var (
	ErrSnapshot     = errors.New("not saved counters, or damaged ones")
	ErrSnapshotSize = errors.New("too large for saved counters")
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// sums is a writer that adds up what goes through it.
type sums struct {
	w    io.Writer
	sum  uint32
	size int64
}

func (s *sums) Write(p []byte) (int, error) {
	n, err := s.w.Write(p)
	s.sum = crc32.Update(s.sum, castagnoli, p[:n])
	s.size += int64(n)
	return n, err
}

// encode writes a snapshot of entries, of those that fit into limit bytes. It
// returns how many did not.
func encode(w io.Writer, now time.Time, limit int64, batches iter.Seq2[bool, []table.Entry[struct{}]]) (left int, err error) {
	sum := &sums{w: w}
	buf := bufio.NewWriterSize(sum, 1<<16)
	record := make([]byte, 0, maxRecord)
	_, err = buf.Write(binary.AppendVarint([]byte(magic), now.Unix()))
	for fallback, batch := range batches {
		for i := range batch {
			counts := batch[i].State.Counts(now)
			if counts == (ratelimit.State{}) {
				continue
			}
			if sum.size+int64(buf.Buffered()) > limit-maxRecord-1-sumSize {
				left++
				continue
			}
			if _, err = buf.Write(appendRecord(record, now, fallback, batch[i].Digest, counts)); err != nil {
				return left, err
			}
		}
	}
	if err == nil {
		err = buf.WriteByte(0)
	}
	if err == nil {
		err = buf.Flush()
	}
	if err == nil {
		_, err = w.Write(binary.LittleEndian.AppendUint32(nil, sum.sum))
	}
	return left, err
}

// appendRecord appends the counts of a key, which are those of now.
func appendRecord(b []byte, now time.Time, fallback bool, digest [ratelimit.DigestSize]byte, c ratelimit.State) []byte {
	at := len(b)
	b = append(b, 0)
	b = append(b, digest[:]...)
	if fallback {
		b[at] |= flagFallback
	}
	base := now.Unix()
	if c.Used > 0 {
		b[at] |= flagDay
		b = binary.AppendUvarint(b, uint64(c.Used))
		b = binary.AppendVarint(b, int64(c.Day)-base/secondsPerDay)
		b = binary.AppendVarint(b, c.DayEnd-base)
	}
	for _, w := range [...]struct {
		flag    byte
		count   ratelimit.Count
		seconds int64
	}{{flagHour, c.Hour, secondsPerHour}, {flagMinute, c.Minute, secondsPerMinute}} {
		if w.count.Used > 0 {
			b[at] |= w.flag
			b = binary.AppendUvarint(b, uint64(w.count.Used))
			b = append(b, byte(int64(w.count.Number)-base/w.seconds)) // 0 or 1
		}
	}
	return b
}
