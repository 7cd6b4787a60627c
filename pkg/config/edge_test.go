package config_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kong-plugin-auth-diagnosis/pkg/config"
)

const secret = "0123456789abcdef0123456789abcdef"

// signing is a sound configuration whose edge signs; change is applied to it.
func signing(change func(*config.Config)) *config.Config {
	c := sound()
	c.Edge.Witness = config.WitnessRequired
	c.Edge.Keys = []config.EdgeKey{{ID: "2026a", Secret: secret}}
	change(c)
	return c
}

func TestValidateEdgeKeys(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*config.Config)
		want   string
	}{
		"required":             {func(*config.Config) {}, ""},
		"optional with advise": {func(c *config.Config) { c.Mode, c.Edge.Witness = "advise", "optional" }, ""},
		"keys that wait":       {func(c *config.Config) { c.Edge.Witness = "off" }, ""},
		"two keys": {func(c *config.Config) {
			c.Edge.Keys = append(c.Edge.Keys, config.EdgeKey{ID: "2026b", Secret: secret, Points: []string{"cdn", "f5-in"}})
		}, ""},
		"the longest secret": {func(c *config.Config) { c.Edge.Keys[0].Secret = config.Secret(strings.Repeat("~", 128)) }, ""},
		"a name that is no member, with points": {func(c *config.Config) {
			c.Edge.Name, c.Edge.Keys[0].Points = "5th", []string{"fifth"}
		}, ""},

		"no keys": {func(c *config.Config) { c.Edge.Keys = nil },
			`config.edge.keys: expected at least 1 element with witness required, got 0`},
		"required with advise": {func(c *config.Config) { c.Mode = "advise" },
			`config.edge.witness: expected off or optional with mode advise, got "required": advise never rejects`},
		"an unknown word": {func(c *config.Config) { c.Edge.Witness = "on" },
			`config.edge.witness: expected "off", "optional" or "required", got "on"`},
		"no secret": {func(c *config.Config) { c.Edge.Keys[0].Secret = "" },
			`config.edge.keys[0].secret: expected a value, got none`},
		"a short secret": {func(c *config.Config) { c.Edge.Keys[0].Secret = config.Secret(secret[1:]) },
			`config.edge.keys[0].secret: expected at least 32 bytes, got 31`},
		"a long secret": {func(c *config.Config) { c.Edge.Keys[0].Secret = config.Secret(strings.Repeat("a", 129)) },
			`config.edge.keys[0].secret: expected at most 128 bytes, got 129`},
		"a secret with a line end": {func(c *config.Config) { c.Edge.Keys[0].Secret = secret + "\n" },
			`config.edge.keys[0].secret: expected visible ASCII characters, got a value of 33 bytes: a character that is not allowed`},
		"a secret with a space": {func(c *config.Config) { c.Edge.Keys[0].Secret = secret + " x" },
			`config.edge.keys[0].secret: expected visible ASCII characters, got a value of 34 bytes: a character that is not allowed`},
		"no id": {func(c *config.Config) { c.Edge.Keys[0].ID = "" },
			`config.edge.keys[0].id: expected a value, got none`},
		"an id that would need quoting": {func(c *config.Config) { c.Edge.Keys[0].ID = `a"b` },
			`config.edge.keys[0].id: expected letters, digits, dots, dashes and underscores, got "a\"b": a character that is not allowed`},
		"an id twice": {func(c *config.Config) { c.Edge.Keys = append(c.Edge.Keys, c.Edge.Keys[0]) },
			`config.edge.keys[1].id: expected a value of its own, got that of config.edge.keys[0]`},
		"a point twice": {func(c *config.Config) { c.Edge.Keys[0].Points = []string{"a", "a"} },
			`config.edge.keys[0].points[1]: expected a value of its own, got that of config.edge.keys[0].points[0]`},
		"a point that is no member": {func(c *config.Config) { c.Edge.Keys[0].Points = []string{"5th"} },
			`config.edge.keys[0].points[0]: expected a letter, then letters, digits, dots, dashes and underscores, at most 64, got "5th": another form`},
		"a name that is no member": {func(c *config.Config) { c.Edge.Name = "5th" },
			`config.edge.keys[0].points: expected at least 1 element with an edge.name that does not begin with a letter, got 0`},
		"an age of nothing": {func(c *config.Config) { c.Edge.MaxAge = 0 },
			`config.edge.max_age: expected an integer from 1 to 3600, got 0`},
		"the diagnosis under the same name": {func(c *config.Config) { c.Diagnosis.HeaderName = "x-auth-witness" },
			`config.diagnosis.header_name: expected a header other than the witness, got "x-auth-witness"`},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, strings.Join(lines(signing(tc.change).Validate()), "\n")); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

// Kong makes "" of a vault reference that it cannot resolve: that is no key.
func TestLoadRefusesAnUnresolvedSecret(t *testing.T) {
	_, err := config.Load([]byte(`{"issuers": [{"issuer": "https://idp.example.com", "audiences": ["api"]}],
		"edge": {"witness": "optional", "keys": [{"id": "a", "secret": "", "$refs": {"secret": "{vault://env/x}"}}]}}`))
	const want = "config.edge.keys[0].secret: expected a value, got a vault reference that could not be resolved"
	if got := strings.Join(lines(err), "\n"); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestSigningPoints(t *testing.T) {
	e := config.Edge{Name: "f5"}
	if got := e.SigningPoints(&config.EdgeKey{}); !slices.Equal(got, []string{"f5-in", "f5-out"}) {
		t.Errorf("got %q", got)
	}
	if got := e.SigningPoints(&config.EdgeKey{Points: []string{"cdn"}}); !slices.Equal(got, []string{"cdn"}) {
		t.Errorf("got %q", got)
	}
}

// However a configuration is printed, no secret comes with it.
func TestSecretsAreNotPrinted(t *testing.T) {
	c := signing(func(*config.Config) {})
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "secret", c.Edge.Keys[0].Secret, "edge", c.Edge)
	printed := []string{string(text), log.String(), c.Edge.Keys[0].Secret.String(), c.Edge.Keys[0].Secret.GoString()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "% x", "%d", "%10s"} {
		printed = append(printed, fmt.Sprintf(verb, c.Edge.Keys[0].Secret), fmt.Sprintf(verb, *c), fmt.Sprintf(verb, &c.Edge.Keys[0]))
	}
	for _, s := range printed {
		if strings.Contains(s, secret) || strings.Contains(strings.ToLower(s), fmt.Sprintf("%x", secret)) || strings.Contains(s, "48 49 50") {
			t.Errorf("the secret is in %q", s)
		}
	}
	if string(c.Edge.Keys[0].Secret.Bytes()) != secret {
		t.Error("the secret is lost")
	}
}
