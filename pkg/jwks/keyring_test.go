package jwks

import (
	"crypto/ed25519"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"kong-plugin-auth-diagnosis/pkg/diagnosis"
)

// testKey is a key named kid/alg whose material is the number n.
func testKey(kid, alg string, n byte) Key {
	seed := make([]byte, ed25519.SeedSize)
	seed[0] = n
	return Key{ID: kid, Algorithm: alg, Public: ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey)}
}

func names(keys []Key) []string {
	var s []string
	for _, k := range keys {
		s = append(s, k.ID+"/"+k.Algorithm)
	}
	return s
}

func TestKeyPublishedTwiceKeepsBothKids(t *testing.T) {
	r := newKeyring([]Key{testKey("k", "", 1), testKey("k_RS256", "RS256", 1), testKey("k_RS384", "RS384", 1), testKey("m", "RS256", 2)})
	for _, kid := range []string{"k", "k_RS256", "k_RS384"} {
		keys, _ := r.named(kid)
		if len(keys) != 1 || keys[0].ID != kid {
			t.Errorf("kid %s names %v", kid, names(keys))
		}
	}
	all, others := r.named("")
	if diff := cmp.Diff([]string{"k/", "m/RS256"}, names(all)); diff != "" || others != nil {
		t.Errorf("without a kid (-want +got):\n%s and others %v", diff, names(others))
	}
}

func TestKeyBoundToSeveralAlgorithmsIsTriedForEach(t *testing.T) {
	r := newKeyring([]Key{testKey("a", "RS256", 1), testKey("b", "RS384", 1), testKey("c", "RS256", 1)})
	all, _ := r.named("")
	if diff := cmp.Diff([]string{"a/RS256", "b/RS384"}, names(all)); diff != "" {
		t.Errorf("without a kid (-want +got):\n%s", diff)
	}
}

func TestDifferentKeysUnderOneKidAreAllNamed(t *testing.T) {
	r := newKeyring([]Key{testKey("k", "", 1), testKey("x", "", 2), testKey("k", "", 3), testKey("k", "", 1)})
	keys, others := r.named("k")
	if diff := cmp.Diff([]Key{testKey("k", "", 1), testKey("k", "", 3)}, keys); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"x/"}, names(others)); diff != "" {
		t.Errorf("others (-want +got):\n%s", diff)
	}
}

func TestGoodKeyWinsOverAFaultyOneOfItsKid(t *testing.T) {
	bad := Key{ID: "k"}.unusable("broken")
	r := newKeyring([]Key{bad, testKey("k", "", 1)})
	if keys, _ := r.named("k"); len(keys) != 1 || keys[0].Fault != "" {
		t.Errorf("kid names %v", keys)
	}
}

func TestAnswersAreCutAndCannotBeWrittenThrough(t *testing.T) {
	var keys []Key
	for i := range 100 {
		keys = append(keys, testKey(fmt.Sprint(i), "", byte(i)), testKey("same", "", byte(100+i)))
	}
	r := newKeyring(keys)
	all, _ := r.named("")
	same, others := r.named("same")
	for name, l := range map[string][]Key{"all": all, "same": same, "others": others} {
		if len(l) != MaxKeys || cap(l) != MaxKeys {
			t.Errorf("%s: %d keys, capacity %d, expected %d of each", name, len(l), cap(l), MaxKeys)
		}
	}
}

// TestRingIsAPartition: for every kid the named keys and the others are the
// good keys, each once.
func TestRingIsAPartition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		published := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Key {
			k := testKey(rapid.SampledFrom([]string{"", "a", "b", "c"}).Draw(t, "kid"), "", rapid.Byte().Draw(t, "material"))
			if rapid.IntRange(0, 3).Draw(t, "bad") == 0 {
				k = k.forbidden("")
			}
			return k
		}), 0, 30).Draw(t, "keys")
		r := newKeyring(published)
		var good []string
		for _, k := range published {
			if id := fmt.Sprintf("%s %x", k.ID, k.material()); k.Fault == "" && !slices.Contains(good, id) {
				good = append(good, id)
			}
		}
		slices.Sort(good)
		for _, kid := range []string{"a", "b", "c"} {
			keys, others := r.named(kid)
			if keys == nil {
				continue
			}
			var got []string
			for i, k := range slices.Concat(keys, others) {
				if (k.ID == kid) != (i < len(keys)) {
					t.Fatalf("kid %q stands on the wrong side", k.ID)
				}
				got = append(got, fmt.Sprintf("%s %x", k.ID, k.material()))
			}
			slices.Sort(got)
			if diff := cmp.Diff(good, got); diff != "" {
				t.Fatalf("kid %q (-want +got):\n%s", kid, diff)
			}
		}
	})
}

func TestDigestFollowsTheContents(t *testing.T) {
	base := newKeyring([]Key{testKey("a", "", 1)}).digest
	if newKeyring([]Key{testKey("a", "", 1), testKey("a", "", 1)}).digest != base {
		t.Error("a repeated key changes the digest")
	}
	for name, keys := range map[string][]Key{
		"kid":      {testKey("b", "", 1)},
		"alg":      {testKey("a", "EdDSA", 1)},
		"material": {testKey("a", "", 2)},
		"more":     {testKey("a", "", 1), testKey("b", "", 1)},
		"fault":    {testKey("a", "", 1), {ID: "b", Fault: diagnosis.KeyUnusable}},
	} {
		if newKeyring(keys).digest == base {
			t.Errorf("another %s leaves the digest as it was", name)
		}
	}
}
