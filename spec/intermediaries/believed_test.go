//go:build spec

package intermediaries

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kong-plugin-auth-diagnosis/pkg/standin/ping"
	"kong-plugin-auth-diagnosis/pkg/standin/upstream"
)

// TestSignersAreBelieved puts each signer in front of a gateway that lets nothing
// through without a witness. The iRules' part is what bigip.tcl made of them.
func TestSignersAreBelieved(t *testing.T) {
	r := witnessing(t, "required")
	gateway := strings.TrimPrefix(r.Proxy, "http://")
	token := r.PingFederate.Token(ping.ForClient("premium-client"))
	head := "GET /orders HTTP/1.1\r\nHost: api.example.com\r\nAuthorization: Bearer " + token + "\r\n"
	send := func(t *testing.T, addr, head string) verdict {
		t.Helper()
		resp := exchange(t, addr, head+"\r\n")
		if resp.StatusCode == 200 {
			var echo upstream.Echo
			if err := json.NewDecoder(resp.Body).Decode(&echo); err != nil {
				t.Fatal(err)
			}
			if value, ok := echo.Get("X-Auth-Witness"); ok {
				t.Errorf("the service got the witness %q", value)
			}
			return verdict{status: 200}
		}
		v, err := verdictOf(resp)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	haproxy := haproxySigning(t, gateway, "%[date]")
	ready(t, r, func() verdict { return send(t, haproxy, head) })

	in := input{method: "GET", host: "api.example.com", lines: []string{"Bearer " + token}}
	at := time.Now().Unix()
	b := newBigIP()
	fmt.Fprintf(&b.script, "clock %d\n", at)
	b.input(in)
	signed := "GET /orders HTTP/1.1\r\n"
	for _, h := range b.run(t)[0].headers {
		signed += h.Name + ": " + h.Value + "\r\n"
	}
	with := func(witness string) string { return head + "X-Auth-Witness: " + witness + "\r\n" }
	own := memberAt(at, "edge-in", in)
	invalid := refused(401, "witness_invalid", "edge", "definite")
	stale := refused(401, "witness_stale", "edge", "definite")
	const clock = "Math.floor(Date.now() / 1000)"
	twoSigners := haproxySigning(t, nginxSigning(t, gateway, clock, "witness.edgeIn;", "witness.edgeOut;"), "%[date]")
	throughApache := haproxySigning(t, proxies["apache"].start(t, gateway), "%[date]")
	for name, tt := range map[string]struct {
		addr, head string
		want       verdict
	}{
		"haproxy":                  {haproxy, head, verdict{status: 200}},
		"nginx":                    {nginxSigning(t, gateway, clock), head, verdict{status: 200}},
		"bigip":                    {gateway, signed, verdict{status: 200}},
		"haproxy, nginx signs too": {twoSigners, head, verdict{status: 200}},
		"haproxy, apache behind":   {throughApache, head, verdict{status: 200}},
		"haproxy, apache behind, a client that nominates": {throughApache, head + "Connection: close, X-Auth-Witness\r\n",
			refused(401, "witness_missing", "edge", "definite")},
		"nobody":                   {gateway, head, refused(401, "witness_missing", "edge", "definite")},
		"not a member":             {gateway, with("edge-in"), invalid},
		"another point":            {gateway, with(memberAt(at, "waf", in)), invalid},
		"a parameter more":         {gateway, with(own + ";x=1"), invalid},
		"a parameter's other form": {gateway, with(strings.Replace(own, ";v=1;", ";v=01;", 1)), invalid},
		"8 KB":                     {gateway, with(strings.Repeat("a", 8000)), invalid},
		"long ago":                 {gateway, with(memberAt(at-120, "edge-in", in)), stale},
		"a clock ahead":            {gateway, with(memberAt(at+120, "edge-in", in)), stale},
		"for another credential":   {gateway, strings.Replace(signed, "Bearer ", "bearer ", 1), refused(401, "credential_rewritten", "edge", "definite")},
		"a key's, beside nonsense": {gateway, with(own + ", x"), verdict{status: 200}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, send(t, tt.addr, tt.head), cmp.AllowUnexported(verdict{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
