package ping

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"maps"
	"strings"
	"time"
)

// centralManager is the pi.atm of tokens signed with PingFederate's central keys.
const centralManager = "8dzf"

// header is the JOSE header of a token. PingFederate names its token manager and
// types access tokens, PingOne types nothing yet, PingAM types everything JWT.
func (i *Issuer) header(d draft, keyID string) map[string]any {
	header := map[string]any{"alg": d.algorithm}
	if d.keyID != "" {
		keyID = d.keyID
	}
	if !d.noKeyID {
		header["kid"] = keyID
	}
	switch i.options.Product {
	case PingFederate:
		if !d.idToken {
			header["typ"], header["pi.atm"] = "at+jwt", centralManager
		}
		if d.managerID != "" {
			header["pi.atm"] = d.managerID
		}
	case PingAM:
		header["typ"] = "JWT"
	}
	return overlay(header, d.header)
}

// claims is the claim set of a token in the product's shape.
func (i *Issuer) claims(d draft) map[string]any {
	claims := map[string]any{
		"iss": d.issuer,
		"aud": single(d.audience),
		"iat": d.issuedAt.Unix(),
		"exp": d.expires.Unix(),
		"jti": randomUUID(),
	}
	set := func(name, value string) {
		if value != "" {
			claims[name] = value
		}
	}
	set("sub", d.subject)
	if !d.notBefore.IsZero() {
		claims["nbf"] = d.notBefore.Unix()
	}
	switch i.options.Product {
	case PingFederate:
		i.federate(d, claims)
	case PingOne:
		i.one(d, claims)
	case PingAM:
		i.am(d, claims)
	}
	if d.idToken {
		identity(d, claims)
	} else {
		set("tier", d.tier)
	}
	maps.Copy(claims, d.client.Claims)
	return overlay(claims, d.claims)
}

// federate adds what a JWT access token manager of PingFederate writes.
func (i *Issuer) federate(d draft, claims map[string]any) {
	claims["jti"] = rand.Text()[:22] // "JWT ID Claim Length" 22
	if i.options.OmitIssuer && !d.idToken {
		delete(claims, "iss")
	}
	if d.idToken {
		return
	}
	claims["client_id"] = d.client.ID
	claims["authorization_details"] = []any{}
	addScope(claims, d.scopes, i.options.ScopeAsArray)
}

// one adds what PingOne writes: aud always an array, the environment and
// organisation, p1.rid for a client's own token and a session for a user's.
func (i *Issuer) one(d draft, claims map[string]any) {
	claims["aud"] = d.audience
	claims["env"], claims["org"] = i.options.Environment, i.options.Organization
	claims["client_id"] = d.client.ID
	if d.subject != "" || d.idToken {
		claims["sid"], claims["acr"] = randomUUID(), "Single_Factor"
		claims["auth_time"] = d.issuedAt.Unix()
	} else {
		claims["p1.rid"] = claims["jti"]
	}
	if d.idToken {
		delete(claims, "client_id")
		return
	}
	addScope(claims, d.scopes, false)
}

// am adds what PingAM writes for client-based tokens: scope an array, tokenName, the
// audit id, and for a client's own token the typed subject beside the plain one.
func (i *Issuer) am(d draft, claims map[string]any) {
	grant := "authorization_code"
	claims["subname"] = d.subject
	if d.subject == "" {
		grant = "client_credentials"
		claims["sub"], claims["subname"] = "(age!"+d.client.ID+")", d.client.ID
	}
	claims["auditTrackingId"] = randomUUID() + "-297791"
	claims["realm"] = "/" + i.options.Realm
	claims["tokenName"] = "access_token"
	if d.subject != "" || d.idToken {
		claims["auth_time"] = d.issuedAt.Unix()
	}
	if d.idToken {
		claims["tokenName"], claims["tokenType"] = "id_token", "JWTToken"
		return
	}
	claims["cts"] = "OAUTH2_STATELESS_GRANT"
	claims["token_type"] = "Bearer"
	claims["authGrantId"] = rand.Text()
	claims["client_id"] = d.client.ID
	claims["grant_type"] = grant
	claims["expires_in"] = int64(d.expires.Sub(d.issuedAt) / time.Second)
	if _, given := claims["nbf"]; !given {
		claims["nbf"] = d.issuedAt.Unix()
	}
	addScope(claims, d.scopes, true)
}

// identity adds what tells an ID token from an access token (OpenID Connect Core 1.0,
// 3.1.3.6): the nonce, and the left half of a hash of the access token beside it.
func identity(d draft, claims map[string]any) {
	if d.subject == "" && claims["sub"] == nil {
		claims["sub"] = d.client.ID
	}
	claims["nonce"] = rand.Text()
	access := []byte(rand.Text())
	sum := sha256.Sum256(access)
	digest := sum[:]
	switch {
	case strings.HasSuffix(d.algorithm, "384"):
		sum := sha512.Sum384(access)
		digest = sum[:]
	case strings.HasSuffix(d.algorithm, "512"), d.algorithm == "EdDSA":
		sum := sha512.Sum512(access)
		digest = sum[:]
	}
	claims["at_hash"] = base64.RawURLEncoding.EncodeToString(digest[:len(digest)/2])
}

func addScope(claims map[string]any, scopes []string, array bool) {
	switch {
	case len(scopes) == 0:
	case array:
		claims["scope"] = scopes
	default:
		claims["scope"] = strings.Join(scopes, " ")
	}
}

// single writes a one-element list as a bare string.
func single(list []string) any {
	if len(list) == 1 {
		return list[0]
	}
	return list
}

func overlay(base, over map[string]any) map[string]any {
	for name, value := range over {
		if value == nil {
			delete(base, name)
		} else {
			base[name] = value
		}
	}
	return base
}

func randomUUID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails: see crypto/rand
	return uuid(b[:])
}
