package jwks

import (
	"time"

	"kong-plugin-auth-diagnosis/pkg/diagnosis"
)

// Status sorts answers by what the caller does with them.
type Status uint8

// Statuses.
const (
	// Unavailable: there are no keys to judge by. The zero value, so that an
	// answer nobody filled in never passes for an empty set.
	Unavailable Status = iota
	// Unknown: the issuer's keys are there and none has this kid, or it is
	// being found out.
	Unknown
	// Faulty: the kid names keys, none of which can verify a token.
	Faulty
	// Found: Keys has at least one key to try.
	Found
)

// Answer is what a key set knows about a kid. Its slices are shared between
// all callers and MUST NOT be changed.
type Answer struct {
	Status Status
	// Keys are the keys that the kid names; for the kid "" all of the issuer's
	// signature keys, the same material once. At most [MaxKeys]. When Status is
	// Faulty they are the unusable ones, each with its Fault.
	Keys []Key
	// Others are the issuer's signature keys that the kid does not name, to
	// tell a wrong kid from a wrong signature. At most [MaxKeys].
	Others []Key
	// Replaced are keys that the kid named in earlier sets, to tell a kid that
	// was used again from a forged token. They MUST NOT make a token good.
	Replaced []Key
	// Code is the verdict unless Status is Found.
	Code diagnosis.Code
	// By is a number in the unit of the code's row: the HTTP status of the
	// failed fetch, or the seconds since the last good one. 0 for none.
	By int64
	// RetryAfter is when asking again may help, in whole seconds; 0 when the
	// same token would be refused again.
	RetryAfter time.Duration
	// Age is the time since the keys were fetched.
	Age time.Duration
	// Generation changes when the keys change and never repeats within a
	// Store; 0 while there are no keys.
	Generation uint64
	// Detail explains Code in our own words: no URL, no text of the answer or
	// of a library.
	Detail string
}

// Failure returns the answer as a failed check, nil when keys were found.
func (a Answer) Failure() *diagnosis.Failure {
	if a.Status == Found {
		return nil
	}
	f := diagnosis.Fail(a.Code, a.Detail)
	if a.By != 0 {
		f.By = &a.By
	}
	f.RetryAfter = int(a.RetryAfter / time.Second)
	return f
}

// wholeSeconds rounds a wait up, to one second at least.
func wholeSeconds(d time.Duration) time.Duration {
	return max((d + time.Second - 1).Truncate(time.Second), time.Second)
}
