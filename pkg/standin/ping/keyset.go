package ping

import (
	"crypto"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
)

var (
	ErrRotating    = errors.New("a rotation is under way")
	ErrNotRotating = errors.New("no rotation is under way")
)

// Order says which half of a rotation comes first.
type Order int

const (
	// PublishFirst publishes the new keys while the old ones still sign, as
	// PingFederate's pending keys and PingOne's rotation policies do.
	PublishFirst Order = iota
	// SignFirst signs with the new keys before anybody can fetch them, as an issuer
	// behind a caching proxy does.
	SignFirst
)

// KeySet is one set of signing keys and the document that publishes them. It holds a
// key for every algorithm family; a rotation replaces them all:
//
//	Rotate → Promote → Retire
//
// Rotate does the first half of its [Order], Promote the second; then the old keys
// are published but sign nothing until Retire removes them.
type KeySet struct {
	product Product
	prefix  string // of the key ids of an access token manager: "JwtDefault" gives JwtDefault1

	mu        sync.Mutex
	signing   *ring   // whose keys sign now
	next      *ring   // whose turn Promote brings
	published []*ring // what the document lists, oldest first
	rings     []*ring // every ring made, for close
	order     Order
}

// ring is one generation of keys, one of each kind.
type ring struct{ keys map[kind]*Key }

func newKeySet(p Product, prefix string) (*KeySet, error) {
	s := &KeySet{product: p, prefix: prefix}
	first, err := s.newRing()
	if err != nil {
		return nil, err
	}
	if _, err := encryption(); err != nil { // now, so that no request waits for it
		return nil, err
	}
	s.signing, s.published = first, []*ring{first}
	return s, nil
}

// newRing makes the next generation. The caller holds mu or owns s.
func (s *KeySet) newRing() (*ring, error) {
	r := &ring{keys: make(map[kind]*Key, len(kinds))}
	for _, k := range kinds {
		signer, err := generate(k)
		if err != nil {
			return nil, err
		}
		key, err := named(s.product, signer)
		if err != nil {
			return nil, err
		}
		if s.prefix != "" {
			key.ID = s.managerKeyID(k, len(s.rings)+1)
		}
		r.keys[k] = key
	}
	s.rings = append(s.rings, r)
	return r, nil
}

// managerKeyID is the free text an administrator gives a key of a token manager.
func (s *KeySet) managerKeyID(k kind, generation int) string {
	id := s.prefix + strconv.Itoa(generation)
	if k != kindRSA {
		id += "-" + string(k)
	}
	return id
}

// Key returns the key that signs with this algorithm now, under the id that tokens
// carry.
func (s *KeySet) Key(algorithm string) (*Key, error) {
	_, k, err := signing(algorithm)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	key := *s.signing.keys[k]
	s.mu.Unlock()
	if s.listsTwice() && algorithm == "RS256" {
		key.ID += "_RS256"
	}
	return &key, nil
}

// listsTwice reports whether RSA keys have a second entry bound to RS256, as
// PingFederate's central keys do.
func (s *KeySet) listsTwice() bool { return s.product == PingFederate && s.prefix == "" }

// Rotate starts a rotation to new keys. The error is [ErrRotating] while the last one
// has not been promoted.
func (s *KeySet) Rotate(order Order) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.next != nil {
		return ErrRotating
	}
	r, err := s.newRing()
	if err != nil {
		return fmt.Errorf("rotate: %w", err)
	}
	s.next, s.order = r, order
	s.step(order == SignFirst)
	return nil
}

// Promote does what Rotate left: the new keys now sign and are published. The error
// is [ErrNotRotating] without a rotation.
func (s *KeySet) Promote() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.next == nil {
		return ErrNotRotating
	}
	s.step(s.order == PublishFirst)
	s.next = nil
	return nil
}

// step lets the next keys sign, or else publishes them. The caller holds mu.
func (s *KeySet) step(sign bool) {
	if sign {
		s.signing = s.next
	} else {
		s.published = append(s.published, s.next)
	}
}

// Retire stops publishing every key that does not sign. The error is [ErrRotating]
// before Promote.
func (s *KeySet) Retire() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.next != nil {
		return ErrRotating
	}
	s.published = slices.DeleteFunc(s.published, func(r *ring) bool { return r != s.signing })
	return nil
}

// close gives the RSA keys back. Nothing may sign with s afterwards.
func (s *KeySet) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	var signers []crypto.Signer
	for _, r := range s.rings {
		signers = append(signers, r.keys[kindRSA].signer)
	}
	s.rings = nil
	spareRSA.put(signers...)
}
