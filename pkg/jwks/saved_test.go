package jwks

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"kong-plugin-auth-diagnosis/pkg/diagnosis"
)

var savedAt = time.Date(2026, 3, 1, 12, 0, 0, 123, time.UTC)

// someSaved is a set of two documents, one of which was never there.
func someSaved(t *testing.T) *saved {
	t.Helper()
	keys, f := parseSet([]byte(`{"keys":[` + strings.Join([]string{
		rsaJSON(`"kid":"rsa","alg":"RS256","use":"sig",`), rsaJSON(``),
		ecJSON(`"kid":"ec","key_ops":["verify","x"],`), `{"kid":"ed","alg":"Ed25519",` + edJSON,
		rsaJSON(`"kid":"enc","use":"enc",`), `{"kid":"agree","kty":"OKP","crv":"X25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`,
		strings.Replace(rsaJSON(`"kid":"one",`), "AQAB", "AQ", 1), `{"kid":"oct","kty":"oct","k":"c2VjcmV0"}`, rsaJSON(`"kid":"private","d":"c2VjcmV0",`),
	}, ",") + `]}`))
	if f != nil {
		t.Fatal(f)
	}
	return &saved{complete: savedAt, parts: []part{{keys, savedAt}, {}}, past: []Key{testKey("gone", "EdDSA", 1)}}
}

func TestSavedSetComesBack(t *testing.T) {
	want := someSaved(t)
	file := want.encode(sourceKey{1})
	if bytes.Contains(file, []byte("c2VjcmV0")) {
		t.Error("the file has private material")
	}
	got, err := decodeSaved(file, sourceKey{1}, 2)
	if err != nil {
		t.Fatal(err)
	}
	// Of a key that verifies nothing only the name and the code are kept.
	bare := cmp.Transformer("bare", func(k Key) any {
		if k.Fault != "" {
			return [2]string{k.ID, string(k.Fault)}
		}
		type good Key
		return good(k)
	})
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(saved{}, part{}), bare); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	faults := map[string]diagnosis.Code{}
	for _, k := range got.parts[0].keys {
		faults[k.ID] = k.Fault
	}
	for kid, want := range map[string]diagnosis.Code{
		"enc": diagnosis.KeyUseForbidden, "agree": diagnosis.KeyUseForbidden, "one": diagnosis.KeyTooWeak,
		"oct": diagnosis.KeyUnusable, "private": diagnosis.KeyUnusable, "rsa": "",
	} {
		if faults[kid] != want {
			t.Errorf("key %s came back with %q, expected %q", kid, faults[kid], want)
		}
	}
}

// sealed is a file around a body, with the right sum.
func sealed(body string) []byte {
	return fmt.Appendf(nil, "%s%x\n%s", savedMagic, sha256.Sum256([]byte(body)), body)
}

func TestOtherFilesAreRefused(t *testing.T) {
	good := string(someSaved(t).encode(sourceKey{1}))
	_, body, _ := strings.Cut(good, "\n")
	change := func(old, new string) []byte {
		if !strings.Contains(body, old) {
			t.Fatalf("the file has no %q", old)
		}
		return sealed(strings.Replace(body, old, new, 1))
	}
	tests := map[string]struct {
		file []byte
		want error
	}{
		"empty":               {nil, errSavedForm},
		"cut":                 {[]byte(good[:len(good)-1]), errSavedForm},
		"a bit flipped":       {[]byte(strings.Replace(good, `"AQAB"`, `"AQAA"`, 1)), errSavedForm},
		"a key set":           {[]byte(`{"keys":[]}`), errSavedForm},
		"another version":     {[]byte(strings.Replace(good, "keys 1", "keys 2", 1)), errSavedForm},
		"another source":      {someSaved(t).encode(sourceKey{2}), errSavedSource},
		"an unknown member":   {change(`"source"`, `"more":1,"source"`), errSavedForm},
		"more behind":         {sealed(body + "{}"), errSavedForm},
		"not JSON":            {sealed("{"), errSavedForm},
		"other documents":     {(&saved{parts: []part{{[]Key{testKey("a", "", 1)}, savedAt}}}).encode(sourceKey{1}), errSavedForm},
		"no key":              {(&saved{parts: make([]part, 2)}).encode(sourceKey{1}), errSavedContent},
		"a document of junk":  {(&saved{parts: []part{{[]Key{Key{}.unusable("")}, savedAt}, {}}}).encode(sourceKey{1}), errSavedContent},
		"keys never fetched":  {(&saved{parts: []part{{keys: []Key{testKey("a", "", 1)}}, {}}}).encode(sourceKey{1}), errSavedContent},
		"withdrawn, all junk": {change(`"withdrawn":[{`, `"withdrawn":[{"d":"x",`), errSavedContent},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if s, err := decodeSaved(tt.file, sourceKey{1}, 2); !errors.Is(err, tt.want) || s != nil {
				t.Errorf("got %v, %v; expected %v", s, err, tt.want)
			}
		})
	}
}

// TestAgesFollowTheClock: minutes count from savedAt, which is when the keys
// were fetched.
func TestAgesFollowTheClock(t *testing.T) {
	tests := map[string]struct {
		seen, now int
		age       int
		err       error
	}{
		"right after":               {0, 0, 0, nil},
		"an hour later":             {0, 60, 60, nil},
		"in use until just now":     {60, 60, 60, nil},
		"set back a little":         {60, 59, 60, nil},
		"set back":                  {60, 58, 0, errSavedFuture},
		"set back behind the fetch": {0, -10, 0, errSavedFuture},
		"fetched after it was seen": {-5, -4, 0, errSavedFuture},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			at := func(minutes int) time.Time { return savedAt.Add(time.Duration(minutes) * time.Minute) }
			s := &saved{complete: savedAt, parts: []part{{at: savedAt}, {}}}
			now := at(tt.now)
			if err := s.asOf(now, at(tt.seen)); !errors.Is(err, tt.err) {
				t.Fatalf("error %v, expected %v", err, tt.err)
			}
			if tt.err != nil {
				return
			}
			want := now.Add(-time.Duration(tt.age) * time.Minute)
			if diff := cmp.Diff([]time.Time{want, want, {}}, []time.Time{s.complete, s.parts[0].at, s.parts[1].at}, cmpopts.EquateApproxTime(0)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// FuzzDecodeSaved: whatever a file holds behind a right sum is refused or a set
// with keys to use, which can be written and read again.
func FuzzDecodeSaved(f *testing.F) {
	source := sourceKey{1}
	for _, s := range []*saved{
		{parts: []part{{[]Key{testKey("a", "", 1)}, savedAt}}},
		{complete: savedAt, parts: []part{{[]Key{testKey("", "EdDSA", 1), Key{ID: "b"}.forbidden("")}, savedAt}}, past: []Key{testKey("c", "", 2)}},
	} {
		_, body, _ := strings.Cut(string(s.encode(source)), "\n")
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		s, err := decodeSaved(sealed(body), source, 1)
		if err != nil {
			if s != nil {
				t.Fatal("a set beside an error")
			}
			return
		}
		ring := newKeyring(s.parts[0].keys)
		if ring.size() == 0 {
			t.Fatal("a set without a good key")
		}
		again, err := decodeSaved(s.encode(source), source, 1)
		if err != nil {
			t.Fatalf("what was read cannot be written and read: %v", err)
		}
		if got := newKeyring(again.parts[0].keys); len(got.good()) != len(ring.good()) || !again.parts[0].at.Equal(s.parts[0].at) {
			t.Fatalf("%d good keys became %d", ring.size(), got.size())
		}
		for i, k := range ring.good() {
			if diff := cmp.Diff(k, newKeyring(again.parts[0].keys).good()[i]); diff != "" {
				t.Fatalf("(-want +got):\n%s", diff)
			}
		}
	})
}
