package family

import (
	"strings"

	"kong-plugin-auth-diagnosis/pkg/corpus/internal/forge"
)

func structure(b *book) {
	b.under("pingfederate", b.federate())
	good := b.federateToken()

	for _, o := range []struct{ name, value, source string }{
		{"reference token", "kP3vXw8rLs1QnTz5Yb2McF7dHgJ0", "PingFederate internally managed reference tokens"},
		{"UUID", "5f1d9a3e-7b2c-4d80-9e61-a4c8f0b2d357", ""},
		{"dots without JSON", "2YotnFZFEjr1zCsicMWpAA.x7Rk.Qz9w", "an opaque token may have dots"},
		{"PASETO", "v4.public.eyJzdWIiOiJtYXJpYSJ9c2lnbmF0dXJl", "paseto.io"},
		{"one letter", "x", ""},
		{"GitHub's", "ghp_16C7e42F292c6912E7710c838347Ae178B4a", ""},
	} {
		b.add("opaque: "+o.name, "not a JWT", o.source, raw(o.value), is("token_opaque"))
	}
	jwe := forge.Text(`{"alg":"RSA-OAEP-256","enc":"A256GCM","cty":"JWT"}`)
	b.add("encrypted", "five segments", "RFC 7516 3.1", raw(jwe+".QR1Owv2ug2WyPBnbQrRARTeEk9kDO2w8qDcjiHnSJflSdv1iNqhWXaKH.48V1_ALb6US04U3b.5eym8TW_c8SuK0ltJ3rpYIzOeDQz7TALvtu6UG9oMo4vpzs9tX_EFShS8iB7j6ji.XFBoMYUZodetZdvTiFvSkQ"), is("token_encrypted"))
	b.add("encrypted directly", "the second segment is empty: the key is agreed on", "RFC 7516 A.4 (dir)", raw(forge.Text(`{"alg":"dir","enc":"A128CBC-HS256"}`)+"..AxY8DCtDaGlsbGljb3RoZQ.KDlTtXchhZTGufMYmOYGS4HffxPSUrfmqCHXaI9wOGY.9hH0vgRfYgPnAHOd8stkvw"), is("token_encrypted"))
	b.add("encrypted with many iterations", "refused before any key is derived", "CVE-2023-49290 (PBES2 count)", raw(forge.Text(`{"alg":"PBES2-HS256+A128KW","enc":"A128GCM","p2c":2147483647,"p2s":"AAAAAAAAAAA"}`)+".AAAA.AAAA.AAAA.AAAA"), is("token_encrypted"))

	b.add("one segment", "a JWT's header alone", "RFC 7515 7.1", raw(forge.Text(`{"alg":"RS256"}`)), is("token_segments").n(1))
	b.add("two segments", "header and payload", "RFC 7515 7.1", good.damaged("the signature and its dot removed", func(s string) string { return s[:strings.LastIndexByte(s, '.')] }), is("token_segments").n(2))
	b.add("four segments", "a dot too many", "RFC 7515 7.1", good.damaged("a segment added", func(s string) string { return s + ".AAAA" }), is("token_segments").n(4))
	b.add("a dot at the end", "an empty fourth segment", "RFC 7515 7.1", good.damaged("a dot added", func(s string) string { return s + "." }), is("token_segments").n(4))
	b.add("many dots", "counted, not split", "CVE-2025-30204", raw(forge.Text(`{"alg":"RS256"}`)+strings.Repeat(".", 1000)), is("token_segments").n(1001))
	b.add("a dot at the beginning", "the header is empty", "RFC 7515 7.1", good.damaged("a dot put before it", func(s string) string { return "." + s }), is("token_segments").n(4))

	flat := `{"payload":"` + forge.Text(good.payload.String()) + `","protected":"` + forge.Text(good.header.String()) + `","signature":"AAAA"}`
	b.add("JSON serialization", "a JWT is compact by definition", "RFC 7515 7.2.2, RFC 7519 1", authorized("Bearer "+flat), is("token_json_serialized"))
	b.add("JSON serialization without scheme", "the same without Bearer", "RFC 7515 7.2.2", authorized(flat), is("token_json_serialized"))

	base64url(b, good)
	jsonTexts(b, good)

	b.add("signature empty", "nothing behind the second dot", "CVE-2020-28042", good.forged("the signature is empty", func(string) []byte { return nil }), is("signature_empty"))
	b.add("signature empty, EdDSA", "with any algorithm", "CVE-2020-28042", good.by(b.ring["federate-ed25519"], "EdDSA").forged("the signature is empty", func(string) []byte { return nil }), is("signature_empty"))
}

// base64url are faults of the encoding (RFC 7515 section 2, RFC 4648 section 3.5).
func base64url(b *book, good token) {
	const url, canonical = "RFC 7515 2", "RFC 4648 3.5, Wycheproof JWS tc374, tc375"
	padded := func(s string) string { return s + "=" }
	// The texts are chosen so that the last character of their segment has bits
	// that mean nothing, and that the damage changes no other.
	odd := func(s string) string { return s[:len(s)-1] + string(next(s[len(s)-1])) }
	header := good.headerIs(pad(good.header, 2))
	payload := good.payloadIs(pad(good.payload, 2))
	for _, p := range []struct {
		code    string
		segment int
		t       token
	}{{"header_bad_base64", 0, header}, {"payload_bad_base64", 1, payload}} {
		name, _, _ := strings.Cut(p.code, "_")
		b.add(name+" padded", "an equals sign may stand at a credential's end only, and the credential is judged first", "RFC 6750 2.1", p.t.damaged("= added to the "+name, segment(p.segment, padded)), is("token_bad_charset"))
		b.add(name+" with bits set at the end", "one text must have one spelling", canonical, p.t.damaged("the last bits of the "+name+" set", segment(p.segment, odd)), is(p.code))
		b.add(name+" in standard base64", "+ and / are another alphabet", url, p.t.damaged("a character of the "+name+" replaced by +", segment(p.segment, func(s string) string { return s[:9] + "+" + s[10:] })), is(p.code))
		b.add(name+" with a tilde", "a character that a token may have and base64url has not", url, p.t.damaged("a character of the "+name+" replaced by ~", segment(p.segment, func(s string) string { return s[:9] + "~" + s[10:] })), is(p.code))
	}
	b.add("payload one character short", "no encoder ends in the middle of a byte", url, good.payloadIs(pad(good.payload, 1)).damaged("one character of the payload removed", segment(1, func(s string) string { return s[:len(s)-1] })), is("payload_bad_base64"))
	b.add("payload empty", "an empty text is no JSON object", "RFC 7519 7.2", good.damaged("the payload removed", segment(1, func(string) string { return "" })), is("payload_bad_json"))

	b.add("signature padded", "as with the others", url, good.damaged("= added", func(s string) string { return s + "=" }), is("signature_bad_base64"))
	b.add("signature in standard base64", "/ is another alphabet", url, good.damaged("a character of the signature replaced by /", segment(2, func(s string) string { return s[:50] + "/" + s[51:] })), is("signature_bad_base64"))
	b.add("signature with bits set at the end", "a second spelling of one signature, of the right length", canonical, good.damaged("the last bits of the signature set", segment(2, odd)), is("signature_bad_base64"))
	b.add("ES256 signature with bits set at the end", "64 bytes leave four bits over", canonical, good.by(b.ring["federate-p256"], "ES256").damaged("the last bits of the signature set", segment(2, odd)), is("signature_bad_base64"))
}

// next is the character behind one whose last bits are zero.
func next(c byte) byte {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return alphabet[strings.IndexByte(alphabet, c)+1]
}

// pad writes an object with white space behind it, so that its length leaves a
// remainder of rest when divided by three.
func pad(o forge.Object, rest int) string {
	s := o.String()
	for len(s)%3 != rest {
		s += " "
	}
	return s
}

// jsonTexts are faults of the two JSON texts.
func jsonTexts(b *book, good token) {
	const rfc, unique = "RFC 8259", "RFC 7519 4, RFC 7515 4"
	const claims = `"iss":"` + federateIssuer + `","aud":"` + audience + `","exp":1772370000`
	for _, p := range []struct{ name, text, source string }{
		{"text that is no JSON", `{"alg" "RS256"}`, rfc},
		{"single quotes", `{'alg':'RS256'}`, rfc},
		{"an unquoted name", `{alg:"RS256"}`, rfc},
		{"text behind the object", good.header.String() + "x", rfc},
		{"a second object", good.header.String() + "{}", rfc},
		{"a comma at the end", `{"alg":"RS256",}`, rfc},
		{"a control character in a string", "{\"alg\":\"RS256\",\"kid\":\"a\nb\"}", "RFC 8259 7"},
		{"bytes that are not UTF-8", "{\"alg\":\"RS256\",\"kid\":\"\xc3\x28\"}", "RFC 8259 8.1"},
		{"half a surrogate pair", `{"alg":"RS256","kid":"\ud800"}`, "RFC 7493 2.1"},
		{"an array", `["RS256"]`, "RFC 7515 4"},
	} {
		b.add("header: "+p.name, "the header must be one JSON object", p.source, good.headerIs(p.text), is("header_bad_json"))
	}
	for _, p := range []struct{ name, text, source string }{
		{"null", `null`, "golang-jwt v5.3.1 takes it"},
		{"an array", `[1]`, "RFC 7519 7.2"},
		{"a string", `"claims"`, "RFC 7519 7.2"},
		{"cut off", `{` + claims, rfc},
		{"a comma at the end", `{` + claims + `,}`, rfc},
		{"a comment", `{` + claims + `/* sub follows */,"sub":"x"}`, rfc},
		{"NaN", `{` + claims + `,"level":NaN}`, rfc},
		{"a number with a leading zero", `{` + claims + `,"level":007}`, "RFC 8259 6"},
		{"a number with a plus", `{` + claims + `,"level":+7}`, "RFC 8259 6"},
		{"an upper-case literal", `{` + claims + `,"admin":True}`, rfc},
		{"bytes that are not UTF-8", "{" + claims + ",\"sub\":\"mar\xffia\"}", "RFC 8259 8.1"},
		{"half a surrogate pair", `{` + claims + `,"sub":"\udc00"}`, "RFC 7493 2.1"},
		{"a byte order mark", "\ufeff{" + claims + "}", "RFC 8259 8.1"},
		{"a NUL behind the object", "{" + claims + "}\x00", rfc},
		{"compressed", "\x78\x9c\xabV*\x4e\x4d\x2e", "zip is for JWE only"},
	} {
		b.add("payload: "+p.name, "the payload must be one JSON object", p.source, good.payloadIs(p.text), is("payload_bad_json"))
	}

	b.add("header: alg twice", "the last one counts for some, the first for others", unique, good.addH("alg", "none"), is("header_duplicate_member"))
	b.add("header: a name twice in a nested object", "at every depth", unique, good.headerIs(`{"alg":"RS256","x":{"a":1,"a":2}}`), is("header_duplicate_member"))
	b.add("header: a name twice, once escaped", "an escape does not make another name", unique, good.headerIs(`{"alg":"RS256","\u0061lg":"none"}`), is("header_duplicate_member"))
	b.add("payload: iss twice", "a library takes the last", unique, good.addC("iss", "https://evil.example.com"), is("claim_duplicate"))
	b.add("payload: aud twice, the same", "the same value is no excuse", unique, good.addC("aud", audience), is("claim_duplicate"))
	b.add("payload: a name twice in a nested object", "at every depth", unique, good.cRaw("act", `{"sub":"a","sub":"b"}`), is("claim_duplicate"))
	for _, name := range []string{"ISS", "Exp", "\u017fub", "AUD", "Scope", "Client_ID"} {
		b.add("payload: "+name+" beside the registered name", "a decoder that folds case takes it for the registered one", "Go's encoding/json, hashicorp/cap", good.c(name, "x"), is("claim_name_ambiguous"))
	}
	b.add("header: KID", "the same in the header", "Go's encoding/json", good.h("KID", "x"), is("claim_name_ambiguous"))
	b.add("payload: near names below the top", "a nested name is nobody's registered claim", "", good.c("act", object{"ISS": "x"}), passes())

	b.add("payload: nested too deeply", "seventeen levels", "stack exhaustion", good.cRaw("deep", nested(16)), is("token_too_complex"))
	b.add("payload: nested thousands deep", "the depth is bounded while reading", "stack exhaustion", good.cRaw("deep", nested(4000)), is("token_too_complex"))
	b.add("payload: too many elements", "members and elements are counted together", "", good.cRaw("many", "["+strings.Repeat("0,", 4200)+"0]"), is("token_too_complex"))
	b.add("header: nested too deeply", "the header as well", "stack exhaustion", good.headerIs(`{"alg":"RS256","x":`+nested(16)+`}`), is("token_too_complex"))
}
