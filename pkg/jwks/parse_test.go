package jwks

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kong-plugin-auth-diagnosis/pkg/diagnosis"
)

var testKeys = sync.OnceValue(func() (k struct {
	rsa *rsa.PublicKey
	ec  *ecdsa.PublicKey
}) {
	r, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	e, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		panic(err)
	}
	k.rsa, k.ec = &r.PublicKey, &e.PublicKey
	return k
})

func b64(n *big.Int) string { return base64.RawURLEncoding.EncodeToString(n.Bytes()) }

// rsaJSON and ecJSON are keys with more members in front.
func rsaJSON(more string) string {
	k := testKeys().rsa
	return fmt.Sprintf(`{%s"kty":"RSA","n":%q,"e":"AQAB"}`, more, b64(k.N))
}

func ecJSON(more string) string {
	k := testKeys().ec
	point, err := k.Bytes() // 0x04, x, y
	if err != nil {
		panic(err)
	}
	x, y := point[1:49], point[49:]
	return fmt.Sprintf(`{%s"kty":"EC","crv":"P-384","x":%q,"y":%q}`, more,
		base64.RawURLEncoding.EncodeToString(x), base64.RawURLEncoding.EncodeToString(y))
}

const edJSON = `"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`

func TestParseKey(t *testing.T) {
	unusable := func(id, reason string) Key {
		return Key{ID: id, Fault: diagnosis.KeyUnusable, Reason: reason}
	}
	tests := map[string]struct {
		raw  string
		want Key
	}{
		"RSA":       {rsaJSON(`"kid":"a","alg":"RS256","use":"sig",`), Key{ID: "a", Algorithm: "RS256", Use: "sig", Public: testKeys().rsa}},
		"EC":        {ecJSON(`"kid":"a","key_ops":["verify"],`), Key{ID: "a", Ops: []string{"verify"}, Public: testKeys().ec}},
		"no kid":    {rsaJSON(``), Key{Public: testKeys().rsa}},
		"null kid":  {rsaJSON(`"kid":null,`), Key{Public: testKeys().rsa}},
		"bad x5c":   {rsaJSON(`"kid":"a","x5c":["!"],"x5t":5,`), Key{ID: "a", Public: testKeys().rsa}},
		"x5u":       {rsaJSON(`"kid":"a","x5u":"http://127.0.0.1:1/",`), Key{ID: "a", Public: testKeys().rsa}},
		"other alg": {rsaJSON(`"kid":"a","alg":"RSA-OAEP-257",`), Key{ID: "a", Algorithm: "RSA-OAEP-257", Public: testKeys().rsa}},

		"use enc": {rsaJSON(`"kid":"a","use":"enc",`),
			Key{ID: "a", Use: "enc", Fault: diagnosis.KeyUseForbidden, Reason: "the key's use is not sig"}},
		"use of no standard": {rsaJSON(`"kid":"a","use":"Sig",`),
			Key{ID: "a", Use: "Sig", Fault: diagnosis.KeyUseForbidden, Reason: "the key's use is not sig"}},
		"key_ops sign": {rsaJSON(`"kid":"a","key_ops":["sign"],`),
			Key{ID: "a", Ops: []string{"sign"}, Fault: diagnosis.KeyUseForbidden, Reason: "the key's key_ops lack verify"}},
		"key_ops empty": {rsaJSON(`"kid":"a","key_ops":[],`),
			Key{ID: "a", Ops: []string{}, Fault: diagnosis.KeyUseForbidden, Reason: "the key's key_ops lack verify"}},
		"X25519": {`{"kid":"a","kty":"OKP","crv":"X25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`,
			Key{ID: "a", Fault: diagnosis.KeyUseForbidden, Reason: "the key is for key agreement"}},

		"exponent 1": {strings.Replace(rsaJSON(`"kid":"a",`), "AQAB", "AAE", 1),
			Key{ID: "a", Fault: diagnosis.KeyTooWeak, Reason: "the key's exponent is not above 1"}},
		"exponent 0": {strings.Replace(rsaJSON(`"kid":"a",`), "AQAB", "AA", 1),
			Key{ID: "a", Fault: diagnosis.KeyTooWeak, Reason: "the key's exponent is not above 1"}},

		"symmetric":       {`{"kid":"a","kty":"oct","k":"c2VjcmV0"}`, unusable("a", "the key is symmetric")},
		"private":         {rsaJSON(`"kid":"a","d":"AQAB",`), unusable("a", "the issuer publishes the private key")},
		"Ed448":           {`{"kid":"a","kty":"OKP","crv":"Ed448","x":"AA"}`, unusable("a", "the key's type or curve is not supported")},
		"secp256k1":       {`{"kid":"a","kty":"EC","crv":"secp256k1","x":"AA","y":"AA"}`, unusable("a", "the key's type or curve is not supported")},
		"unknown type":    {`{"kid":"a","kty":"AKP"}`, unusable("a", "the key's type or curve is not supported")},
		"no type":         {`{"kid":"a"}`, unusable("a", "the key's type or curve is not supported")},
		"type in lower":   {`{"kid":"a","KTY":"RSA","n":"AQAB","e":"AQAB"}`, unusable("a", "the key's type or curve is not supported")},
		"no modulus":      {`{"kid":"a","kty":"RSA","e":"AQAB"}`, unusable("a", "the key's material is malformed")},
		"bad base64":      {`{"kid":"a","kty":"RSA","n":"?","e":"AQAB"}`, unusable("a", "the key's material is malformed")},
		"huge exponent":   {strings.Replace(rsaJSON(`"kid":"a",`), "AQAB", "AQAAAAAAAAABAAE", 1), unusable("a", "the key's material is malformed")},
		"off the curve":   {`{"kid":"a","kty":"EC","crv":"P-256","x":"AQ","y":"AQ"}`, unusable("a", "the key's material is malformed")},
		"short Ed25519":   {`{"kid":"a","kty":"OKP","crv":"Ed25519","x":"AA"}`, unusable("a", "the key's material is malformed")},
		"16,384 bits":     {fmt.Sprintf(`{"kid":"a","kty":"RSA","n":%q,"e":"AQAB"}`, strings.Repeat("__8B", 683)), unusable("a", "the key is too long")},
		"number for kid":  {rsaJSON(`"kid":5,`), unusable("", "member kid has the wrong type")},
		"number for alg":  {rsaJSON(`"kid":"a","alg":5,`), unusable("a", "member alg has the wrong type")},
		"string for ops":  {rsaJSON(`"kid":"a","key_ops":"verify",`), unusable("a", "member key_ops has the wrong type")},
		"not an object":   {`5`, unusable("", "the key is not a JSON object")},
		"null":            {`null`, unusable("", "the key is not a JSON object")},
		"array in modulo": {`{"kid":"a","kty":"RSA","n":[],"e":"AQAB"}`, unusable("a", "member n has the wrong type")},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, parseKey(json.RawMessage(tt.raw))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseSetKeepsGoodKeysBesideBadOnes(t *testing.T) {
	doc := `{"x":1,"keys":[5,` + rsaJSON(`"kid":"a",`) + `,{"kid":"b","kty":"RSA"},{"kid":"c",` + edJSON + `]}`
	keys, f := parseSet([]byte(doc))
	if f != nil {
		t.Fatal(f)
	}
	var got []string
	for _, k := range keys {
		got = append(got, k.ID+" "+string(k.Fault))
	}
	if diff := cmp.Diff([]string{" key_unusable", "a ", "b key_unusable", "c "}, got); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
}

func TestParseSetRefusesWhatIsNoKeySet(t *testing.T) {
	tests := map[string]struct {
		doc  string
		want string
	}{
		"empty":           {"", "jwks_not_json (the answer is empty)"},
		"blank":           {" \n", "jwks_not_json (the answer is empty)"},
		"HTML":            {" <html>", "jwks_not_json (the answer looks like HTML or XML)"},
		"text":            {"OK", "jwks_not_json (the answer is not JSON)"},
		"cut":             {`{"keys":[`, "jwks_not_json (the answer is not JSON)"},
		"two values":      {`{"keys":[]}{}`, "jwks_not_json (the answer is not JSON)"},
		"null":            {"null", "jwks_invalid (the answer is not a JSON object)"},
		"string":          {`"keys"`, "jwks_invalid (the answer is not a JSON object)"},
		"keys in upper":   {`{"KEYS":[{}]}`, "jwks_invalid (the answer has no array named keys)"},
		"keys an object":  {`{"keys":{}}`, "jwks_invalid (the answer has no array named keys)"},
		"keys null":       {`{"keys":null}`, "jwks_invalid (the answer has no array named keys)"},
		"a key alone":     {`{"kty":"RSA"}`, "jwks_invalid (the answer has no array named keys)"},
		"no keys":         {`{"keys":[]}`, "jwks_empty (the key set is empty)"},
		"none usable":     {`{"keys":[{"kty":"oct"},{}]}`, "jwks_empty (2 keys, none usable for signatures: the key is symmetric)"},
		"deep nesting":    {strings.Repeat("[", 20000), "jwks_not_json (the answer is not JSON)"},
		"other documents": {`{"issuer":"a","jwks_uri":"b"}`, "jwks_invalid (the answer has no array named keys)"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			keys, f := parseSet([]byte(tt.doc))
			if f == nil || f.Error() != tt.want || keys != nil {
				t.Errorf("fault %v, expected %s", f, tt.want)
			}
		})
	}
}

func TestParseDiscovery(t *testing.T) {
	const issuer = "https://ping.example:443/am/oauth2"
	tests := map[string]struct {
		doc  string
		want string // the URL, or the fault
	}{
		"good":        {`{"issuer":"https://ping.example:443/am/oauth2","jwks_uri":"https://keys.example/x"}`, "https://keys.example/x"},
		"downgrade":   {`{"issuer":"https://ping.example:443/am/oauth2","jwks_uri":"http://keys.example/x"}`, "discovery_no_jwks_uri (jwks_uri is http while the issuer is https)"},
		"relative":    {`{"issuer":"https://ping.example:443/am/oauth2","jwks_uri":"/x"}`, "discovery_no_jwks_uri (jwks_uri is not an http or https URL)"},
		"no port":     {`{"issuer":"https://ping.example/am/oauth2"}`, "discovery_issuer_mismatch (the issuers differ in the port)"},
		"other realm": {`{"issuer":"https://ping.example:443/am"}`, "discovery_issuer_mismatch (the issuers differ in the path)"},
		"other case":  {`{"issuer":"https://Ping.example:443/am/oauth2"}`, "discovery_issuer_mismatch (the issuers differ in upper and lower case)"},
		"http":        {`{"issuer":"http://ping.example:443/am/oauth2"}`, "discovery_issuer_mismatch (the issuers differ in the scheme)"},
		"no URL":      {`{"issuer":"://"}`, "discovery_issuer_mismatch (the issuers differ)"},
		"no issuer":   {`{"jwks_uri":"https://keys.example/x"}`, "discovery_issuer_mismatch (the document names no issuer)"},
		"not JSON":    {`nope`, "discovery_failed (jwks_not_json (the answer is not JSON))"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, f := parseDiscovery([]byte(tt.doc), issuer)
			if f != nil {
				got = f.Error()
			}
			if got != tt.want {
				t.Errorf("%s, expected %s", got, tt.want)
			}
		})
	}
}
