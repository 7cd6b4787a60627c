package access_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"kong-plugin-auth-diagnosis/pkg/access"
	"kong-plugin-auth-diagnosis/pkg/pdkwire"
	"kong-plugin-auth-diagnosis/pkg/standin/ping"
)

// gateway is Kong's side of a Bridge: it answers from a request's data and
// records what it was told.
type gateway struct {
	headers   map[string][]string
	query     string
	method    string
	peer      string
	forwarded string

	asked []string
	told  []call

	status   int
	body     []byte
	response map[string][]string // header fields of the answer
	upstream map[string][]string // changes to the service's request
	exited   bool
}

type call struct {
	method string
	args   []byte
}

const requestID = "0cbcaf77c8f26f1c47da9744b57c586b"

func (g *gateway) Ask(method string, args []byte) ([]byte, error) {
	g.asked = append(g.asked, method)
	switch method {
	case "kong.request.get_headers":
		return lists(g.headers), nil
	case "kong.request.get_raw_query":
		return pdkwire.AppendString(nil, g.query), nil
	case "kong.request.get_method":
		return pdkwire.AppendString(nil, g.method), nil
	case "kong.client.get_ip":
		return pdkwire.AppendString(nil, g.peer), nil
	case "kong.client.get_forwarded_ip":
		return pdkwire.AppendString(nil, g.forwarded), nil
	case "kong.nginx.get_var":
		return pdkwire.AppendString(nil, requestID), nil
	}
	return nil, fmt.Errorf("unexpected question %q", method)
}

func lists(m map[string][]string) []byte {
	var hs []pdkwire.Header
	for name, values := range m {
		hs = append(hs, pdkwire.Header{Name: name, Values: values})
	}
	return pdkwire.AppendHeaders(nil, hs)
}

func (g *gateway) Tell(method string, args []byte) error {
	g.told = append(g.told, call{method, bytes.Clone(args)})
	switch method {
	case "kong.response.set_headers":
		return merge(&g.response, args)
	case "kong.service.request.set_headers":
		return merge(&g.upstream, args)
	}
	return nil
}

func merge(to *map[string][]string, args []byte) error {
	h, err := pdkwire.DecodeHeaders(args, pdkwire.Limits{Bytes: 1 << 20, Fields: 1000, Values: 1000})
	if *to == nil {
		*to = map[string][]string{}
	}
	for name, values := range h {
		(*to)[name] = values
	}
	return err
}

// Exit decodes ExitArgs (status 1, body 2, headers 3) as Kong does.
func (g *gateway) Exit(args []byte) error {
	g.exited = true
	e, err := decodeExit(args)
	if err != nil {
		return err
	}
	g.status, g.body = e.status, e.body
	return merge(&g.response, e.headers)
}

// header returns one header field of the answer.
func (g *gateway) header(name string) string {
	if v := g.response[name]; len(v) > 0 {
		return v[0]
	}
	return ""
}

func bearer(token string) *gateway {
	return &gateway{headers: map[string][]string{"authorization": {"Bearer " + token}}}
}

var _ access.Bridge = (*gateway)(nil)

// newIssuer starts a PingFederate that tokens of the tests come from.
func newIssuer(t testing.TB) *ping.Issuer {
	t.Helper()
	i, err := ping.Start(ping.Options{Product: ping.PingFederate})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { i.Close() })
	return i
}

// config is a configuration in Kong's form; over replaces fields.
func config(i *ping.Issuer, over map[string]any) []byte {
	c := map[string]any{
		"issuers": []any{map[string]any{
			"issuer":    i.IssuerURL(),
			"jwks_uris": []any{i.JWKSURL()},
			"audiences": []any{ping.DefaultAudience},
		}},
		"route_id": "4a9d2c1e-0000-4000-8000-000000000001",
	}
	for k, v := range over {
		c[k] = v
	}
	text, err := json.Marshal(c)
	if err != nil {
		panic(err)
	}
	return text
}

// start makes a route whose keys are loaded.
func start(t testing.TB, i *ping.Issuer, over map[string]any) *access.Route {
	t.Helper()
	e := access.New()
	t.Cleanup(e.Close)
	return ready(t, e, i, over)
}

// ready makes a route of an engine and waits for its keys.
func ready(t testing.TB, e *access.Engine, i *ping.Issuer, over map[string]any) *access.Route {
	t.Helper()
	r := e.Start(config(i, over))
	// The first fetch runs beside the requests; a token without claims to judge
	// tells when it is over.
	deadline := time.Now().Add(10 * time.Second)
	for probe := bearer(i.Token(ping.KeyID("nobody"))); ; probe = bearer(i.Token(ping.KeyID("nobody"))) {
		if err := r.Access(access.Kong(probe)); err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(probe.header("X-Auth-Diagnosis"), "jwks_") {
			return r
		}
		if time.Now().After(deadline) {
			t.Fatalf("keys never came: %s", probe.header("X-Auth-Diagnosis"))
		}
	}
}

func run(t testing.TB, r *access.Route, g *gateway) *gateway {
	t.Helper()
	if err := r.Access(access.Kong(g)); err != nil {
		t.Fatal(err)
	}
	return g
}
