package jwks

import (
	"crypto/sha256"
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// Source says where an issuer publishes its keys and how to fetch them. Sources
// with equal values share one key set.
type Source struct {
	// Issuer is the exact iss claim that the keys are for.
	Issuer string
	// URIs are the addresses of its JWKS documents, whose keys are merged.
	// Empty: OpenID Connect Discovery at the issuer. Order has no meaning.
	URIs []string
	Options
}

// Options is the transport and the timing of a Source.
type Options struct {
	// RefreshInterval is the time between refreshes; zero means 15 minutes.
	// It is cut to half of MaxStale, so that a healthy issuer's keys never
	// reach that age.
	RefreshInterval time.Duration
	// Timeout bounds one fetch as a whole, discovery and all documents
	// together; zero means 5 seconds.
	Timeout time.Duration
	// MaxStale is how old keys may grow, counted from their fetch, while
	// refreshes fail. Zero: keys are not used once a refresh has failed.
	MaxStale time.Duration
	// UnknownKidCooldown is the least time between two refreshes that unknown
	// kids cause. Less than [MinCooldown] counts as that.
	UnknownKidCooldown time.Duration

	InsecureSkipVerify bool
	// CACertificates are PEM certificates trusted besides the system's.
	CACertificates []string
	// HTTPProxy is the proxy's URL, empty for none. The environment's proxy
	// variables are not read.
	HTTPProxy string
}

const (
	defaultRefresh = 15 * time.Minute
	defaultTimeout = 5 * time.Second

	// MinCooldown is the shortest cooldown. A client told to come back in one
	// second must find the refresh that it caused still counting as recent, or
	// it would cause one after another and never hear kid_unknown.
	MinCooldown = 2 * time.Second

	// discoveryPath is appended to the issuer without its terminating slash
	// (OpenID Connect Discovery 1.0 section 4).
	discoveryPath = "/.well-known/openid-configuration"
)

// normal returns the source with its defaults, and its lists in the order that
// makes equal sources equal.
func (s Source) normal() Source {
	s.URIs = slices.Clone(s.URIs)
	slices.Sort(s.URIs)
	s.URIs = slices.Compact(s.URIs)
	s.CACertificates = slices.Clone(s.CACertificates)
	if s.RefreshInterval <= 0 {
		s.RefreshInterval = defaultRefresh
	}
	if s.MaxStale > 0 {
		s.RefreshInterval = min(s.RefreshInterval, max(s.MaxStale/2, time.Second))
	}
	if s.Timeout <= 0 {
		s.Timeout = defaultTimeout
	}
	s.UnknownKidCooldown = max(s.UnknownKidCooldown, MinCooldown)
	return s
}

// sourceKey identifies a normal source by value. It is a digest because a
// source may hold a proxy's password.
type sourceKey [sha256.Size]byte

func (s Source) key() sourceKey {
	// Strings, numbers and booleans: encoding cannot fail.
	b, _ := json.Marshal(s)
	return sha256.Sum256(b)
}

// binding identifies what decides which keys a fetch can bring: the issuer, the
// addresses, and how their servers prove who they are. Keys that were saved
// under another binding must not be used.
func (s Source) binding() sourceKey {
	cas := slices.Sorted(slices.Values(s.CACertificates))
	return Source{Issuer: s.Issuer, URIs: s.URIs, Options: Options{
		InsecureSkipVerify: s.InsecureSkipVerify,
		CACertificates:     slices.Compact(cas),
	}}.key()
}

// discoveryURL is the address of the issuer's discovery document.
func (s Source) discoveryURL() string {
	return strings.TrimRight(s.Issuer, "/") + discoveryPath
}
