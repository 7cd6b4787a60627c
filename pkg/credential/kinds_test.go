package credential_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"kong-plugin-auth-diagnosis/pkg/credential"
	"kong-plugin-auth-diagnosis/pkg/diagnosis"
)

func encoded(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

func TestFindBasic(t *testing.T) {
	for _, tc := range []struct {
		name, value string
		code        diagnosis.Code
	}{
		{"a pair", "Basic " + pair, ""},
		{"lower case", "basic " + pair, ""},
		{"without padding", "Basic " + strings.TrimRight(encoded("user:passw"), "="), ""},
		{"a password in UTF-8", "Basic " + encoded("user:pässword"), ""},
		{"an empty user and password", "Basic " + encoded(":"), ""},
		{"a password of a sample word", "Basic " + encoded("changeme:changeme"), ""},
		{"blank", "", diagnosis.CredentialEmpty},
		{"the scheme alone", "Basic", diagnosis.SchemeOnly},
		{"the scheme twice", "Basic Basic " + pair, diagnosis.SchemeRepeated},
		{"cut off to an impossible length", "Basic " + pair[:5], diagnosis.TokenBadCharset},
		{"cut off before the colon", "Basic " + pair[:4], diagnosis.TokenBadCharset},
		{"not base64", "Basic user:pass", diagnosis.TokenBadCharset},
		{"base64url", "Basic " + "_-" + pair, diagnosis.TokenBadCharset},
		{"wrapped by MIME", "Basic " + pair[:4] + " " + pair[4:], diagnosis.TokenBadCharset},
		{"joined", "Basic " + pair + ", Basic " + pair, diagnosis.CredentialCommaJoined},
		{"a template", "Basic ${CREDENTIALS}", diagnosis.TokenPlaceholder},
		{"another scheme", "Bearer " + jwt, diagnosis.SchemeUnsupported},
		{"a bare word", pair, diagnosis.SchemeUnsupported},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := credential.Find(credential.Headers{"authorization": {tc.value}}, want(credential.Basic))
			token := ""
			if tc.code == "" {
				token = got.Token
			}
			expect(t, got, tc.code, token)
		})
	}
}

func TestFindMovedBasic(t *testing.T) {
	for _, tc := range []struct {
		name, value string
		code        diagnosis.Code
	}{
		{"a pair", "Basic " + pair, diagnosis.CredentialMoved},
		{"a damaged pair", "Basic " + pair[:5], diagnosis.CredentialMissing},
		{"a token that is not expected", "Bearer " + jwt, diagnosis.CredentialMissing},
		{"a bare token that is not expected", jwt, diagnosis.CredentialMissing},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := credential.Find(credential.Headers{"x-original-authorization": {tc.value}}, want(credential.Basic))
			expect(t, got, tc.code, "")
		})
	}
}

func TestFindKey(t *testing.T) {
	for _, tc := range []struct {
		name          string
		headers       credential.Headers
		query         string
		code          diagnosis.Code
		token, source string
	}{
		{"in a header", credential.Headers{"apikey": {"k-1"}}, "", "", "k-1", "apikey"},
		{"in the query", nil, "apikey=k-2", "", "k-2", "apikey"},
		{"the header first", credential.Headers{"apikey": {"k-1"}}, "apikey=k-2", "", "k-1", "apikey"},
		{"the header blank", credential.Headers{"apikey": {""}}, "apikey=k-2", "", "k-2", "apikey"},
		{"the second name", credential.Headers{"x-key": {"k-3"}}, "", "", "k-3", "X-Key"},
		{"a sample word can be a key", credential.Headers{"apikey": {"changeme"}}, "", "", "changeme", "apikey"},
		{"a key with marks and spaces", credential.Headers{"apikey": {"a b,c\"d"}}, "", "", "a b,c\"d", "apikey"},
		{"absent", nil, "", diagnosis.CredentialMissing, "", ""},
		{"blank", credential.Headers{"apikey": {" "}}, "", diagnosis.CredentialEmpty, "", ""},
		{"a template", credential.Headers{"apikey": {"{{key}}"}}, "", diagnosis.TokenPlaceholder, "", ""},
		{"undefined", credential.Headers{"apikey": {"undefined"}}, "", diagnosis.TokenPlaceholder, "", ""},
		{"beyond ASCII", credential.Headers{"apikey": {"k\xa0"}}, "", diagnosis.TokenBadCharset, "", ""},
		{"too long", credential.Headers{"apikey": {strings.Repeat("k", 1025)}}, "", diagnosis.CredentialTooLarge, "", ""},
		{"renamed by AWS", credential.Headers{"x-amzn-remapped-apikey": {"k-1"}}, "", diagnosis.CredentialMoved, "", ""},
		{"under the usual name", credential.Headers{"x-api-key": {"k-1"}}, "", diagnosis.CredentialMoved, "", ""},
		{"under the usual name, blank", credential.Headers{"x-api-key": {""}}, "", diagnosis.CredentialMissing, "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := want(credential.Key)
			w.KeyNames, w.Query = []string{"apikey", "X-Key"}, tc.query
			got := credential.Find(tc.headers, w)
			expect(t, got, tc.code, tc.token)
			if got.Source != tc.source {
				t.Errorf("expected source %q, got %q", tc.source, got.Source)
			}
		})
	}
}

func TestAnyExpectedKindIsEnough(t *testing.T) {
	all := want(credential.Bearer, credential.Basic, credential.Key)
	for _, tc := range []struct {
		name    string
		headers credential.Headers
		kind    credential.Kind
		code    diagnosis.Code
	}{
		{"a token", credential.Headers{"authorization": {"Bearer " + jwt}}, credential.Bearer, ""},
		{"a pair", credential.Headers{"authorization": {"Basic " + pair}}, credential.Basic, ""},
		{"a key", credential.Headers{"apikey": {"k"}}, credential.Key, ""},
		{"a key beside a blank header", credential.Headers{"authorization": {""}, "apikey": {"k"}}, credential.Key, ""},
		{"a key beside a damaged token", credential.Headers{"authorization": {"Bearer a b"}, "apikey": {"k"}}, credential.Key, ""},
		{"a token and a key, the first expected", credential.Headers{"authorization": {"Bearer " + jwt}, "apikey": {"k"}}, credential.Bearer, ""},
		{"nothing", nil, credential.None, diagnosis.CredentialMissing},
		{"a damaged token and a blank key", credential.Headers{"authorization": {"Bearer a b"}, "apikey": {""}}, credential.None, diagnosis.TokenBadCharset},
		{"another scheme", credential.Headers{"authorization": {"Negotiate YII"}}, credential.None, diagnosis.SchemeUnsupported},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := credential.Find(tc.headers, all)
			expect(t, got, tc.code, got.Token)
			if got.Kind != tc.kind {
				t.Errorf("expected %s, got %s", tc.kind, got.Kind)
			}
		})
	}
}

func TestShapeRepeatsNothing(t *testing.T) {
	for value, want := range map[string]string{
		"":                        "blank",
		" \t":                     "blank",
		"Bearer " + opaque:        "bearer, 27 bytes",
		"Bearer":                  "bearer, 0 bytes",
		"BASIC " + pair:           "basic, 12 bytes",
		jwt:                       "jwt without scheme, 49 bytes",
		"hunter2":                 "unknown, 7 bytes",
		"Hunter2 is my password!": "unknown, 23 bytes",
	} {
		if got := credential.Shape(value); got != want {
			t.Errorf("expected %q, got %q", want, got)
		}
	}
}
