package credential_test

import (
	"strings"
	"testing"

	"kong-plugin-auth-diagnosis/pkg/credential"
	"kong-plugin-auth-diagnosis/pkg/diagnosis"
)

// everywhere is a route that takes tokens in all kinds of places.
func everywhere() credential.Want {
	w := want(credential.Bearer)
	w.CookieNames = []string{"access_token", "jwt"}
	w.ArgumentNames = []string{"access_token", "jwt"}
	return w
}

// nowhere is the detail of a token that none of these places has.
const nowhere = "looked in authorization, cookie access_token, cookie jwt, argument access_token, argument jwt"

func cookie(lines ...string) credential.Headers { return credential.Headers{"cookie": lines} }

func TestFindInCookies(t *testing.T) {
	for _, tc := range []struct {
		name          string
		lines         []string
		code          diagnosis.Code
		token, detail string
	}{
		{"alone", []string{"access_token=" + jwt}, "", jwt, ""},
		{"among others", []string{"a=1; access_token=" + jwt + "; b=2"}, "", jwt, ""},
		{"without a space behind the semicolon", []string{"a=1;access_token=" + jwt + ";b=2"}, "", jwt, ""},
		{"on the second line", []string{"a=1", "access_token=" + jwt}, "", jwt, ""},
		{"under the second name", []string{"jwt=" + jwt}, "", jwt, ""},
		{"an opaque token with padding", []string{"jwt=abc+/_-.~=="}, "", "abc+/_-.~==", ""},
		{"in quotes", []string{`access_token="` + jwt + `"; a=1`}, "", jwt, ""},
		{"with blanks about it", []string{"a=1;\t access_token \t=  " + jwt + " \t; b=2"}, "", jwt, ""},
		{"behind a cookie of other bytes", []string{"name=Jos\xe9; access_token=" + jwt}, "", jwt, ""},
		{"behind a quote that does not end", []string{`a="x; access_token=` + jwt + `; b=y"`}, "", jwt, ""},
		{"twice the same", []string{"access_token=" + jwt + "; access_token=" + jwt}, "", jwt, ""},
		{"the same under two names", []string{"access_token=" + jwt, `jwt="` + jwt + `"`}, "", jwt, ""},
		{"blank beside good", []string{"access_token=; access_token=" + jwt}, "", jwt, ""},
		{"damaged beside good", []string{"jwt=null; access_token=" + jwt}, "", jwt, ""},

		{"twice, different", []string{"access_token=" + jwt + "; access_token=" + opaque}, diagnosis.CredentialConflict, "", "two values of cookie access_token carry different tokens"},
		{"two names, different", []string{"access_token=" + jwt + "; jwt=" + opaque}, diagnosis.CredentialConflict, "", "cookie access_token and cookie jwt carry different tokens"},
		{"no cookie", nil, diagnosis.CredentialMissing, "", nowhere},
		{"a name in another case", []string{"Access_Token=" + jwt}, diagnosis.CredentialMissing, "", nowhere},
		{"a longer name", []string{"xaccess_token=" + jwt + "; access_token2=" + jwt}, diagnosis.CredentialMissing, "", nowhere},
		{"a value of another cookie", []string{"a=access_token=" + jwt}, diagnosis.CredentialMissing, "", nowhere},
		{"a name alone", []string{"access_token; a=1"}, diagnosis.CredentialMissing, "", nowhere},
		{"blank", []string{"access_token="}, diagnosis.CredentialEmpty, "", "cookie access_token: present but blank"},
		{"blank in quotes", []string{`access_token=" "`}, diagnosis.CredentialEmpty, "", "cookie access_token: present but blank"},
		{"Bearer before it", []string{"access_token=Bearer " + jwt}, diagnosis.TokenBadCharset, "", "cookie access_token: Bearer and a space before a token that stands alone here"},
		{"Bearer before it, encoded", []string{"access_token=Bearer%20" + jwt}, diagnosis.TokenBadCharset, "", "cookie access_token: percent-encoding at byte 7 of 58"},
		{"Bearer alone", []string{"access_token=bearer"}, diagnosis.SchemeOnly, "", "cookie access_token: the word Bearer and nothing behind it"},
		{"Bearer and a template", []string{"access_token=Bearer {{token}}"}, diagnosis.TokenPlaceholder, "", "cookie access_token: a {{variable}} that was not replaced"},
		{"a literal", []string{"access_token=undefined"}, diagnosis.TokenPlaceholder, "", "cookie access_token: a literal that stands for no value"},
		{"one quote", []string{`access_token="` + jwt}, diagnosis.TokenBadCharset, "", "cookie access_token: a quote at byte 1 of 50"},
		{"an encoded dot", []string{"access_token=eyJh%2EeyJp%2Ec2ln"}, diagnosis.TokenBadCharset, "", "cookie access_token: percent-encoding at byte 5 of 18"},
		{"lines joined by a comma", []string{"access_token=" + jwt + ", a=1"}, diagnosis.TokenBadCharset, "", "cookie access_token: a comma at byte 50 of 54"},
		{"JSON", []string{`access_token={"access_token":"x"}`}, diagnosis.TokenJSONSerialized, "", "cookie access_token: JSON instead of a token"},
		{"too long", []string{"access_token=" + strings.Repeat("a", 1025)}, diagnosis.CredentialTooLarge, "", "cookie access_token: expected at most 1024 bytes, got 1025"},
		{"blank, then a template", []string{"access_token=; jwt=${TOKEN}"}, diagnosis.TokenPlaceholder, "", "cookie jwt: a ${variable} that was not replaced"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := credential.Find(cookie(tc.lines...), everywhere())
			expect(t, got, tc.code, tc.token)
			explained(t, got, tc.detail)
		})
	}
}

func explained(t *testing.T, got credential.Found, detail string) {
	t.Helper()
	if got.Failure != nil && got.Failure.Detail != detail {
		t.Errorf("expected detail %q, got %q", detail, got.Failure.Detail)
	}
}

func TestFindInTheQuery(t *testing.T) {
	for _, tc := range []struct {
		name, query   string
		code          diagnosis.Code
		token, detail string
	}{
		{"alone", "access_token=" + jwt, "", jwt, ""},
		{"among others", "a=1&access_token=" + jwt + "&b", "", jwt, ""},
		{"encoded", "access%5Ftoken=" + strings.ReplaceAll(jwt, ".", "%2E"), "", jwt, ""},
		{"encoded in lower case", "jwt=abc%2b%2f%3d", "", "abc+/=", ""},
		{"twice the same", "access_token=" + jwt + "&jwt=" + jwt, "", jwt, ""},
		{"blank beside good", "access_token&access_token=" + jwt, "", jwt, ""},
		{"with more equals signs", "jwt=abc==", "", "abc==", ""},

		{"twice, different", "jwt=" + jwt + "&jwt=" + opaque, diagnosis.CredentialConflict, "", "two values of argument jwt carry different tokens"},
		{"blank", "access_token=", diagnosis.CredentialEmpty, "", "argument access_token: present but blank"},
		{"spaces", "access_token=+%20%09", diagnosis.CredentialEmpty, "", "argument access_token: present but blank"},
		{"a name alone", "access_token", diagnosis.CredentialEmpty, "", "argument access_token: present but blank"},
		{"Bearer before it", "access_token=Bearer+" + jwt, diagnosis.TokenBadCharset, "", "argument access_token: Bearer and a space before a token that stands alone here"},
		{"Bearer before it, encoded", "access_token=bearer%20" + jwt, diagnosis.TokenBadCharset, "", "argument access_token: Bearer and a space before a token that stands alone here"},
		{"Bearer alone", "access_token=Bearer%20", diagnosis.SchemeOnly, "", "argument access_token: the word Bearer and nothing behind it"},
		{"encoded twice", "access_token=eyJh%252EeyJp%252Ec2ln", diagnosis.TokenBadCharset, "", "argument access_token: percent-encoding at byte 5 of 18"},
		{"what is no escape", "access_token=abc%2", diagnosis.TokenBadCharset, "", "argument access_token: percent-encoding at byte 4 of 5"},
		{"a plus sign that is not encoded", "access_token=abc+def", diagnosis.TokenBadCharset, "", "argument access_token: a space at byte 4 of 7"},
		{"a NUL", "access_token=abc%00", diagnosis.TokenBadCharset, "", "argument access_token: a control character at byte 4 of 4"},
		{"a template", "access_token=%7B%7Btoken%7D%7D", diagnosis.TokenPlaceholder, "", "argument access_token: a {{variable}} that was not replaced"},
		{"another case", "ACCESS_TOKEN=" + jwt, diagnosis.CredentialMissing, "", nowhere},
		{"a semicolon separates nothing", "a=1;access_token=" + jwt, diagnosis.CredentialMissing, "", nowhere},
		{"no query", "", diagnosis.CredentialMissing, "", nowhere},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := everywhere()
			w.Query = tc.query
			got := credential.Find(nil, w)
			expect(t, got, tc.code, tc.token)
			explained(t, got, tc.detail)
		})
	}
}

func TestFindAmongPlaces(t *testing.T) {
	bearer := "Bearer " + jwt
	for _, tc := range []struct {
		name           string
		headers        credential.Headers
		query          string
		code           diagnosis.Code
		source, detail string
	}{
		{"the same in all: the header names it", credential.Headers{"authorization": {bearer}, "cookie": {"jwt=" + jwt}}, "jwt=" + jwt, "", "authorization", ""},
		{"cookie before query", cookie("jwt=" + jwt), "jwt=" + jwt, "", "cookie jwt", ""},
		{"the query alone", cookie("a=1"), "jwt=" + jwt, "", "argument jwt", ""},
		{"a good cookie beside a blank header", credential.Headers{"authorization": {""}, "cookie": {"jwt=" + jwt}}, "", "", "cookie jwt", ""},
		{"a good argument beside Basic", credential.Headers{"authorization": {"Basic " + pair}}, "jwt=" + jwt, "", "argument jwt", ""},
		{"a good header beside damage", credential.Headers{"authorization": {bearer}, "cookie": {"jwt=null"}}, "jwt=", "", "authorization", ""},
		{"header against cookie", credential.Headers{"authorization": {bearer}, "cookie": {"jwt=" + opaque}}, "", diagnosis.CredentialConflict, "", "authorization and cookie jwt carry different tokens"},
		{"header against query", credential.Headers{"authorization": {bearer}}, "jwt=" + opaque, diagnosis.CredentialConflict, "", "authorization and argument jwt carry different tokens"},
		{"cookie against query", cookie("jwt=" + jwt), "jwt=" + opaque, diagnosis.CredentialConflict, "", "cookie jwt and argument jwt carry different tokens"},
		{"moved says more than a blank cookie", credential.Headers{"cookie": {"jwt="}, "x-authorization": {bearer}}, "", diagnosis.CredentialMoved, "", "found in x-authorization, expected in authorization or cookie access_token or cookie jwt or argument access_token or argument jwt"},
		{"a scheme says more than a blank argument", credential.Headers{"authorization": {"Negotiate YII"}}, "jwt=", diagnosis.SchemeUnsupported, "", "authorization: received the scheme negotiate"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w, token := everywhere(), ""
			w.Query = tc.query
			if tc.code == "" {
				token = jwt
			}
			got := credential.Find(tc.headers, w)
			expect(t, got, tc.code, token)
			explained(t, got, tc.detail)
			if got.Source != tc.source {
				t.Errorf("expected source %q, got %q", tc.source, got.Source)
			}
		})
	}
	t.Run("places that nobody configured", func(t *testing.T) {
		w := want(credential.Bearer)
		w.Query = "access_token=" + jwt
		expect(t, credential.Find(cookie("access_token="+jwt), w), diagnosis.CredentialMissing, "")
	})
	t.Run("a user name and a password never come there", func(t *testing.T) {
		w := everywhere()
		w.Expects = []credential.Kind{credential.Basic}
		w.Query = "jwt=" + jwt
		expect(t, credential.Find(cookie("jwt="+pair), w), diagnosis.CredentialMissing, "")
	})
}

func TestABlankCookieIsTheClients(t *testing.T) {
	w := everywhere()
	for name, tc := range map[string]struct {
		headers credential.Headers
		query   string
		want    diagnosis.Hop
	}{
		"cookie":                   {cookie("jwt="), "", diagnosis.Client},
		"argument":                 {nil, "jwt", diagnosis.Client},
		"header":                   {credential.Headers{"authorization": {""}}, "", diagnosis.HopUnset},
		"header before the cookie": {credential.Headers{"authorization": {""}, "cookie": {"jwt="}}, "jwt=", diagnosis.HopUnset},
	} {
		w.Query = tc.query
		got := credential.Find(tc.headers, w)
		expect(t, got, diagnosis.CredentialEmpty, "")
		if got.Failure.Hop != tc.want {
			t.Errorf("%s: expected hop %q, got %q", name, tc.want, got.Failure.Hop)
		}
	}
}
