//go:build spec

package intermediaries

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kong-plugin-auth-diagnosis/spec/rig"
)

// header is a field's name and value.
type header struct{ Name, Value string }

// outcome is what came of a request on the BIG-IP of testdata/bigip.tcl.
type outcome struct {
	answered bool // by an iRule
	logged   int  // lines
	headers  []header
}

func (o outcome) values(name string) (all []string) {
	for _, h := range o.headers {
		if strings.EqualFold(h.Name, name) {
			all = append(all, h.Value)
		}
	}
	return all
}

// bigip is a script of requests to run through iRules.
type bigip struct{ script bytes.Buffer }

func newBigIP() *bigip {
	b := &bigip{}
	fmt.Fprintf(&b.script, "keys %s %s\nclock %d\n", kid, secret, now)
	return b
}

func (b *bigip) request(method, path, client string, headers ...header) {
	words := []string{word(method), word(path), word(client)}
	for _, h := range headers {
		words = append(words, word(h.Name), word(h.Value))
	}
	b.script.WriteString(strings.Join(words, " ") + "\n")
}

func (b *bigip) input(in input, more ...header) {
	headers := []header{{"Host", in.host}}
	for _, v := range in.lines {
		headers = append(headers, header{"Authorization", v})
	}
	b.request(in.method, "/orders", "192.0.2.1", append(headers, more...)...)
}

// word is a Tcl word of hex digits, also for no bytes.
func word(text string) string {
	if text == "" {
		return "{}"
	}
	return hex.EncodeToString([]byte(text))
}

// run runs the script through the shipped rules and those of testdata that are
// named.
func (b *bigip) run(t *testing.T, own ...string) (all []outcome) {
	t.Helper()
	root, err := rig.Root()
	if err != nil {
		t.Fatal(err)
	}
	rules, err := filepath.Glob(filepath.Join(root, "kong", "f5", "*.tcl"))
	if err != nil || len(rules) == 0 {
		t.Fatalf("expected iRules in kong/f5, got %v, %v", rules, err)
	}
	slices.Reverse(rules) // attachment order must not matter
	for _, name := range own {
		rules = append(rules, filepath.Join("testdata", name+".tcl"))
	}
	cmd := exec.CommandContext(t.Context(), program(t, "tclsh"), append([]string{filepath.Join("testdata", "bigip.tcl")}, rules...)...)
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stderr = &b.script, &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("tclsh (with tcllib? apt-get install %s): %v\n%s", packages, err, stderr.String())
	}
	for line := range strings.Lines(string(out)) {
		var o outcome
		words := strings.Fields(line)
		if len(words) < 2 || len(words)%2 != 0 {
			t.Fatalf("result %q", line)
		}
		o.answered = words[0] == "answered"
		if _, err := fmt.Sscan(words[1], &o.logged); err != nil {
			t.Fatal(err)
		}
		for i := 2; i < len(words); i += 2 {
			o.headers = append(o.headers, header{unword(t, words[i]), unword(t, words[i+1])})
		}
		all = append(all, o)
	}
	return all
}

func unword(t *testing.T, word string) string {
	t.Helper()
	text, err := hex.DecodeString(strings.TrimPrefix(word, "x"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestIRulesWriteTheSameBytes: two members, the same bytes as the other signers,
// and not a line of log.
func TestIRulesWriteTheSameBytes(t *testing.T) {
	b := newBigIP()
	for _, in := range inputs() {
		b.input(in)
	}
	results := b.run(t)
	if len(results) != len(inputs()) {
		t.Fatalf("expected %d results, got %d", len(inputs()), len(results))
	}
	for i, in := range inputs() {
		t.Run(in.name, func(t *testing.T) {
			want := []string{member("edge-in", in), member("edge-out", in)}
			if diff := cmp.Diff(want, results[i].values("X-Auth-Witness")); diff != "" || results[i].logged != 0 {
				t.Errorf("%d log lines, (-want +got):\n%s", results[i].logged, diff)
			}
		})
	}
}

// TestIRulesSeeWhatHappensBetween: the ingress member tells of the request as it
// came, the egress member of the one that other rules and modules have made of it.
func TestIRulesSeeWhatHappensBetween(t *testing.T) {
	came := input{method: "GET", host: "api.example.com", lines: []string{"Bearer a.b.c"}}
	changed := func(host string, lines ...string) input { return input{method: "GET", host: host, lines: lines} }
	for rule, left := range map[string]input{
		"strip":    changed("api.example.com"),
		"blank":    changed("api.example.com", "     "),
		"replace":  changed("api.example.com", "Basic c3NvOnNzbw=="),
		"insert":   changed("api.example.com", "Bearer a.b.c", "Bearer of-the-edge"),
		"truncate": changed("api.example.com", "Bearer a.b"),
		"host":     changed("kong.internal:8000", "Bearer a.b.c"),
	} {
		t.Run(rule, func(t *testing.T) {
			b := newBigIP()
			b.input(came)
			want := []string{member("edge-in", came), member("edge-out", left)}
			if diff := cmp.Diff(want, b.run(t, rule)[0].values("X-Auth-Witness")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestIRulesRemoveTheClientsWitness(t *testing.T) {
	in := input{method: "GET", host: "api.example.com", lines: []string{"Bearer a.b.c"}}
	for _, removes := range []string{"last", "all"} {
		t.Run("remove takes the "+removes, func(t *testing.T) {
			b := newBigIP()
			b.script.WriteString("remove " + removes + "\n")
			b.input(in, header{"X-Auth-Witness", "forged"}, header{"x-auth-witness", "forged too"}, header{"X-Other", "kept"})
			got := b.run(t)[0]
			if diff := cmp.Diff([]string{member("edge-in", in), member("edge-out", in)}, got.values("X-Auth-Witness")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if len(got.values("X-Other")) != 1 {
				t.Errorf("headers %v", got.headers)
			}
		})
	}
}

// TestIRulesNeverCostARequest: without a key, with a short one and with a fault
// in the middle the request goes on unsigned, a forged witness goes away, and the
// log line quotes nothing (bigip.tcl refuses one that does).
func TestIRulesNeverCostARequest(t *testing.T) {
	in := input{method: "GET", host: "api.example.com", lines: []string{"Bearer a.b.c"}}
	for name, fault := range map[string]string{
		"no key":        "keys {} {}\n",
		"no such key":   "keys 2026b {}\n",
		"a short key":   "keys 2026a 0123456789abcdef0123456789abcde\n",
		"broken crypto": "crypto broken\n",
	} {
		t.Run(name, func(t *testing.T) {
			b := newBigIP()
			b.script.WriteString(fault)
			b.input(in, header{"X-Auth-Witness", "forged"})
			want := outcome{logged: 2, headers: []header{{"Host", in.host}, {"Authorization", in.lines[0]}}}
			if diff := cmp.Diff(want, b.run(t)[0], cmp.AllowUnexported(outcome{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestIRulesLeaveAnsweredRequestsAlone: HTTP::header after HTTP::respond resets
// the connection of a BIG-IP, and fails here.
func TestIRulesLeaveAnsweredRequestsAlone(t *testing.T) {
	b := newBigIP()
	b.input(input{method: "GET", host: "api.example.com"})
	if got := b.run(t, "respond")[0]; !got.answered || got.logged != 0 || !slices.Equal(got.values("Status"), []string{"403"}) {
		t.Errorf("got %+v", got)
	}
}

// TestIRulesShareNoVariable: variables of events belong to the connection, so a
// rule's names must not meet another's.
func TestIRulesShareNoVariable(t *testing.T) {
	b := newBigIP()
	b.input(input{method: "GET", host: "api.example.com", lines: []string{"Bearer a.b.c"}})
	got := b.run(t, "variables")[0]
	if diff := cmp.Diff([]string{"kept"}, got.values("X-Variables")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestSelfTestRule(t *testing.T) {
	b := newBigIP()
	b.request("GET", "/__witness_selftest", "127.0.0.9", header{"Host", "x"})
	b.request("GET", "/__witness_selftest", "192.0.2.1", header{"Host", "x"})
	b.request("GET", "/orders", "127.0.0.9", header{"Host", "x"})
	got := b.run(t)
	want := []header{{"Status", "200"}, {"Content", "auth_witness: same bytes\n"}}
	if diff := cmp.Diff(want, got[0].headers); diff != "" || !got[0].answered {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, o := range got[1:] {
		if o.answered {
			t.Errorf("answered one that is not its own: %+v", o)
		}
	}
}

// TestIRulesAreTcl84: tclsh here is younger than BIG-IP's Tcl and would take what
// that refuses.
func TestIRulesAreTcl84(t *testing.T) {
	for _, name := range []string{"auth_witness", "auth_witness_in", "auth_witness_out", "auth_witness_selftest"} {
		text := shipped(t, "kong/f5/"+name+".tcl")
		for _, young := range []string{"{*}", "lmap", "dict ", "binary encode", "try {", "apply ", " in {", " ni {", "lassign", "lrepeat", "string reverse", "::tcl::", "-nocomplain", "chan "} {
			if strings.Contains(text, young) {
				t.Errorf("%s uses %q", name, young)
			}
		}
		for line := range strings.Lines(text) {
			if strings.Contains(line, "log ") && strings.Contains(line, "$") {
				t.Errorf("%s logs a value: %s", name, line)
			}
		}
	}
}
