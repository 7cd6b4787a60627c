package jwks

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// past runs a set through its publications and returns what it remembers.
func past(published ...[]Key) *history {
	var h *history
	var ring *keyring
	for _, keys := range published {
		next := newKeyring(keys)
		h = h.then(ring, next)
		ring = next
	}
	return h
}

func TestWithdrawnKidsAreRemembered(t *testing.T) {
	a, b, c := testKey("a", "", 1), testKey("b", "", 2), testKey("c", "", 3)
	tests := map[string]struct {
		sets    [][]Key
		retired string
		here    string // what must not be retired
	}{
		"first set":        {[][]Key{{a, b}}, "", "a b c"},
		"one gone":         {[][]Key{{a, b}, {b}}, "a", "b c"},
		"gone for long":    {[][]Key{{a, b}, {b}, {b, c}, {c}}, "a b", "c"},
		"published again":  {[][]Key{{a, b}, {b}, {a, b}}, "", "a b"},
		"no kid":           {[][]Key{{a, testKey("", "", 9)}, {a}}, "", "a"},
		"never usable":     {[][]Key{{a, Key{ID: "x"}.unusable("broken")}, {a}}, "", "a x"},
		"a kid too long":   {[][]Key{{a, testKey(strings.Repeat("k", maxNames+1), "", 9)}, {a}}, "", strings.Repeat("k", maxNames+1)},
		"another alg only": {[][]Key{{a}, {testKey("a", "EdDSA", 1)}}, "", "a"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			h := past(tt.sets...)
			for kid := range strings.FieldsSeq(tt.retired) {
				if !h.has(kid) {
					t.Errorf("kid %q is forgotten", kid)
				}
			}
			for kid := range strings.FieldsSeq(tt.here) {
				if h.has(kid) || h.under(kid) != nil {
					t.Errorf("kid %q counts as withdrawn", kid)
				}
			}
		})
	}
}

func TestReplacedKeysAreFoundUnderTheirKid(t *testing.T) {
	h := past(
		[]Key{testKey("k", "RS256", 1), testKey("x", "", 9)},
		[]Key{testKey("k", "", 2)},
		[]Key{testKey("k", "", 3)},
	)
	want := []Key{testKey("k", "", 2), testKey("k", "RS256", 1)}
	if diff := cmp.Diff(want, h.under("k")); diff != "" || h.has("k") {
		t.Errorf("under k (-want +got):\n%s retired %t", diff, h.has("k"))
	}
	// The key comes back: only what is not published is replaced.
	back := h.then(newKeyring([]Key{testKey("k", "", 3)}), newKeyring([]Key{testKey("k", "", 2)}))
	if diff := cmp.Diff([]Key{testKey("k", "", 3), testKey("k", "RS256", 1)}, back.under("k")); diff != "" {
		t.Errorf("after the key came back (-want +got):\n%s", diff)
	}
}

func TestHistoryIsBoundedAndKeepsTheNewest(t *testing.T) {
	const rounds, kids, same = 6, 60, 3
	var sets [][]Key
	for r := range rounds {
		var keys []Key
		for i := range kids {
			keys = append(keys, testKey(fmt.Sprintf("k%d-%d", r, i), "", 0))
		}
		for i := range same {
			keys = append(keys, testKey("same", "", byte(1+r*same+i)))
		}
		sets = append(sets, keys)
	}
	h := past(sets...)
	if got := len(h.all()); got != maxWithdrawn {
		t.Errorf("%d keys are remembered, expected %d", got, maxWithdrawn)
	}
	for kid, want := range map[string]bool{"k4-59": true, "k4-0": true, "k1-59": true, "k0-0": false, "k5-0": false} {
		if h.has(kid) != want {
			t.Errorf("kid %s retired %t, expected %t", kid, !want, want)
		}
	}
	var want []Key
	for i := range maxReplaced {
		want = append(want, testKey("same", "", byte((rounds-1)*same-i)))
	}
	got := h.under("same")
	if diff := cmp.Diff(want, got); diff != "" || cap(got) != maxReplaced {
		t.Errorf("capacity %d, replaced (-want +got):\n%s", cap(got), diff)
	}
}
