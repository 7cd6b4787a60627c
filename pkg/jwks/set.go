package jwks

import (
	"sync/atomic"

	"kong-plugin-auth-diagnosis/pkg/diagnosis"
)

// Set is the key set of one source. It is safe for concurrent use and needs no
// closing: the store ends the fetches of a set that nobody asks, and the next
// Lookup starts them again.
type Set struct {
	store  *Store
	key    sourceKey
	src    Source
	worker atomic.Pointer[worker]
}

// Lookup answers which keys a token with this kid, "" for none, may have been
// signed with. It never waits for the network and does not allocate when it
// finds keys.
func (k *Set) Lookup(kid string) Answer {
	w := k.worker.Load()
	if w == nil || w.ctx.Err() != nil {
		if w = k.reopen(); w == nil {
			return Answer{Code: diagnosis.JWKSNeverLoaded, RetryAfter: lastRetry, Detail: "this process keeps no more key sets"}
		}
	}
	return w.lookup(kid)
}

// Suspect says that a signature failed under keys of this set. The issuer may
// have replaced them without a new kid, or sign without kids at all: a refresh
// starts beside the request, under the cooldown that unknown kids are under.
func (k *Set) Suspect() {
	if w := k.worker.Load(); w != nil && w.ctx.Err() == nil {
		w.suspect()
	}
}

// Has reports whether the set has a good key of this name now. It is for telling
// where a stranger's key belongs: it counts as no use of the set, starts no
// fetch, and does not allocate.
func (k *Set) Has(kid string) bool {
	w := k.worker.Load()
	if kid == "" || w == nil || w.ctx.Err() != nil {
		return false
	}
	return w.state.Load().has(&w.terms, kid, w.store.now())
}

// reopen takes the store's worker for the source, which may be a new one after
// this set had been idle. The keys of an idle set are not kept in memory: nobody
// has checked since whether they were withdrawn.
func (k *Set) reopen() *worker {
	w := k.store.worker(k.key, k.src)
	k.worker.Store(w)
	return w
}
