package token

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"kong-plugin-auth-diagnosis/pkg/diagnosis"
)

// Ranges of a time claim in seconds since 1970. Milliseconds of this age lie
// between the two: the first is the end of the year 9999, with which issuers
// write "never", and was in 1978 when taken for milliseconds.
const (
	maxSeconds      = 253_402_300_800
	maxMilliseconds = 1e14
)

// Windows in which an expired token is put down to a clock rather than to a
// client that kept it: expired a moment ago although issued a moment ago.
const (
	skewPast = 60 * time.Second
	skewAge  = 120 * time.Second
)

// CheckTime judges exp, nbf and iat (RFC 7519 section 4.1.4 to 4.1.6) at now.
// exp is always required, iat only with a MaximumLifetime. The token is refused
// from exp + leeway on, before nbf - leeway and before iat - leeway; By counts
// whole seconds from the claim itself.
func (r *Rules) CheckTime(v *Verified, now time.Time) []diagnosis.Failure {
	var fs []diagnosis.Failure
	add := func(f *diagnosis.Failure) { fs = append(fs, *f) }
	read := func(c *timeClaim) (time.Time, bool) {
		if c.fault != nil {
			add(c.fault)
		}
		return c.at, c.usable()
	}
	exp, hasExp := read(&v.times.exp)
	nbf, hasNbf := read(&v.times.nbf)
	iat, hasIat := read(&v.times.iat)

	if !v.times.exp.present {
		add(diagnosis.Fail(diagnosis.ExpMissing, hinted("no exp", v.hint)))
	}
	if r.MaximumLifetime > 0 && !v.times.iat.present {
		add(diagnosis.Fail(diagnosis.IatMissing, hinted("no iat, and lifetimes are limited", v.hint)))
	}
	if end := exp.Add(r.Leeway); hasExp && !now.Before(end) {
		code := diagnosis.TokenExpired
		if hasIat && now.Sub(end) <= skewPast && now.Sub(iat) <= skewAge {
			code = diagnosis.TokenExpiredSkew
		}
		add(diagnosis.FailBy(code, wholeSeconds(exp, now), "expired "+stamp(exp)))
	}
	if hasNbf && now.Before(nbf.Add(-r.Leeway)) {
		add(diagnosis.FailBy(diagnosis.TokenNotYetValid, wholeSeconds(now, nbf), "valid from "+stamp(nbf)))
	}
	if hasIat && now.Before(iat.Add(-r.Leeway)) {
		add(diagnosis.FailBy(diagnosis.TokenIssuedInFuture, wholeSeconds(now, iat), "issued "+stamp(iat)))
	}
	if limit := iat.Add(r.MaximumLifetime); r.MaximumLifetime > 0 && hasExp && hasIat && exp.After(limit) {
		add(diagnosis.FailBy(diagnosis.LifetimeTooLong, wholeSeconds(limit, exp), "expected at most "+r.MaximumLifetime.String()))
	}
	return inOrder(fs)
}

// ExpiresAt returns the exp claim, and whether it is one that [Rules.CheckTime]
// can use.
func (v *Verified) ExpiresAt() (time.Time, bool) { return v.times.exp.at, v.times.exp.usable() }

// times are the time claims of a token. They are read once, at [Parse]: a token
// may be judged many times, and what else it says of time never changes.
type times struct{ exp, nbf, iat timeClaim }

type timeClaim struct {
	present bool
	at      time.Time
	fault   *diagnosis.Failure // why at is of no use
}

func (c *timeClaim) usable() bool { return c.present && c.fault == nil }

func (c Claims) times() times {
	read := func(name string) timeClaim {
		v, present := c[name]
		if !present {
			return timeClaim{}
		}
		at, f := numericDate(name, v)
		return timeClaim{present: true, at: at, fault: f}
	}
	return times{exp: read("exp"), nbf: read("nbf"), iat: read("iat")}
}

// wholeSeconds counts the whole seconds from a to b, rounded down. It is exact
// where [time.Time.Sub] saturates, at 292 years.
func wholeSeconds(a, b time.Time) int64 {
	s := b.Unix() - a.Unix()
	if b.Nanosecond() < a.Nanosecond() {
		s--
	}
	return s
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// numericDate reads a NumericDate (RFC 7519 section 2) exactly: from the digits,
// not through a float, rounded down to the nanosecond.
func numericDate(name string, v any) (time.Time, *diagnosis.Failure) {
	n, ok := v.(json.Number)
	if !ok {
		return time.Time{}, diagnosis.Fail(diagnosis.TimeClaimBadType, name+" is not a number")
	}
	digits, point, negative := decimal(string(n))
	if digits == "" {
		return time.Unix(0, 0), nil
	}
	sec, inRange := int64(0), !negative && point <= 15
	if inRange {
		sec = leading(digits, point)
	}
	switch {
	case !inRange || sec >= maxMilliseconds:
		return time.Time{}, diagnosis.Fail(diagnosis.TimeClaimOutOfRange, name+" is negative or too large")
	case sec >= maxSeconds:
		return time.Time{}, diagnosis.Fail(diagnosis.TimeClaimMilliseconds, name+" has the size of milliseconds")
	}
	return time.Unix(sec, nanoseconds(digits, point)), nil
}

// decimal takes a JSON number apart: its value is 0.digits times ten to the
// power of point. digits has no leading zeros and is empty for zero.
func decimal(s string) (digits string, point int, negative bool) {
	s, negative = strings.CutPrefix(s, "-")
	if at := strings.IndexAny(s, "eE"); at >= 0 {
		point = exponent(s[at+1:])
		s = s[:at]
	}
	whole, fraction, _ := strings.Cut(s, ".")
	point += len(whole)
	digits = strings.TrimLeft(whole+fraction, "0")
	return digits, point - (len(whole) + len(fraction) - len(digits)), negative
}

// farExponent is beyond every time and far from the limits of int.
const farExponent = 1 << 30

func exponent(s string) int {
	e, err := strconv.Atoi(s)
	if err != nil || e > farExponent || e < -farExponent { // too long for an int
		if strings.HasPrefix(s, "-") {
			return -farExponent
		}
		return farExponent
	}
	return e
}

// leading returns the integer that the first n of the digits spell, with zeros
// for digits that are missing. n is at most 15, so the result fits.
func leading(digits string, n int) int64 {
	var v int64
	for i := range n {
		v *= 10
		if i < len(digits) {
			v += int64(digits[i] - '0')
		}
	}
	return v
}

// nanoseconds returns the first nine decimal places of 0.digits times ten to the
// power of point.
func nanoseconds(digits string, point int) int64 {
	var v int64
	for i := point; i < point+9; i++ {
		v *= 10
		if i >= 0 && i < len(digits) {
			v += int64(digits[i] - '0')
		}
	}
	return v
}
