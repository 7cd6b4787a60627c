package ratelimit

import "strconv"

// Names of the response headers, as Kong's rate-limiting plugin (3.9) has them.
const (
	HeaderLimitSecond     = "X-RateLimit-Limit-Second"
	HeaderRemainingSecond = "X-RateLimit-Remaining-Second"
	HeaderLimitMinute     = "X-RateLimit-Limit-Minute"
	HeaderRemainingMinute = "X-RateLimit-Remaining-Minute"
	HeaderLimitHour       = "X-RateLimit-Limit-Hour"
	HeaderRemainingHour   = "X-RateLimit-Remaining-Hour"
	HeaderLimitDay        = "X-RateLimit-Limit-Day"
	HeaderRemainingDay    = "X-RateLimit-Remaining-Day"
	HeaderLimit           = "RateLimit-Limit"
	HeaderRemaining       = "RateLimit-Remaining"
	HeaderReset           = "RateLimit-Reset"
	HeaderRetryAfter      = "Retry-After"
)

// Names of the header fields of draft-ietf-httpapi-ratelimit-headers-10.
const (
	HeaderIETFPolicy = "RateLimit-Policy"
	HeaderIETFLimit  = "RateLimit"
)

// MaxHeaders is the most that one decision makes, in both styles together.
const MaxHeaders = maxKong + 2

const maxKong = 12 // limit and remaining of four windows, four others

// Header is a response header.
type Header struct{ Name, Value string }

// windowHeaders has what headers say of each window.
var windowHeaders = [...]struct {
	limit, remaining string // Kong's names
	seconds          int64
}{
	WindowSecond: {HeaderLimitSecond, HeaderRemainingSecond, 1},
	WindowMinute: {HeaderLimitMinute, HeaderRemainingMinute, secondsPerMinute},
	WindowHour:   {HeaderLimitHour, HeaderRemainingHour, secondsPerHour},
	WindowDay:    {HeaderLimitDay, HeaderRemainingDay, secondsPerDay},
}

// AppendHeaders appends to dst what d tells the client and returns the result:
// limit and remaining of each window that the tier has, the three RateLimit
// headers for the window with the least remaining (the longest one if several
// have that, as Kong chooses), and Retry-After with a denial. Times are in whole
// seconds, rounded up, at least 1.
//
// It allocates once for all values, besides what dst needs to grow.
func AppendHeaders(dst []Header, d Decision) []Header {
	var (
		buf   [maxKong * 20]byte
		text  = buf[:0]
		ends  [maxKong]int
		first = len(dst)
		add   = func(name string, value int64) {
			text = strconv.AppendInt(text, value, 10)
			ends[len(dst)-first] = len(text)
			dst = append(dst, Header{Name: name})
		}
		nearest Quota
	)
	for w := WindowSecond; w <= WindowDay; w++ {
		q := d.quota(w)
		if q.Limit == 0 {
			continue
		}
		add(windowHeaders[w].limit, q.Limit)
		add(windowHeaders[w].remaining, q.Remaining)
		if nearest.Limit == 0 || q.Remaining <= nearest.Remaining {
			nearest = *q
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

// AppendIETFHeaders appends to dst the fields of the IETF draft, lists of
// Strings (RFC 9651) with a member for each window of the tier, and returns the
// result:
//
//	RateLimit-Policy: "second";q=20;w=1, "day";q=50000;w=86400
//	RateLimit: "second";r=19;t=1, "day";r=49999;t=51234
//
// Without any window it appends nothing. A denial's Retry-After is not among
// them: it is the same in every style ([Decision.RetrySeconds]), and no earlier
// than the t of a window that denied.
//
// It allocates once for both values, besides what dst needs to grow.
func AppendIETFHeaders(dst []Header, d Decision) []Header {
	var buf [384]byte // more than the largest tier takes
	text := buf[:0]
	for w := WindowSecond; w <= WindowDay; w++ {
		if q := d.quota(w); q.Limit > 0 {
			text = appendMember(text, 0, w, 'q', q.Limit, 'w', windowHeaders[w].seconds)
		}
	}
	policy := len(text)
	if policy == 0 {
		return dst
	}
	for w := WindowSecond; w <= WindowDay; w++ {
		if q := d.quota(w); q.Limit > 0 {
			text = appendMember(text, policy, w, 'r', q.Remaining, 't', ceilSeconds(q.Reset))
		}
	}
	all := string(text)
	return append(dst, Header{HeaderIETFPolicy, all[:policy]}, Header{HeaderIETFLimit, all[policy:]})
}

// appendMember appends a member of the list that begins at start: the window's
// name and two parameters.
func appendMember(b []byte, start int, w Window, name byte, value int64, name2 byte, value2 int64) []byte {
	if len(b) > start {
		b = append(b, ", "...)
	}
	b = append(b, '"')
	b = append(b, windowNames[w]...)
	b = append(b, '"', ';', name, '=')
	b = strconv.AppendInt(b, value, 10)
	b = append(b, ';', name2, '=')
	return strconv.AppendInt(b, value2, 10)
}
