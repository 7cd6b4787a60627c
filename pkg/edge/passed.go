package edge

import "strings"

// Passed names the hops that seem to have passed a request on, by the marks that
// they leave whether they changed anything or not. It accuses nobody.
func Passed(s Seen) (names []string) {
	for i := range marks {
		if marks[i].seen(&s) {
			names = append(names, marks[i].name)
		}
	}
	return names
}

// mark is how a product is known from a request.
type mark struct {
	name string
	seen func(*Seen) bool
}

var marks = []mark{
	{"F5 BIG-IP", func(s *Seen) bool {
		return s.has("clientless-mode") || s.hasCookie("BIGipServer") || s.hasCookie("MRHSession=") || s.hasCookie("LastMRH_Session=") || s.hasCookie("F5_ST=")
	}},
	{"CloudFront", func(s *Seen) bool { return s.has("x-amz-cf-id") || s.headerHolds("via", "(cloudfront)") }},
	{"AWS API Gateway", header("x-amzn-apigateway-api-id", "x-amzn-remapped-authorization")},
	{"AWS load balancer", header("x-amzn-trace-id", "x-amzn-oidc-identity")},
	{"Azure Front Door", func(s *Seen) bool {
		return s.has("x-azure-ref") || s.has("x-azure-fdid") || s.headerHolds("via", "1.1 azure")
	}},
	{"Google Cloud", func(s *Seen) bool { return s.headerHolds("via", "1.1 google") || s.has("x-cloud-trace-context") }},
	{"Cloudflare", header("cf-ray")},
	{"Akamai", func(s *Seen) bool { return s.has("akamai-origin-hop") || s.headerHolds("via", "akamai") }},
	{"Fastly", header("fastly-ff")},
	{"Envoy", func(s *Seen) bool {
		for name := range s.Headers {
			if strings.HasPrefix(name, "x-envoy-") {
				return true
			}
		}
		return s.has("x-forwarded-client-cert")
	}},
	{"Apache httpd", header("x-forwarded-server")},
	{"Squid", func(s *Seen) bool { return s.headerHolds("via", "(squid") || s.has("surrogate-capability") }},
}

// hasCookie reports whether a cookie's name and value begin with a text.
func (s *Seen) hasCookie(begin string) bool {
	for _, line := range s.Headers["cookie"] {
		for pair := range strings.SplitSeq(line, ";") {
			if strings.HasPrefix(trim(pair), begin) {
				return true
			}
		}
	}
	return false
}
