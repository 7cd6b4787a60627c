package access_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"

	"kong-plugin-auth-diagnosis/pkg/access"
	"kong-plugin-auth-diagnosis/pkg/standin/ping"
)

const edgeSecret = "0123456789abcdef0123456789abcdef"

// signed is the member of a signing point that saw these Authorization lines.
func signed(point string, at time.Time, lines ...string) string {
	code := func(text string) string {
		h := hmac.New(sha256.New, []byte(edgeSecret))
		h.Write([]byte(text))
		return hex.EncodeToString(h.Sum(nil))
	}
	present, scheme, length, print := 0, "none", 0, ""
	for _, line := range lines {
		present, length, print = 1, len(line), code("fp|" + line)[:16]
		if word, _, spaced := strings.Cut(line, " "); spaced {
			scheme = strings.ToLower(word)
		}
	}
	text := fmt.Sprintf(`%s;v=1;kid="a";t=%d;a="GET";h="api.example.com";p=%d;n=%d;s="%s";l=%d;f="%s"`,
		point, at.Unix(), present, len(lines), scheme, length, print)
	return text + `;m="` + code("aw1|" + text)[:32] + `"`
}

// both are the members of an edge that changes nothing.
func both(lines ...string) []string {
	now := time.Now()
	return []string{signed("f5-in", now, lines...), signed("f5-out", now, lines...)}
}

func edgeWith(witness string, more map[string]any) map[string]any {
	e := map[string]any{"witness": witness, "name": "f5", "keys": []any{map[string]any{"id": "a", "secret": edgeSecret}}}
	for k, v := range more {
		e[k] = v
	}
	return map[string]any{"edge": e, "diagnosis": map[string]any{"detail": "full"}}
}

// startSigned is start for a route that may require a witness: its probes have
// one.
func startSigned(t *testing.T, i *ping.Issuer, over map[string]any) *access.Route {
	t.Helper()
	r := start(t, i, over)
	unknown := "Bearer " + i.Token(ping.KeyID("nobody"))
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
		if probe := run(t, r, passed(unknown, both(unknown))); !strings.HasPrefix(probe.header("X-Auth-Diagnosis"), "jwks_") {
			return r
		}
	}
	t.Fatal("keys never came")
	return nil
}

// passed is a request as the gateway gets it; authorization "" is no line.
func passed(authorization string, members []string) *gateway {
	g := &gateway{headers: map[string][]string{"host": {"api.example.com"}}, method: "GET", peer: "10.0.0.1"}
	if authorization != "" {
		g.headers["authorization"] = []string{authorization}
	}
	if members != nil {
		g.headers["x-auth-witness"] = members
	}
	return g
}

func TestWitness(t *testing.T) {
	issuer := newIssuer(t)
	good, other := "Bearer "+issuer.Token(), "Bearer "+issuer.Token(ping.Subject("other"))
	expired := "Bearer " + issuer.Token(ping.Expires(time.Now().Add(-time.Hour)))
	optional, required := startSigned(t, issuer, edgeWith("optional", nil)), startSigned(t, issuer, edgeWith("required", nil))
	from10 := map[string]any{"trusted_ips": []any{"10.0.0.0/8"}}
	trusting, distrusting := startSigned(t, issuer, edgeWith("required", from10)), startSigned(t, issuer, edgeWith("optional", map[string]any{"trusted_ips": []any{"192.0.2.0/24"}}))
	off := startSigned(t, issuer, edgeWith("off", nil))
	cookies := edgeWith("optional", nil)
	cookies["cookie_names"] = []any{"jwt"}
	anywhere := startSigned(t, issuer, cookies)
	now := time.Now()
	stripped := []string{signed("f5-in", now, good), signed("f5-out", now)}
	old := []string{signed("f5-in", now.Add(-time.Hour), good)}
	in := signed("f5-in", now, good)

	for name, tc := range map[string]struct {
		route *access.Route
		g     *gateway
		want  string // what the diagnosis header begins with, "" for a request that goes on
		has   string // what it holds too
	}{
		// optional never decides.
		"optional, accepted without":           {optional, passed(good, nil), "", ""},
		"optional, accepted with a forged one": {optional, passed(good, []string{"f5-in;v=1"}), "", ""},
		"optional, accepted against it":        {optional, passed(other, both(good)), "", ""},
		"optional, stripped":                   {optional, passed("", stripped), "credential_stripped;hop=edge;certainty=definite;", "removed inside the edge, between f5-in and f5-out"},
		"optional, expired on the way":         {optional, passed(expired, both(expired)), "token_expired;hop=client;certainty=definite;", "arrived as f5-in saw it"},
		"optional, rewritten":                  {optional, passed(expired, both(good)), "credential_rewritten;hop=edge;certainty=definite;", "also token_expired"},
		"optional, never came":                 {optional, passed("", both()), "credential_missing;hop=client;certainty=definite;", "no credential reached f5-in"},
		"optional, without":                    {optional, passed("", nil), "credential_missing;hop=client;certainty=weak;", ""},
		"optional, stale":                      {optional, passed("", old), "credential_missing;hop=client;certainty=weak;", "finding witness_ignored (expected a recent time"},
		"optional, forged":                     {optional, passed("", []string{strings.Replace(stripped[0], "f5-in", "f5-out", 1)}), "credential_missing;hop=client;certainty=weak;", "finding witness_ignored (expected a code made with the key"},
		"optional, an unknown peer":            {distrusting, passed("", stripped), "credential_missing;hop=client;certainty=weak;", "finding witness_ignored (expected a peer inside edge.trusted_ips"},
		"optional, 1,000 header lines":         {optional, crowded(passed("", stripped)), "credential_missing;hop=client;certainty=weak;", "1000 header lines were read, and there may be more"},
		"off, 1,000 header lines behind Squid": {off, crowded(behindSquid(passed("", nil))), "credential_missing;hop=client;certainty=weak;", "1000 header lines were read, and there may be more"},
		"off, behind Squid":                    {off, behindSquid(passed("", nil)), "credential_stripped_suspected;hop=edge;certainty=weak;", ""},
		"off, with members":                    {off, passed("", stripped), "credential_missing;hop=client;certainty=weak;", ""},

		// A credential that stood elsewhere is none of the witness' business.
		"a bad cookie, and Authorization stripped": {anywhere, withCookie(passed("", stripped), expired), "token_expired;hop=client;certainty=definite;", ""},
		"nothing anywhere, stripped":               {anywhere, passed("", stripped), "credential_stripped;hop=edge;certainty=definite;", ""},

		// required
		"required, as it was let out":       {required, passed(good, both(good)), "", ""},
		"required, exchanged by the edge":   {required, passed(other, []string{in, signed("f5-out", now, other)}), "", ""},
		"required, of one point":            {required, passed(good, []string{in}), "", ""},
		"required, beside a forged one":     {required, passed(good, []string{"x", in}), "", ""},
		"required, without":                 {required, passed(good, nil), "witness_missing;hop=edge;certainty=definite;", ""},
		"required, forged":                  {required, passed(good, []string{in[:len(in)-2] + `x"`}), "witness_invalid;hop=edge;certainty=definite;", ""},
		"required, twice":                   {required, passed(good, []string{in, in}), "witness_invalid;hop=edge;certainty=definite;", "one member of each point"},
		"required, stale":                   {required, passed(good, old), "witness_stale;hop=edge;certainty=definite;", ""},
		"required, another's statement":     {required, passed(other, both(good)), "credential_rewritten;hop=edge;certainty=definite;", "rewritten behind the edge"},
		"required, rewritten by nobody":     {required, passed(good, []string{in, signed("f5-out", now, other)}), "credential_rewritten;hop=edge;certainty=definite;", "what f5-out saw"},
		"required, expired":                 {required, passed(expired, both(expired)), "token_expired;hop=client;certainty=definite;", ""},
		"required, expired and without":     {required, passed(expired, nil), "witness_missing;hop=edge;certainty=definite;", "also token_expired"},
		"required, stripped":                {required, passed("", stripped), "credential_stripped;hop=edge;certainty=definite;", ""},
		"required, 1,000 header lines":      {required, crowded(passed("", both(good))), "credential_missing;hop=client;certainty=weak;", ""},
		"required, from the edge":           {trusting, passed(good, both(good)), "", ""},
		"required, forwarded by a stranger": {trusting, forwarded(from("192.0.2.1", passed(good, both(good)))), "witness_missing;hop=edge;certainty=definite;", "finding forwarded_peer_untrusted"},
		"required, from elsewhere":          {trusting, from("192.0.2.1", passed(good, both(good))), "witness_missing;hop=edge;certainty=definite;", "expected a peer inside edge.trusted_ips"},
	} {
		t.Run(name, func(t *testing.T) {
			got := run(t, tc.route, tc.g)
			header := got.header("X-Auth-Diagnosis")
			if (tc.want == "") != !got.exited || !strings.HasPrefix(header, tc.want) || !strings.Contains(header, tc.has) {
				t.Errorf("expected %q with %q, got %q", tc.want, tc.has, header)
			}
		})
	}
}

func from(peer string, g *gateway) *gateway {
	g.peer = peer
	return g
}

func forwarded(g *gateway) *gateway {
	g.headers["x-forwarded-for"] = []string{"198.51.100.7"}
	return g
}

func behindSquid(g *gateway) *gateway {
	g.headers["via"] = []string{"1.1 proxy (squid/5.7)"}
	return g
}

func withCookie(g *gateway, bearer string) *gateway {
	g.headers["cookie"] = []string{"jwt=" + strings.TrimPrefix(bearer, "Bearer ")}
	return g
}

// crowded fills a request up to what Kong tells of one.
func crowded(g *gateway) *gateway {
	for i := range 1000 {
		g.headers["x-filler"] = append(g.headers["x-filler"], fmt.Sprint(i))
	}
	return g
}

// What the edge signed is for the gateway alone.
func TestWitnessIsNotForTheService(t *testing.T) {
	issuer := newIssuer(t)
	good := "Bearer " + issuer.Token()
	for name, tc := range map[string]struct {
		over map[string]any
		goes bool // the header does
	}{
		"off":      {edgeWith("off", nil), true},
		"optional": {edgeWith("optional", nil), false},
		"required": {edgeWith("required", nil), false},
		"advise":   {advising(edgeWith("optional", nil)), false},
	} {
		t.Run(name, func(t *testing.T) {
			g := passed(good, both(good))
			g.headers["x_auth_witness"] = []string{"x"}
			run(t, startSigned(t, issuer, tc.over), g)
			for _, header := range []string{"X-Auth-Witness", "x_auth_witness"} {
				values, touched := g.upstream[header]
				if header == "x_auth_witness" && name == "advise" {
					continue // lookalikes stay with the other headers there
				}
				if touched == tc.goes || len(values) > 0 {
					t.Errorf("%s: expected it to go on %v, got changes %v", header, tc.goes, g.upstream)
				}
			}
		})
	}
}

func advising(c map[string]any) map[string]any {
	c["mode"] = "advise"
	return c
}

// The witness costs calls only where it is compared.
func TestWitnessCallBudget(t *testing.T) {
	issuer := newIssuer(t)
	good, expired := "Bearer "+issuer.Token(), "Bearer "+issuer.Token(ping.Expires(time.Now().Add(-time.Hour)))
	peers := map[string]any{"trusted_ips": []any{"10.0.0.0/8"}}
	for name, tc := range map[string]struct {
		over map[string]any
		g    *gateway
		more int // waits beside those without a witness
	}{
		"optional, accepted":                               {edgeWith("optional", peers), passed(good, both(good)), 0},
		"required, accepted":                               {edgeWith("required", nil), passed(good, both(good)), 0},
		"required with trusted_ips, accepted: address":     {edgeWith("required", peers), passed(good, both(good)), 1},
		"optional, rejected: method":                       {edgeWith("optional", nil), passed(expired, both(expired)), 1},
		"optional with trusted_ips, rejected: both":        {edgeWith("optional", peers), passed(expired, both(expired)), 2},
		"optional, rejected without a member":              {edgeWith("optional", peers), passed(expired, nil), 0},
		"optional, rejected with a forged one":             {edgeWith("optional", nil), passed(expired, []string{"x"}), 0},
		"off, rejected":                                    {edgeWith("off", peers), passed(expired, both(expired)), 0},
		"optional, rejected, method known from preflights": {preflight(edgeWith("optional", nil)), passed(expired, both(expired)), 1},
	} {
		t.Run(name, func(t *testing.T) {
			run(t, startSigned(t, issuer, tc.over), tc.g)
			want := 1 + tc.more
			if tc.g.exited {
				want = rejectedWaits + tc.more
			}
			if len(tc.g.asked) != want {
				t.Errorf("expected %d calls to be waited for, got %v", want, tc.g.asked)
			}
		})
	}
}

func preflight(c map[string]any) map[string]any {
	c["run_on_preflight"] = false
	return c
}

// No line and no answer holds the key or a fingerprint of the credential.
func TestWitnessLeaksNothing(t *testing.T) {
	issuer := newIssuer(t)
	good := "Bearer " + issuer.Token()
	now := time.Now()
	members := []string{signed("f5-in", now, good), signed("f5-out", now)}
	g := run(t, startSigned(t, issuer, edgeWith("required", nil)), passed("", members))
	out := string(g.body)
	for _, c := range g.told {
		out += string(c.args)
	}
	for _, values := range g.response {
		out += strings.Join(values, " ")
	}
	for _, secret := range []string{edgeSecret, ";f=", ";m=", members[0][strings.Index(members[0], ";f=")+4:][:16], good[7:]} {
		if strings.Contains(out, secret) {
			t.Errorf("the answer or the log holds %q", secret)
		}
	}
}
