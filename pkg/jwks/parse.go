package jwks

import (
	"bytes"
	"encoding/json"
	"net/url"
	"strings"

	"kong-plugin-auth-diagnosis/pkg/diagnosis"
)

const (
	// maxBody bounds a document in bytes, maxPublished the keys in it. Ping's
	// sets have some ten keys.
	maxBody      = 1 << 20
	maxPublished = 512
)

// parseSet reads a JWKS document (RFC 7517 section 5). One bad key does not
// spoil the others: it comes back with a Fault. A document without a single
// good key is a fault.
func parseSet(body []byte) ([]Key, *fault) {
	m, f := parseObject(body)
	if f != nil {
		return nil, f
	}
	var list []json.RawMessage
	if json.Unmarshal(m["keys"], &list) != nil || list == nil {
		return nil, faultf(diagnosis.JWKSInvalid, "the answer has no array named keys")
	}
	return parseKeys(list)
}

// parseKeys reads the keys of a set.
func parseKeys(list []json.RawMessage) ([]Key, *fault) {
	if len(list) > maxPublished {
		return nil, faultf(diagnosis.JWKSTooLarge, "%d keys, at most %d are read", len(list), maxPublished)
	}
	keys := make([]Key, 0, len(list))
	good := 0
	for _, raw := range list {
		k := parseKey(raw)
		if k.Fault == "" {
			good++
		}
		keys = append(keys, k)
	}
	if len(keys) == 0 {
		return nil, faultf(diagnosis.JWKSEmpty, "the key set is empty")
	}
	if good == 0 {
		return nil, faultf(diagnosis.JWKSEmpty, "%d keys, none usable for signatures: %s", len(keys), keys[0].Reason)
	}
	return keys, nil
}

// parseDiscovery reads a discovery document and returns its jwks_uri
// (OpenID Connect Discovery 1.0 section 4.3: its issuer must be the one that
// was asked, exactly).
func parseDiscovery(body []byte, issuer string) (string, *fault) {
	m, f := parseObject(body)
	if f != nil {
		return "", f.inDiscovery()
	}
	r := members{m: m}
	got, uri := r.text("issuer"), r.text("jwks_uri")
	if got != issuer {
		return "", faultf(diagnosis.DiscoveryIssuerMismatch, "%s", difference(issuer, got))
	}
	u, err := url.Parse(uri)
	switch {
	case uri == "":
		return "", faultf(diagnosis.DiscoveryNoJWKSURI, "no jwks_uri, or not a string")
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return "", faultf(diagnosis.DiscoveryNoJWKSURI, "jwks_uri is not an http or https URL")
	case u.Scheme == "http" && strings.HasPrefix(issuer, "https:"):
		// Keys fetched in the clear would make the issuer's TLS worthless.
		return "", faultf(diagnosis.DiscoveryNoJWKSURI, "jwks_uri is http while the issuer is https")
	}
	return uri, nil
}

// parseObject tells what is not JSON, such as a login page, from JSON of
// another shape.
func parseObject(body []byte) (map[string]json.RawMessage, *fault) {
	if len(bytes.TrimSpace(body)) == 0 {
		return nil, faultf(diagnosis.JWKSNotJSON, "the answer is empty")
	}
	if !json.Valid(body) {
		what := "the answer is not JSON"
		if bytes.HasPrefix(bytes.TrimSpace(body), []byte("<")) {
			what = "the answer looks like HTML or XML"
		}
		return nil, faultf(diagnosis.JWKSNotJSON, "%s", what)
	}
	var m map[string]json.RawMessage
	if json.Unmarshal(body, &m) != nil || m == nil {
		return nil, faultf(diagnosis.JWKSInvalid, "the answer is not a JSON object")
	}
	return m, nil
}

// difference says how the issuer in the document differs, without repeating it:
// the operator reads it in the document itself.
func difference(want, got string) string {
	switch {
	case got == "":
		return "the document names no issuer"
	case strings.TrimRight(want, "/") == strings.TrimRight(got, "/"):
		return "the issuers differ in a trailing slash"
	case strings.EqualFold(want, got):
		return "the issuers differ in upper and lower case"
	}
	w, errW := url.Parse(want)
	g, errG := url.Parse(got)
	if errW != nil || errG != nil {
		return "the issuers differ"
	}
	switch {
	case w.Hostname() != g.Hostname():
		return "the issuers differ in the host"
	case w.Scheme != g.Scheme:
		return "the issuers differ in the scheme"
	case w.Port() != g.Port():
		return "the issuers differ in the port"
	}
	return "the issuers differ in the path"
}
