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
	{"user-agent", "bearer of bad news"}, {"accept", "*/*"}, {"x_auth_witness", "f5-in;v=1"}, {"forwarded", "for=1;proto=http"},
}

// forgeries are members without the key, or replayed from another day.
func forgeries() []string {
	now := time.Now()
	real := signed("f5-in", now, "Bearer x")
	return []string{
		"", "x", "f5-in", `f5-in;v=1;kid="a"`, `x;y="`, strings.Repeat("a,", 4096), strings.Repeat("z", 8192),
		real[:len(real)-3] + `00"`, strings.Replace(real, "f5-in", "f5-out", 1), strings.Replace(real, "p=1", "p=0", 1), strings.Replace(real, `a="GET"`, `a="?"`, 1),
		signed("f5-in", now.Add(-time.Hour), "Bearer x"), signed("f5-out", now.Add(time.Hour)), signed("cdn", now, "Bearer x"), real + "," + real, strings.ToUpper(real), real + ";m=1",
	}
}

var accusations = flag.Int("accusations", 5_000, "requests of TestNobodyIsAccusedWithoutProof; 100,000 take some seconds")

// TestNobodyIsAccusedWithoutProof: however a request looks, without the edge's
// key it names the edge with certainty weak at most, and a good token passes.
func TestNobodyIsAccusedWithoutProof(t *testing.T) {
	issuer := newIssuer(t)
	good := issuer.Token()
	bad := []string{
		"", " ", "Bearer", "Bearer ", good, "Bearer " + good[:len(good)-20], "Bearer " + good[:40], "Bearer " + good + ", Basic dTpw", "Basic dTpw", "Negotiate YIIabc",
		"NTLM TlRMTVNTUAAB", "Bearer Bearer " + good, `"Bearer ` + good + `"`, "Bearer null", "Bearer {{token}}", "Bearer " + strings.ReplaceAll(good, ".", "%2E"), "Digest x",
		"Bearer " + issuer.Token(ping.Expires(time.Now().Add(-time.Hour))), "Bearer " + issuer.Token(ping.IssuedBy("https://accounts.google.com")),
		"Bearer " + good[:strings.LastIndexByte(good, '.')] + ".SIGNATURE_REMOVED_BY_GOOGLE", "Bearer " + ping.FlipSignature(good), "Bearer " + strings.Repeat("a", 8180),
	}
	forged := forgeries()
	r := startSigned(t, issuer, edgeWith("optional", nil))
	random := rand.New(rand.NewPCG(1, 2))
	for range *accusations {
		g := &gateway{headers: map[string][]string{}, method: "GET", peer: "10.0.0.1"}
		for range random.IntN(5) {
			h := oddHeaders[random.IntN(len(oddHeaders))]
			g.headers[h[0]] = append(g.headers[h[0]], h[1])
		}
		hostile := random.IntN(2) == 0
		if hostile {
			for range random.IntN(4) {
				g.headers["x-auth-witness"] = append(g.headers["x-auth-witness"], forged[random.IntN(len(forged))])
			}
		}
		benign := random.IntN(2) == 0
		if benign {
			g.headers["authorization"] = []string{"Bearer " + good}
		} else if line := bad[random.IntN(len(bad))]; line != "" {
			g.headers["authorization"] = []string{line}
		}
		run(t, r, g)
		header := g.header("X-Auth-Diagnosis")
		if strings.Contains(header, "hop=edge") && !strings.Contains(header, "hop=edge;certainty=weak") {
			t.Fatalf("the edge is accused without proof: %s\nof %q", header, g.headers)
		}
		if benign && g.exited {
			t.Fatalf("a good token is refused: %s\nof %q", header, g.headers)
		}
	}
}
