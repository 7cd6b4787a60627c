package ping

import (
	"cmp"
	"crypto/sha1" // thumbprints as the products write them, no protection
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net"
	"net/url"
	"strings"
)

// Product is one of the issuers that can be stood in for.
type Product string

const (
	PingFederate Product = "pingfederate"
	PingOne      Product = "pingone"
	PingAM       Product = "pingam"
)

// ParseProduct returns the product of that name, in lower case.
func ParseProduct(name string) (Product, error) {
	switch p := Product(name); p {
	case PingFederate, PingOne, PingAM:
		return p, nil
	}
	return "", fmt.Errorf("expected product %q, %q or %q, got %q", PingFederate, PingOne, PingAM, name)
}

// layout is where a product serves what, each value a path.
type layout struct {
	issuer string // what follows the base URL in iss
	jwks   string
	token  string
}

func (o Options) layout() layout {
	switch o.Product {
	case PingOne:
		issuer := "/" + o.Environment + "/as"
		return layout{issuer: issuer, jwks: issuer + "/jwks", token: issuer + "/token"}
	case PingAM:
		issuer := "/am/oauth2/" + o.Realm
		return layout{issuer: issuer, jwks: issuer + "/connect/jwk_uri", token: issuer + "/access_token"}
	}
	return layout{issuer: "", jwks: "/pf/JWKS", token: "/as/token.oauth2"}
}

// discovery is the provider metadata (OpenID Connect Discovery 1.0, 3), reduced to
// what names keys, tokens and the product.
func (i *Issuer) discovery() map[string]any {
	endpoints := map[string]string{
		"jwks_uri":       i.layout.jwks,
		"token_endpoint": i.layout.token,
	}
	switch i.options.Product {
	case PingFederate:
		endpoints["authorization_endpoint"] = "/as/authorization.oauth2"
		endpoints["introspection_endpoint"] = "/as/introspect.oauth2"
		endpoints["revocation_endpoint"] = "/as/revoke_token.oauth2"
		endpoints["userinfo_endpoint"] = "/idp/userinfo.openid"
	case PingOne:
		endpoints["authorization_endpoint"] = i.layout.issuer + "/authorize"
		endpoints["introspection_endpoint"] = i.layout.issuer + "/introspect"
		endpoints["userinfo_endpoint"] = i.layout.issuer + "/userinfo"
	case PingAM:
		endpoints["authorization_endpoint"] = i.layout.issuer + "/authorize"
		endpoints["introspection_endpoint"] = i.layout.issuer + "/introspect"
		endpoints["userinfo_endpoint"] = i.layout.issuer + "/userinfo"
	}
	doc := map[string]any{
		"issuer":                                i.IssuerURL(),
		"grant_types_supported":                 []string{"client_credentials"},
		"response_types_supported":              []string{"code"},
		"subject_types_supported":               []string{"public"},
		"id_token_signing_alg_values_supported": []string{"RS256"},
		"token_endpoint_auth_methods_supported": []string{"client_secret_basic", "client_secret_post"},
	}
	for name, path := range endpoints {
		doc[name] = i.BaseURL() + path
	}
	return doc
}

// withPort writes the port out even where the scheme implies it, because PingAM puts
// it into its issuer (https://host:443/am/…).
func withPort(base string) (string, error) {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.Path != "" {
		return "", fmt.Errorf("expected a base url without a path, got %q", base)
	}
	implied := map[string]string{"https": "443", "http": "80"}[u.Scheme]
	u.Host = net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), implied))
	return u.String(), nil
}

// keyID names a key as the product would: PingFederate by its base64url SHA-1
// thumbprint, PingOne by a UUID, PingAM by a padded base64 string that may hold '/'.
// The bytes come from the key itself, so one key has one name.
func (p Product) keyID(spki []byte) string {
	sum := sha1.Sum(spki)
	switch p {
	case PingOne:
		return uuid(sum[:16])
	case PingAM:
		return base64.StdEncoding.EncodeToString(sum[:])
	}
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// uuid writes 16 bytes as a version 4 UUID.
func uuid(b []byte) string {
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	s := hex.EncodeToString(b)
	return strings.Join([]string{s[:8], s[8:12], s[12:16], s[16:20], s[20:]}, "-")
}
