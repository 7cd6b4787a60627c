package access_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"kong-plugin-auth-diagnosis/pkg/standin/ping"
)

func TestHostileSignatures(t *testing.T) {
	b := newBench(t, ping.Options{})
	good := b.issuer.Token()
	stranger, err := ping.NewKey("RS256")
	if err != nil {
		t.Fatal(err)
	}
	key := func(alg string) *ping.Key {
		k, err := b.issuer.Keys().Key(alg)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	central := strings.TrimSuffix(key("RS256").ID, "_RS256")
	mint := func(o ...ping.TokenOption) *gateway { return bearer(b.issuer.Token(o...)) }
	es256 := b.issuer.Token(ping.Algorithm("ES256"))
	signature := func(token string, edit func([]byte) []byte) *gateway {
		at := strings.LastIndexByte(token, '.') + 1
		bytes, err := base64.RawURLEncoding.DecodeString(token[at:])
		if err != nil {
			t.Fatal(err)
		}
		return bearer(token[:at] + base64.RawURLEncoding.EncodeToString(edit(bytes)))
	}
	cut := func(n int) func([]byte) []byte { return func(s []byte) []byte { return s[:len(s)-n] } }
	grow := func(n int) func([]byte) []byte { return func(s []byte) []byte { return append(s, make([]byte, n)...) } }

	both := b.issuers(map[string]any{"jwks_uris": []any{b.issuer.JWKSURL(), b.issuer.ManagerURL("5")}})
	b.settle(b.route(both))
	for name, h := range map[string]hostile{
		"a bit flipped":                    {send: bearer(ping.FlipSignature(good)), code: "signature_invalid", hop: "client"},
		"payload changed":                  {send: bearer(ping.Tamper(good)), code: "signature_invalid", hop: "client"},
		"a stranger under a known kid":     {send: mint(ping.SignedBy(stranger), ping.KeyID(central)), code: "signature_invalid"},
		"a stranger under its own kid":     {send: mint(ping.SignedBy(stranger)), code: "kid_unknown", hop: "idp"},
		"a stranger without kid":           {send: mint(ping.SignedBy(stranger), ping.WithoutKid()), code: "signature_invalid"},
		"without kid":                      {send: mint(ping.WithoutKid())},
		"ES256 without kid":                {send: mint(ping.WithoutKid(), ping.Algorithm("ES256"))},
		"EdDSA without kid":                {send: mint(ping.WithoutKid(), ping.Algorithm("EdDSA"))},
		"PS512 under the central kid":      {send: mint(ping.Algorithm("PS512"), ping.KeyID(central))},
		"PS256 under a kid for RS256":      {send: mint(ping.Algorithm("PS256"), ping.KeyID(central+"_RS256")), code: "alg_key_mismatch", hop: "idp"},
		"ES256 under an RSA kid":           {send: mint(ping.Algorithm("ES256"), ping.KeyID(central)), code: "alg_key_mismatch"},
		"ES256 under the kid of ES384":     {send: mint(ping.Algorithm("ES256"), ping.KeyID(key("ES384").ID)), code: "alg_key_mismatch"},
		"the kid of an encryption key":     {send: mint(ping.KeyID(encryptionKid(t, b.issuer))), code: "key_use_forbidden", hop: "idp"},
		"another manager's key":            {send: mint(ping.FromManager("5")), code: "kid_unknown"},
		"another manager's key, published": {send: mint(ping.FromManager("5")), over: both},
		"a manager's kid on a central key": {send: mint(ping.KeyID("JwtDefault1")), over: both, code: "signature_other_key"},

		"cut by one character":           {send: bearer(good[:len(good)-1]), code: "credential_truncated", hop: "edge", by: 1},
		"cut by two characters":          {send: bearer(good[:len(good)-2]), code: "credential_truncated", hop: "edge", by: 1},
		"cut by forty characters":        {send: bearer(good[:len(good)-40]), code: "credential_truncated", hop: "edge", by: 30},
		"one character of the signature": {send: bearer(good[:strings.LastIndexByte(good, '.')+2]), code: "credential_truncated", by: 256},
		"cut behind the last dot":        {send: bearer(good[:strings.LastIndexByte(good, '.')+1]), code: "signature_empty"},
		"cut in front of the last dot":   {send: bearer(good[:strings.LastIndexByte(good, '.')]), code: "token_segments", by: 2},
		"ES256 cut by a byte":            {send: signature(es256, cut(1)), code: "credential_truncated", by: 1},
		"ES256 longer, as DER is":        {send: signature(es256, grow(7)), code: "signature_length", by: 7, hop: "client"},
		"RS256 longer":                   {send: signature(good, grow(1)), code: "signature_length", by: 1},
		"ES256 all zero":                 {send: signature(es256, func(s []byte) []byte { return make([]byte, len(s)) }), code: "signature_invalid"},
		"cut, and of another issuer":     {send: bearer(ping.Truncate(b.issuer.Token(ping.IssuedBy("https://evil.example")), 1)), code: "signature_bad_base64"},
		"cut, and of an unknown key":     {send: bearer(ping.Truncate(b.issuer.Token(ping.KeyID("nobody")), 1)), code: "signature_bad_base64"},
		"cut, without kid":               {send: bearer(ping.Truncate(b.issuer.Token(ping.WithoutKid()), 4)), code: "credential_truncated", by: 3},
		"removed by Cloud Run":           {send: bearer(good[:strings.LastIndexByte(good, '.')] + ".SIGNATURE_REMOVED_BY_GOOGLE"), code: "signature_invalid", hop: "edge"},
	} {
		b.try(name, h)
	}
}

func encryptionKid(t *testing.T, i *ping.Issuer) string {
	t.Helper()
	for _, k := range published(t, i) {
		if k["use"] == "enc" {
			return k["kid"].(string)
		}
	}
	t.Fatal("no encryption key")
	return ""
}

// published is the issuer's key set, to be changed and served by somebody else.
func published(t *testing.T, i *ping.Issuer) []map[string]any {
	t.Helper()
	text, err := i.Keys().JWKS()
	if err != nil {
		t.Fatal(err)
	}
	var set struct{ Keys []map[string]any }
	if err := json.Unmarshal(text, &set); err != nil {
		t.Fatal(err)
	}
	return set.Keys
}

// document serves one text.
func document(t *testing.T, text string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, text) }))
	t.Cleanup(s.Close)
	return s.URL
}

func TestHostileKeySets(t *testing.T) {
	b := newBench(t, ping.Options{})
	mine, err := b.issuer.Keys().Key("RS256")
	if err != nil {
		t.Fatal(err)
	}
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	edit := func(edit func(k map[string]any)) []map[string]any {
		keys := published(t, b.issuer)
		for _, k := range keys {
			if k["kid"] == mine.ID {
				edit(k)
			}
		}
		return keys
	}
	other := func(name string, value any) []map[string]any {
		return edit(func(k map[string]any) { k[name] = value })
	}
	jwk := func(kid string, k *rsa.PublicKey) map[string]any {
		return map[string]any{"kty": "RSA", "kid": kid, "use": "sig", "e": "AQAB", "n": base64.RawURLEncoding.EncodeToString(k.N.Bytes())}
	}
	strange, err := ping.NewKey("RS256")
	if err != nil {
		t.Fatal(err)
	}
	twin := jwk(mine.ID, strange.Public().(*rsa.PublicKey))
	token := func(o ...ping.TokenOption) *gateway {
		return bearer(b.issuer.Token(append([]ping.TokenOption{ping.KeyID(mine.ID)}, o...)...))
	}
	for name, tt := range map[string]struct {
		keys []map[string]any
		send *gateway
		code string
	}{
		"use enc":                        {other("use", "enc"), token(), "key_use_forbidden"},
		"use of another case":            {other("use", "SIG"), token(), "key_use_forbidden"},
		"key_ops without verify":         {other("key_ops", []string{"encrypt"}), token(), "key_use_forbidden"},
		"key_ops with verify":            {other("key_ops", []string{"verify"}), token(), ""},
		"alg of another":                 {other("alg", "RS512"), token(), "alg_key_mismatch"},
		"modulus is no base64":           {other("n", "!!"), token(), "key_unusable"},
		"kty unknown":                    {other("kty", "FOO"), token(), "key_unusable"},
		"the private exponent published": {other("d", "AQAB"), token(), "key_unusable"},
		"exponent 1":                     {other("e", "AQ"), token(), "key_too_weak"},
		"exponent 3":                     {other("e", "Aw"), token(), "key_too_weak"},
		"1024 bits":                      {append(published(t, b.issuer), jwk("weak", &weak.PublicKey)), token(ping.KeyID("weak")), "key_too_weak"},
		"1024 bits beside a good one":    {append(published(t, b.issuer), jwk("weak", &weak.PublicKey)), token(), ""},
		"a bad key beside a good one":    {append(published(t, b.issuer), map[string]any{"kty": 5}), token(), ""},
		"a kid of two keys":              {append([]map[string]any{twin}, published(t, b.issuer)...), token(), ""},
		"a kid of two keys, a third":     {append([]map[string]any{twin}, published(t, b.issuer)...), bearer(ping.Tamper(b.issuer.Token())), "kid_ambiguous"},
		"a certificate that is none":     {other("x5c", []string{"no"}), token(), ""},
		"a kid that is a number":         {other("kid", 7), token(), "kid_unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			text, err := json.Marshal(map[string]any{"keys": tt.keys})
			if err != nil {
				t.Fatal(err)
			}
			r := b.route(b.issuers(map[string]any{"jwks_uris": []any{document(t, string(text))}}))
			b.settle(r)
			g := *tt.send
			if run(t, r, &g); code(t, &g) != tt.code {
				t.Errorf("got %q, want %q: %s", code(t, &g), tt.code, g.header("X-Auth-Diagnosis"))
			}
		})
	}
}

// TestHostileKeyServers: whatever the key server does, the client learns that its
// token is not to blame, and when to come back.
func TestHostileKeyServers(t *testing.T) {
	b := newBench(t, ping.Options{})
	served := func(text string) map[string]any {
		return b.issuers(map[string]any{"jwks_uris": []any{document(t, text)}})
	}
	status := func(n int, location string) map[string]any {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", location)
			w.WriteHeader(n)
		}))
		t.Cleanup(s.Close)
		return b.issuers(map[string]any{"jwks_uris": []any{s.URL}})
	}
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	secure.Config.ErrorLog = log.New(io.Discard, "", 0) // refused handshakes are the point
	t.Cleanup(secure.Close)
	gone := httptest.NewServer(nil)
	gone.Close()
	silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	t.Cleanup(silent.Close)
	discovery := func(text string) map[string]any {
		return map[string]any{"issuers": []any{map[string]any{"issuer": document(t, text), "skip_audience_check": true}}}
	}
	jwks := func(over map[string]any, options map[string]any) map[string]any { over["jwks"] = options; return over }
	at := func(uri string) map[string]any { return b.issuers(map[string]any{"jwks_uris": []any{uri}}) }

	for name, tt := range map[string]struct {
		over map[string]any
		code string
		by   int64
		hop  string
	}{
		"refuses":             {at(gone.URL), "jwks_connect", 0, "gateway"},
		"silent":              {jwks(at(silent.URL), map[string]any{"timeout": 50}), "jwks_timeout", 0, "gateway"},
		"unknown certificate": {at(secure.URL), "jwks_tls_untrusted", 0, "gateway"},
		"http for https":      {at(strings.Replace(silent.URL, "http:", "https:", 1)), "jwks_tls_handshake", 0, "gateway"},
		"no verification":     {jwks(at(secure.URL), map[string]any{"ssl_verify": false}), "jwks_status", 404, "idp"},
		"error":               {status(503, ""), "jwks_status", 503, "idp"},
		"redirect":            {status(302, "http://169.254.169.254/"), "jwks_redirect", 302, "idp"},
		"not modified":        {status(304, ""), "jwks_status", 304, "idp"},
		"login page":          {served("<html>Sign On</html>"), "jwks_not_json", 0, "edge"},
		"empty answer":        {served(""), "jwks_not_json", 0, "edge"},
		"list":                {served("[]"), "jwks_invalid", 0, "idp"},
		"no keys member":      {served(`{"error":"x"}`), "jwks_invalid", 0, "idp"},
		"keys null":           {served(`{"keys":null}`), "jwks_invalid", 0, "idp"},
		"no keys":             {served(`{"keys":[]}`), "jwks_empty", 0, "idp"},
		"only encryption":     {served(`{"keys":[{"kty":"RSA","use":"enc","kid":"a","n":"AQAB","e":"AQAB"}]}`), "jwks_empty", 0, "idp"},
		"only HMAC":           {served(`{"keys":[{"kty":"oct","kid":"a","k":"c2VjcmV0"}]}`), "jwks_empty", 0, "idp"},
		"2 MB":                {served(`{"keys":[` + strings.Repeat(" ", 2<<20) + `]}`), "jwks_too_large", 0, "idp"},
		"proxy":               {jwks(at(silent.URL), map[string]any{"http_proxy": gone.URL}), "jwks_proxy", 0, "gateway"},
		"discovery missing":   {map[string]any{"issuers": []any{map[string]any{"issuer": secureless(t), "skip_audience_check": true}}}, "discovery_failed", 0, "gateway"},
		"discovery mismatch":  {discovery(`{"issuer":"https://evil.example","jwks_uri":"https://evil.example/jwks"}`), "discovery_issuer_mismatch", 0, "gateway"},
		"discovery HTML":      {discovery(`<html>`), "discovery_failed", 0, "gateway"},
	} {
		t.Run(name, func(t *testing.T) {
			iss := tt.over["issuers"].([]any)[0].(map[string]any)["issuer"].(string)
			good := b.issuer.Token(ping.IssuedBy(iss))
			var first *gateway
			poll(t, "the end of the fetch", func() bool {
				g := run(t, b.route(tt.over), bearer(good))
				if first == nil {
					first = g
				}
				return code(t, g) != "jwks_never_loaded"
			})
			if c := code(t, first); (c != "jwks_never_loaded" || first.header("Retry-After") != "1") && c != tt.code {
				t.Errorf("at first: %s", first.header("X-Auth-Diagnosis"))
			}
			b.T = t
			b.try("", hostile{send: bearer(good), over: tt.over, code: tt.code, by: tt.by, hop: tt.hop})
		})
	}
}

// secureless is a server that has no document at all.
func secureless(t *testing.T) string {
	s := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(s.Close)
	return s.URL
}
