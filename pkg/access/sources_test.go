package access_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"kong-plugin-auth-diagnosis/pkg/pdkwire"
	"kong-plugin-auth-diagnosis/pkg/standin/ping"
)

// sources is a configuration that takes tokens wherever they may come.
func sources(more map[string]any) map[string]any {
	c := map[string]any{"cookie_names": []any{"access_token"}, "uri_param_names": []any{"access_token", "jwt"}}
	for k, v := range more {
		c[k] = v
	}
	return c
}

// sent is a request with a Cookie line and a query, where they are not "".
func sent(cookie, query string) *gateway {
	g := &gateway{headers: map[string][]string{}, query: query}
	if cookie != "" {
		g.headers["cookie"] = []string{cookie}
	}
	return g
}

// beside adds an Authorization line.
func (g *gateway) beside(authorization string) *gateway {
	g.headers["authorization"] = []string{authorization}
	return g
}

func TestTokenSources(t *testing.T) {
	b := newBench(t, ping.Options{})
	good, other := b.issuer.Token(), b.issuer.Token(ping.Subject("bob"))
	nowhere := map[string]any{"header_names": []any{}}
	for name, h := range map[string]hostile{
		"cookie":                        {send: sent("a=1; access_token="+good+"; b=2", "")},
		"quoted cookie":                 {send: sent(`access_token="`+good+`"`, "")},
		"argument":                      {send: sent("", "a=1&jwt="+good)},
		"header":                        {send: bearer(good)},
		"no header is taken":            {send: sent("access_token="+good, ""), over: nowhere},
		"a header that is not taken":    {send: bearer(good), over: nowhere, code: "credential_moved"},
		"the same in three places":      {send: sent("access_token="+good, "jwt="+good+"&access_token="+good).beside("Bearer " + good)},
		"good cookie, blank header":     {send: sent("access_token="+good, "").beside("")},
		"good cookie, Basic":            {send: sent("access_token="+good, "").beside("Basic dXNlcjpwYXNz")},
		"good argument, damaged cookie": {send: sent("access_token=undefined", "jwt="+good)},

		"header against cookie":   {send: sent("access_token="+other, "").beside("Bearer " + good), code: "credential_conflict", hop: "client"},
		"header against argument": {send: sent("", "jwt="+other).beside("Bearer " + good), code: "credential_conflict", hop: "client"},
		"cookie against argument": {send: sent("access_token="+good, "jwt="+other), code: "credential_conflict", hop: "client"},
		"cookie against cookie":   {send: sent("access_token="+good+"; access_token="+other, ""), code: "credential_conflict", hop: "client"},
		"one of two is unsigned":  {send: sent("access_token="+good, "jwt="+ping.Tamper(good)), code: "credential_conflict", hop: "client"},

		"bad signature in a cookie":  {send: sent("access_token="+ping.Tamper(good), ""), code: "signature_invalid", hop: "client"},
		"blank cookie":               {send: sent("access_token=", ""), code: "credential_empty", hop: "client"},
		"blank argument":             {send: sent("", "jwt="), code: "credential_empty", hop: "client"},
		"argument without a value":   {send: sent("", "jwt"), code: "credential_empty", hop: "client"},
		"blank cookie, blank header": {send: sent("access_token=", "").beside(""), code: "credential_empty", hop: "edge"},
		"placeholder in a cookie":    {send: sent("access_token={{token}}", ""), code: "token_placeholder", hop: "client"},
		"placeholder in the query":   {send: sent("", "jwt=%24%7BTOKEN%7D"), code: "token_placeholder", hop: "client"},
		"Bearer in a cookie":         {send: sent("access_token=Bearer "+good, ""), code: "token_bad_charset", hop: "client"},
		"Bearer in the query":        {send: sent("", "jwt=Bearer%20"+good), code: "token_bad_charset", hop: "client"},
		"Bearer alone in the query":  {send: sent("", "jwt=Bearer%20"), code: "scheme_only", hop: "client"},
		"opaque cookie":              {send: sent("access_token=abcdefghijklmnopqrstuvwxyz", ""), code: "token_opaque"},
		"too long in a cookie":       {send: sent("access_token="+strings.Repeat("a", 16385), ""), code: "credential_too_large", by: 1},
		"the name in another case":   {send: sent("Access_Token="+good, "JWT="+good), code: "credential_missing"},
	} {
		h.over = sources(h.over)
		b.try(name, h)
	}
	t.Run("the detail names both places", func(t *testing.T) {
		r := b.route(sources(map[string]any{"diagnosis": map[string]any{"detail": "full"}}))
		g := run(t, r, sent("access_token="+good, "jwt="+other))
		if d := g.header("X-Auth-Diagnosis"); !strings.Contains(d, "cookie access_token and argument jwt") {
			t.Errorf("got %s", d)
		}
	})
	t.Run("the detail of a blank cookie blames no rule at the edge", func(t *testing.T) {
		r := b.route(sources(map[string]any{"diagnosis": map[string]any{"detail": "full"}}))
		g := run(t, r, sent("access_token=", ""))
		if d := g.header("X-Auth-Diagnosis"); !strings.Contains(d, `detail="cookie access_token: present but blank"`) {
			t.Errorf("got %s", d)
		}
	})
}

// rawQuery returns the query that the service's request was given.
func (g *gateway) rawQuery(t *testing.T) (query string, told bool) {
	t.Helper()
	for _, c := range g.told {
		if c.method != "kong.service.request.set_raw_query" {
			continue
		}
		var err error
		if query, err = pdkwire.DecodeString(c.args); err != nil || told {
			t.Fatalf("told twice, or %v", err)
		}
		told = true
	}
	return query, told
}

func TestHiddenSources(t *testing.T) {
	b := newBench(t, ping.Options{})
	good := b.issuer.Token()
	const untouched = "untouched"
	for name, tt := range map[string]struct {
		g             *gateway
		over          map[string]any
		cookie, query string // as the service gets them; untouched when Kong is told nothing
	}{
		"cookie among others":            {sent("a=Jos\xe9; access_token="+good+";  b=\"2\"", "x=1"), nil, "a=Jos\xe9;  b=\"2\"", untouched},
		"cookie alone":                   {sent("access_token="+good, ""), nil, "", untouched},
		"argument among others":          {sent("", "b=%41+z&jwt="+good+"&a"), nil, untouched, "b=%41+z&a"},
		"argument alone":                 {sent("a=1", "jwt="+good), nil, untouched, ""},
		"all places":                     {sent("access_token="+good+"; a=1", "a&jwt="+good+"&access_token=").beside("Bearer " + good), nil, "a=1", "a"},
		"a damaged cookie beside":        {sent("access_token=Bearer "+good, "").beside("Bearer " + good), nil, "", untouched},
		"nothing there":                  {sent("a=1", "b=2").beside("Bearer " + good), nil, untouched, untouched},
		"not hidden":                     {sent("access_token="+good, "jwt="+good), map[string]any{"hide_credentials": false}, untouched, untouched},
		"not configured":                 {sent("access_token="+good, "jwt="+good).beside("Bearer " + good), map[string]any{"cookie_names": []any{}, "uri_param_names": []any{}}, untouched, untouched},
		"a claim in Cookie":              {sent("access_token="+good, ""), map[string]any{"upstream_headers": map[string]any{"Cookie": "client_id"}}, "free-client", untouched},
		"Cookie is a header for a token": {sent("access_token="+good, ""), map[string]any{"header_names": []any{"Cookie"}}, "", untouched},
	} {
		t.Run(name, func(t *testing.T) {
			over := sources(map[string]any{"hide_credentials": true})
			for k, v := range tt.over {
				over[k] = v
			}
			g := run(t, b.route(over), tt.g)
			if g.exited {
				t.Fatalf("refused: %s", g.header("X-Auth-Diagnosis"))
			}
			cookie := untouched
			if n, v := changes(g, "cookie"); n > 1 {
				t.Errorf("cookie is changed %d times", n)
			} else if n == 1 {
				cookie = strings.Join(v, "|")
			}
			query, told := g.rawQuery(t)
			if !told {
				query = untouched
			}
			if cookie != tt.cookie || query != tt.query {
				t.Errorf("the service gets %q and %q, want %q and %q", cookie, query, tt.cookie, tt.query)
			}
			for _, c := range g.told {
				if bytes.Contains(c.args, []byte(good)) {
					t.Errorf("%s tells the token", c.method)
				}
			}
		})
	}
}

func TestSourcesOfARefusedTokenAreNotRewritten(t *testing.T) {
	b := newBench(t, ping.Options{})
	bad := ping.Tamper(b.issuer.Token())
	g := run(t, b.route(sources(map[string]any{"hide_credentials": true, "diagnosis": map[string]any{"detail": "full"}})), sent("access_token="+bad, "jwt="+bad))
	if _, told := g.rawQuery(t); told || !g.exited {
		t.Errorf("exited %v, query told %v", g.exited, told)
	}
	tells := append(slices.Clone(g.told), call{"exit", g.body}, call{"header", []byte(g.header("X-Auth-Diagnosis"))})
	for _, c := range tells {
		if bytes.Contains(c.args, []byte(bad[:40])) {
			t.Errorf("%s tells the token", c.method)
		}
	}
}
