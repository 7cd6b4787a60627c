package ping_test

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kong-plugin-auth-diagnosis/pkg/standin/ping"
)

type entry struct {
	KeyID string `json:"kid"`
	Type  string `json:"kty"`
	Use   string `json:"use"`
	Alg   string `json:"alg"`
	Curve string `json:"crv"`
	N     string `json:"n"`
}

func entries(t *testing.T, url string) []entry {
	t.Helper()
	_, body := get(t, url)
	var document struct {
		Keys []entry `json:"keys"`
	}
	if err := json.Unmarshal([]byte(body), &document); err != nil {
		t.Fatal(err)
	}
	return document.Keys
}

func ids(t *testing.T, url string) []string {
	t.Helper()
	var all []string
	for _, e := range entries(t, url) {
		all = append(all, e.KeyID)
	}
	return all
}

func TestPingFederateListsItsRSAKeyTwice(t *testing.T) {
	iss := start(t, ping.Options{Product: ping.PingFederate})
	keys := entries(t, iss.JWKSURL())
	if got, want := keys[1], (entry{keys[0].KeyID + "_RS256", "RSA", "sig", "RS256", "", keys[0].N}); got != want {
		t.Errorf("second entry: got %+v, want %+v", got, want)
	}
	if len(keys[0].KeyID) != 27 || keys[0].Alg != "" {
		t.Errorf("first entry: got %+v, want a thumbprint and no alg", keys[0])
	}
	header, _ := decode(t, iss.Token())
	other, _ := decode(t, iss.Token(ping.Algorithm("PS256")))
	if header["kid"] != keys[1].KeyID || other["kid"] != keys[0].KeyID {
		t.Errorf("got kid %q for RS256 and %q for PS256", header["kid"], other["kid"])
	}
}

func TestKeySetShapes(t *testing.T) {
	signing := []entry{
		{Type: "RSA", Use: "sig"},
		{Type: "EC", Use: "sig", Alg: "ES256", Curve: "P-256"},
		{Type: "EC", Use: "sig", Alg: "ES384", Curve: "P-384"},
		{Type: "EC", Use: "sig", Alg: "ES512", Curve: "P-521"},
		{Type: "OKP", Use: "sig", Alg: "EdDSA", Curve: "Ed25519"},
	}
	encrypting := []entry{{Type: "RSA", Use: "enc"}, {Type: "EC", Use: "enc", Curve: "P-256"}}
	twice := slices.Insert(slices.Clone(signing), 1, entry{Type: "RSA", Use: "sig", Alg: "RS256"})
	federate := start(t, ping.Options{Product: ping.PingFederate})
	one := start(t, ping.Options{Product: ping.PingOne})
	am := start(t, ping.Options{Product: ping.PingAM})
	tests := map[string]struct {
		url  string
		want []entry
	}{
		"pingfederate":             {federate.JWKSURL(), slices.Concat(twice, encrypting)},
		"token manager of its own": {federate.ManagerURL("5"), signing},
		"pingone":                  {one.JWKSURL(), signing},
		"pingam":                   {am.JWKSURL(), slices.Concat(signing, encrypting)},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := entries(t, tt.url)
			seen := map[string]bool{}
			for n := range got {
				if seen[got[n].KeyID] || got[n].KeyID == "" {
					t.Errorf("entry %d: kid %q is empty or not unique", n, got[n].KeyID)
				}
				seen[got[n].KeyID] = true
				got[n].KeyID, got[n].N = "", ""
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("entries (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTokenManagerKeysAreItsOwn(t *testing.T) {
	iss := start(t, ping.Options{Product: ping.PingFederate, TokenManagers: []ping.TokenManager{
		{ID: "5", Path: "/ext/oauth/jwks", KeyPrefix: "JwtDefault"},
		{ID: "6", Path: "/ext/partners", KeyPrefix: "MAIN"},
	}})
	tests := map[string]struct {
		url     string
		options []ping.TokenOption
		want    bool
	}{
		"own path":        {iss.ManagerURL("6"), []ping.TokenOption{ping.FromManager("6")}, true},
		"other's path":    {iss.ManagerURL("5"), []ping.TokenOption{ping.FromManager("6")}, false},
		"central path":    {iss.JWKSURL(), []ping.TokenOption{ping.FromManager("6")}, false},
		"central, on own": {iss.ManagerURL("6"), nil, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if err := verify(t, tt.url, iss.Token(tt.options...)); (err == nil) != tt.want {
				t.Errorf("got %v, want verified: %t", err, tt.want)
			}
		})
	}
	if got := iss.ManagerURL("7"); got != "" || iss.Manager("7") != nil {
		t.Errorf("unknown manager: got url %q", got)
	}
}

func TestRotation(t *testing.T) {
	tests := map[string]struct {
		order ping.Order
		// after Rotate: does a token of before, and does a new one, verify?
		midOld, midNew, moved bool
	}{
		"publish first": {ping.PublishFirst, true, true, false},
		"sign first":    {ping.SignFirst, true, false, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			iss := start(t, ping.Options{Product: ping.PingOne})
			keys := iss.Keys()
			old := iss.Token()
			oldHeader, _ := decode(t, old)
			check := func(stage string, wantOld, wantNew, wantMoved bool) {
				t.Helper()
				fresh := iss.Token()
				header, _ := decode(t, fresh)
				for which, c := range map[string]struct {
					got, want bool
				}{
					"old token verifies":  {verify(t, iss.JWKSURL(), old) == nil, wantOld},
					"new token verifies":  {verify(t, iss.JWKSURL(), fresh) == nil, wantNew},
					"signs with new keys": {header["kid"] != oldHeader["kid"], wantMoved},
				} {
					if c.got != c.want {
						t.Errorf("%s: %s: got %t, want %t", stage, which, c.got, c.want)
					}
				}
			}
			check("before", true, true, false)
			for _, step := range []struct {
				name                string
				do                  func() error
				old, fresh, movedTo bool
			}{
				{"rotate", func() error { return keys.Rotate(tt.order) }, tt.midOld, tt.midNew, tt.moved},
				{"promote", keys.Promote, true, true, true},
				{"retire", keys.Retire, false, true, true},
			} {
				if err := step.do(); err != nil {
					t.Fatalf("%s: %v", step.name, err)
				}
				check(step.name, step.old, step.fresh, step.movedTo)
			}
			if got, want := len(ids(t, iss.JWKSURL())), 5; got != want {
				t.Errorf("entries after retire: got %d, want %d", got, want)
			}
		})
	}
}

func TestRotationStepsOutOfOrder(t *testing.T) {
	keys := start(t, ping.Options{Product: ping.PingOne}).Keys()
	if err := keys.Promote(); !errors.Is(err, ping.ErrNotRotating) {
		t.Errorf("promote: got %v, want %v", err, ping.ErrNotRotating)
	}
	if err := keys.Rotate(ping.SignFirst); err != nil {
		t.Fatal(err)
	}
	if err := keys.Rotate(ping.PublishFirst); !errors.Is(err, ping.ErrRotating) {
		t.Errorf("rotate again: got %v, want %v", err, ping.ErrRotating)
	}
	if err := keys.Retire(); !errors.Is(err, ping.ErrRotating) {
		t.Errorf("retire: got %v, want %v", err, ping.ErrRotating)
	}
}

func TestIssuersThatRunAtOnceShareNoKey(t *testing.T) {
	a, b := start(t, ping.Options{Product: ping.PingOne}), start(t, ping.Options{Product: ping.PingOne})
	for _, id := range ids(t, a.JWKSURL()) {
		if slices.Contains(ids(t, b.JWKSURL()), id) {
			t.Errorf("key %q is in both sets", id)
		}
	}
	own, err := b.Keys().Key("RS256")
	if err != nil {
		t.Fatal(err)
	}
	if err := verify(t, b.JWKSURL(), a.Token(ping.SignedBy(own))); err != nil {
		t.Errorf("signed by the other's key: %v", err)
	}
}
