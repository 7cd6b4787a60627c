package redisstore

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"kong-plugin-auth-diagnosis/pkg/ratelimit"
)

// A field of the hash reads "second date:used hour:used minute:used", all in
// decimal: "1204 20577:1204 493853:377 29631189:9", where the windows have their
// numbers since 1970. Later versions may add words at its end.

// maxSum bounds every number that comes from Redis and their sums, so that none
// overflows. No limit reaches it.
const maxSum = 1 << 53

// errField says that a field is not what a node writes.
var errField = errors.New("unreadable field")

// append appends c as a field's text.
func (c *counts) append(b []byte) []byte {
	b = strconv.AppendInt(b, c.second, 10)
	b = append(b, ' ')
	b = strconv.AppendInt(b, int64(c.date), 10)
	b = append(b, ':')
	b = strconv.AppendInt(b, c.day, 10)
	for _, w := range [...]ratelimit.Count{c.hour, c.minute} {
		b = append(b, ' ')
		b = strconv.AppendUint(b, uint64(w.Number), 10)
		b = append(b, ':')
		b = strconv.AppendUint(b, uint64(w.Used), 10)
	}
	return b
}

// readCounts reads a field's text. It refuses, with errField, whatever append
// does not write; the text may come from anybody who may write to Redis.
func readCounts(text string) (c counts, err error) {
	r := reader{rest: text}
	c.second = r.number(' ', maxSum)
	c.date = int32(r.number(':', math.MaxInt32))
	c.day = r.number(' ', maxSum)
	c.hour.Number = uint32(r.number(':', math.MaxUint32))
	c.hour.Used = uint32(r.number(' ', math.MaxUint32))
	c.minute.Number = uint32(r.number(':', math.MaxUint32))
	c.minute.Used = uint32(r.number(' ', math.MaxUint32))
	if r.failed {
		return counts{}, fmt.Errorf("%w of %d bytes", errField, len(text))
	}
	return c, nil
}

// reader takes numbers off a text.
type reader struct {
	rest   string
	failed bool
}

// number takes the digits up to end, or to the end of the text where end is a
// space.
func (r *reader) number(end byte, most int64) (n int64) {
	word, rest, found := strings.Cut(r.rest, string(end))
	r.rest = rest
	ok := (found || end == ' ') && len(word) > 0 && (len(word) == 1 || word[0] != '0')
	for _, digit := range []byte(word) {
		if ok = ok && digit >= '0' && digit <= '9'; !ok {
			break
		}
		if n = n*10 + int64(digit-'0'); n > most {
			ok = false
			break
		}
	}
	if !ok {
		r.failed = true
		return 0
	}
	return n
}

// sum adds up the fields of one hash.
type sum struct {
	counts
	lastHour, lastMinute uint32
	lastDate             int32
}

// newSum returns an empty sum for the hash of a day. now bounds which minute and
// hour may be counted: a node whose clock is more than one ahead is left out.
func newSum(day int32, now time.Time) sum {
	sec := max(0, now.Unix())
	return sum{lastDate: day, lastHour: uint32(sec/3600) + 1, lastMinute: uint32(sec/60) + 1}
}

func (s *sum) add(c counts) {
	s.second = min(maxSum, s.second+c.second)
	switch {
	case c.date > s.lastDate || c.date < s.date:
	case c.date > s.date:
		s.date, s.day = c.date, c.day
	default:
		s.day = min(maxSum, s.day+c.day)
	}
	latest(&s.hour, c.hour, s.lastHour)
	latest(&s.minute, c.minute, s.lastMinute)
}

// latest adds c to a sum of the latest window so far, of those up to last.
func latest(sum *ratelimit.Count, c ratelimit.Count, last uint32) {
	switch {
	case c.Number > last || c.Number < sum.Number:
	case c.Number > sum.Number:
		*sum = c
	default:
		sum.Used = uint32(min(int64(sum.Used)+int64(c.Used), math.MaxUint32))
	}
}
