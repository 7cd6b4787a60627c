package access_test

import (
	"flag"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"kong-plugin-auth-diagnosis/pkg/standin/ping"
)

// oddHeaders are legal and found in the wild; each looks like the work of a hop.
var oddHeaders = [][2]string{
	{"via", "1.1 proxy (squid/5.7)"}, {"via", "2.0 x.cloudfront.net (CloudFront)"}, {"x-amz-cf-id", "abc"}, {"cf-ray", "7f0a"},
	{"clientless-mode", "1"}, {"cookie", "BIGipServerpool=1.2.0000; TS01ab=1"}, {"x-envoy-internal", "true"}, {"dpop", "eyJ0eXAi"},
	{"connection", "close, Authorization, X-Auth-Witness"}, {"x-forwarded-proto", "http"}, {"x-forwarded-port", "443"},
	{"x-consumer-username", "admin"}, {"x-forwarded-authorization", "Bearer eyJhIjoxfQ.e30.c2ln"}, {"x-amzn-remapped-authorization", "Bearer x"},
	{"x-authorization", "Bearer null"}, {"proxy-authorization", "Basic dTpw"}, {"x-auth-token", "undefined"}, {"host", "API.example.com:443"},
	{"cookie", "MRHSession=0a1b; OauthHMAC=x"}, {"username", "u"}, {"password", "p"}, {"x-forwarded-prefix", "/a"}, {"x-forwarded-host", "a"}, {"x-forwarded-for", "192.0.2.1"},
	{"x-forwarded-client-cert", "By=a;Hash=0"}, {"x-client-cert", "-----BEGIN CERTIFICATE----- x"}, {"x-forwarded-uri", "/api/v1/x/proxy/"}, {"x-amzn-oidc-data", "x"}, {"x-amzn-trace-id", "Root=1"},
	{"user-agent", "bearer of bad news"}, {"accept", "*/*"}, {"x_auth_witness", "f5-in;v=1"}, {"forwarded", "for=1;proto=http"},
}

// forgeries are members without the key, or replayed from another day.
func forgeries() []string {
	now := time.Now()
	real := signed("f5-in", now, "Bearer x")
	last := map[bool]string{true: "1", false: "0"}[real[len(real)-2] == '0'] // another digit than the MAC ends in
	return []string{
		"", "x", "f5-in", `f5-in;v=1;kid="a"`, `x;y="`, strings.Repeat("a,", 4096), strings.Repeat("z", 8192),
		real[:len(real)-2] + last + `"`, strings.Replace(real, "f5-in", "f5-out", 1), strings.Replace(real, "p=1", "p=0", 1), strings.Replace(real, `a="GET"`, `a="?"`, 1),
		signed("f5-in", now.Add(-time.Hour), "Bearer x"), signed("f5-out", now.Add(time.Hour)), signed("cdn", now, "Bearer x"), real + "," + real, strings.ToUpper(real), real + ";m=1",
	}
}

// accusations is small by default. For all of them:
//
//	go test ./pkg/access -run WithoutProof -accusations 100000
var accusations = flag.Int("accusations", 5_000, "requests of each TestNo...WithoutProof; 100,000 take less than a minute")

// suspects makes requests at random, always the same ones, and holds every answer
// against two rules: the edge is named with certainty weak at most, and a good
// token passes.
func suspects(t *testing.T, issuer *ping.Issuer, bad, forged []string) {
	t.Helper()
	good := issuer.Token()
	r := startSigned(t, issuer, edgeWith("optional", nil))
	random := rand.New(rand.NewPCG(1, 2))
	accused := 0
	for range *accusations {
		g := &gateway{headers: map[string][]string{}, method: "GET", peer: "10.0.0.1"}
		for range random.IntN(5) {
			h := oddHeaders[random.IntN(len(oddHeaders))]
			g.headers[h[0]] = append(g.headers[h[0]], h[1])
		}
		for range random.IntN(4) {
			if len(forged) > 0 {
				g.headers["x-auth-witness"] = append(g.headers["x-auth-witness"], forged[random.IntN(len(forged))])
			}
		}
		passes := random.IntN(2) == 0
		if passes {
			g.headers["authorization"] = []string{"Bearer " + good}
		} else if line := bad[random.IntN(len(bad))]; line != "" {
			g.headers["authorization"] = []string{line}
		}
		run(t, r, g)
		header := g.header("X-Auth-Diagnosis")
		if strings.Contains(header, "hop=edge") {
			if accused++; !strings.Contains(header, "hop=edge;certainty=weak") {
				t.Fatalf("the edge is accused without proof: %s\nof %q", header, g.headers)
			}
		}
		if passes == g.exited {
			t.Fatalf("a good token: %v, refused: %v: %s\nof %q", passes, g.exited, header, g.headers)
		}
	}
	if accused == 0 {
		t.Error("no request names the edge: the requests are not odd enough to tell")
	}
}

// TestNobodyHonestAccusesTheEdgeWithoutProof: good tokens, and the faults of
// honest clients, between odd but legal headers and without a witness.
func TestNobodyHonestAccusesTheEdgeWithoutProof(t *testing.T) {
	issuer := newIssuer(t)
	suspects(t, issuer, []string{"", "Bearer " + issuer.Token(ping.Expires(time.Now().Add(-time.Hour))), "Bearer null", "Basic dTpw", "Bearer"}, nil)
}

// TestNobodyHostileAccusesTheEdgeWithoutProof: whatever a client without the key
// sends, members of its own among it.
func TestNobodyHostileAccusesTheEdgeWithoutProof(t *testing.T) {
	issuer := newIssuer(t)
	good := issuer.Token()
	suspects(t, issuer, []string{
		"", " ", "Bearer", "Bearer ", good, "Bearer " + good[:len(good)-20], "Bearer " + good[:40], "Bearer " + good + ", Basic dTpw", "Basic dTpw", "Negotiate YIIabc",
		"NTLM TlRMTVNTUAAB", "Bearer Bearer " + good, `"Bearer ` + good + `"`, "Bearer null", "Bearer {{token}}", "Bearer " + strings.ReplaceAll(good, ".", "%2E"), "Digest x",
		"Bearer " + issuer.Token(ping.Expires(time.Now().Add(-time.Hour))), "Bearer " + issuer.Token(ping.IssuedBy("https://accounts.google.com")),
		"Bearer " + good[:strings.LastIndexByte(good, '.')] + ".SIGNATURE_REMOVED_BY_GOOGLE", "Bearer " + ping.FlipSignature(good), "Bearer " + strings.Repeat("a", 8180),
	}, forgeries())
}
