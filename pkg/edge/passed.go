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
	seen trace
}

var marks = []mark{
	{"F5 BIG-IP", either((*Seen).throughF5, header("clientless-mode", "x-wa-info"))},
	{"CloudFront", either(header("x-amz-cf-id"), via("(cloudfront)"))},
	{"AWS API Gateway", header("x-amzn-apigateway-api-id", "x-amzn-remapped-authorization")},
	{"AWS load balancer", header("x-amzn-trace-id", "x-amzn-oidc-identity", "x-amzn-oidc-data")},
	{"Azure Front Door", either(header("x-azure-ref", "x-azure-fdid", "x-azure-clientip", "x-azure-socketip", "x-azure-requestchain"), via("1.1 azure"))},
	{"Google Cloud", either(header("x-cloud-trace-context", "x-endpoint-api-userinfo", "x-goog-iap-jwt-assertion"), via("1.1 google"))},
	{"Cloudflare", either(header("cf-ray", "cf-connecting-ip", "cf-access-jwt-assertion"), holds("cdn-loop", "cloudflare"))},
	{"Akamai", either(header("akamai-origin-hop"), via("akamai"), all(header("true-client-ip"), not(header("cf-ray"))))},
	{"Fastly", either(header("fastly-ff"), holds("cdn-loop", "fastly"))},
	{"Envoy", either(envoyHeader, (*Seen).certificateOfEnvoy)},
	{"Apache httpd", all(header("x-forwarded-server"), not(header("x-forwarded-port")))},
	{"Traefik", all(header("x-forwarded-server"), header("x-forwarded-port"))},
	{"Squid", either(via("(squid"), header("surrogate-capability"))},
	// Others add to the line that is there.
	{"HAProxy", func(s *Seen) bool { return len(s.Headers["x-forwarded-for"]) > 1 }},
	{"another Kong", via("kong/")},
}

// holds looks for a text in a header, given in lower case.
func holds(name, text string) trace {
	return func(s *Seen) bool { return s.headerHolds(name, text) }
}

func envoyHeader(s *Seen) bool {
	for name := range s.Headers {
		if strings.HasPrefix(name, "x-envoy-") {
			return true
		}
	}
	return false
}
