package credential

import (
	"fmt"
	"slices"
	"strings"

	"kong-plugin-auth-diagnosis/pkg/diagnosis"
)

// Headers maps lower-case names to values in the order of arrival. A header that
// is present but empty has the value "", an absent one has no entry.
type Headers = map[string][]string

// Kind is a kind of credential.
type Kind uint8

// Kinds.
const (
	None Kind = iota
	Bearer
	Basic
	Key
)

var kindNames = [...]string{"none", "bearer", "basic", "key"}

// String returns the kind as the configuration spells it.
func (k Kind) String() string { return kindNames[k] }

// Want says what a route takes and where.
type Want struct {
	// Expects lists the kinds; any one that arrived undamaged is enough, and
	// the first in this order is found.
	Expects []Kind
	// HeaderNames may carry the token, lower-case, in search order.
	HeaderNames []string
	// CookieNames and ArgumentNames may carry it too, bare, and are looked at
	// after the headers, in this order. Their case counts.
	CookieNames   []string
	ArgumentNames []string // of the query, decoded
	// KeyNames are the header and query names of API keys.
	KeyNames []string
	// Query is the request's query as it arrived, without the question mark.
	Query string
	// MaxSize of a credential in bytes, without its scheme; 0 is no limit.
	MaxSize int
}

// Found is the credential of a request, or the reason why there is none.
type Found struct {
	Kind Kind
	// Token is a bearer token as it arrived, in the alphabet of RFC 6750's
	// b64token; the base64 text of a Basic credential; or an API key.
	Token string
	// Source is the place that it came in: a lower-case header, "cookie NAME" or
	// "argument NAME"; of an API key the configured name.
	Source string
	// Failure is nil if and only if a credential was found.
	Failure *diagnosis.Failure
}

const authorization = "authorization"

// Find looks for a credential of the expected kinds.
//
// All configured places are read, as Kong's own jwt plugin does. A good token is
// found even if an earlier place is blank or damaged, but two places that carry
// different tokens are credential_conflict: otherwise this plugin and the
// service behind it might each take another. If nothing good arrived, the
// failure that explains most is reported.
//
// The Authorization header needs the scheme. In every other header a token may
// come bare or behind "Bearer", where Kong's jwt plugin demands the scheme in
// each header: such headers have no scheme grammar and clients differ. In a
// cookie and in the query a token stands alone (RFC 6750 section 2.3), and
// "Bearer" before it is damage.
func Find(h Headers, w Want) Found {
	var failures []*diagnosis.Failure
	for _, kind := range w.Expects {
		found, fs := w.findKind(h, kind)
		if found.Kind != None {
			return found
		}
		failures = append(failures, fs...)
	}
	f := mostTelling(failures)
	if f == nil {
		f = diagnosis.Fail(diagnosis.CredentialMissing, "looked in "+strings.Join(w.places(), ", "))
	}
	if movable(f.Code) {
		if name := w.moved(h); name != "" {
			f = diagnosis.Fail(diagnosis.CredentialMoved, "found in "+name+", expected in "+strings.Join(w.places(), " or "))
		}
	}
	return Found{Failure: f}
}

func (w *Want) findKind(h Headers, kind Kind) (Found, []*diagnosis.Failure) {
	if kind == Key {
		return w.findKey(h)
	}
	var found Found
	var failures []*diagnosis.Failure
	for place, r := range w.readings(h, kind) {
		switch {
		case r.failure != nil:
			failures = append(failures, r.failure)
		case r.kind != kind:
			// Good, but of another expected kind, which has its own turn.
		case found.Kind == None:
			found = Found{Kind: kind, Token: r.token, Source: place}
		case found.Token != r.token:
			detail := "two values of " + place
			if place != found.Source {
				detail = found.Source + " and " + place
			}
			return Found{}, []*diagnosis.Failure{diagnosis.Fail(diagnosis.CredentialConflict, detail+" carry different tokens")}
		}
	}
	return found, failures
}

func (w *Want) expects(k Kind) bool { return slices.Contains(w.Expects, k) }

// telling orders failures by how much they explain: proof of a damaged
// credential first, its absence last.
var telling = []diagnosis.Code{
	diagnosis.CredentialConflict,
	diagnosis.CredentialTooLarge,
	diagnosis.CredentialCommaJoined,
	diagnosis.TokenPlaceholder,
	diagnosis.TokenJSONSerialized,
	diagnosis.TokenBadCharset,
	diagnosis.SchemeRepeated,
	diagnosis.SchemeMissing,
	diagnosis.SchemeOnly,
	diagnosis.SchemeUnsupported,
	diagnosis.CredentialEmpty,
}

func mostTelling(fs []*diagnosis.Failure) *diagnosis.Failure {
	if len(fs) == 0 {
		return nil
	}
	return slices.MinFunc(fs, func(a, b *diagnosis.Failure) int {
		return slices.Index(telling, a.Code) - slices.Index(telling, b.Code)
	})
}

func tooLarge(name string, size, limit int) *diagnosis.Failure {
	return diagnosis.FailBy(diagnosis.CredentialTooLarge, int64(size-limit),
		fmt.Sprintf("%s: expected at most %d bytes, got %d", name, limit, size))
}

// fail returns a failure about one place.
func fail(c diagnosis.Code, place, what string) *diagnosis.Failure {
	return diagnosis.Fail(c, place+": "+what)
}
