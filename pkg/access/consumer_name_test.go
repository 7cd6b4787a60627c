package access

import (
	"encoding/json"
	"strings"
	"testing"

	"kong-plugin-auth-diagnosis/pkg/token"
)

// FuzzConsumerName holds that no claim selects a consumer that it does not
// equal, and that Kong is never asked for what it answers with a Lua error.
func FuzzConsumerName(f *testing.F) {
	const id = "3f0c1f9e-0000-4000-8000-00000000000a"
	for _, claim := range []string{`"alice"`, `"` + id + `"`, `"` + strings.ToUpper(id) + `"`, `["alice"]`, `["alice","bob"]`, `17`, `{"a":1}`, `null`, `""`, `"al\u0000ice"`, `true`, `[["alice"]]`} {
		f.Add(claim, true, true)
		f.Add(claim, true, false)
		f.Add(claim, false, true)
	}
	f.Fuzz(func(t *testing.T, claim string, byName, byID bool) {
		dec := json.NewDecoder(strings.NewReader(claim))
		dec.UseNumber()
		var value any
		if dec.Decode(&value) != nil {
			return
		}
		cs := consumers{claim: [][]string{{"c"}}, byName: byName, byID: byID}
		good := token.Token{Claims: token.Claims{"c": value}}
		name, failure := cs.named(good.Keep([]string{"c"}))
		if failure != nil {
			return
		}
		if !isName(name) || !byName && !isUUID(name) {
			t.Errorf("%s: Kong is asked for %q", claim, name)
		}
		for _, c := range []*Consumer{nil, {ID: id, Username: "alice"}, {ID: strings.ToLower(name), Username: name + " "}, {ID: name}, {Username: name}} {
			accepted := cs.check(c, name) == nil
			equal := c != nil && (byName && c.Username == name || byID && c.ID == name)
			if accepted != equal {
				t.Errorf("%s: consumer %+v accepted: %v", claim, c, accepted)
			}
		}
	})
}

func TestUUIDIsWhatKongTakesForAnID(t *testing.T) {
	for s, want := range map[string]bool{
		"3f0c1f9e-0000-4000-8000-00000000000a":   true,
		"3F0C1F9E-0000-4000-8000-00000000000A":   true,
		"00000000-0000-0000-0000-000000000000":   true,
		"3f0c1f9e-0000-4000-8000-00000000000":    false,
		"3f0c1f9e-0000-4000-8000-00000000000ag":  false,
		"3f0c1f9e-0000-4000-8000-00000000000g":   false,
		"3f0c1f9e00000-4000-8000-00000000000a":   false,
		"3f0c1f9e-0000-4000-8000\r00000000000a":  false,
		"\x10f0c1f9e-0000-4000-8000-0000000000a": false,
		"alice":                                  false, "": false,
	} {
		if isUUID(s) != want {
			t.Errorf("%q: got %v, want %v", s, !want, want)
		}
	}
}
