package edge

import (
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strings"
)

// envoyCert is where Envoy puts what it knows of a client's certificate:
// elements of pairs, such as By=…;Hash=…;Cert="…".
const envoyCert = "x-forwarded-client-cert"

// clientCert is the standard's header (RFC 9440 section 2.2): a byte sequence of
// structured fields, base64 of DER between colons.
const clientCert = "client-cert"

// certHeaders are those in which hops pass on a client's certificate. Some of
// them have no form of their own: F5, HAProxy and iRules write base64 of DER,
// Apache and nginx's $ssl_client_cert PEM, nginx's $ssl_client_escaped_cert, AWS
// and Traefik PEM with percent-encoding.
var certHeaders = []string{
	envoyCert, clientCert, "x-client-cert", "x-ssl-client-cert", "x-ssl-cert", "ssl-client-cert", "sslclientcert", "ssl_client_cert",
	"x-amzn-mtls-clientcert", "x-amzn-mtls-clientcert-leaf", "x-forwarded-tls-client-cert",
}

const (
	pemBegin = "-----BEGIN CERTIFICATE-----"
	pemEnd   = "-----END CERTIFICATE-----"
)

// certFault says what keeps a header from holding a client's certificate, ""
// for one that holds it, or none. It judges the form and not the certificate.
func certFault(name, value string) string {
	value = trim(value)
	switch {
	case value == "":
		return "" // how nginx and HAProxy say that there is none
	case value == "(null)":
		return "(null) is Apache's word for a variable that it does not have: SSLOptions +ExportCertData is missing"
	case name == envoyCert:
		return envoyFault(value)
	case name == clientCert && (len(value) < 2 || value[0] != ':' || value[len(value)-1] != ':'):
		return "expected base64 between colons (RFC 9440), got another form"
	case name == clientCert:
		return derFault(value[1 : len(value)-1])
	case strings.Contains(value, "%25"):
		return "percent-encoded twice"
	}
	if strings.HasPrefix(value, "-----BEGIN") {
		return pemFault(value)
	}
	return derFault(value)
}

// pemFault judges PEM (RFC 7468), plain or percent-encoded. What a header cannot hold are its line ends:
// they have to be encoded, and where a hop made blanks of them most parsers
// refuse the rest.
func pemFault(value string) string {
	text, ok := unescape(value)
	body, begins := strings.CutPrefix(text, pemBegin)
	body, _, ends := strings.Cut(body, pemEnd)
	switch {
	case !ok:
		return "an escape of percent-encoding is cut off"
	case !begins:
		return "PEM of something else than a certificate"
	case !ends:
		return "PEM that is cut off"
	case strings.ContainsAny(body, " \t"):
		return "PEM with its line ends gone"
	}
	return ""
}

// unescape decodes percent-encoding (RFC 3986 section 2.1). It reports false for
// an escape that is none.
func unescape(s string) (plain string, ok bool) {
	first, rest, escaped := strings.Cut(s, "%")
	if !escaped {
		return s, true
	}
	var b strings.Builder
	b.WriteString(first)
	for part := range strings.SplitSeq(rest, "%") {
		if len(part) < 2 {
			return "", false
		}
		c, err := hex.DecodeString(part[:2])
		if err != nil {
			return "", false
		}
		b.Write(c)
		b.WriteString(part[2:])
	}
	return b.String(), true
}

// derFault judges base64 of DER, which begins with a sequence's tag and length.
// Traefik joins those of a chain by commas, HAProxy may put quotes around.
func derFault(text string) string {
	for one := range strings.SplitSeq(strings.Trim(text, `"`), ",") {
		switch {
		case strings.ContainsAny(one, " \t"):
			return "base64 with blanks in it"
		case !strings.HasPrefix(one, "MI"):
			return "neither PEM nor base64 of DER"
		}
		if _, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(one, "=")); err != nil {
			return "base64 that is damaged or cut off"
		}
	}
	return ""
}

// envoyKeys are the keys of an element, in lower case.
var envoyKeys = []string{"by", "hash", "cert", "chain", "subject", "uri", "dns"}

// envoyFault judges elements of key and value, joined by commas and semicolons
// outside of double quotes, in which a backslash keeps a quote.
func envoyFault(value string) string {
	for pair, ok := range envoyPairs(value) {
		key, text, named := strings.Cut(pair, "=")
		key = strings.ToLower(trim(key))
		switch {
		case !ok:
			return "a quote is not closed"
		case strings.HasPrefix(value, "-----BEGIN"), strings.HasPrefix(value, "MI"):
			return "a bare certificate, not Envoy's pairs: another hop wrote it"
		case !named || !slices.Contains(envoyKeys, key):
			return "expected Envoy's pairs (By, Hash, Cert, …), got another form"
		case key == "hash" && (len(text) != 64 || strings.Trim(strings.ToLower(text), "0123456789abcdef") != ""):
			return "expected a Hash of 64 hexadecimal digits, got another"
		case key == "cert" || key == "chain":
			if what := pemFault(strings.Trim(text, `"`)); what != "" {
				return what
			}
		}
	}
	return ""
}

// envoyPairs yields the pairs of all elements; ok is false for one that ends
// inside of quotes.
func envoyPairs(value string) func(yield func(pair string, ok bool) bool) {
	return func(yield func(string, bool) bool) {
		start, quoted := 0, false
		for i := 0; i < len(value); i++ {
			switch c := value[i]; {
			case c == '\\' && quoted:
				i++
			case c == '"':
				quoted = !quoted
			case (c == ';' || c == ',') && !quoted:
				if !yield(value[start:i], true) {
					return
				}
				start = i + 1
			}
		}
		yield(value[start:], !quoted)
	}
}

// certificateOfEnvoy reports whether Envoy wrote about the client's certificate.
func (s *Seen) certificateOfEnvoy() bool {
	return slices.ContainsFunc(s.Headers[envoyCert], func(v string) bool { return trim(v) != "" && envoyFault(trim(v)) == "" })
}
