package config_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"kong-plugin-auth-diagnosis/pkg/config"
)

func TestParsePath(t *testing.T) {
	for path, want := range map[string][]string{
		"sub":                         {"sub"},
		"realm_access.roles":          {"realm_access", "roles"},
		`https://example\.com/claim`:  {"https://example.com/claim"},
		`https://a\.example\.b.roles`: {"https://a.example.b", "roles"},
		`back\\slash`:                 {`back\slash`},
		`ends with\\.next`:            {`ends with\`, "next"},
	} {
		got, err := config.ParsePath(path)
		if err != nil {
			t.Errorf("%q: %v", path, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", path, diff)
		}
	}
	for path, want := range map[string]string{
		"":                             "an empty name at byte 0",
		".a":                           "an empty name at byte 0",
		"a.":                           "an empty name at byte 2",
		"a..b":                         "an empty name at byte 2",
		`a\`:                           "a backslash before neither a dot nor a backslash at byte 1",
		`a\n`:                          "a backslash before neither a dot nor a backslash at byte 1",
		strings.Repeat("a", 513):       "longer than 512 bytes",
		"a" + strings.Repeat(".a", 16): "more than 16 names",
	} {
		if _, err := config.ParsePath(path); err == nil || err.Error() != want {
			t.Errorf("%q: got error %v, want %q", path, err, want)
		}
	}
}

func FuzzParsePath(f *testing.F) {
	for _, seed := range []string{"sub", "a.b", `a\.b`, `a\\`, "..", `\`} {
		f.Add(seed)
	}
	escape := strings.NewReplacer(`\`, `\\`, ".", `\.`)
	f.Fuzz(func(t *testing.T, path string) {
		names, err := config.ParsePath(path)
		if err != nil {
			return
		}
		escaped := make([]string, len(names))
		for i, name := range names {
			escaped[i] = escape.Replace(name)
		}
		if back := strings.Join(escaped, "."); back != path {
			t.Errorf("%q comes back as %q", path, back)
		}
	})
}

func TestPrefixes(t *testing.T) {
	got, err := config.Prefixes([]string{"192.0.2.1", "10.1.2.3/8", "::1", "fd00::1/8", "::ffff:192.0.2.1", "::ffff:10.0.0.0/104", "0.0.0.0/0"})
	if err != nil {
		t.Fatal(err)
	}
	var want []netip.Prefix
	for _, s := range []string{"192.0.2.1/32", "10.0.0.0/8", "::1/128", "fd00::/8", "192.0.2.1/32", "10.0.0.0/8", "0.0.0.0/0"} {
		want = append(want, netip.MustParsePrefix(s))
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateComparable(netip.Prefix{})); diff != "" {
		t.Errorf("prefixes (-want +got):\n%s", diff)
	}
	for _, bad := range []string{"", "host", "10.0.0.0/33", "10.0.0.1/", "fe80::1%eth0", "fe80::1%eth0/64", "01.2.3.4"} {
		if _, err := config.Prefixes([]string{"::1", bad}); err == nil || !strings.Contains(err.Error(), "expected an IP address or CIDR block, got") {
			t.Errorf("%q: got error %v", bad, err)
		}
	}
}

func TestCertificates(t *testing.T) {
	ca := readFile(t, "testdata/ca.pem")
	got, err := config.Certificates([]string{ca, "\n" + ca + ca + "\n"})
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 3 || got[2].Subject.CommonName != "Example Test CA" {
		t.Errorf("got %d certificates", len(got))
	}
	head := "expected PEM certificates at position 1: "
	for name, tc := range map[string]struct{ text, want string }{
		"nothing":           {"", head + "no certificate"},
		"no PEM":            {"MIIB", head + "text that is no PEM block"},
		"text after":        {ca + "and more", head + "text that is no PEM block"},
		"a key":             {strings.ReplaceAll(ca, "CERTIFICATE", "PRIVATE KEY"), head + "a block that is no certificate"},
		"damaged":           {ca + strings.Replace(ca, "MIIB", "MIIC", 1), head + "block 2 does not parse as a certificate"},
		"cut before an end": {ca[:200], head + "text that is no PEM block"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := config.Certificates([]string{ca, tc.text}); err == nil || err.Error() != tc.want {
				t.Errorf("got error %v, want %q", err, tc.want)
			}
		})
	}
}

func TestLocation(t *testing.T) {
	zone, err := config.Location("America/St_Johns")
	if err != nil || zone.String() != "America/St_Johns" {
		t.Errorf("got %v, %v", zone, err)
	}
	for _, bad := range []string{"", "Local", "local", "Mars/Olympus", "../etc/passwd"} {
		if zone, err := config.Location(bad); err == nil {
			t.Errorf("%q is zone %v", bad, zone)
		}
	}
}
