package schema_test

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/pm"

	"kong-plugin-auth-diagnosis/pkg/config"
)

// Stand-ins for what JSON and Lua tell apart differently.
type (
	null  struct{} // ngx.null, JSON's null
	empty struct{} // {} and []
)

// TestLuaIsTheDumpedSchema runs kong/schema.lua in an interpreter without any
// library, so that it cannot but be self-contained.
func TestLuaIsTheDumpedSchema(t *testing.T) {
	L := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer L.Close()
	ngx, ngxNull := L.NewTable(), L.NewUserData()
	ngx.RawSetString("null", ngxNull)
	L.SetGlobal("ngx", ngx)
	got := fromLua(t, run(t, L), ngxNull)
	if diff := cmp.Diff(fromJSON(dump(t)), got); diff != "" {
		t.Errorf("schema (-dump +lua):\n%s", diff)
	}
}

func TestLuaLoadsWithoutNgx(t *testing.T) {
	L := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer L.Close()
	if got := run(t, L).RawGetString("name"); got.String() != plugin {
		t.Errorf("got name %v", got)
	}
}

// TestKongAcceptsWhatTheCheckAccepts holds each format's Lua pattern against
// its exact rule: Kong must not refuse what the plugin would take.
func TestKongAcceptsWhatTheCheckAccepts(t *testing.T) {
	ca, err := os.ReadFile("../config/testdata/ca.pem")
	if err != nil {
		t.Fatal(err)
	}
	samples := map[string][]string{
		"url":   {"https://idp.example.com", "http://localhost:9031/as?x=1&y=%20", "https://[::1]:443/am/oauth2", "https://user:pw@h/"},
		"token": {"X-Auth-Diagnosis", "apikey", "!#$%&'*+-.^_`|~09AZaz"}, "cookie": {"access_token", "__Host-jwt", "!#$%&'*+-.^_`|~09AZaz"}, "realm": {"my api", "~[]{}!'%"},
		"label": {"f5", "big-ip_1.dmz"}, "host": {"redis-1.example.com", "10.0.0.1", "::1", "::ffff:10.0.0.1", "my_redis"}, "point": {"f5-in", "A", "edge_1.x-out"}, "secret": {"!~%[]^-0aZ"}, "name": {"orders:v1", "A.b-c_d"}, "text": {"gold", "Zu viele Anfragen, später", "50 %"},
		"words": {"admin", " orders:read  orders:write "}, "claim_path": {"sub", `https://example\.com/x`}, "regex": {"^a+$", `\d{2}`},
		"cidr":     {"10.0.0.0/8", "192.0.2.1", "::1", "fd00::/8", "::ffff:192.0.2.1/128", "2001:db8::1"},
		"timezone": {"UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+5", "America/Port-au-Prince"},
		"pem":      {string(ca)},
	}
	for name, format := range config.Formats {
		if len(samples[name]) == 0 {
			t.Errorf("%s: no samples", name)
		}
		for _, s := range samples[name] {
			if reason := format.Check(s); reason != "" {
				t.Errorf("%s: %q is refused: %s", name, s, reason)
			}
			if !matches(t, format, s) {
				t.Errorf("%s: Kong refuses %q", name, s)
			}
		}
	}
	for name, s := range map[string]string{
		"url": "ftp://x", "token": "a b", "cookie": "a;b", "realm": `a"b`, "label": "a b", "host": "redis://x", "point": "5f", "secret": "a b", "name": "a b", "text": "a\nb",
		"words": " ", "cidr": "host", "timezone": "a b", "pem": "MIIB",
	} {
		if matches(t, config.Formats[name], s) {
			t.Errorf("%s: Kong accepts %q", name, s)
		}
	}
}

// matches reports whether the format's Lua side accepts s.
func matches(t *testing.T, f config.Format, s string) bool {
	t.Helper()
	patterns := f.MatchAny
	if f.Match != "" {
		patterns = append(patterns, f.Match)
	}
	if f.Prefix != "" && (len(s) < len(f.Prefix) || s[:len(f.Prefix)] != f.Prefix) {
		return false
	}
	for _, pattern := range patterns {
		found, err := pm.Find(pattern, []byte(s), 0, 1)
		if err != nil {
			t.Fatalf("%q: %v", pattern, err)
		}
		if len(found) > 0 {
			return true
		}
	}
	return len(patterns) == 0
}

func run(t *testing.T, L *lua.LState) *lua.LTable {
	t.Helper()
	if err := L.DoFile("../../kong/schema.lua"); err != nil {
		t.Fatal(err)
	}
	return L.CheckTable(-1)
}

func fromLua(t *testing.T, v lua.LValue, ngxNull *lua.LUserData) any {
	t.Helper()
	switch v := v.(type) {
	case lua.LBool:
		return bool(v)
	case lua.LNumber:
		return float64(v)
	case lua.LString:
		return string(v)
	case *lua.LUserData:
		if v == ngxNull {
			return null{}
		}
	case *lua.LTable:
		list, object := []any{}, map[string]any{}
		v.ForEach(func(key, value lua.LValue) {
			if key.Type() == lua.LTNumber {
				list = append(list, fromLua(t, value, ngxNull))
			} else {
				object[key.String()] = fromLua(t, value, ngxNull)
			}
		})
		switch {
		case len(list) > 0 && len(object) > 0:
			t.Errorf("a table that is both a list and a map: %v", object)
		case len(list) > 0:
			return list
		case len(object) > 0:
			return object
		}
		return empty{}
	}
	t.Errorf("a value of type %s", v.Type())
	return nil
}

func fromJSON(v any) any {
	switch v := v.(type) {
	case nil:
		return null{}
	case []any:
		if len(v) == 0 {
			return empty{}
		}
		list := make([]any, len(v))
		for i, element := range v {
			list[i] = fromJSON(element)
		}
		return list
	case map[string]any:
		if len(v) == 0 {
			return empty{}
		}
		object := map[string]any{}
		for key, value := range v {
			object[key] = fromJSON(value)
		}
		return object
	}
	return v
}
