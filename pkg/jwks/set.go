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

// reopen takes the store's worker for the source, which may be a new one after
// this set had been idle. The keys of an idle set are not kept: nobody has
// checked since whether they were withdrawn.
func (k *Set) reopen() *worker {
	w := k.store.worker(k.key, k.src)
	k.worker.Store(w)
	return w
}
