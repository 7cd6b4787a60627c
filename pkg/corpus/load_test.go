package corpus_test

import (
	"strings"
	"testing"

	"kong-plugin-auth-diagnosis/pkg/corpus"
)

const small = `{"family":"f","about":"a","clock":"2026-03-01T12:00:00Z","setups":{"s":{"config":{"leeway":30,"realm":"a"}}},"cases":[
	{"name":"n","why":"w","setup":"s","config":{"leeway":0},"token":"x","expect":{"code":"token_opaque","hop":"idp","certainty":"weak"}}]}`

func TestParseFillsInTheClock(t *testing.T) {
	f, err := corpus.Parse([]byte(small))
	if err != nil {
		t.Fatal(err)
	}
	c := &f.Cases[0]
	if !c.Now.Equal(f.Clock) || !c.Start.Equal(f.Clock) {
		t.Errorf("now %v, start %v, expected %v", c.Now, c.Start, f.Clock)
	}
	if s := c.In(&f); string(s.Config["leeway"]) != "0" || string(s.Config["realm"]) != `"a"` {
		t.Errorf("config %s, expected the case's leeway and the setup's realm", s.Config)
	}
	if string(f.Setups["s"].Config["leeway"]) != "30" {
		t.Error("a case changed its setup")
	}
}

func TestParseRefusesWhatTheFormatDoesNotHave(t *testing.T) {
	for name, tt := range map[string]struct{ old, new, want string }{
		"a misspelt label":  {`"certainty":"weak"`, `"certainly":"weak"`, "certainly"},
		"an unknown setup":  {`"setup":"s"`, `"setup":"t"`, `got "t"`},
		"a label as a text": {`{"code":"token_opaque"`, `{"code":7`, "code"},
		"a file cut off":    {`}}]}`, ``, "unexpected EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := corpus.Parse([]byte(strings.Replace(small, tt.old, tt.new, 1)))
			if err == nil {
				t.Fatal("expected an error")
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, expected %q in it", err, tt.want)
			}
		})
	}
}
