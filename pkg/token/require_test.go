package token_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"kong-plugin-auth-diagnosis/pkg/diagnosis"
	"kong-plugin-auth-diagnosis/pkg/token"
)

func path(names ...string) []string { return names }

func require(rs ...token.ClaimRule) func(*token.Rules) {
	return func(r *token.Rules) { r.RequiredClaims = rs }
}

func skipAudience(r *token.Rules) { r.Issuers[0].SkipAudience = true }

var claimCases = []struct {
	name   string
	claims obj
	rules  func(*token.Rules)
	codes  []diagnosis.Code
}{
	{"the audience as a string", nil, nil, nil},
	{"the audience among several", obj{"aud": []string{"a", "https://api.example"}}, nil, nil},
	{"no audience", obj{"aud": nil}, nil, []diagnosis.Code{diagnosis.AudienceMissing}},
	{"an empty array", obj{"aud": []string{}}, nil, []diagnosis.Code{diagnosis.AudienceMissing}},
	{"another audience", obj{"aud": "https://api.example/"}, nil, []diagnosis.Code{diagnosis.AudienceMismatch}},
	{"other audiences", obj{"aud": []string{"a", "b"}}, nil, []diagnosis.Code{diagnosis.AudienceMismatch}},
	{"an audience in other case", obj{"aud": "https://API.example"}, nil, []diagnosis.Code{diagnosis.AudienceMismatch}},
	{"a number", obj{"aud": 5}, nil, []diagnosis.Code{diagnosis.AudienceBadType}},
	{"an array with a number", obj{"aud": []any{"https://api.example", 5}}, nil, []diagnosis.Code{diagnosis.AudienceBadType}},
	{"an object", obj{"aud": obj{"a": 1}}, nil, []diagnosis.Code{diagnosis.AudienceBadType}},
	{"no audience, none checked", obj{"aud": nil}, skipAudience, nil},
	{"a bad audience, none checked", obj{"aud": 5}, skipAudience, nil},
	{"no audience configured", nil, func(r *token.Rules) { r.Issuers[0].Audiences = nil }, []diagnosis.Code{diagnosis.AudienceMismatch}},

	{"present", obj{"a": "x"}, require(token.ClaimRule{Path: path("a")}), nil},
	{"an object is present", obj{"a": obj{}}, require(token.ClaimRule{Path: path("a")}), nil},
	{"false is present", obj{"a": false}, require(token.ClaimRule{Path: path("a")}), nil},
	{"missing", nil, require(token.ClaimRule{Path: path("a")}), []diagnosis.Code{diagnosis.ClaimMissing}},
	{"nested", obj{"a": obj{"b": "x"}}, require(token.ClaimRule{Path: path("a", "b"), Values: []string{"x"}}), nil},
	{"nested and missing", obj{"a": obj{"c": "x"}}, require(token.ClaimRule{Path: path("a", "b")}), []diagnosis.Code{diagnosis.ClaimMissing}},
	{"nested in a string", obj{"a": "b"}, require(token.ClaimRule{Path: path("a", "b")}), []diagnosis.Code{diagnosis.ClaimMissing}},
	{"a name with a dot", obj{"p1.rid": "x"}, require(token.ClaimRule{Path: path("p1.rid")}), nil},
	{"no path", nil, require(token.ClaimRule{}), []diagnosis.Code{diagnosis.ClaimMissing}},
	{"one of the values", obj{"a": "y"}, require(token.ClaimRule{Path: path("a"), Values: []string{"x", "y"}}), nil},
	{"none of the values", obj{"a": "z"}, require(token.ClaimRule{Path: path("a"), Values: []string{"x", "y"}}), []diagnosis.Code{diagnosis.ClaimValueMismatch}},
	{"a number", obj{"a": num("5")}, require(token.ClaimRule{Path: path("a"), Values: []string{"5"}}), nil},
	{"a large number", obj{"a": num("9007199254740993")}, require(token.ClaimRule{Path: path("a"), Values: []string{"9007199254740992"}}), []diagnosis.Code{diagnosis.ClaimValueMismatch}},
	{"a boolean", obj{"a": true}, require(token.ClaimRule{Path: path("a"), Values: []string{"true"}}), nil},
	{"an element of an array", obj{"a": []any{"w", obj{}, num("7")}}, require(token.ClaimRule{Path: path("a"), Values: []string{"7"}}), nil},
	{"an empty array against values", obj{"a": []any{}}, require(token.ClaimRule{Path: path("a"), Values: []string{"7"}}), []diagnosis.Code{diagnosis.ClaimValueMismatch}},
	{"an empty array against a pattern", obj{"a": []any{}}, require(token.ClaimRule{Path: path("a"), Match: regexp.MustCompile("")}), []diagnosis.Code{diagnosis.ClaimPatternMismatch}},
	{"an object against values", obj{"a": obj{}}, require(token.ClaimRule{Path: path("a"), Values: []string{"x"}}), []diagnosis.Code{diagnosis.ClaimBadType}},
	{"an array of objects", obj{"a": []any{obj{}}}, require(token.ClaimRule{Path: path("a"), Values: []string{"x"}}), []diagnosis.Code{diagnosis.ClaimBadType}},
	{"a pattern", obj{"a": "prod-7"}, require(token.ClaimRule{Path: path("a"), Match: regexp.MustCompile(`^prod-\d+$`)}), nil},
	{"another pattern", obj{"a": "test-7"}, require(token.ClaimRule{Path: path("a"), Match: regexp.MustCompile(`^prod-\d+$`)}), []diagnosis.Code{diagnosis.ClaimPatternMismatch}},
	{"values and pattern of one element", obj{"a": []any{"x1", "y"}}, require(token.ClaimRule{Path: path("a"), Values: []string{"x1"}, Match: regexp.MustCompile("1")}), nil},
	{"values and pattern of two elements", obj{"a": []any{"x", "y1"}}, require(token.ClaimRule{Path: path("a"), Values: []string{"x"}, Match: regexp.MustCompile("1")}), []diagnosis.Code{diagnosis.ClaimPatternMismatch}},
	{"all collected, in order", obj{"aud": nil, "a": "z", "b": obj{}}, require(
		token.ClaimRule{Path: path("a"), Match: regexp.MustCompile("x")}, token.ClaimRule{Path: path("b"), Values: []string{"x"}},
		token.ClaimRule{Path: path("a"), Values: []string{"x"}}, token.ClaimRule{Path: path("c")},
	), []diagnosis.Code{diagnosis.AudienceMissing, diagnosis.ClaimMissing, diagnosis.ClaimBadType, diagnosis.ClaimValueMismatch, diagnosis.ClaimPatternMismatch}},
}

func TestCheckClaims(t *testing.T) {
	for _, tc := range claimCases {
		t.Run(tc.name, func(t *testing.T) {
			r := rules()
			if tc.rules != nil {
				tc.rules(r)
			}
			tok := parse(t, unsigned(goodHeader, goodClaims.with(tc.claims)))
			if diff := cmp.Diff(tc.codes, codes(r.CheckClaims(tok, &r.Issuers[0])), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("codes (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNullClaimsAreMissing(t *testing.T) {
	r := rules()
	r.RequiredClaims = []token.ClaimRule{{Path: path("a")}}
	fs := r.CheckClaims(parse(t, unsigned(goodHeader, `{"aud":null,"a":null}`)), &r.Issuers[0])
	if diff := cmp.Diff([]diagnosis.Code{diagnosis.AudienceBadType, diagnosis.ClaimMissing}, codes(fs)); diff != "" {
		t.Errorf("codes (-want +got):\n%s", diff)
	}
}

func words(required ...string) token.Requirement {
	return token.Requirement{Required: required, Claims: [][]string{{"scope"}, {"scp"}, {"realm_access", "roles"}}}
}

var authorizationCases = []struct {
	name     string
	claims   obj
	required []string
	code     diagnosis.Code // for scopes
}{
	{"nothing required", nil, nil, ""},
	{"one of two", nil, []string{"admin", "read"}, ""},
	{"all words of an entry", nil, []string{"write read"}, ""},
	{"one word missing", nil, []string{"read admin"}, diagnosis.ScopeInsufficient},
	{"a prefix is no match", obj{"scope": "reader"}, []string{"read"}, diagnosis.ScopeInsufficient},
	{"case matters", obj{"scope": "READ"}, []string{"read"}, diagnosis.ScopeInsufficient},
	{"no claim", obj{"scope": nil}, []string{"read"}, diagnosis.ScopeClaimMissing},
	{"an array, as PingFederate and PingAM send it", obj{"scope": []string{"read", "write"}}, []string{"read write"}, ""},
	{"a string of an array is one word", obj{"scope": []string{"read admin"}}, []string{"admin"}, diagnosis.ScopeInsufficient},
	{"the second claim", obj{"scope": nil, "scp": []string{"read"}}, []string{"read"}, ""},
	{"the first claim present counts", obj{"scp": "admin"}, []string{"admin"}, diagnosis.ScopeInsufficient},
	{"a nested claim", obj{"scope": nil, "realm_access": obj{"roles": []string{"read"}}}, []string{"read"}, ""},
	{"a number", obj{"scope": 5}, []string{"5"}, diagnosis.ScopeInsufficient},
	{"an array with a number", obj{"scope": []any{"read", 5}}, []string{"read"}, diagnosis.ScopeInsufficient},
	{"an empty string", obj{"scope": ""}, []string{"read"}, diagnosis.ScopeInsufficient},
	{"a blank entry grants nothing", obj{"scope": ""}, []string{" "}, diagnosis.ScopeInsufficient},
	{"several spaces", obj{"scope": " read   write "}, []string{"write"}, ""},
}

func TestCheckAuthorization(t *testing.T) {
	for _, tc := range authorizationCases {
		t.Run(tc.name, func(t *testing.T) {
			tok := parse(t, unsigned(goodHeader, goodClaims.with(tc.claims)))
			r := rules()
			r.Scopes, r.Roles, r.Groups = words(tc.required...), words(tc.required...), words(tc.required...)
			fs := r.CheckAuthorization(tok)
			if tc.code == "" {
				if len(fs) != 0 {
					t.Fatalf("expected nothing, got %+v", fs)
				}
				return
			}
			if diff := cmp.Diff([]diagnosis.Code{tc.code, diagnosis.RoleInsufficient, diagnosis.GroupInsufficient}, codes(fs)); diff != "" {
				t.Errorf("codes (-want +got):\n%s", diff)
			}
			if fs[0].Scope != tc.required[0] || fs[1].Scope != "" {
				t.Errorf("expected the first entry as scope of the first failure, got %q and %q", fs[0].Scope, fs[1].Scope)
			}
		})
	}
}

// Details go to operators and logs: what a person is or belongs to does not.
func TestDetailsHoldNoClaimValues(t *testing.T) {
	r := rules()
	r.RequiredClaims = []token.ClaimRule{{Path: path("mail"), Values: []string{"x"}}, {Path: path("mail"), Match: regexp.MustCompile("^x$")}, {Path: path("groups"), Values: []string{"x"}}}
	r.Groups = token.Requirement{Required: []string{"admins"}, Claims: [][]string{{"groups"}}}
	r.Scopes = token.Requirement{Required: []string{"admin"}, Claims: [][]string{{"scope"}}}
	claims := goodClaims.with(obj{"mail": "private-1", "groups": []string{"private-2"}, "sub": "private-3", "scope": "private-4", "exp": 1})
	tok := parse(t, unsigned(goodHeader.with(obj{"typ": "x"}), claims))
	fs := r.Judge(tok, &r.Issuers[0], now)
	if len(fs) < 7 {
		t.Fatalf("expected at least 7 failures, got %v", codes(fs))
	}
	for _, f := range fs {
		if strings.Contains(f.Detail, "private") {
			t.Errorf("%s: the detail holds a claim's value: %s", f.Code, f.Detail)
		}
	}
}

func TestText(t *testing.T) {
	for _, tc := range []struct {
		name string
		in   any
		want string
		ok   bool
	}{
		{"a string", "jos", "jos", true},
		{"a number keeps its digits", num("1.50e3"), "1.50e3", true},
		{"true", true, "true", true},
		{"false", false, "false", true},
		{"strings", []any{"a", "b"}, "a,b", true},
		{"no strings", []any{}, "", true},
		{"an array with a number", []any{"a", num("1")}, "", false},
		{"an object", map[string]any{}, "", false},
		{"null", nil, "", false},
		{"1,024 bytes", strings.Repeat("x", 1024), strings.Repeat("x", 1024), true},
		{"1,025 bytes", strings.Repeat("x", 1025), "", false},
		{"a line break", "a\r\nX-Admin: 1", "", false},
		{"beyond ASCII", "josé", "", false},
		{"a tab", "a\tb", "", false},
		{"DEL", "a\x7f", "", false},
		{"a line break in an array", []any{"a\n"}, "", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got, ok := token.Text(tc.in); got != tc.want || ok != tc.ok {
				t.Errorf("expected %q, %v, got %q, %v", tc.want, tc.ok, got, ok)
			}
		})
	}
}
