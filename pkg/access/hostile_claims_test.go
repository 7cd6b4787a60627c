package access_test

import (
	"encoding/json"
	"strings"
	"testing"

	"kong-plugin-auth-diagnosis/pkg/standin/ping"
)

type claims = map[string]any

func number(digits string) json.RawMessage { return json.RawMessage(digits) }

func TestHostileTimes(t *testing.T) {
	b := newBench(t, ping.Options{})
	at := func(seconds int) int64 { return noon.Unix() + int64(seconds) }
	token := func(c claims) *gateway { return bearer(b.issuer.Token(ping.Claims(c))) }
	hour := map[string]any{"maximum_lifetime": 3600}
	strict := map[string]any{"leeway": 0}

	for name, h := range map[string]hostile{
		// exp: refused from exp + leeway on; leeway is 30 s.
		"expires now":                    {send: token(claims{"iat": at(-7200), "exp": at(0)})},
		"last second of the leeway":      {send: token(claims{"iat": at(-7200), "exp": at(-29)})},
		"leeway used up":                 {send: token(claims{"iat": at(-7200), "exp": at(-30)}), code: "token_expired", by: 30, hop: "client"},
		"leeway used up by a fraction":   {send: token(claims{"iat": at(-7200), "exp": number("1772366369.999999999")}), code: "token_expired", by: 30},
		"a fraction inside the leeway":   {send: token(claims{"iat": at(-7200), "exp": number("1772366370.000000001")})},
		"expires now, no leeway":         {send: token(claims{"iat": at(-7200), "exp": at(0)}), over: strict, code: "token_expired", by: 0},
		"expires in a second, no leeway": {send: token(claims{"iat": at(-7200), "exp": at(1)}), over: strict},
		"expired long ago":               {send: token(claims{"exp": 1}), code: "token_expired", by: noon.Unix() - 1},
		"exp 0":                          {send: token(claims{"exp": 0}), code: "token_expired", by: noon.Unix()},
		"exp in exponent notation":       {send: token(claims{"exp": number("1.7723700e9")})},
		"year 9999":                      {send: token(claims{"exp": int64(253402300799)})},
		"no exp":                         {send: token(claims{"exp": nil}), code: "exp_missing", hop: "idp"},
		"exp null":                       {send: token(claims{"exp": number("null")}), code: "time_claim_bad_type"},
		"exp a string":                   {send: token(claims{"exp": "1772370000"}), code: "time_claim_bad_type"},
		"exp in milliseconds":            {send: token(claims{"exp": at(60) * 1000}), code: "time_claim_milliseconds"},
		"exp 1e300":                      {send: token(claims{"exp": number("1e300")}), code: "time_claim_out_of_range"},
		"exp 1e999999999999999999999":    {send: token(claims{"exp": number("1e999999999999999999999")}), code: "time_claim_out_of_range"},
		"exp negative":                   {send: token(claims{"exp": -1}), code: "time_claim_out_of_range"},
		"exp in microseconds":            {send: token(claims{"exp": at(60) * 1_000_000}), code: "time_claim_out_of_range"},

		// token_expired_skew: past the leeway by 60 s at most, issued 120 s ago at most.
		"short life, all of it skew":     {send: token(claims{"iat": at(-120), "exp": at(-90)}), code: "token_expired_skew", by: 90, hop: "idp"},
		"a second beyond the skew":       {send: token(claims{"iat": at(-120), "exp": at(-91)}), code: "token_expired", by: 91},
		"issued a second too long ago":   {send: token(claims{"iat": at(-121), "exp": at(-31)}), code: "token_expired", by: 31},
		"no iat is no skew":              {send: token(claims{"iat": nil, "exp": at(-31)}), code: "token_expired", by: 31},
		"iat of a wrong type is no skew": {send: token(claims{"iat": "x", "exp": at(-31)}), code: "token_expired", by: 31, also: []string{"time_claim_bad_type"}},

		"nbf at the edge":    {send: token(claims{"nbf": at(30)})},
		"nbf a second later": {send: token(claims{"nbf": at(31)}), code: "token_not_yet_valid", by: 31, hop: "idp"},
		"nbf a string":       {send: token(claims{"nbf": "soon"}), code: "time_claim_bad_type"},
		"iat at the edge":    {send: token(claims{"iat": at(30)})},
		"iat a second later": {send: token(claims{"iat": at(31)}), code: "token_issued_in_future", by: 31, hop: "idp"},
		"nbf before iat":     {send: token(claims{"nbf": at(40), "iat": at(50)}), code: "token_not_yet_valid", by: 40, also: []string{"token_issued_in_future"}},

		"as long as allowed":         {send: token(claims{"iat": at(-10), "exp": at(3590)}), over: hour},
		"a second longer":            {send: token(claims{"iat": at(-10), "exp": at(3591)}), over: hour, code: "lifetime_too_long", by: 1, hop: "idp"},
		"no iat, lifetimes limited":  {send: token(claims{"iat": nil}), over: hour, code: "iat_missing"},
		"no iat, lifetimes free":     {send: token(claims{"iat": nil})},
		"no exp, lifetimes limited":  {send: token(claims{"exp": nil}), over: hour, code: "exp_missing"},
		"nothing, lifetimes limited": {send: token(claims{"exp": nil, "iat": nil}), over: hour, code: "exp_missing", also: []string{"iat_missing"}},
		"milliseconds everywhere":    {send: token(claims{"exp": at(60) * 1000, "iat": at(0) * 1000}), over: hour, code: "time_claim_milliseconds", also: []string{"time_claim_milliseconds"}},
	} {
		b.try(name, h)
	}
}

func TestHostileKinds(t *testing.T) {
	b := newBench(t, ping.Options{})
	token := func(header, c claims) *gateway { return bearer(b.issuer.Token(ping.Header(header), ping.Claims(c))) }
	typed := func(typ any) *gateway { return token(claims{"typ": typ}, nil) }
	strict := b.issuers(map[string]any{"require_token_type": true, "token_types": []any{"application/AT+JWT"}})
	aud := claims{"aud": "someone-else"}

	for name, h := range map[string]hostile{
		"at+jwt":                             {send: typed("application/AT+jwt")},
		"no typ":                             {send: typed(nil)},
		"JWT":                                {send: typed("jwt")},
		"no typ where needed":                {send: typed(nil), over: strict, code: "typ_not_allowed", hop: "idp"},
		"typ of another spelling":            {send: typed("at+JWT"), over: strict},
		"JWT where at+jwt is needed":         {send: typed("JWT"), over: strict, code: "typ_not_allowed"},
		"typ empty":                          {send: typed(""), code: "typ_not_allowed"},
		"typ a number":                       {send: typed(1), code: "typ_not_allowed"},
		"typ unknown":                        {send: typed("foo\r\n\"bar"), code: "typ_not_allowed"},
		"logout token":                       {send: typed("logout+jwt"), code: "token_wrong_kind", hop: "client"},
		"DPoP proof":                         {send: typed("dpop+jwt"), code: "token_wrong_kind"},
		"logout event":                       {send: token(nil, claims{"events": claims{"http://schemas.openid.net/event/backchannel-logout": claims{}}}), code: "token_wrong_kind"},
		"PingAM refresh token":               {send: token(nil, claims{"tokenName": "refresh_token"}), code: "token_wrong_kind"},
		"ID token":                           {send: bearer(b.issuer.Token(ping.IDToken())), code: "token_is_id_token", hop: "client", also: []string{"audience_mismatch"}},
		"ID token without hashes":            {send: token(claims{"typ": nil}, claims{"nonce": "n", "scope": nil}), code: "token_is_id_token"},
		"nonce beside a scope":               {send: token(claims{"typ": nil}, claims{"nonce": "n"})},
		"nonce beside an empty scope":        {send: token(claims{"typ": nil}, claims{"nonce": "n", "scope": ""})},
		"at_hash in an access token by typ":  {send: token(claims{"typ": "at+jwt"}, claims{"at_hash": "h"})},
		"at_hash in an access token by name": {send: token(claims{"typ": "JWT"}, claims{"at_hash": "h", "tokenName": "access_token"})},
		"at_hash in JWT":                     {send: token(claims{"typ": "JWT"}, claims{"at_hash": "h"}), code: "token_is_id_token"},
		"tokenName id_token, typ at+jwt":     {send: token(claims{"typ": "at+jwt"}, claims{"tokenName": "id_token"})},
		"ID token for another audience":      {send: token(claims{"typ": nil}, claims{"c_hash": "h", "aud": "x"}), code: "token_is_id_token", also: []string{"audience_mismatch"}},
		"expired ID token":                   {send: token(claims{"typ": nil}, claims{"c_hash": "h", "exp": 1}), code: "token_is_id_token", also: []string{"token_expired"}},
		"type before time before audience":   {send: token(claims{"typ": "x"}, claims{"exp": 1, "aud": "x"}), code: "typ_not_allowed", also: []string{"token_expired", "audience_mismatch"}},
		"everything that a token can do":     {send: token(claims{"typ": "x"}, claims{"exp": 1, "nbf": int64(99999999999), "iat": int64(99999999998), "aud": "x", "at_hash": "h"}), over: map[string]any{"required_claims": []any{map[string]any{"name": "org"}}, "scopes_required": []any{"admin"}, "roles_required": []any{"r"}, "groups_required": []any{"g"}}, code: "token_is_id_token", also: []string{"typ_not_allowed", "token_expired", "token_not_yet_valid", "token_issued_in_future", "audience_mismatch", "claim_missing", "scope_insufficient", "role_insufficient", "group_insufficient"}},
		"signature before all of that":       {send: bearer(ping.Tamper(b.issuer.Token(ping.Header(claims{"typ": "x"}), ping.Claims(aud)))), code: "signature_invalid", also: nil},
	} {
		b.try(name, h)
	}
}

func TestHostileClaims(t *testing.T) {
	b := newBench(t, ping.Options{})
	token := func(c claims) *gateway { return bearer(b.issuer.Token(ping.Claims(c))) }
	need := func(rules ...map[string]any) map[string]any {
		list := make([]any, len(rules))
		for i := range rules {
			list[i] = rules[i]
		}
		return map[string]any{"required_claims": list}
	}
	values := func(name string, v ...any) map[string]any { return map[string]any{"name": name, "values": v} }
	match := func(name, re string) map[string]any { return map[string]any{"name": name, "match": re} }
	present := func(name string) map[string]any { return map[string]any{"name": name} }

	for name, h := range map[string]hostile{
		"aud a list with the right one": {send: token(claims{"aud": []string{"x", ping.DefaultAudience}})},
		"aud missing":                   {send: token(claims{"aud": nil}), code: "audience_missing", hop: "idp"},
		"aud an empty list":             {send: token(claims{"aud": []string{}}), code: "audience_missing"},
		"aud a number":                  {send: token(claims{"aud": 5}), code: "audience_bad_type", hop: "idp"},
		"aud null":                      {send: token(claims{"aud": number("null")}), code: "audience_bad_type"},
		"aud a mixed list":              {send: token(claims{"aud": []any{ping.DefaultAudience, 5}}), code: "audience_bad_type"},
		"aud with another case":         {send: token(claims{"aud": strings.ToUpper(ping.DefaultAudience)}), code: "audience_mismatch", hop: "client"},
		"aud with a slash":              {send: token(claims{"aud": ping.DefaultAudience + "/"}), code: "audience_mismatch"},
		"aud as one string of two":      {send: token(claims{"aud": ping.DefaultAudience + " x"}), code: "audience_mismatch"},
		"aud not looked at":             {send: token(claims{"aud": 5}), over: b.issuers(map[string]any{"audiences": nil, "skip_audience_check": true})},
		"two hundred audiences":         {send: token(claims{"aud": strings.Split(strings.Repeat("https://other.example/\"\\\u00e9 ", 200), " ")}), code: "audience_mismatch"},

		"string":                        {send: token(claims{"env": "prod"}), over: need(values("env", "test", "prod"))},
		"string of another case":        {send: token(claims{"env": "Prod"}), over: need(values("env", "prod")), code: "claim_value_mismatch", hop: "idp"},
		"number":                        {send: token(claims{"level": 3}), over: need(values("level", "3"))},
		"number with a fraction":        {send: token(claims{"level": number("3.0")}), over: need(values("level", "3")), code: "claim_value_mismatch"},
		"boolean":                       {send: token(claims{"mfa": true}), over: need(values("mfa", "true"))},
		"boolean false is present":      {send: token(claims{"mfa": false}), over: need(present("mfa"))},
		"null is not":                   {send: token(claims{"mfa": number("null")}), over: need(present("mfa")), code: "claim_missing", hop: "idp"},
		"one of a list":                 {send: token(claims{"amr": []any{"pwd", "otp"}}), over: need(values("amr", "otp"))},
		"none of a list":                {send: token(claims{"amr": []any{"pwd", 1, true}}), over: need(values("amr", "otp")), code: "claim_value_mismatch"},
		"an empty list":                 {send: token(claims{"amr": []any{}}), over: need(values("amr", "otp")), code: "claim_value_mismatch"},
		"an object":                     {send: token(claims{"amr": claims{"otp": 1}}), over: need(values("amr", "otp")), code: "claim_bad_type", hop: "idp"},
		"a list of objects":             {send: token(claims{"amr": []any{claims{"otp": 1}}}), over: need(values("amr", "otp")), code: "claim_bad_type"},
		"an object is present":          {send: token(claims{"act": claims{"sub": "a"}}), over: need(present("act"))},
		"nested":                        {send: token(claims{"act": claims{"sub": "a"}}), over: need(values("act.sub", "a"))},
		"nested in a string":            {send: token(claims{"act": `{"sub":"a"}`}), over: need(values("act.sub", "a")), code: "claim_missing"},
		"a dot in the name":             {send: token(claims{"https://x.example/tier": "gold"}), over: need(values(`https://x\.example/tier`, "gold"))},
		"a dot not escaped":             {send: token(claims{"https://x.example/tier": "gold"}), over: need(values(`https://x.example/tier`, "gold")), code: "claim_missing"},
		"a backslash in the name":       {send: token(claims{`a\b`: "x"}), over: need(values(`a\\b`, "x"))},
		"pattern":                       {send: token(claims{"mail": "a@corp.example"}), over: need(match("mail", `@corp\.example$`))},
		"pattern missed":                {send: token(claims{"mail": "a@corp.example.evil"}), over: need(match("mail", `@corp\.example$`)), code: "claim_pattern_mismatch", hop: "idp"},
		"pattern over lines":            {send: token(claims{"mail": "a@corp.example\nevil"}), over: need(match("mail", `^a@corp\.example$`)), code: "claim_pattern_mismatch"},
		"pattern in a list":             {send: token(claims{"mail": []any{"x", "a@corp.example"}}), over: need(match("mail", `^a@corp\.example$`))},
		"value and pattern of one text": {send: token(claims{"g": []any{"ab", "cd"}}), over: need(map[string]any{"name": "g", "values": []any{"ab"}, "match": "^c"}), code: "claim_pattern_mismatch"},
		"row order, not their own":      {send: token(claims{"a": "x", "b": claims{}}), over: need(match("a", "^y"), values("a", "z"), values("b", "z"), present("c")), code: "claim_missing", also: []string{"claim_bad_type", "claim_value_mismatch", "claim_pattern_mismatch"}},
	} {
		b.try(name, h)
	}
}

func TestHostileAuthorizationClaims(t *testing.T) {
	b := newBench(t, ping.Options{})
	token := func(c claims) *gateway { return bearer(b.issuer.Token(ping.Claims(c))) }
	scopes := func(s ...any) map[string]any { return map[string]any{"scopes_required": s} }
	roles := map[string]any{"roles_required": []any{"admin"}, "roles_claim": []any{"realm_access.roles", "roles"}}
	groups := map[string]any{"groups_required": []any{"ops"}}

	for name, h := range map[string]hostile{
		"one of two words":                {send: token(claims{"scope": "read"}), over: scopes("read write"), code: "scope_insufficient", hop: "client"},
		"both words in another order":     {send: token(claims{"scope": "write  read"}), over: scopes("read write")},
		"one of two entries":              {send: token(claims{"scope": "admin"}), over: scopes("read write", "admin")},
		"a part of a word":                {send: token(claims{"scope": "reader"}), over: scopes("read"), code: "scope_insufficient"},
		"another case":                    {send: token(claims{"scope": "Read"}), over: scopes("read"), code: "scope_insufficient"},
		"commas between":                  {send: token(claims{"scope": "read,write"}), over: scopes("read"), code: "scope_insufficient"},
		"array":                           {send: token(claims{"scope": []any{"read", "write"}}), over: scopes("read write")},
		"array of one string with spaces": {send: token(claims{"scope": []any{"read write"}}), over: scopes("read"), code: "scope_insufficient"},
		"array with a number":             {send: token(claims{"scope": []any{"read", 1}}), over: scopes("read"), code: "scope_insufficient"},
		"none":                            {send: token(claims{"scope": nil}), over: scopes("read"), code: "scope_claim_missing", hop: "client"},
		"null and scp":                    {send: token(claims{"scope": number("null"), "scp": "read"}), over: scopes("read")},
		"scp":                             {send: token(claims{"scope": nil, "scp": []any{"read"}}), over: scopes("read")},
		"empty":                           {send: token(claims{"scope": ""}), over: scopes("read"), code: "scope_insufficient"},
		"object":                          {send: token(claims{"scope": claims{"read": true}}), over: scopes("read"), code: "scope_insufficient"},
		"nested roles":                    {send: token(claims{"realm_access": claims{"roles": []any{"admin"}}}), over: roles},
		"the first path that is there":    {send: token(claims{"realm_access": claims{"roles": []any{"x"}}, "roles": "admin"}), over: roles, code: "role_insufficient", hop: "idp"},
		"roles of objects":                {send: token(claims{"roles": []any{claims{"name": "admin"}}}), over: roles, code: "role_insufficient"},
		"no roles":                        {send: token(nil), over: roles, code: "role_insufficient"},
		"groups":                          {send: token(claims{"groups": []any{"ops", "dev"}}), over: groups},
		"groups of objects":               {send: token(claims{"groups": []any{claims{"id": "ops"}}}), over: groups, code: "group_insufficient", hop: "idp"},
		"a wrong audience comes first":    {send: token(claims{"aud": "x", "scope": nil}), over: scopes("read"), code: "audience_mismatch", also: []string{"scope_claim_missing"}},
		"scope, role and group in order":  {send: token(claims{"scope": "x"}), over: map[string]any{"scopes_required": []any{"read"}, "roles_required": []any{"r"}, "groups_required": []any{"g"}}, code: "scope_insufficient", also: []string{"role_insufficient", "group_insufficient"}},
	} {
		b.try(name, h)
	}
}

func TestScopeChallenge(t *testing.T) {
	b := newBench(t, ping.Options{})
	over := map[string]any{"scopes_required": []any{"orders:read orders:write", "admin"}, "roles_required": []any{"r"}}
	for name, tt := range map[string]struct {
		claims claims
		want   string
	}{
		"scope": {claims{"scope": "x"}, `Bearer error="insufficient_scope", error_description="the token lacks a required scope", scope="orders:read orders:write"`},
		"role":  {claims{"scope": "admin"}, `Bearer error="insufficient_scope", error_description="the token lacks a required role"`},
		"other": {claims{"scope": "x", "exp": 1}, `Bearer error="invalid_token", error_description="the token has expired"`},
	} {
		g := run(t, b.route(over), bearer(b.issuer.Token(ping.Claims(tt.claims))))
		if got := g.header("WWW-Authenticate"); got != tt.want {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
	}
}

// TestVerdictChangesWithTheClockAlone: nothing that time decides may be
// remembered beyond its time.
func TestVerdictChangesWithTheClockAlone(t *testing.T) {
	b := newBench(t, ping.Options{})
	r := b.route(nil)
	token := b.issuer.Token(ping.Claims(claims{"nbf": noon.Unix() + 60, "exp": noon.Unix() + 600}))
	for _, step := range []struct {
		at   int64
		want string
	}{{0, "token_not_yet_valid"}, {29, "token_not_yet_valid"}, {30, ""}, {629, ""}, {630, "token_expired"}, {29, "token_not_yet_valid"}} {
		b.clock.Store(step.at)
		if g := run(t, r, bearer(token)); code(t, g) != step.want {
			t.Errorf("after %d s: %q, want %q", step.at, code(t, g), step.want)
		}
	}
}
