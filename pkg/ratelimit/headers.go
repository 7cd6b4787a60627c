package ratelimit

import "strconv"

// Names of the response headers, as Kong's rate-limiting plugin (3.9) has them.
const (
	HeaderLimitSecond     = "X-RateLimit-Limit-Second"
	HeaderRemainingSecond = "X-RateLimit-Remaining-Second"
	HeaderLimitDay        = "X-RateLimit-Limit-Day"
	HeaderRemainingDay    = "X-RateLimit-Remaining-Day"
	HeaderLimit           = "RateLimit-Limit"
	HeaderRemaining       = "RateLimit-Remaining"
	HeaderReset           = "RateLimit-Reset"
	HeaderRetryAfter      = "Retry-After"
)

// maxHeaders is the most that one decision writes.
const maxHeaders = 8

// Header is a response header.
type Header struct{ Name, Value string }

// AppendHeaders appends to dst what d tells the client and returns the result:
// limit and remaining of each window that the tier has, the three RateLimit
// headers for the window with the least remaining (the longer one if they are
// equal, as Kong chooses), and Retry-After with a denial. Times are in whole
// seconds, rounded up, at least 1.
//
// It allocates once for all values, besides what dst needs to grow.
func AppendHeaders(dst []Header, d Decision) []Header {
	var (
		buf   [maxHeaders * 20]byte
		text  = buf[:0]
		ends  [maxHeaders]int
		first = len(dst)
		add   = func(name string, value int64) {
			text = strconv.AppendInt(text, value, 10)
			ends[len(dst)-first] = len(text)
			dst = append(dst, Header{Name: name})
		}
		nearest Quota
	)
	if q := d.Second; q.Limit > 0 {
		add(HeaderLimitSecond, q.Limit)
		add(HeaderRemainingSecond, q.Remaining)
		nearest = q
	}
	if q := d.Day; q.Limit > 0 {
		add(HeaderLimitDay, q.Limit)
		add(HeaderRemainingDay, q.Remaining)
		if nearest.Limit == 0 || q.Remaining <= nearest.Remaining {
			nearest = q
		}
	}
	if nearest.Limit > 0 {
		add(HeaderLimit, nearest.Limit)
		add(HeaderRemaining, nearest.Remaining)
		add(HeaderReset, ceilSeconds(nearest.Reset))
	}
	if !d.Allowed {
		add(HeaderRetryAfter, d.RetrySeconds())
	}
	// The numbers are one string; each value is a piece of it.
	all, start := string(text), 0
	for i := range dst[first:] {
		dst[first+i].Value = all[start:ends[i]]
		start = ends[i]
	}
	return dst
}
