package ping

import (
	"cmp"
	"fmt"
	"maps"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// TokenOption changes one thing about a token. Options that contradict each other
// apply in order; [Claims] and [Header] have the last word whatever their place.
type TokenOption func(*draft)

// draft collects what was asked of one token.
type draft struct {
	client    Client
	clientID  string // asked for by [ForClient]
	algorithm string
	keyID     string
	noKeyID   bool
	signedBy  *Key
	managerID string
	idToken   bool
	subject   string
	tier      string
	issuer    string
	audience  []string
	scopes    []string
	issuedAt  time.Time
	expires   time.Time
	notBefore time.Time
	claims    map[string]any
	header    map[string]any
}

// ForClient mints for this client: one of the table with its tier, scopes and claims,
// or any other id with none of them. Without it the first client of the table is used.
func ForClient(id string) TokenOption { return func(d *draft) { d.clientID = id } }

// Subject makes it a user's token with this sub; without, it is a client's own.
func Subject(sub string) TokenOption { return func(d *draft) { d.subject = sub } }

// Audience sets aud, in the product's form of it.
func Audience(aud ...string) TokenOption { return func(d *draft) { d.audience = aud } }

// Scope sets scope, in the product's form of it; Scope() is a token without one.
func Scope(scopes ...string) TokenOption {
	return func(d *draft) { d.scopes = append([]string{}, scopes...) }
}

// Tier sets the claim tier.
func Tier(name string) TokenOption { return func(d *draft) { d.tier = name } }

// IssuedBy sets iss to something other than this issuer's.
func IssuedBy(iss string) TokenOption { return func(d *draft) { d.issuer = iss } }

// Expires sets exp, in whole seconds. A token that is over already was issued one
// lifetime before, unless [IssuedAt] says otherwise.
func Expires(at time.Time) TokenOption { return func(d *draft) { d.expires = at } }

// IssuedAt sets iat, in whole seconds.
func IssuedAt(at time.Time) TokenOption { return func(d *draft) { d.issuedAt = at } }

// NotBefore sets nbf, in whole seconds.
func NotBefore(at time.Time) TokenOption { return func(d *draft) { d.notBefore = at } }

// Claims lays claims over the product's own; a nil value removes the claim.
func Claims(over map[string]any) TokenOption {
	return func(d *draft) { maps.Copy(d.claims, over) }
}

// Header lays JOSE header parameters over the product's own, alg and kid included; a
// nil value removes the parameter. What signs is not changed by it.
func Header(over map[string]any) TokenOption {
	return func(d *draft) { maps.Copy(d.header, over) }
}

// Algorithm signs with another algorithm than RS256: RS384, RS512, PS256, PS384,
// PS512, ES256, ES384, ES512 or EdDSA.
func Algorithm(alg string) TokenOption { return func(d *draft) { d.algorithm = alg } }

// KeyID names another key than the one that signs.
func KeyID(kid string) TokenOption { return func(d *draft) { d.keyID, d.noKeyID = kid, false } }

// WithoutKid leaves kid out, as PingFederate does with "Include Key ID Header
// Parameter" off.
func WithoutKid() TokenOption { return func(d *draft) { d.noKeyID = true } }

// SignedBy signs with somebody else's key and names it, unless [KeyID] names another.
func SignedBy(key *Key) TokenOption { return func(d *draft) { d.signedBy = key } }

// FromManager lets the PingFederate access token manager of that id issue the token.
func FromManager(id string) TokenOption { return func(d *draft) { d.managerID = id } }

// IDToken mints an ID token (OpenID Connect Core 1.0, 2) in place of an access token:
// aud is the client, nonce and at_hash are there, scope is not.
func IDToken() TokenOption { return func(d *draft) { d.idToken = true } }

// Token is [Issuer.Mint] for options known to fit together: it panics where Mint
// returns an error.
func (i *Issuer) Token(options ...TokenOption) string {
	token, err := i.Mint(options...)
	if err != nil {
		panic(err)
	}
	return token
}

// Mint returns a compact JWS (RFC 7515, 7.1) in the product's shape, signed by the
// keys that sign now. The error says which option cannot be met: an unknown algorithm
// or token manager, or a key that does not fit the algorithm.
func (i *Issuer) Mint(options ...TokenOption) (string, error) {
	d := draft{claims: map[string]any{}, header: map[string]any{}, algorithm: "RS256"}
	for _, option := range options {
		option(&d)
	}
	i.complete(&d)
	method, _, err := signing(d.algorithm)
	if err != nil {
		return "", err
	}
	key, err := i.signer(d)
	if err != nil {
		return "", err
	}
	token := &jwt.Token{Method: method, Header: i.header(d, key.ID), Claims: jwt.MapClaims(i.claims(d))}
	compact, err := token.SignedString(key.signer)
	if err != nil {
		return "", fmt.Errorf("sign with %s: %w", d.algorithm, err)
	}
	return compact, nil
}

// complete fills the draft from the client table and the clock.
func (i *Issuer) complete(d *draft) {
	d.client = i.options.Clients[0]
	if d.clientID != "" {
		d.client = Client{ID: d.clientID, Scopes: []string{DefaultScope}}
		for _, c := range i.options.Clients {
			if c.ID == d.clientID {
				d.client = c
			}
		}
	}
	now, lifetime := i.options.Now(), i.options.Lifetime
	if d.issuedAt.IsZero() {
		d.issuedAt = now
		if !d.expires.IsZero() && !d.expires.After(now) {
			d.issuedAt = d.expires.Add(-lifetime)
		}
	}
	if d.expires.IsZero() {
		d.expires = d.issuedAt.Add(lifetime)
	}
	if d.audience == nil {
		d.audience = i.audience(*d)
	}
	if d.scopes == nil {
		d.scopes = d.client.Scopes
	}
	d.tier = cmp.Or(d.tier, d.client.Tier)
	d.issuer = cmp.Or(d.issuer, i.IssuerURL())
}

// audience is whom a token is for unless [Audience] says: ID tokens are for their
// client, and so are PingAM's access tokens.
func (i *Issuer) audience(d draft) []string {
	switch {
	case d.idToken:
		return []string{d.client.ID}
	case len(d.client.Audience) > 0:
		return d.client.Audience
	case len(i.options.Audience) > 0:
		return i.options.Audience
	}
	return []string{d.client.ID}
}

func (i *Issuer) signer(d draft) (*Key, error) {
	keys := i.keys
	if d.managerID != "" {
		if keys = i.Manager(d.managerID); keys == nil {
			return nil, fmt.Errorf("expected a configured token manager, got %q", d.managerID)
		}
	}
	if d.signedBy != nil {
		return d.signedBy, nil
	}
	return keys.Key(d.algorithm)
}
