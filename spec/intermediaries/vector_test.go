//go:build spec

package intermediaries

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"kong-plugin-auth-diagnosis/pkg/edge"
	"kong-plugin-auth-diagnosis/spec/rig"
)

// vector is a member of the verifier's test vectors, with what it was made of.
type vector struct {
	Name, Secret, Method, Host, Member string
	KeyID                              string `json:"key_id"`
	T                                  int64
	Value                              *string
}

// TestVectors: the signer that these specs hold the others against writes the
// verifier's own test vectors.
func TestVectors(t *testing.T) {
	root, err := rig.Root()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(root, "pkg", "edge", "testdata", "witness.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all []vector
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, v := range all {
		if v.Secret != secret || v.T != now || v.KeyID != kid {
			continue
		}
		n++
		in := input{method: v.Method, host: v.Host}
		if v.Value != nil {
			in.lines = []string{*v.Value}
		}
		if got := member("edge-in", in); got != v.Member {
			t.Errorf("%s: expected %q, got %q", v.Name, v.Member, got)
		}
	}
	if n < 30 {
		t.Errorf("expected 30 vectors or more with the key of these specs, got %d", n)
	}
}

// TestVerifierTakesWhatSignersWrite, and refuses it after a change of any byte.
func TestVerifierTakesWhatSignersWrite(t *testing.T) {
	verifier := edge.NewVerifier([]edge.Key{{ID: kid, Secret: []byte(secret), Points: []string{"edge-in"}}}, 30*time.Second)
	for _, in := range inputs() {
		text := member("edge-in", in)
		if w := verifier.Verify([]string{text}, time.Unix(now, 0)); w.In == nil || w.Fault != nil {
			t.Errorf("%s: %v for %s", in.name, w.Fault, text)
		}
		changed := []byte(text)
		for i := range changed {
			for bit := range 8 {
				changed[i] = text[i] ^ 1<<bit
				if w := verifier.Verify([]string{string(changed)}, time.Unix(now, 0)); w.In != nil {
					t.Errorf("%s: taken after a change at %d: %s", in.name, i, changed)
				}
			}
			changed[i] = text[i]
		}
	}
}
