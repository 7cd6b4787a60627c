package token

import (
	"slices"
	"strings"

	"kong-plugin-auth-diagnosis/pkg/diagnosis"
)

// wrongTypes are typ headers of JWTs that are no access tokens, without the
// application/ prefix.
var wrongTypes = []string{
	"logout+jwt",              // OpenID Connect Back-Channel Logout 1.0
	"dpop+jwt",                // RFC 9449
	"secevent+jwt",            // RFC 8417
	"token-introspection+jwt", // RFC 9701
	"oauth-authz-req+jwt",     // RFC 9101
	"client-authentication+jwt",
	"kb+jwt", // RFC 9901
	"refresh+jwt",
}

// wrongMarks are claims whose value gives away a token that is no access token.
var wrongMarks = []struct{ claim, value, kind string }{
	{"tokenName", "refresh_token", "refresh token"}, // PingAM
	{"typ", "Refresh", "refresh token"},
	{"typ", "Offline", "refresh token"},
	{"typ", "Logout", "logout token"},
	{"token_use", "refresh", "refresh token"},
}

// logoutEvent is the member of events that makes a logout token.
const logoutEvent = "http://schemas.openid.net/event/backchannel-logout"

// CheckKind tells whether the token is an access token. The specific kinds come
// before typ_not_allowed, since they say what was sent instead.
func (p *Policy) CheckKind(t *Token) []diagnosis.Failure {
	var fs []diagnosis.Failure
	typ := mediaType(t.Header.Type)
	allowed := slices.ContainsFunc(p.TokenTypes, func(s string) bool { return mediaType(s) == typ })
	wrong := ""
	if slices.Contains(wrongTypes, typ) && !allowed {
		wrong = "typ is " + quote(typ)
	} else {
		wrong = wrongMark(t)
	}
	if why := idTokenMark(t); why != "" {
		fs = append(fs, *diagnosis.Fail(diagnosis.TokenIsIDToken, why))
	}
	if wrong != "" {
		fs = append(fs, *diagnosis.Fail(diagnosis.TokenWrongKind, wrong))
	}
	switch {
	case !t.Header.Has("typ"):
		if p.RequireType {
			fs = append(fs, *diagnosis.Fail(diagnosis.TypNotAllowed, withHint("expected typ "+oneOf(p.TokenTypes)+", received none", t)))
		}
	case !allowed && !slices.Contains(wrongTypes, typ):
		fs = append(fs, *diagnosis.Fail(diagnosis.TypNotAllowed, "expected typ "+oneOf(p.TokenTypes)+", received "+quote(t.Header.Type)))
	}
	return fs
}

func wrongMark(t *Token) string {
	for _, m := range wrongMarks {
		if strings.EqualFold(t.Claims.text(m.claim), m.value) {
			return "the claim " + m.claim + " marks a " + m.kind
		}
	}
	if events, ok := t.Claims["events"].(map[string]any); ok {
		if _, ok := events[logoutEvent]; ok {
			return "the claim events marks a logout token"
		}
	}
	return ""
}

// idTokenMark says what gives an ID token away, "" if nothing does. A token that
// calls itself an access token is believed: PingAM and PingFederate can be made
// to add hashes and nonces to those.
func idTokenMark(t *Token) string {
	c, name := t.Claims, t.Claims.text("tokenName")
	switch {
	case name == "access_token" || mediaType(t.Header.Type) == "at+jwt":
		return ""
	case name == "id_token":
		return "tokenName is id_token"
	case c.has("at_hash"):
		return "it has at_hash"
	case c.has("c_hash"):
		return "it has c_hash"
	case c.has("nonce") && !c.has("scope") && !c.has("scp"):
		return "it has a nonce and no scopes"
	}
	return ""
}
