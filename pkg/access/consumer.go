package access

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"kong-plugin-auth-diagnosis/pkg/config"
	"kong-plugin-auth-diagnosis/pkg/diagnosis"
	"kong-plugin-auth-diagnosis/pkg/token"
)

// consumers says who a route's requests are from to Kong, compiled.
type consumers struct {
	workspace string
	claim     [][]string // empty: tokens have no consumer
	byName    bool
	byID      bool
	required  bool
	anonymous string   // username or id of a consumer, "" for none
	groups    []string // path of the claim for Kong's acl plugin, nil for none
}

func newConsumers(c *config.Config) (cs consumers, err error) {
	cs = consumers{
		workspace: c.Scope.WorkspaceID,
		byName:    slices.Contains(c.ConsumerBy, config.ConsumerByUsername),
		byID:      slices.Contains(c.ConsumerBy, config.ConsumerByID),
		required:  !c.ConsumerOptional,
		anonymous: c.Anonymous,
	}
	if cs.claim, err = paths(c.ConsumerClaim); err != nil {
		return cs, err
	}
	if c.ACLGroupsClaim != "" {
		cs.groups, err = config.ParsePath(c.ACLGroupsClaim)
	}
	return cs, err
}

// identify finds out who the request is from to Kong: the consumer of a good
// token or, where the configuration lets others in too, somebody else. Advise
// mode only judges the consumer: who it is, the plugins behind say.
func (r *Route) identify(g Gateway, v *verdict, now time.Time) error {
	if v.token != nil && v.diagnosis.Code == diagnosis.Accepted && len(r.consumers.claim) > 0 {
		if err := r.mapToken(g, v, now); err != nil {
			return err
		}
	}
	if r.consumers.anonymous != "" && !r.advises && v.diagnosis.Row().Challenges() {
		return r.fallBack(g, v, now)
	}
	return nil
}

// mapToken looks for the consumer that a verified token names.
func (r *Route) mapToken(g Gateway, v *verdict, now time.Time) error {
	cs := &r.consumers
	name, f := cs.named(v.token)
	if f == nil {
		// By username, Kong takes a UUID for an id first: what it finds has to be
		// compared. By id alone, anything else than a UUID is a Lua error.
		c, err := r.engine.directory.find(g, query{cs.workspace, name, cs.byName}, now)
		if err != nil {
			return err
		}
		if f = cs.check(c, name); f == nil {
			v.consumer = c
			return nil
		}
	}
	if cs.required {
		v.diagnosis.Failure = *f
	}
	return nil
}

// check compares what Kong found with what the token says.
func (cs *consumers) check(c *Consumer, name string) *diagnosis.Failure {
	switch {
	case c == nil:
		return diagnosis.Fail(diagnosis.ConsumerNotFound, "no consumer has the claim's value as "+cs.by())
	case cs.byName && c.Username == name, cs.byID && c.ID == name:
		return nil
	}
	return diagnosis.Fail(diagnosis.ConsumerAmbiguous, "expected the claim's value as "+cs.by()+", the gateway knows it as the id of a consumer")
}

func (cs *consumers) by() string {
	switch {
	case !cs.byID:
		return "username"
	case !cs.byName:
		return "id"
	}
	return "username or id"
}

// maxName bounds what may name a consumer, in bytes.
const maxName = 256

// named returns what a token calls its consumer: the first claim present, a
// string, a number, or a list of a single one of them.
func (cs *consumers) named(t *token.Verified) (string, *diagnosis.Failure) {
	value, ok := t.FindFirst(cs.claim)
	if !ok {
		return "", diagnosis.Fail(diagnosis.ConsumerNotFound, "the token has none of the claims that name a consumer")
	}
	if list, isList := value.([]any); isList && len(list) > 1 {
		return "", diagnosis.Fail(diagnosis.ConsumerAmbiguous, "the claim has several values")
	} else if isList && len(list) == 1 {
		value = list[0]
	}
	name := word(value)
	if !isName(name) || !cs.byName && !isUUID(name) {
		return "", diagnosis.Fail(diagnosis.ConsumerNotFound, "the claim's value cannot be the "+cs.by()+" of a consumer")
	}
	return name, nil
}

// word returns a claim that is a string or a number as text, "" for any other.
func word(claim any) string {
	switch claim := claim.(type) {
	case string:
		return claim
	case json.Number:
		return string(claim)
	}
	return ""
}

// isName reports whether s may be a username.
func isName(s string) bool {
	return s != "" && len(s) <= maxName && utf8.ValidString(s) &&
		!strings.ContainsFunc(s, func(c rune) bool { return c < ' ' || c == 0x7f })
}

// isUUID reports whether Kong takes s for an id: the text form of RFC 9562
// section 4, in either case.
func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		switch c := s[i] | 0x20; i {
		case 8, 13, 18, 23:
			if s[i] != '-' {
				return false
			}
		default:
			if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
				return false
			}
		}
	}
	return true
}
