package corpus_test

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/dunglas/httpsfv"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"kong-plugin-auth-diagnosis/pkg/corpus"
	"kong-plugin-auth-diagnosis/pkg/pdkwire"
)

// checkLabel compares what happened with what the case expects.
func checkLabel(t *testing.T, c *corpus.Case, s corpus.Setup, g *bridge) {
	want := c.Expect
	got := corpus.Expect{Code: "accepted", Hop: want.Hop, Certainty: want.Certainty, Status: g.status}
	if g.log != nil {
		got.Code, got.Hop, got.Certainty = text(g.log["code"]), text(g.log["hop"]), text(g.log["certainty"])
		got.By = number(g.log["by"])
		for _, v := range g.log["also"].Elements() {
			got.Also = append(got.Also, text(v))
		}
		for _, v := range g.log["findings"].Elements() {
			got.Findings = append(got.Findings, text(v))
		}
	}
	got.Shown = shown(t, g)
	if want.Shown == nil && got.Shown != nil {
		want.Shown = &corpus.Shown{Code: want.Code, Hop: want.Hop, Certainty: want.Certainty, By: want.By}
	}
	if silent := want.Status == 0 && want.Code == "accepted" && !tells(t, s); silent != (got.Shown == nil) {
		t.Errorf("diagnosis header %q, expected one: %v", header(g, "X-Auth-Diagnosis"), !silent)
	}
	got.Error, got.Scope = parameter(g, "error"), parameter(g, "scope")
	if retry := header(g, "Retry-After"); retry != "" {
		n, err := strconv.Atoi(retry)
		if err != nil || n < 1 || want.Status != 503 && want.Status != 429 {
			t.Errorf("Retry-After %q with status %d", retry, g.status)
		}
		if want.RetryAfter != 0 {
			got.RetryAfter = n
		}
	} else if want.Status == 503 || want.Status == 429 {
		t.Errorf("status %d without Retry-After", g.status)
	}
	for name := range want.Upstream {
		if got.Upstream == nil {
			got.Upstream = map[string]string{}
		}
		values, ok := g.upstream[name]
		if !ok {
			t.Errorf("upstream header %s is neither set nor removed", name)
		}
		got.Upstream[name] = strings.Join(values, "|")
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%s (%s)\n(-expected +got):\n%sdetail: %s", c.Why, c.Source, diff, text(g.log["detail"]))
	}
}

// tells reports whether the header is sent with requests that are accepted.
func tells(t *testing.T, s corpus.Setup) bool {
	var c struct {
		Mode      string
		Diagnosis struct {
			OnAccept bool `json:"on_accept"`
		}
	}
	config, err := json.Marshal(s.Config)
	if err == nil {
		err = json.Unmarshal(config, &c)
	}
	if err != nil {
		t.Fatal(err)
	}
	return c.Mode == "advise" || c.Diagnosis.OnAccept
}

// shown reads the diagnosis header, nil if there is none.
func shown(t *testing.T, g *bridge) *corpus.Shown {
	h := header(g, "X-Auth-Diagnosis")
	if h == "" {
		return nil
	}
	item, err := httpsfv.UnmarshalItem([]string{h})
	if err != nil {
		t.Errorf("%q: %v", h, err)
		return nil
	}
	code, _ := item.Value.(httpsfv.Token)
	v := &corpus.Shown{Code: string(code)}
	if p, ok := item.Params.Get("hop"); ok {
		v.Hop = string(p.(httpsfv.Token))
	}
	if p, ok := item.Params.Get("certainty"); ok {
		v.Certainty = string(p.(httpsfv.Token))
	}
	if p, ok := item.Params.Get("by"); ok {
		by := p.(int64)
		v.By = &by
	}
	return v
}

var parameters = regexp.MustCompile(`([a-z_]+)="([^"]*)"`)

// parameter reads one of the challenge.
func parameter(g *bridge, name string) string {
	for _, m := range parameters.FindAllStringSubmatch(header(g, "WWW-Authenticate"), -1) {
		if m[1] == name {
			return m[2]
		}
	}
	return ""
}

// checkForm checks what every answer has in common, whatever its verdict.
func checkForm(t *testing.T, g *bridge) {
	if !g.exited {
		return
	}
	if cc := header(g, "Cache-Control"); cc != "no-store" {
		t.Errorf("Cache-Control %q", cc)
	}
	challenged := strings.HasPrefix(header(g, "WWW-Authenticate"), "Bearer")
	if expected := g.status == 401 || g.status == 400 || g.status == 403; challenged != expected {
		t.Errorf("challenge %q with status %d", header(g, "WWW-Authenticate"), g.status)
	}
	if len(g.upstream) != 0 {
		t.Errorf("an answered request was changed for the service: %v", g.upstream)
	}
	var body struct {
		Message   string
		RequestID string `json:"request_id"`
		Diagnosis corpus.Shown
	}
	if err := json.Unmarshal([]byte(g.body), &body); err != nil {
		t.Fatalf("%v: %s", err, g.body)
	}
	if diff := cmp.Diff(shown(t, g), ignoreRest(body.Diagnosis)); diff != "" {
		t.Errorf("body and header differ (-header +body):\n%s", diff)
	}
	if body.Message == "" || body.RequestID != requestID {
		t.Errorf("body %s", g.body)
	}
}

func ignoreRest(s corpus.Shown) *corpus.Shown { return &s }

func header(g *bridge, name string) string {
	if v := g.response[name]; len(v) > 0 {
		return v[0]
	}
	return ""
}

func text(v pdkwire.Value) string { s, _ := v.Text(); return s }

func number(v pdkwire.Value) *int64 {
	f, ok := v.Float()
	if !ok {
		return nil
	}
	n := int64(f)
	return &n
}
