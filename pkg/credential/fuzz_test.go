package credential_test

import (
	"strings"
	"testing"

	"kong-plugin-auth-diagnosis/pkg/credential"
	"kong-plugin-auth-diagnosis/pkg/diagnosis"
)

// FuzzFind holds Find to its promises for any Authorization value: a credential
// or a failure of this package's family, a token in its alphabet only, and no
// text of the value in a detail.
func FuzzFind(f *testing.F) {
	for _, tc := range bearerCases {
		f.Add(tc.value)
	}
	f.Add("Basic " + pair + "\t,\tBearer x")
	f.Add(strings.Repeat(",", 100))
	f.Add(`Digest a="\", Bearer "`)
	f.Fuzz(func(t *testing.T, value string) {
		all := []credential.Kind{credential.Bearer, credential.Basic, credential.Key}
		for _, kinds := range [][]credential.Kind{all, all[:1], all[1:2], all[2:]} {
			w := want(kinds...)
			for _, h := range []credential.Headers{{"authorization": {value}}, {"x-authorization": {value}}, {"apikey": {value, value}}} {
				judged(t, value, credential.Find(h, w))
			}
			w.HeaderNames = []string{"x-token"}
			judged(t, value, credential.Find(credential.Headers{"x-token": {value, ""}}, w))
		}
		if marker(value) && strings.Contains(credential.Shape(value), value) {
			t.Fatalf("the shape repeats the value: %q", credential.Shape(value))
		}
	})
}

func judged(t *testing.T, value string, got credential.Found) {
	t.Helper()
	if (got.Kind == credential.None) != (got.Failure != nil) {
		t.Fatalf("expected a credential or a failure, got %+v", got)
	}
	if f := got.Failure; f != nil {
		if row := f.Row(); row.Family != diagnosis.FamilyCredential && f.Code != diagnosis.TokenJSONSerialized {
			t.Fatalf("%s is of another family", f.Code)
		}
		if marker(value) && strings.Contains(f.Detail, strings.Trim(value, " \t")) {
			t.Fatalf("%s repeats the value in %q", f.Code, f.Detail)
		}
		return
	}
	if got.Token == "" || !strings.Contains(value, got.Token) {
		t.Fatalf("found %q in %q", got.Token, value)
	}
	if got.Kind == credential.Key {
		return
	}
	if strings.ContainsAny(got.Token, " \t,\"%") || strings.Contains(strings.TrimRight(got.Token, "="), "=") {
		t.Fatalf("a token outside its alphabet: %q", got.Token)
	}
}

// marker reports whether a value is long and odd enough that a detail could
// hold it only by copying it.
func marker(value string) bool { return len(strings.Trim(value, " \t")) > 24 }
