package credential_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"kong-plugin-auth-diagnosis/pkg/credential"
)

func TestWithoutCookiesLeavesTheOthersAsTheyAre(t *testing.T) {
	for name, tc := range map[string]struct{ lines, want []string }{
		"no cookie":              {nil, nil},
		"others only":            {[]string{" a=1 ;b ;; =c", ""}, []string{" a=1 ;b ;; =c", ""}},
		"the first":              {[]string{"jwt=x; a=1;  b=2"}, []string{"a=1;  b=2"}},
		"in the middle":          {[]string{"a=1; jwt=x; b=2"}, []string{"a=1; b=2"}},
		"the last":               {[]string{"a=1; jwt=x"}, []string{"a=1"}},
		"the last, ended":        {[]string{"a=1; jwt=x;"}, []string{"a=1;"}},
		"alone":                  {[]string{"jwt=x"}, nil},
		"alone, ended":           {[]string{"jwt=x; ;\t"}, nil},
		"several":                {[]string{`jwt=x; a="1;2"; access_token=y;JWT=z;jwt="";b`}, []string{`a="1;2";JWT=z;b`}},
		"one line of three":      {[]string{"a=1", "jwt=x", "b=2"}, []string{"a=1", "b=2"}},
		"bytes that are no text": {[]string{"n=Jos\xe9; jwt=x; m=\x01\xff"}, []string{"n=Jos\xe9; m=\x01\xff"}},
		"a name alone":           {[]string{"jwt; a=1"}, []string{"jwt; a=1"}},
	} {
		given := append([]string(nil), tc.lines...)
		if diff := cmp.Diff(tc.want, credential.WithoutCookies(given, everywhere().CookieNames)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if diff := cmp.Diff(tc.lines, given); diff != "" {
			t.Errorf("%s: the lines given changed (-before +after):\n%s", name, diff)
		}
	}
}

func TestWithoutArgumentsLeavesTheOthersAsTheyAre(t *testing.T) {
	for query, want := range map[string]string{
		"":                             "",
		"a=1&b=%41+z&&c":               "a=1&b=%41+z&&c",
		"jwt=x":                        "",
		"jwt":                          "",
		"jwt=x&a=%zz&b":                "a=%zz&b",
		"a=1&jwt=x&&b=2":               "a=1&&b=2",
		"a=1&jw%74=x&JWT=y&b=jwt":      "a=1&JWT=y&b=jwt",
		"access_token=x&jwt=y&jwt&a=1": "a=1",
		"n=Jos\xe9&jwt=x":              "n=Jos\xe9",
	} {
		if got := credential.WithoutArguments(query, everywhere().ArgumentNames); got != want {
			t.Errorf("%q: expected %q, got %q", query, want, got)
		}
	}
}
