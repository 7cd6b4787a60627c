package jwks

import (
	"net/url"
	"testing"

	"kong-plugin-auth-diagnosis/pkg/diagnosis"
)

// FuzzParseSet: whatever an issuer sends is a set with a good key or a fault of
// the catalogue, good keys have material and others have none, and every key can
// be found under its kid.
func FuzzParseSet(f *testing.F) {
	for _, s := range []string{
		"", "<html>", "{}", `{"keys":[]}`, `{"keys":null}`, `{"keys":[5,null,{}]}`,
		`{"keys":[{"kid":"c",` + edJSON + `]}`,
		`{"keys":[` + rsaJSON(`"kid":"a",`) + `,` + ecJSON(`"kid":"a",`) + `,{"kid":"a","kty":"oct","k":"AA"}]}`,
		`{"keys":[` + rsaJSON(`"use":"enc",`) + `,` + rsaJSON(`"key_ops":["verify"],`) + `]}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		keys, fault := parseSet(body)
		if fault != nil {
			diagnosis.Lookup(fault.code)
			if keys != nil {
				t.Fatal("keys beside a fault")
			}
			return
		}
		ring := newKeyring(keys)
		if ring.size() == 0 || len(keys) > maxPublished {
			t.Fatalf("%d good keys of %d", ring.size(), len(keys))
		}
		for _, k := range keys {
			if (k.Public == nil) != (k.Fault != "") {
				t.Fatalf("key %+v is neither good nor bad", k)
			}
			if named, _ := ring.named(k.ID); len(named) == 0 && k.ID != "" && len(ring.faulty[k.ID]) == 0 {
				t.Fatalf("key %q cannot be found", k.ID)
			}
		}
	})
}

// FuzzParseDiscovery: a document gives an http(s) URL with a host, never less
// safe than the issuer, or a discovery fault.
func FuzzParseDiscovery(f *testing.F) {
	const issuer = "https://ping.example"
	for _, s := range []string{
		"", "null", "{}", `{"issuer":"https://ping.example"}`, `{"issuer":"https://ping.example/","jwks_uri":"https://a/b"}`,
		`{"issuer":"https://ping.example","jwks_uri":"https://a/b"}`, `{"issuer":"https://ping.example","jwks_uri":"http://a/b"}`,
		`{"issuer":"https://ping.example","jwks_uri":"file:///a"}`, `{"issuer":["https://ping.example"],"jwks_uri":{}}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		uri, fault := parseDiscovery(body, issuer)
		if fault != nil {
			switch fault.code {
			case diagnosis.DiscoveryFailed, diagnosis.DiscoveryIssuerMismatch, diagnosis.DiscoveryNoJWKSURI:
			default:
				t.Fatalf("code %q for a discovery document", fault.code)
			}
			return
		}
		if u, err := url.Parse(uri); err != nil || u.Scheme != "https" || u.Host == "" {
			t.Fatalf("jwks_uri %q", uri)
		}
	})
}
