package credential

import (
	"maps"
	"slices"
	"strings"

	"kong-plugin-auth-diagnosis/pkg/diagnosis"
)

// refuges are headers to which intermediaries move an Authorization header, or
// in which clients put it because something on the way removes it.
var refuges = []string{
	"x-forwarded-authorization", // Google ESPv2
	"x-original-authorization",
	"x-amzn-remapped-authorization", // AWS API Gateway
	"x-serverless-authorization",    // Google Cloud Run
	"authorization-original",
	"x-authorization",
	"x-auth-token",
	"x-access-token",
	"access-token",
	"x-forwarded-access-token",    // oauth2-proxy
	"x-ms-token-aad-access-token", // Azure App Service
	"x-amzn-oidc-accesstoken",     // AWS load balancer
	"proxy-authorization",
}

// keyPrefixes are put before a header's name by hops that rename it.
var keyPrefixes = []string{"x-amzn-remapped-", "x-forwarded-", "x-original-"}

// keyRefuges are usual names of API keys.
var keyRefuges = []string{"x-api-key", "api-key", "apikey", "x-apikey", "x_api_key", "api_key"}

// movable tells the failures that another header can explain: nothing arrived
// where it should, or single sign-on put something of its own there.
func movable(c diagnosis.Code) bool {
	switch c {
	case diagnosis.CredentialMissing, diagnosis.CredentialEmpty, diagnosis.SchemeUnsupported:
		return true
	}
	return false
}

// moved returns the header that holds the credential in place of a configured
// one, "" if none does. Headers that are known for it are looked at first, then
// all others in the order of their names for a value that can be nothing else.
func (w *Want) moved(h Headers) string {
	for _, name := range refuges {
		if !w.configured(name) && slices.ContainsFunc(h[name], w.fits) {
			return name
		}
	}
	if w.expects(Key) {
		for _, name := range w.keyRefuges() {
			if slices.ContainsFunc(h[name], func(v string) bool { return w.judgeKey(name, v) == nil }) {
				return name
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(h)) {
		if !w.configured(name) && slices.ContainsFunc(h[name], w.unmistakable) {
			return name
		}
	}
	return ""
}

// configured reports whether a header is read for an expected kind anyway, so
// that what stands in it is where it should be.
func (w *Want) configured(name string) bool {
	return slices.ContainsFunc(w.places(), func(p string) bool { return strings.EqualFold(p, name) })
}

func (w *Want) keyRefuges() []string {
	var names []string
	for _, k := range w.KeyNames {
		for _, p := range keyPrefixes {
			names = append(names, p+strings.ToLower(k))
		}
	}
	return slices.DeleteFunc(append(names, keyRefuges...), w.configured)
}

// fits reports whether a value is an undamaged credential of an expected kind
// with its scheme, or a bare JWT. Less would be a guess: these headers carry
// other things too.
func (w *Want) fits(value string) bool {
	v := trim(value)
	scheme, rest, spaced := cut(v)
	switch kind := schemes[strings.ToLower(scheme)]; {
	case !spaced:
		return w.expects(Bearer) && looksLikeJWT(v)
	case kind == Bearer:
		return w.expects(Bearer) && readToken("", rest).failure == nil
	case kind == Basic:
		return w.expects(Basic) && readBasic("", rest).failure == nil
	}
	return false
}

// minToken is the least length of a bearer token in a header that is not known
// for holding one, in bytes; "bearer shares" is English.
const minToken = 20

// unmistakable is fits for a header of any name. A bare JWT is left out: hops
// state identities of their own in that form.
func (w *Want) unmistakable(value string) bool {
	_, rest, spaced := cut(trim(value))
	return spaced && len(rest) >= minToken && w.fits(value)
}
