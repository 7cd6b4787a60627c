package jwks

import (
	"crypto/sha256"
	"slices"
)

const (
	// maxWithdrawn bounds the withdrawn keys remembered of one set; the newest
	// are kept. An issuer that rotates daily fills it in most of a year.
	maxWithdrawn = 256
	// maxReplaced bounds those in one answer. Each may cost a signature check,
	// and only to explain a refusal.
	maxReplaced = 8
	// maxNames bounds the kid and alg of a remembered key in bytes. A token
	// cannot name a longer kid.
	maxNames = 1024
)

// history is the keys that earlier sets of an issuer had and the current one
// has not. It explains refusals; nothing is ever verified by it. It is
// immutable, and nil is an empty one.
type history struct {
	keys []Key // the newest last
	// retired are the kids that are gone, replaced the former keys of kids that
	// name others now, the newest first.
	retired  map[string]bool
	replaced map[string][]Key
}

// identity is a key as tokens know it: PingFederate publishes one key
// under several kids, and other issuers several keys under one.
type identity struct {
	kid      string
	material [sha256.Size]byte
}

// newHistory remembers keys, the newest last, that are not in the current set.
// A key that was published again is forgotten.
func newHistory(keys []Key, current *keyring) *history {
	h := &history{retired: make(map[string]bool), replaced: make(map[string][]Key)}
	known := make(map[identity]bool)
	for _, k := range current.good() {
		known[identity{k.ID, k.material()}] = true
	}
	for _, k := range slices.Backward(keys) {
		id := identity{k.ID, k.material()}
		if len(h.keys) == maxWithdrawn || k.ID == "" || k.Fault != "" || len(k.ID)+len(k.Algorithm) > maxNames || known[id] {
			continue
		}
		known[id] = true
		k.Ops = nil // they allowed verifying; nothing else matters any more
		h.keys = append(h.keys, k)
		if _, ok := current.spans[k.ID]; !ok {
			h.retired[k.ID] = true
		} else if len(h.replaced[k.ID]) < maxReplaced {
			h.replaced[k.ID] = append(h.replaced[k.ID], k)
		}
	}
	slices.Reverse(h.keys)
	for kid, keys := range h.replaced {
		h.replaced[kid] = upTo(keys)
	}
	return h
}

// then returns the history once the set old has given way to next. old may be
// nil.
func (h *history) then(old, next *keyring) *history {
	keys := h.all()
	if old != nil {
		keys = slices.Concat(keys, old.good())
	}
	if len(keys) == 0 {
		return nil
	}
	return newHistory(keys, next)
}

// all returns the withdrawn keys, the newest last.
func (h *history) all() []Key {
	if h == nil {
		return nil
	}
	return h.keys
}

// has reports whether a kid that is not in the current set was in an earlier one.
func (h *history) has(kid string) bool { return h != nil && h.retired[kid] }

// under returns the keys that a kid of the current set named before.
func (h *history) under(kid string) []Key {
	if h == nil {
		return nil
	}
	return h.replaced[kid]
}
