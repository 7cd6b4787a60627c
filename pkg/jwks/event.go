package jwks

import (
	"time"

	"kong-plugin-auth-diagnosis/pkg/diagnosis"
)

// Event is one fetch as logs and metrics see it.
type Event struct {
	Issuer string
	// Code and Detail are the first failure, both empty after a complete fetch.
	Code   diagnosis.Code
	Detail string
	// Keys counts the keys in use, Unusable the published ones that are not.
	Keys, Unusable int
	// Changed reports whether the keys are others than before.
	Changed    bool
	Generation uint64
	// StateFault says why the keys were not kept on disk, or why what was there
	// was not used; "" if all is well. It is for the log.
	StateFault string
	// Next is the wait until the next scheduled fetch.
	Next time.Duration
}

// event describes a published state.
func (w *worker) event(s *state, published []Key, changed bool, next time.Duration) Event {
	e := Event{Issuer: w.src.Issuer, Changed: changed, Generation: s.generation, Next: next}
	if s.fault != nil {
		e.Code, e.Detail = s.fault.code, s.fault.detail
	}
	if w.stateFault != nil {
		e.StateFault = w.stateFault.Error()
	}
	if s.keys != nil {
		e.Keys = s.keys.size()
	}
	for i := range published {
		if published[i].Fault != "" {
			e.Unusable++
		}
	}
	return e
}
