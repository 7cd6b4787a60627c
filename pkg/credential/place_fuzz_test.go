package credential_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"kong-plugin-auth-diagnosis/pkg/credential"
)

// FuzzCookies holds the reader against net/http, which takes fewer lines and
// must see the same in those: a token that is found is one of the cookies of
// that name, and a name whose cookies are all the same token is found. What is
// taken away is not found again, and nothing else is taken away.
func FuzzCookies(f *testing.F) {
	for _, line := range []string{
		"jwt=" + jwt, "a=1; jwt=" + jwt + "; b=2", `jwt="` + jwt + `";JWT=x;=y;z`, "jwt=a;jwt=b", "jwt=\xff; a=\x00",
		`a="x; jwt=` + jwt + `; b="`, "jwt=Bearer " + jwt, ";;;jwt==;", "jwt=;jwt", " jwt\t=\t\" a \" ",
	} {
		f.Add(line, line)
	}
	w := want(credential.Bearer)
	w.HeaderNames, w.CookieNames = nil, []string{"jwt"}
	f.Fuzz(func(t *testing.T, first, second string) {
		lines := []string{first, second}
		got := credential.Find(credential.Headers{"cookie": lines}, w)
		judged(t, first+second, got)
		if values, ok := parsed(lines); ok {
			agree(t, got, values)
		}
		rest := credential.WithoutCookies(lines, w.CookieNames)
		if again := credential.Find(credential.Headers{"cookie": rest}, w); again.Failure == nil || again.Failure.Code != "credential_missing" {
			t.Fatalf("%q leaves %q, where %+v is found", lines, rest, again)
		}
		if left, other := pairs(rest), others(lines); !slices.Equal(left, other) {
			t.Fatalf("%q leaves %q of %q", lines, left, other)
		}
	})
}

// parsed returns the values of jwt as net/http reads them, if it takes the lines.
func parsed(lines []string) (values []string, ok bool) {
	for _, line := range lines {
		cookies, err := http.ParseCookie(line)
		if err != nil {
			return nil, false
		}
		for _, c := range cookies {
			if c.Name == "jwt" {
				values = append(values, c.Value)
			}
		}
	}
	return values, true
}

// agree compares what was found with all values of that name.
func agree(t *testing.T, got credential.Found, values []string) {
	t.Helper()
	if got.Failure == nil && !slices.ContainsFunc(values, func(v string) bool { return strings.Trim(v, " \t") == got.Token }) {
		t.Fatalf("found %q among %q", got.Token, values)
	}
	if len(values) == 0 && got.Failure.Code != "credential_missing" {
		t.Fatalf("%+v where nothing came", got.Failure)
	}
	if len(values) > 0 && good(values[0]) && !slices.ContainsFunc(values, func(v string) bool { return v != values[0] }) && got.Token != values[0] {
		t.Fatalf("%+v for %q", got, values)
	}
}

// good reports whether a value can be nothing but a token.
func good(v string) bool {
	return strings.HasPrefix(v, "eyJ") && len(v) <= 1024 && !strings.ContainsFunc(v, func(c rune) bool {
		return !(c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '.' || c == '-' || c == '_')
	})
}

// pairs are the parts of Cookie lines that hold anything.
func pairs(lines []string) (all []string) {
	for _, p := range strings.Split(strings.Join(lines, ";"), ";") {
		if p = strings.Trim(p, " \t"); p != "" {
			all = append(all, p)
		}
	}
	return all
}

// others are the pairs without those of jwt.
func others(lines []string) []string {
	return slices.DeleteFunc(pairs(lines), func(p string) bool {
		rest, ok := strings.CutPrefix(p, "jwt")
		return ok && strings.HasPrefix(strings.TrimLeft(rest, " \t"), "=")
	})
}

// FuzzArguments does the same with net/url for the query.
func FuzzArguments(f *testing.F) {
	for _, query := range []string{
		"jwt=" + jwt, "a=1&jw%74=" + jwt + "&b", "jwt=a&jwt=b", "jwt=%zz&%", "jwt=Bearer+" + jwt, "&&=&jwt", "jwt=%00%ff&JWT=x;y", "jwt==&jwt=%3D",
	} {
		f.Add(query)
	}
	w := want(credential.Bearer)
	w.HeaderNames, w.ArgumentNames = nil, []string{"jwt"}
	f.Fuzz(func(t *testing.T, query string) {
		w := w
		w.Query = query
		got := credential.Find(nil, w)
		if got.Failure != nil && marker(query) && strings.Contains(got.Failure.Detail, query) {
			t.Fatalf("the detail repeats the query: %q", got.Failure.Detail)
		}
		values, err := url.ParseQuery(query)
		if err == nil {
			agree(t, got, values["jwt"])
		}
		w.Query = credential.WithoutArguments(query, w.ArgumentNames)
		if again := credential.Find(nil, w); again.Failure == nil || again.Failure.Code != "credential_missing" {
			t.Fatalf("%q leaves %q, where %+v is found", query, w.Query, again)
		}
		left, whole := strings.Split(w.Query, "&"), strings.Split(query, "&")
		for _, pair := range left {
			at := slices.Index(whole, pair)
			if at < 0 && w.Query != "" {
				t.Fatalf("%q leaves %q: %q is new or moved", query, w.Query, pair)
			}
			whole = whole[at+1:]
		}
		if err == nil {
			delete(values, "jwt")
			if rest, _ := url.ParseQuery(w.Query); rest.Encode() != values.Encode() {
				t.Fatalf("%q leaves %q", query, w.Query)
			}
		}
	})
}
