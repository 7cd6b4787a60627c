package access_test

import (
	"encoding/json"
	"strings"
	"testing"

	"kong-plugin-auth-diagnosis/pkg/standin/ping"
)

const rs256 = `{"alg":"RS256","kid":"k"}`

func TestHostileStructure(t *testing.T) {
	b := newBench(t, ping.Options{})
	good := b.issuer.Token()
	header, rest, _ := strings.Cut(good, ".")
	payload, signature, _ := strings.Cut(rest, ".")
	jwt := func(parts ...string) *gateway { return bearer(strings.Join(parts, ".")) }
	cut := b64(`{"alg":"RS256","a":1}`) + "A" // 29 characters: a length that no encoder writes
	deep := strings.Repeat(`{"a":`, 40) + "1" + strings.Repeat("}", 40)
	wide := "[" + strings.TrimSuffix(strings.Repeat("1,", 5000), ",") + "]"

	for name, h := range map[string]hostile{
		"PingFederate reference token":          {send: bearer("zmSUBsM2TXJbQk0mWYWcd3TFsMnE"), code: "token_opaque", hop: "idp"},
		"UUID":                                  {send: bearer("0b412e8b-8b1d-4a3f-9d61-000000000000"), code: "token_opaque"},
		"PASETO":                                {send: bearer("v4.public.eyJzdWIiOiJhbGljZSIsImV4cCI6MX0xMjM0"), code: "token_opaque"},
		"opaque with dots":                      {send: bearer("abc.def.ghi"), code: "token_opaque"},
		"base64 with padding":                   {send: bearer("bm90IGEgand0+/=="), code: "token_opaque"},
		"one segment of a JWT":                  {send: jwt(header), code: "token_segments", by: 1},
		"two segments":                          {send: jwt(header, payload), code: "token_segments", by: 2},
		"four segments":                         {send: jwt(header, payload, signature, signature), code: "token_segments", by: 4},
		"six segments":                          {send: jwt(header, payload, "", "", "", ""), code: "token_segments", by: 6},
		"a leading dot":                         {send: bearer("." + good), code: "token_segments", by: 4},
		"JWE":                                   {send: jwt(b64(`{"alg":"RSA-OAEP","enc":"A256GCM"}`), "key", "iv", "text", "tag"), code: "token_encrypted", hop: "idp"},
		"JWE with a direct key":                 {send: jwt(b64(`{"alg":"dir","enc":"A256GCM"}`), "", "iv", "text", "tag"), code: "token_encrypted"},
		"no signature":                          {send: jwt(header, payload, ""), code: "signature_empty", hop: "client"},
		"alg none, no signature":                {send: bearer(ping.AlgNone(good)), code: "alg_none"},
		"alg nOnE with a signature":             {send: jwt(b64(`{"alg":"nOnE"}`), payload, signature), code: "alg_none"},
		"padded header":                         {send: jwt(b64(`{"alg":"RS256","a":1}`)+"=", payload, signature), code: "token_bad_charset"},
		"standard base64 in the signature":      {send: jwt(header, payload, "+/"+signature[2:]), code: "signature_bad_base64"},
		"header cut in the middle of a byte":    {send: jwt(cut, payload, signature), code: "header_bad_base64"},
		"payload with trailing bits":            {send: jwt(header, b64(`{"a":1}`)[:9]+"B", signature), code: "payload_bad_base64"},
		"header is a list":                      {send: jwt(b64(`["alg"]`), payload, signature), code: "header_bad_json"},
		"header is null":                        {send: jwt(b64(`null`), payload, signature), code: "header_bad_json"},
		"header with a comma too many":          {send: jwt(b64(`{"alg":"RS256",}`), payload, signature), code: "header_bad_json"},
		"payload is a string":                   {send: jwt(header, b64(`"alice"`), signature), code: "payload_bad_json"},
		"payload is null":                       {send: jwt(header, b64(`null`), signature), code: "payload_bad_json"},
		"payload with text behind":              {send: jwt(header, b64(`{"a":1} {}`), signature), code: "payload_bad_json"},
		"payload not UTF-8":                     {send: jwt(header, b64("{\"sub\":\"\xff\"}"), signature), code: "payload_bad_json"},
		"payload with a lone surrogate":         {send: jwt(header, b64(`{"sub":"\ud800"}`), signature), code: "payload_bad_json"},
		"alg twice":                             {send: bearer(raw(`{"alg":"RS256","alg":"none"}`, `{}`)), code: "header_duplicate_member"},
		"alg twice, escaped":                    {send: bearer(raw(`{"alg":"RS256","\u0061lg":"none"}`, `{}`)), code: "header_duplicate_member"},
		"iss twice":                             {send: bearer(raw(rs256, `{"iss":"a","iss":"b"}`)), code: "claim_duplicate"},
		"a name twice in a nested object":       {send: bearer(raw(rs256, `{"a":{"b":1,"b":2}}`)), code: "claim_duplicate"},
		"ISS":                                   {send: bearer(raw(rs256, `{"ISS":"a"}`)), code: "claim_name_ambiguous"},
		"sub with a long s":                     {send: bearer(raw(rs256, `{"ſub":"a"}`)), code: "claim_name_ambiguous"},
		"kid with a Kelvin sign":                {send: bearer(raw(`{"alg":"RS256","\u212Aid":"k"}`, `{}`)), code: "claim_name_ambiguous"},
		"another case of a private claim":       {send: bearer(raw(rs256, `{"Tier":"a"}`)), code: "issuer_missing"},
		"another case of a nested claim":        {send: bearer(raw(rs256, `{"act":{"SUB":"a"}}`)), code: "issuer_missing"},
		"deep":                                  {send: bearer(raw(rs256, deep)), code: "token_too_complex"},
		"wide":                                  {send: bearer(raw(rs256, `{"a":`+wide+`}`)), code: "token_too_complex"},
		"damaged header before damaged payload": {send: jwt(cut, cut, signature), code: "header_bad_base64"},
		"base64 before JSON":                    {send: jwt(b64(`{"alg":`), cut, signature), code: "payload_bad_base64"},
		"structure before alg none":             {send: jwt(b64(`{"alg":"none"}`), b64(`{"iss":"a","iss":"b"}`), ""), code: "claim_duplicate"},
	} {
		b.try(name, h)
	}
}

func TestHostileHeader(t *testing.T) {
	b := newBench(t, ping.Options{})
	iss, _ := json.Marshal(b.issuer.IssuerURL())
	payload := `{"iss":` + string(iss) + `}`
	head := func(members string) *gateway { return bearer(raw(`{"alg":"RS256"`+members+`}`, payload)) }
	alg := func(value string) *gateway { return bearer(raw(`{"alg":`+value+`,"kid":"k"}`, payload)) }
	kids := b.issuers(map[string]any{"require_kid": true})

	for name, h := range map[string]hostile{
		"no alg":                       {send: bearer(raw(`{"kid":"k"}`, payload)), code: "alg_missing", hop: "idp"},
		"alg a number":                 {send: alg(`256`), code: "alg_missing"},
		"alg null":                     {send: alg(`null`), code: "alg_missing"},
		"alg empty":                    {send: alg(`""`), code: "alg_missing"},
		"alg None with a space":        {send: alg(`"none "`), code: "alg_unsupported"},
		"alg in lower case":            {send: alg(`"rs256"`), code: "alg_unsupported"},
		"ES256K":                       {send: alg(`"ES256K"`), code: "alg_unsupported"},
		"HS256":                        {send: alg(`"HS256"`), code: "alg_symmetric_forbidden"},
		"hs512 in lower case":          {send: alg(`"hs512"`), code: "alg_symmetric_forbidden"},
		"PS256 where RS256 is allowed": {send: alg(`"PS256"`), over: b.issuers(map[string]any{"algorithms": []any{"RS256"}}), code: "alg_not_allowed", hop: "idp"},
		"HS256 where RS256 is allowed": {send: alg(`"HS256"`), over: b.issuers(map[string]any{"algorithms": []any{"RS256"}}), code: "alg_symmetric_forbidden"},
		"crit":                         {send: head(`,"crit":["exp"],"exp":1`), code: "crit_unsupported"},
		"crit empty":                   {send: head(`,"crit":[]`), code: "crit_unsupported"},
		"b64 false":                    {send: head(`,"b64":false`), code: "crit_unsupported"},
		"b64 true":                     {send: head(`,"b64":true,"kid":"k"`), code: "kid_unknown"},
		"jwk":                          {send: head(`,"jwk":{"kty":"RSA"}`), code: "embedded_key_forbidden", hop: "client"},
		"jku":                          {send: head(`,"jku":"https://evil.example"`), code: "embedded_key_forbidden"},
		"x5u null":                     {send: head(`,"x5u":null`), code: "embedded_key_forbidden"},
		"x5c":                          {send: head(`,"x5c":["MIIB"]`), code: "embedded_key_forbidden"},
		"x5t names and brings nothing": {send: head(`,"x5t":"abc","kid":"k"`), code: "kid_unknown"},
		"cty JWT":                      {send: head(`,"cty":"application/JWT"`), code: "nested_token_unsupported"},
		"cty of something else":        {send: head(`,"cty":"json","kid":"k"`), code: "kid_unknown"},
		"no kid where needed":          {send: head(``), over: kids, code: "kid_missing"},
		"no kid":                       {send: head(``), code: "signature_invalid"},
		"kid a number":                 {send: head(`,"kid":1`), code: "kid_invalid"},
		"kid null":                     {send: head(`,"kid":null`), code: "kid_invalid"},
		"kid empty":                    {send: head(`,"kid":""`), code: "kid_invalid"},
		"kid too long":                 {send: head(`,"kid":"` + strings.Repeat("k", 257) + `"`), code: "kid_invalid"},
		"kid with SQL":                 {send: head(`,"kid":"x' UNION SELECT 1--"`), code: "kid_invalid"},
		"kid with a line break":        {send: head(`,"kid":"a\r\nX-Evil: 1"`), code: "kid_invalid"},
		"kid of a path":                {send: head(`,"kid":"../../dev/null"`), code: "kid_unknown"},

		// The first failed check is the code, and header checks stop at it.
		"alg before crit":            {send: bearer(raw(`{"alg":"HS256","crit":["x"],"jwk":{}}`, payload)), code: "alg_symmetric_forbidden"},
		"crit before an own key":     {send: head(`,"crit":["x"],"jwk":{}`), code: "crit_unsupported"},
		"an own key before nesting":  {send: head(`,"jku":"x","cty":"JWT","kid":1`), code: "embedded_key_forbidden"},
		"nesting before kid":         {send: head(`,"cty":"JWT","kid":1`), code: "nested_token_unsupported"},
		"header before issuer":       {send: bearer(raw(`{"alg":"RS256","jwk":{}}`, `{"iss":"https://evil.example"}`)), code: "embedded_key_forbidden"},
		"issuer before kid unknown":  {send: bearer(raw(rs256, `{"iss":"https://evil.example"}`)), code: "issuer_untrusted"},
		"key before an expired time": {send: bearer(raw(rs256, `{"iss":`+string(iss)+`,"exp":1}`)), code: "kid_unknown"},
		"type waits for a signature": {send: head(`,"typ":"logout+jwt","kid":"k"`), code: "kid_unknown"},
	} {
		b.try(name, h)
	}
}

func TestHostileIssuer(t *testing.T) {
	b := newBench(t, ping.Options{})
	iss := b.issuer.IssuerURL()
	token := func(claims map[string]any) *gateway { return bearer(b.issuer.Token(ping.Claims(claims))) }
	named := func(s string) *gateway { return token(map[string]any{"iss": s}) }
	missing := b.issuers(map[string]any{"accept_missing_issuer": true})

	for name, h := range map[string]hostile{
		"none":                            {send: token(map[string]any{"iss": nil}), code: "issuer_missing", hop: "idp"},
		"none, accepted":                  {send: token(map[string]any{"iss": nil}), over: missing},
		"another, none accepted":          {send: named("https://evil.example"), over: missing, code: "issuer_untrusted"},
		"null, none accepted":             {send: token(map[string]any{"iss": json.RawMessage("null")}), over: missing, code: "issuer_untrusted"},
		"empty":                           {send: named(""), code: "issuer_untrusted"},
		"a number":                        {send: token(map[string]any{"iss": 5}), code: "issuer_untrusted"},
		"a list of the right one":         {send: token(map[string]any{"iss": []string{iss}}), code: "issuer_untrusted"},
		"a slash more":                    {send: named(iss + "/"), code: "issuer_near_miss", hop: "gateway"},
		"upper case":                      {send: named(strings.ToUpper(iss)), code: "issuer_near_miss"},
		"https for http":                  {send: named(strings.Replace(iss, "http:", "https:", 1)), code: "issuer_near_miss"},
		"a space behind":                  {send: named(iss + " "), code: "issuer_near_miss"},
		"a path more":                     {send: named(iss + "/evil"), code: "issuer_untrusted"},
		"a user before the host":          {send: named("http://evil@" + strings.TrimPrefix(iss, "http://")), code: "issuer_untrusted"},
		"a prefix of the right one":       {send: named(iss[:len(iss)-1]), code: "issuer_untrusted"},
		"Kubernetes service account":      {send: named("https://kubernetes.default.svc.cluster.local"), code: "issuer_untrusted"},
		"replaced by PingAccess":          {send: named("https://pa.example/pa"), code: "issuer_untrusted", hop: "edge"},
		"replaced by Azure":               {send: named("https://app.scm.azurewebsites.net"), code: "issuer_untrusted", hop: "edge"},
		"control characters and a quote":  {send: named("https://a\"\\\r\n\u202e.example/" + strings.Repeat("x", 600)), code: "issuer_untrusted"},
		"near miss beside an expired exp": {send: token(map[string]any{"iss": iss + "/", "exp": 1}), code: "issuer_near_miss", also: nil},
	} {
		b.try(name, h)
	}
}

func TestNearMissOfPingAM(t *testing.T) {
	b := newBench(t, ping.Options{})
	for configured, received := range map[string]string{
		"https://am.example.com/am/oauth2/alpha":                    "https://am.example.com:443/am/oauth2/alpha",
		"https://am.example.com:443/am/oauth2/alpha":                "https://am.example.com/am/oauth2/realms/root/realms/alpha",
		"https://am.example.com:443/am/oauth2/realms/root/":         "https://am.example.com/am/oauth2/realms/root",
		"https://auth.pingone.eu/01d89b06-5a0c-4f6e-9a51-0b7c/as":   "https://auth.pingone.eu/01D89B06-5A0C-4F6E-9A51-0B7C/as/",
		"https://am.example.com:443/am/oauth2/realms/root/realms/a": "https://am.example.com:443/am/oauth2/a",
	} {
		r := b.engine.Start(config(b.issuer, map[string]any{"issuers": []any{map[string]any{"issuer": configured, "jwks_uris": []any{b.issuer.JWKSURL()}, "skip_audience_check": true}}}))
		if g := run(t, r, bearer(b.issuer.Token(ping.IssuedBy(received)))); code(t, g) != "issuer_near_miss" {
			t.Errorf("%s for %s: %s", received, configured, g.header("X-Auth-Diagnosis"))
		}
	}
}
