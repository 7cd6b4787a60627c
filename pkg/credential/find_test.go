package credential_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"kong-plugin-auth-diagnosis/pkg/credential"
	"kong-plugin-auth-diagnosis/pkg/diagnosis"
)

const (
	jwt    = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJ4In0.c2lnbmF0dXJl"
	jwe    = "eyJhbGciOiJSU0EtT0FFUCJ9.a.b.c.d"
	opaque = "iAmAn0paqueReferenceToken12"
)

var pair = base64.StdEncoding.EncodeToString([]byte("user:pass"))

func want(kinds ...credential.Kind) credential.Want {
	return credential.Want{Expects: kinds, HeaderNames: []string{"authorization"}, KeyNames: []string{"apikey"}, MaxSize: 1024}
}

// bearerCases are Authorization values on a route that expects a bearer token.
var bearerCases = []struct {
	name, value string
	code        diagnosis.Code // "" when the token is found
	token       string
}{
	{"a JWT", "Bearer " + jwt, "", jwt},
	{"an opaque token", "Bearer " + opaque, "", opaque},
	{"every character that a token may have", "Bearer AZaz09-._~+/==", "", "AZaz09-._~+/=="},
	{"upper case", "BEARER " + jwt, "", jwt},
	{"lower case", "bearer " + jwt, "", jwt},
	{"several spaces", "Bearer   " + jwt + "  ", "", jwt},
	{"tabs", "\tBearer\t" + jwt + "\t", "", jwt},
	{"a JWE", "Bearer " + jwe, "", jwe},

	{"blank", "", diagnosis.CredentialEmpty, ""},
	{"spaces", "   \t ", diagnosis.CredentialEmpty, ""},
	{"the scheme alone", "Bearer", diagnosis.SchemeOnly, ""},
	{"the scheme and a space", "bearer ", diagnosis.SchemeOnly, ""},
	{"a bare JWT", jwt, diagnosis.SchemeMissing, ""},
	{"a bare JWE", jwe, diagnosis.SchemeMissing, ""},
	{"a bare opaque token", opaque, diagnosis.SchemeMissing, ""},
	{"no space behind the scheme", "Bearer" + jwt, diagnosis.SchemeMissing, ""},
	{"a colon behind the scheme", "Bearer:" + jwt, diagnosis.SchemeMissing, ""},
	{"a colon and a space behind the scheme", "Bearer: " + jwt, diagnosis.SchemeMissing, ""},
	{"an equals sign behind the scheme", "Bearer=" + jwt, diagnosis.SchemeMissing, ""},
	{"the scheme twice", "Bearer Bearer " + jwt, diagnosis.SchemeRepeated, ""},
	{"the scheme twice in two cases", "Bearer bearer " + jwt, diagnosis.SchemeRepeated, ""},
	{"the scheme twice and nothing else", "Bearer Bearer", diagnosis.SchemeRepeated, ""},
	{"Basic", "Basic " + pair, diagnosis.SchemeUnsupported, ""},
	{"Negotiate", "Negotiate YIIabc", diagnosis.SchemeUnsupported, ""},
	{"Negotiate alone", "Negotiate", diagnosis.SchemeUnsupported, ""},
	{"NTLM", "NTLM TlRMTVNTUAAB", diagnosis.SchemeUnsupported, ""},
	{"DPoP", "DPoP " + jwt, diagnosis.SchemeUnsupported, ""},
	{"Token", "Token abc", diagnosis.SchemeUnsupported, ""},
	{"an unknown scheme", "Frobnicate abc", diagnosis.SchemeUnsupported, ""},
	{"Digest with its own commas", `Digest username="Mufasa", realm="a, Bearer b", qop=auth, nc=00000001`, diagnosis.SchemeUnsupported, ""},
	{"Digest with spaces around =", `Digest username = "Mufasa", realm = "x"`, diagnosis.SchemeUnsupported, ""},
	{"AWS signature", "AWS4-HMAC-SHA256 Credential=A/b, SignedHeaders=host, Signature=f", diagnosis.SchemeUnsupported, ""},

	{"Bearer and Basic", "Bearer " + jwt + ", Basic " + pair, diagnosis.CredentialCommaJoined, ""},
	{"Basic and Bearer", "Basic " + pair + ", Bearer " + jwt, diagnosis.CredentialCommaJoined, ""},
	{"two Bearers without a space", "Bearer " + jwt + ",Bearer " + jwt, diagnosis.CredentialCommaJoined, ""},
	{"two bare tokens behind one scheme", "Bearer " + jwt + "," + jwt, diagnosis.CredentialCommaJoined, ""},
	{"two bare tokens", jwt + "," + jwt, diagnosis.CredentialCommaJoined, ""},
	{"an unknown scheme joined on", "Bearer " + jwt + ", Frobnicate abc", diagnosis.CredentialCommaJoined, ""},
	{"Digest and Bearer", `Digest username="Mufasa", Bearer ` + jwt, diagnosis.CredentialCommaJoined, ""},
	{"a blank line joined on", "Bearer " + jwt + ",", diagnosis.CredentialCommaJoined, ""},
	{"joined to a blank line", ", Bearer " + jwt, diagnosis.CredentialCommaJoined, ""},
	{"a comma inside the token", "Bearer abc,def", diagnosis.TokenBadCharset, ""},

	{"undefined", "Bearer undefined", diagnosis.TokenPlaceholder, ""},
	{"null", "Bearer null", diagnosis.TokenPlaceholder, ""},
	{"None", "Bearer None", diagnosis.TokenPlaceholder, ""},
	{"nil", "Bearer nil", diagnosis.TokenPlaceholder, ""},
	{"NaN", "Bearer NaN", diagnosis.TokenPlaceholder, ""},
	{"false", "Bearer false", diagnosis.TokenPlaceholder, ""},
	{"an object of JavaScript", "Bearer [object Object]", diagnosis.TokenPlaceholder, ""},
	{"a promise of JavaScript", "Bearer [object Promise]", diagnosis.TokenPlaceholder, ""},
	{"a format of Go", "Bearer %!s(<nil>)", diagnosis.TokenPlaceholder, ""},
	{"a double brace", "Bearer {{token}}", diagnosis.TokenPlaceholder, ""},
	{"a double brace with spaces", "Bearer {{ auth.token }}", diagnosis.TokenPlaceholder, ""},
	{"a shell variable in braces", "Bearer ${TOKEN}", diagnosis.TokenPlaceholder, ""},
	{"a shell variable", "Bearer $TOKEN", diagnosis.TokenPlaceholder, ""},
	{"a Kong template", "Bearer $(jwt_token)", diagnosis.TokenPlaceholder, ""},
	{"angle brackets", "Bearer <your token>", diagnosis.TokenPlaceholder, ""},
	{"a Windows variable", "Bearer %TOKEN%", diagnosis.TokenPlaceholder, ""},
	{"a single brace", "Bearer {access_token}", diagnosis.TokenPlaceholder, ""},
	{"a word of documentation", "Bearer YOUR_TOKEN_HERE", diagnosis.TokenPlaceholder, ""},
	{"another word of documentation", "Bearer your-access-token", diagnosis.TokenPlaceholder, ""},
	{"empty quotes", `Bearer ""`, diagnosis.TokenPlaceholder, ""},
	{"a quoted null", `Bearer "null"`, diagnosis.TokenPlaceholder, ""},
	{"an empty object", "Bearer {}", diagnosis.TokenPlaceholder, ""},
	{"a placeholder for the whole value", "{{authorization}}", diagnosis.TokenPlaceholder, ""},
	{"undefined for the whole value", "undefined", diagnosis.TokenPlaceholder, ""},
	{"a long token that begins with a word", "Bearer nullundefined" + opaque, "", "nullundefined" + opaque},

	{"a quoted token", `Bearer "` + jwt + `"`, diagnosis.TokenBadCharset, ""},
	{"a quoted value", `"Bearer ` + jwt + `"`, diagnosis.TokenBadCharset, ""},
	{"a space inside", "Bearer eyJhbGci OiJSUzI1NiJ9", diagnosis.TokenBadCharset, ""},
	{"a space inside a bare token", jwt + " x", diagnosis.TokenBadCharset, ""},
	{"an encoded dot", "Bearer eyJh%2EeyJp%2Ec2ln", diagnosis.TokenBadCharset, ""},
	{"an encoded space behind the scheme", "Bearer%20" + jwt, diagnosis.TokenBadCharset, ""},
	{"padding in the middle", "Bearer eyJh==.eyJp.c2ln", diagnosis.TokenBadCharset, ""},
	{"padding alone", "Bearer ==", diagnosis.TokenBadCharset, ""},
	{"a control character", "Bearer eyJh\x01", diagnosis.TokenBadCharset, ""},
	{"a NUL", "Bearer eyJh\x00", diagnosis.TokenBadCharset, ""},
	{"DEL", "Bearer eyJh\x7f", diagnosis.TokenBadCharset, ""},
	{"0xFF", "Bearer eyJh\xff", diagnosis.TokenBadCharset, ""},
	{"a no-break space behind the scheme", "Bearer\xa0" + jwt, diagnosis.TokenBadCharset, ""},
	{"a byte order mark", "\xef\xbb\xbfBearer " + jwt, diagnosis.TokenBadCharset, ""},
	{"the asterisks of a PingAM session", "Bearer AQIC5wM2*AAJTSQACMDE.*", diagnosis.TokenBadCharset, ""},

	{"a token response", `Bearer {"access_token":"` + jwt + `", "token_type":"Bearer"}`, diagnosis.TokenJSONSerialized, ""},
	{"a token response without scheme", `{"access_token":"x", "expires_in":3600}`, diagnosis.TokenJSONSerialized, ""},
	{"as long as allowed", "Bearer " + strings.Repeat("a", 1024), "", strings.Repeat("a", 1024)},
	{"longer than allowed", "Bearer " + strings.Repeat("a", 1025), diagnosis.CredentialTooLarge, ""},
	{"longer than allowed without scheme", strings.Repeat("a", 1025), diagnosis.CredentialTooLarge, ""},
}

func TestFindBearer(t *testing.T) {
	for _, tc := range bearerCases {
		t.Run(tc.name, func(t *testing.T) {
			got := credential.Find(credential.Headers{"authorization": {tc.value}}, want(credential.Bearer))
			expect(t, got, tc.code, tc.token)
			if tc.code == "" && (got.Kind != credential.Bearer || got.Source != "authorization") {
				t.Errorf("expected a bearer token from authorization, got %s from %q", got.Kind, got.Source)
			}
		})
	}
}

func expect(t *testing.T, got credential.Found, code diagnosis.Code, token string) {
	t.Helper()
	var have diagnosis.Code
	if got.Failure != nil {
		have = got.Failure.Code
	}
	if have != code || got.Token != token {
		t.Fatalf("expected %q and token %q, got %q and %q (%+v)", code, token, have, got.Token, got.Failure)
	}
	if (got.Kind == credential.None) != (got.Failure != nil) {
		t.Fatalf("expected a credential or a failure, got kind %s and %+v", got.Kind, got.Failure)
	}
}

func TestTooLargeCountsBytesOver(t *testing.T) {
	got := credential.Find(credential.Headers{"authorization": {"Bearer " + strings.Repeat("a", 1030)}}, want(credential.Bearer))
	if got.Failure == nil || got.Failure.By == nil || *got.Failure.By != 6 {
		t.Errorf("expected by 6, got %+v", got.Failure)
	}
}

func TestFindAmongHeaders(t *testing.T) {
	bearer, other := "Bearer "+jwt, "Bearer "+opaque
	for _, tc := range []struct {
		name          string
		headers       credential.Headers
		code          diagnosis.Code
		token, source string
	}{
		{"none", nil, diagnosis.CredentialMissing, "", ""},
		{"no lines", credential.Headers{"authorization": nil}, diagnosis.CredentialMissing, "", ""},
		{"the second header", credential.Headers{"x-token": {bearer}}, "", jwt, "x-token"},
		{"bare in the second header", credential.Headers{"x-token": {jwt}}, "", jwt, "x-token"},
		{"bare and opaque in the second header", credential.Headers{"x-token": {opaque}}, "", opaque, "x-token"},
		{"the scheme alone in the second header", credential.Headers{"x-token": {"Bearer"}}, diagnosis.SchemeOnly, "", ""},
		{"the same token in both", credential.Headers{"authorization": {bearer}, "x-token": {jwt}}, "", jwt, "authorization"},
		{"different tokens", credential.Headers{"authorization": {bearer}, "x-token": {opaque}}, diagnosis.CredentialConflict, "", ""},
		{"different lines", credential.Headers{"x-token": {bearer, other}}, diagnosis.CredentialConflict, "", ""},
		{"equal lines", credential.Headers{"x-token": {bearer, bearer}}, "", jwt, "x-token"},
		{"one line blank", credential.Headers{"x-token": {" ", bearer}}, "", jwt, "x-token"},
		{"the first header blank", credential.Headers{"authorization": {""}, "x-token": {bearer}}, "", jwt, "x-token"},
		{"the first header for another purpose", credential.Headers{"authorization": {"Basic " + pair}, "x-token": {bearer}}, "", jwt, "x-token"},
		{"both damaged, the more telling one", credential.Headers{"authorization": {""}, "x-token": {"Bearer {{x}}"}}, diagnosis.TokenPlaceholder, "", ""},
		{"a header that is not configured", credential.Headers{"x-other": {bearer}}, diagnosis.CredentialMoved, "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := want(credential.Bearer)
			w.HeaderNames = []string{"authorization", "x-token"}
			got := credential.Find(tc.headers, w)
			expect(t, got, tc.code, tc.token)
			if got.Source != tc.source {
				t.Errorf("expected source %q, got %q", tc.source, got.Source)
			}
		})
	}
}

func TestFindMoved(t *testing.T) {
	bearer := "Bearer " + jwt
	for _, tc := range []struct {
		name    string
		headers credential.Headers
		code    diagnosis.Code
		where   string
	}{
		{"forwarded", credential.Headers{"x-forwarded-authorization": {bearer}}, diagnosis.CredentialMoved, "x-forwarded-authorization"},
		{"a bare JWT", credential.Headers{"x-auth-token": {jwt}}, diagnosis.CredentialMoved, "x-auth-token"},
		{"an opaque bearer token", credential.Headers{"x-authorization": {"bearer " + opaque}}, diagnosis.CredentialMoved, "x-authorization"},
		{"remapped by AWS", credential.Headers{"x-amzn-remapped-authorization": {bearer}}, diagnosis.CredentialMoved, "x-amzn-remapped-authorization"},
		{"the original blank", credential.Headers{"authorization": {""}, "x-original-authorization": {bearer}}, diagnosis.CredentialMoved, "x-original-authorization"},
		{"replaced by single sign-on", credential.Headers{"authorization": {"Basic " + pair}, "x-original-authorization": {bearer}}, diagnosis.CredentialMoved, "x-original-authorization"},
		{"the second line", credential.Headers{"x-access-token": {"", bearer}}, diagnosis.CredentialMoved, "x-access-token"},
		{"under a name nobody knows", credential.Headers{"x-a": {"x"}, "x-edge-credential": {bearer}}, diagnosis.CredentialMoved, "x-edge-credential"},
		{"English under a name nobody knows", credential.Headers{"x-note": {"bearer shares"}}, diagnosis.CredentialMissing, ""},
		{"an identity that a hop states", credential.Headers{"cf-access-jwt-assertion": {jwt}}, diagnosis.CredentialMissing, ""},
		{"an opaque value that may be anything", credential.Headers{"x-auth-token": {opaque}}, diagnosis.CredentialMissing, ""},
		{"a placeholder", credential.Headers{"x-auth-token": {"Bearer null"}}, diagnosis.CredentialMissing, ""},
		{"Basic", credential.Headers{"proxy-authorization": {"Basic " + pair}}, diagnosis.CredentialMissing, ""},
		{"a damaged original says more", credential.Headers{"authorization": {"Bearer null"}, "x-authorization": {bearer}}, diagnosis.TokenPlaceholder, ""},
		{"a good original wins", credential.Headers{"authorization": {bearer}, "x-forwarded-authorization": {"Bearer " + opaque}}, "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := credential.Find(tc.headers, want(credential.Bearer))
			token := ""
			if tc.code == "" {
				token = jwt
			}
			expect(t, got, tc.code, token)
			if tc.where != "" && !strings.Contains(got.Failure.Detail, "found in "+tc.where) {
				t.Errorf("expected %q in the detail, got %q", tc.where, got.Failure.Detail)
			}
		})
	}
	t.Run("the usual header, which is not configured", func(t *testing.T) {
		w := want(credential.Bearer)
		w.HeaderNames = []string{"x-token"}
		expect(t, credential.Find(credential.Headers{"authorization": {bearer}}, w), diagnosis.CredentialMoved, "")
	})
	t.Run("a refuge that is configured", func(t *testing.T) {
		w := want(credential.Bearer)
		w.HeaderNames = []string{"authorization", "x-auth-token"}
		expect(t, credential.Find(credential.Headers{"x-auth-token": {jwt}}, w), "", jwt)
	})
}
