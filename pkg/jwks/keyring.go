package jwks

import (
	"crypto/sha256"
	"slices"
)

// MaxKeys bounds the keys in one answer.
const MaxKeys = 64

// keyring finds keys by kid without allocating. It is immutable.
type keyring struct {
	// ring holds every good key twice in a row, keys of one kid side by side.
	// The keys of a kid are one slice of it, and all the others are the slice
	// that starts behind them and ends where they start again.
	ring  []Key
	count int
	spans map[string]span
	// all is what a token without a kid is tried against.
	all    []Key
	faulty map[string][]Key
	// digest identifies the contents.
	digest [sha256.Size]byte
}

// span is the range of one kid's keys in the first half of the ring.
type span struct{ from, to int }

// newKeyring indexes keys, which are in published order. Keys that are equal in
// every respect count once; a key published under two kids counts twice, for
// either kid may be named.
func newKeyring(keys []Key) *keyring {
	r := &keyring{spans: make(map[string]span), faulty: make(map[string][]Key)}
	h := sha256.New()
	seen := make(map[[sha256.Size]byte]bool, len(keys))
	byKid := make(map[string][]Key)
	var kids []string
	for _, k := range keys {
		d := k.digest()
		if seen[d] {
			continue
		}
		seen[d] = true
		h.Write(d[:])
		if k.Fault != "" {
			if k.ID != "" {
				r.faulty[k.ID] = append(r.faulty[k.ID], k)
			}
			continue
		}
		if byKid[k.ID] == nil {
			kids = append(kids, k.ID)
		}
		byKid[k.ID] = append(byKid[k.ID], k)
	}
	h.Sum(r.digest[:0])
	for _, kid := range kids {
		from := len(r.ring)
		r.ring = append(r.ring, byKid[kid]...)
		r.spans[kid] = span{from, len(r.ring)}
	}
	r.count = len(r.ring)
	r.all = upTo(distinct(r.ring))
	r.ring = slices.Concat(r.ring, r.ring)
	for kid, f := range r.faulty {
		r.faulty[kid] = upTo(f)
	}
	return r
}

// named returns the good keys of a kid and the issuer's others. Without a kid
// every distinct key is named and there are no others.
func (r *keyring) named(kid string) (keys, others []Key) {
	if kid == "" {
		return r.all, nil
	}
	s, ok := r.spans[kid]
	if !ok {
		return nil, nil
	}
	return upTo(r.ring[s.from:s.to]), upTo(r.ring[s.to : s.from+r.count])
}

// good returns the good keys.
func (r *keyring) good() []Key { return r.ring[:r.count:r.count] }

// size is the number of good keys.
func (r *keyring) size() int { return r.count }

// distinct leaves out each key whose material is there under another kid
// without being bound to an algorithm, or bound to the same one: PingFederate
// publishes a key as <kid> and again as <kid>_RS256.
func distinct(keys []Key) []Key {
	type variant struct {
		material  [sha256.Size]byte
		algorithm string
	}
	has := make(map[variant]bool, len(keys))
	for i := range keys {
		if keys[i].Algorithm == "" {
			has[variant{keys[i].material(), ""}] = true
		}
	}
	taken := make(map[variant]bool, len(keys))
	var out []Key
	for _, k := range keys {
		v := variant{k.material(), k.Algorithm}
		if taken[v] || k.Algorithm != "" && has[variant{v.material, ""}] {
			continue
		}
		taken[v] = true
		out = append(out, k)
	}
	return out
}

// upTo cuts an answer's keys to their bound, and their capacity with it, so
// that appending to an answer cannot write into the ring.
func upTo(keys []Key) []Key {
	n := min(len(keys), MaxKeys)
	return keys[:n:n]
}
