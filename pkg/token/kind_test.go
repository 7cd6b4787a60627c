package token_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"kong-plugin-auth-diagnosis/pkg/diagnosis"
	"kong-plugin-auth-diagnosis/pkg/token"
)

var kindCases = []struct {
	name           string
	header, claims obj
	policy         func(*token.Policy)
	codes          []diagnosis.Code
}{
	{"at+jwt", nil, nil, nil, nil},
	{"the long form", obj{"typ": "application/at+jwt"}, nil, nil, nil},
	{"other case", obj{"typ": "jwt"}, nil, nil, nil},
	{"configured in the long form", obj{"typ": "custom+jwt"}, nil, func(p *token.Policy) { p.TokenTypes = []string{"Application/CUSTOM+jwt"} }, nil},
	{"none", obj{"typ": nil}, nil, nil, nil},
	{"none where one is needed", obj{"typ": nil}, nil, func(p *token.Policy) { p.RequireType = true }, []diagnosis.Code{diagnosis.TypNotAllowed}},
	{"a strange one", obj{"typ": "JOSE"}, nil, nil, []diagnosis.Code{diagnosis.TypNotAllowed}},
	{"empty", obj{"typ": ""}, nil, nil, []diagnosis.Code{diagnosis.TypNotAllowed}},
	{"a number", obj{"typ": 5}, nil, nil, []diagnosis.Code{diagnosis.TypNotAllowed}},
	{"JWT where at+jwt is needed", obj{"typ": "JWT"}, nil, func(p *token.Policy) { p.TokenTypes = []string{"at+jwt"} }, []diagnosis.Code{diagnosis.TypNotAllowed}},

	{"at_hash", obj{"typ": "JWT"}, obj{"at_hash": "x"}, nil, []diagnosis.Code{diagnosis.TokenIsIDToken}},
	{"c_hash", obj{"typ": nil}, obj{"c_hash": "x"}, nil, []diagnosis.Code{diagnosis.TokenIsIDToken}},
	{"a nonce and no scopes", obj{"typ": "JWT"}, obj{"nonce": "x", "scope": nil}, nil, []diagnosis.Code{diagnosis.TokenIsIDToken}},
	{"a nonce beside scope", obj{"typ": "JWT"}, obj{"nonce": "x"}, nil, nil},
	{"a nonce beside scp", obj{"typ": "JWT"}, obj{"nonce": "x", "scope": nil, "scp": "a"}, nil, nil},
	{"PingAM's ID token", obj{"typ": "JWT"}, obj{"tokenName": "id_token"}, nil, []diagnosis.Code{diagnosis.TokenIsIDToken}},
	{"PingAM's access token with at_hash", obj{"typ": "JWT"}, obj{"tokenName": "access_token", "at_hash": "x"}, nil, nil},
	{"at+jwt with at_hash", nil, obj{"at_hash": "x", "tokenName": "id_token"}, nil, nil},
	{"an ID token of a refused typ", obj{"typ": "JWT"}, obj{"at_hash": "x"}, func(p *token.Policy) { p.TokenTypes = []string{"at+jwt"} }, []diagnosis.Code{diagnosis.TokenIsIDToken, diagnosis.TypNotAllowed}},

	{"a logout token", obj{"typ": "logout+jwt"}, nil, nil, []diagnosis.Code{diagnosis.TokenWrongKind}},
	{"a DPoP proof", obj{"typ": "DPoP+JWT"}, nil, nil, []diagnosis.Code{diagnosis.TokenWrongKind}},
	{"a security event", obj{"typ": "application/secevent+jwt"}, nil, nil, []diagnosis.Code{diagnosis.TokenWrongKind}},
	{"a logout token by its event", obj{"typ": nil}, obj{"events": obj{"http://schemas.openid.net/event/backchannel-logout": obj{}}}, nil, []diagnosis.Code{diagnosis.TokenWrongKind}},
	{"a refresh token by its claim", obj{"typ": "JWT"}, obj{"typ": "Refresh"}, nil, []diagnosis.Code{diagnosis.TokenWrongKind}},
	{"PingAM's refresh token", obj{"typ": "JWT"}, obj{"tokenName": "refresh_token"}, nil, []diagnosis.Code{diagnosis.TokenWrongKind}},
	{"a kind that is wanted", obj{"typ": "secevent+jwt"}, nil, func(p *token.Policy) { p.TokenTypes = []string{"secevent+jwt"} }, nil},
}

func TestCheckKind(t *testing.T) {
	for _, tc := range kindCases {
		t.Run(tc.name, func(t *testing.T) {
			p := policy()
			if tc.policy != nil {
				tc.policy(&p)
			}
			tok := parse(t, unsigned(goodHeader.with(tc.header), goodClaims.with(tc.claims)))
			if diff := cmp.Diff(tc.codes, codes(p.CheckKind(tok)), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("codes (-want +got):\n%s", diff)
			}
		})
	}
}
