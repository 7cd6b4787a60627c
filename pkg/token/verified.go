package token

import (
	"encoding/json"
	"strings"
)

// Verified is what a token says once its signature holds, without what only
// served to find that out. It shares no memory with the token's text: it may be
// kept for as long as the token lives, and is a third of its size.
type Verified struct {
	claims []claim
	times  times
	hint   string // where the token seems to come from, if a time claim is missing
}

// claim is a member of the payload. The few that are kept are found sooner in a
// list than in a map, which takes 336 bytes before anything is in it.
type claim struct {
	name  string
	value any
}

// Keep returns the top-level claims of these names, and when the token is good.
// Only one who has verified the signature may call it.
func (t *Token) Keep(names []string) *Verified {
	kept := 0
	for _, name := range names {
		if t.Claims.has(name) {
			kept++
		}
	}
	v := &Verified{claims: make([]claim, 0, kept), times: t.times}
	for _, name := range names {
		if t.Claims.has(name) {
			v.claims = append(v.claims, claim{name, clone(t.Claims[name])})
		}
	}
	if !t.times.exp.present || !t.times.iat.present {
		v.hint = t.Hint()
	}
	return v
}

// Claim returns a top-level claim as [Claims] has it, nil if it was not kept.
func (v *Verified) Claim(name string) any {
	value, _ := v.find(name)
	return value
}

// Find is [Claims.Find] among the claims that were kept.
func (v *Verified) Find(path []string) (any, bool) {
	if len(path) == 0 {
		return nil, false
	}
	value, ok := v.find(path[0])
	if len(path) == 1 {
		return value, ok
	}
	members, _ := value.(map[string]any)
	return Claims(members).Find(path[1:])
}

// FindFirst returns the first claim of several paths that is there and not null.
func (v *Verified) FindFirst(paths [][]string) (any, bool) {
	for _, p := range paths {
		if value, ok := v.Find(p); ok && value != nil {
			return value, true
		}
	}
	return nil, false
}

func (v *Verified) find(name string) (any, bool) {
	for i := range v.claims {
		if v.claims[i].name == name {
			return v.claims[i].value, true
		}
	}
	return nil, false
}

// clone copies a claim out of the document that it was read from.
func clone(value any) any {
	switch value := value.(type) {
	case string:
		return strings.Clone(value)
	case json.Number:
		return json.Number(strings.Clone(string(value)))
	case []any:
		list := make([]any, len(value))
		for i, e := range value {
			list[i] = clone(e)
		}
		return list
	case map[string]any:
		members := make(map[string]any, len(value))
		for name, member := range value {
			members[strings.Clone(name)] = clone(member)
		}
		return members
	}
	return value
}

// What values take beside their text on a 64-bit machine, in bytes.
const (
	claimSize = 32
	textSize  = 16 // a string's header behind an interface
	listSize  = 24
	valueSize = 16 // in a list
	mapSize   = 48
	groupSize = 288 // of eight members of a map
	tableSize = 112 // of more than one group, which are as many as a power of two
)

// Size estimates the memory of the claims that were kept, in bytes.
func (v *Verified) Size() int {
	n := 0
	for _, c := range v.claims {
		n += claimSize + size(c.value)
	}
	return n
}

func size(value any) int {
	switch value := value.(type) {
	case string:
		return textSize + len(value)
	case json.Number:
		return textSize + len(value)
	case []any:
		n := listSize + valueSize*len(value)
		for _, e := range value {
			n += size(e)
		}
		return n
	case map[string]any:
		n, slots := mapSize, 8
		for len(value) > 8 && slots*7/8 < len(value) { // the most that they are loaded
			slots *= 2
		}
		if n += slots / 8 * groupSize; slots > 8 {
			n += tableSize
		}
		for name, member := range value {
			n += len(name) + size(member)
		}
		return n
	}
	return 0
}
