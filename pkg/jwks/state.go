package jwks

import (
	"fmt"
	"time"

	"kong-plugin-auth-diagnosis/pkg/diagnosis"
)

// state is everything that a Lookup decides by. It is immutable once published.
type state struct {
	// keys is nil until a fetch brought some.
	keys       *keyring
	generation uint64
	// past is what earlier sets had.
	past *history
	// fetched is when the newest of the keys came, complete when every
	// document of the source was last there, failed when one last was not.
	fetched, complete, failed time.Time
	// fault is the failure at failed; nil when the last fetch was complete.
	fault *fault
	// next is when the next scheduled fetch is due.
	next time.Time
	// refreshing reports whether a fetch is under way or about to start.
	refreshing bool
}

// terms are the bounds of one source that answers depend on.
type terms struct {
	cooldown, maxStale time.Duration
	// grace is how long past maxStale keys serve while no refresh has failed:
	// one refresh interval and one timeout, within which one must have ended.
	grace time.Duration
}

func (s Source) terms() terms {
	return terms{
		cooldown: s.UnknownKidCooldown,
		maxStale: s.MaxStale,
		grace:    s.RefreshInterval + s.RefreshInterval/5 + s.Timeout,
	}
}

// answer decides about a kid at an instant. refresh reports whether the caller
// has to start a refresh, which the answer then promises.
func (s *state) answer(t *terms, kid string, now time.Time) (a Answer, refresh bool) {
	if s.keys == nil {
		return s.unavailable(now), false
	}
	a = Answer{Age: max(now.Sub(s.fetched), 0), Generation: s.generation}
	if s.stale(t, a.Age) {
		return s.expired(a, now), false
	}
	if a.Keys, a.Others = s.keys.named(kid); len(a.Keys) > 0 {
		a.Status, a.Replaced = Found, s.past.under(kid)
		return a, false
	}
	if faulty := s.keys.faulty[kid]; len(faulty) > 0 {
		a.Status, a.Keys = Faulty, faulty
		a.Code, a.Detail = faulty[0].Fault, faulty[0].Reason
		return a, false
	}
	return s.missing(a, t, kid, now)
}

// has reports whether a usable key has this name.
func (s *state) has(t *terms, kid string, now time.Time) bool {
	if s.keys == nil || s.stale(t, now.Sub(s.fetched)) {
		return false
	}
	_, ok := s.keys.spans[kid]
	return ok
}

// stale reports whether keys of that age must not be used any more.
func (s *state) stale(t *terms, age time.Duration) bool {
	if s.failed.After(s.fetched) {
		return age > t.maxStale
	}
	return age > t.maxStale+t.grace
}

// missing answers for a kid that the set does not have. The kid is only called
// unknown, or retired, on the strength of a recent and complete fetch; otherwise
// it may have been published since, and one refresh has to tell.
func (s *state) missing(a Answer, t *terms, kid string, now time.Time) (Answer, bool) {
	a.Status = Unknown
	switch {
	case within(now, s.complete, t.cooldown):
		a.Code = diagnosis.KidUnknown
		if s.past.has(kid) {
			a.Code = diagnosis.KidRetired
		}
		a.Detail = fmt.Sprintf("not among the issuer's %d keys, fetched %d s ago", s.keys.size(), int64(a.Age/time.Second))
		return a, false
	case s.refreshing:
		a.Code, a.RetryAfter = diagnosis.KidUnknownThrottled, time.Second
		a.Detail = "the issuer's keys are being refreshed"
		return a, false
	case s.fault != nil && within(now, s.failed, t.cooldown):
		a.Code = diagnosis.KidUnknownThrottled
		a.RetryAfter = wholeSeconds(s.failed.Add(t.cooldown).Sub(now))
		a.Detail = "the refresh failed: " + s.fault.Error()
		return a, false
	}
	a.Code, a.RetryAfter = diagnosis.KidUnknownThrottled, time.Second
	a.Detail = "a refresh of the issuer's keys was started"
	return a, true
}

// aged reports whether a refresh may bring keys that the state does not know of:
// there are keys, none is under way, and the last was not within the cooldown.
func (s *state) aged(t *terms, now time.Time) bool {
	return s.keys != nil && !s.refreshing && !within(now, s.complete, t.cooldown) && !within(now, s.failed, t.cooldown)
}

// unavailable answers for a set that was never loaded.
func (s *state) unavailable(now time.Time) Answer {
	if s.fault == nil {
		return Answer{Code: diagnosis.JWKSNeverLoaded, RetryAfter: time.Second, Detail: "the first fetch has not ended yet"}
	}
	return Answer{
		Code:       s.fault.code,
		By:         int64(s.fault.status),
		RetryAfter: wholeSeconds(s.next.Sub(now)),
		Detail:     s.fault.detail,
	}
}

// expired answers for a set whose keys are too old.
func (s *state) expired(a Answer, now time.Time) Answer {
	a.Code = diagnosis.JWKSStaleExpired
	a.By = int64(a.Age / time.Second)
	a.RetryAfter = wholeSeconds(s.next.Sub(now))
	a.Detail = "no refresh since"
	if s.fault != nil {
		a.Detail = "the refresh failed: " + s.fault.Error()
	}
	return a
}

// within reports whether now is less than d after a past event; an event that
// never happened is the zero time.
func within(now, event time.Time, d time.Duration) bool {
	return !event.IsZero() && now.Sub(event) < d
}
