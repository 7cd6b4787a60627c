package jwks

import (
	"cmp"
	"slices"
	"time"
)

const (
	// A failed fetch is repeated after firstRetry, then after twice as long
	// each time, up to lastRetry without keys and lastRetryLoaded with them.
	firstRetry      = time.Second
	lastRetry       = 30 * time.Second
	lastRetryLoaded = 5 * time.Minute
)

// part is the keys of one document and when they were fetched.
type part struct {
	keys []Key
	at   time.Time
}

// finish publishes what a fetch brought and returns the wait until the next
// one. asked says that a lookup caused this fetch.
func (w *worker) finish(results []result, asked bool) time.Duration {
	now := w.store.now()
	firstFault := w.collect(results, now)
	keys, fetched := w.merge(now)
	// Before the lock, for lookups that miss wait for it. No other goroutine
	// changes the keys or their past.
	old := w.state.Load()
	past, changed := old.past, false
	var ring *keyring
	if len(keys) > 0 {
		ring = newKeyring(keys)
		if changed = old.keys == nil || ring.digest != old.keys.digest; changed {
			past = past.then(old.keys, ring)
		}
	}

	w.mu.Lock()
	next := *w.state.Load()
	next.refreshing = false
	next.fault = firstFault
	if ring != nil {
		next.keys, next.past, next.fetched = ring, past, fetched
	}
	if changed {
		next.generation = w.store.generations.Add(1)
	}
	wait := w.schedule(&next, now, asked)
	w.state.Store(&next)
	w.mu.Unlock()

	w.store.fetches.add(w.src.Issuer, firstFault)
	// What becomes of the file is only told: serving does not depend on it.
	w.stateFault = cmp.Or(w.stateFault, w.save(&next, slices.ContainsFunc(results, result.good), changed, now))
	w.store.observer(w.event(&next, keys, changed, wait))
	w.stateFault = nil
	return wait
}

// collect keeps the good results and returns the first fault.
func (w *worker) collect(results []result, now time.Time) (first *fault) {
	for i, r := range results {
		if r.fault == nil {
			w.parts[i] = part{keys: r.keys, at: now}
		} else if first == nil {
			first = r.fault
		}
	}
	if first != nil && len(results) > 1 {
		first = first.oneOf(results)
	}
	return first
}

// merge joins the last good keys of all documents. The keys of a document that
// has been failing for longer than allowed are left out, unless that would
// leave none: then the set as a whole counts as stale. fetched is when the
// newest keys came.
func (w *worker) merge(now time.Time) (keys []Key, fetched time.Time) {
	for _, p := range w.parts {
		if p.at.After(fetched) {
			fetched = p.at
		}
	}
	for i, p := range w.parts {
		if p.at.Before(fetched) && now.Sub(p.at) > w.src.MaxStale {
			w.parts[i] = part{}
			continue
		}
		keys = append(keys, p.keys...)
	}
	return keys, fetched
}

// schedule decides when the next fetch is due and notes it in next.
func (w *worker) schedule(next *state, now time.Time, asked bool) time.Duration {
	var wait time.Duration
	switch {
	case next.fault == nil:
		next.complete, w.failures = now, 0
		wait = w.store.jitter(w.src.RefreshInterval)
	case asked && next.next.After(now):
		// Unknown kids must not cause retries: the schedule stays as it was.
		next.failed = now
		return next.next.Sub(now)
	default:
		next.failed = now
		w.failures++
		wait = w.store.jitter(w.backoff(next.keys != nil))
	}
	next.next = now.Add(wait)
	return wait
}

func (w *worker) backoff(loaded bool) time.Duration {
	limit := lastRetry
	if loaded {
		limit = max(min(lastRetryLoaded, w.src.RefreshInterval), firstRetry)
	}
	// Beyond 16 doublings every limit is reached.
	return min(firstRetry<<min(w.failures-1, 16), limit)
}
