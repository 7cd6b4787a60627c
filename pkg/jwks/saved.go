package jwks

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/MicahParks/jwkset"

	"kong-plugin-auth-diagnosis/pkg/diagnosis"
)

// Why what was saved is not used. Logs show these, clients never.
var (
	errSavedForm    = errors.New("not a saved key set, or a damaged one")
	errSavedSource  = errors.New("the saved key set is of another issuer, URL or TLS setting")
	errSavedContent = errors.New("the saved key set has no usable key")
	errSavedFuture  = errors.New("the saved key set is from the future: the clock was set back")
)

// savedMagic starts a file; the SHA-256 of everything behind its line follows
// in hexadecimal. That is against damage. Against people there are the modes of
// the file and its directory.
const savedMagic = "auth-diagnosis keys 1 "

// clockSlack is how far back the clock may have been set, which leap seconds and
// time servers do, for what was saved to be used.
const clockSlack = time.Minute

// saved is what outlives the process of a key set.
type saved struct {
	// complete is when every document was last there, zero for never.
	complete time.Time
	parts    []part // a zero part for a document that was never there
	past     []Key  // withdrawn, the newest last
}

// savedJSON is the form of saved in a file. Keys have the form in which they
// are published, without private material.
type savedJSON struct {
	// Source is the [Source.binding] in hexadecimal.
	Source    string            `json:"source"`
	Complete  time.Time         `json:"complete"`
	Documents []savedDocument   `json:"documents"`
	Withdrawn []json.RawMessage `json:"withdrawn,omitempty"`
}

type savedDocument struct {
	Fetched time.Time         `json:"fetched"`
	Keys    []json.RawMessage `json:"keys"`
}

// encode returns the file of a key set.
func (s *saved) encode(source sourceKey) []byte {
	j := savedJSON{
		Source:    hex.EncodeToString(source[:]),
		Complete:  s.complete.UTC(),
		Withdrawn: encodeKeys(s.past),
	}
	for _, p := range s.parts {
		j.Documents = append(j.Documents, savedDocument{Fetched: p.at.UTC(), Keys: encodeKeys(p.keys)})
	}
	// Times of this age, strings and what json.Marshal made: encoding cannot fail.
	body, _ := json.Marshal(j)
	return fmt.Appendf(nil, "%s%x\n%s", savedMagic, sha256.Sum256(body), body)
}

// decodeSaved reads a file that must be of this source, which has so many
// documents. Its keys are read by the same code as fetched ones.
func decodeSaved(file []byte, source sourceKey, documents int) (*saved, error) {
	line, body, _ := bytes.Cut(file, []byte("\n"))
	if string(line) != fmt.Sprintf("%s%x", savedMagic, sha256.Sum256(body)) {
		return nil, errSavedForm
	}
	var j savedJSON
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if d.Decode(&j) != nil || d.InputOffset() != int64(len(body)) {
		return nil, errSavedForm
	}
	if j.Source != hex.EncodeToString(source[:]) {
		return nil, errSavedSource
	}
	if len(j.Documents) != documents {
		return nil, errSavedForm
	}
	s := &saved{complete: j.Complete, parts: make([]part, documents)}
	good := false
	for i, doc := range j.Documents {
		if doc.Fetched.IsZero() && len(doc.Keys) == 0 {
			continue
		}
		keys, f := parseKeys(doc.Keys)
		if f != nil || doc.Fetched.IsZero() {
			return nil, errSavedContent
		}
		s.parts[i], good = part{keys: keys, at: doc.Fetched}, true
	}
	if !good {
		return nil, errSavedContent
	}
	if len(j.Withdrawn) > 0 {
		var f *fault
		if s.past, f = parseKeys(j.Withdrawn); f != nil {
			return nil, errSavedContent
		}
	}
	return s, nil
}

// asOf moves the times of s to the clock that now is of, so that ages follow
// that clock from here on, its monotonic reading included: setting the clock
// back does not make keys younger. seen is the latest time at which the process
// that saved them is known to have run.
func (s *saved) asOf(now, seen time.Time) error {
	if seen.Sub(now) > clockSlack {
		return errSavedFuture
	}
	latest := now
	if seen.After(latest) {
		latest = seen
	}
	move := func(t *time.Time) bool {
		if t.IsZero() {
			return true
		}
		age := latest.Sub(*t)
		*t = now.Add(-age)
		return age >= 0
	}
	ok := move(&s.complete)
	for i := range s.parts {
		ok = move(&s.parts[i].at) && ok
	}
	if !ok {
		return errSavedFuture
	}
	return nil
}

func encodeKeys(keys []Key) []json.RawMessage {
	list := make([]json.RawMessage, 0, len(keys))
	for i := range keys {
		// Strings only: encoding cannot fail.
		raw, _ := json.Marshal(keys[i].published())
		list = append(list, raw)
	}
	return list
}

// published returns the key in a form that parseKey reads back. A key with a
// Fault has no material to write; it comes back with the same code, for its use,
// for an exponent of 1, or for want of material.
func (k *Key) published() jwkset.JWKMarshal {
	unusable := jwkset.JWKMarshal{KID: k.ID}
	switch k.Fault {
	case diagnosis.KeyUseForbidden:
		return jwkset.JWKMarshal{KID: k.ID, USE: jwkset.UseEnc}
	case diagnosis.KeyTooWeak:
		return jwkset.JWKMarshal{KID: k.ID, KTY: jwkset.KtyRSA, E: "AQ"}
	case "":
	default:
		return unusable
	}
	// The names are filled in afterwards: the library would refuse some that
	// are merely unusual.
	j, err := jwkset.NewJWKFromKey(k.Public, jwkset.JWKOptions{Validate: jwkset.JWKValidateOptions{SkipAll: true}})
	if err != nil {
		return unusable
	}
	m := j.Marshal()
	m.KID, m.ALG, m.USE, m.KEYOPS = k.ID, jwkset.ALG(k.Algorithm), jwkset.USE(k.Use), nil
	for _, o := range k.Ops {
		m.KEYOPS = append(m.KEYOPS, jwkset.KEYOPS(o))
	}
	return m
}
