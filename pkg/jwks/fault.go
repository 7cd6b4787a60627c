package jwks

import (
	"fmt"
	"net/http"

	"kong-plugin-auth-diagnosis/pkg/diagnosis"
)

// fault is a failed fetch: a code of the catalogue and what happened in our own
// words. It never holds a URL, bytes of the answer or an error's text.
type fault struct {
	code   diagnosis.Code
	detail string
	// status is the HTTP status for the codes that are about one, else 0.
	status int
}

var _ error = (*fault)(nil)

// Error names the code and the detail.
func (f *fault) Error() string {
	if f.detail == "" {
		return string(f.code)
	}
	return fmt.Sprintf("%s (%s)", f.code, f.detail)
}

func faultf(c diagnosis.Code, format string, args ...any) *fault {
	return &fault{code: c, detail: fmt.Sprintf(format, args...)}
}

// statusFault judges the status of an answer; nil for 200, the only one that
// carries a document. A 407 is the proxy's word, not the server's.
func statusFault(status int, proxied bool) *fault {
	f := &fault{status: status, detail: fmt.Sprintf("HTTP status %d", status)}
	switch status {
	case http.StatusOK:
		return nil
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		f.code = diagnosis.JWKSRedirect
	default:
		f.code = diagnosis.JWKSStatus
		if proxied && status == http.StatusProxyAuthRequired {
			return faultf(diagnosis.JWKSProxy, "the proxy wants a password")
		}
	}
	return f
}

// inDiscovery turns a fault of fetching the discovery document into the code
// for it. What went wrong below HTTP keeps its class: it needs the same repair
// whichever document was asked for.
func (f *fault) inDiscovery() *fault {
	switch f.code {
	case diagnosis.JWKSStatus, diagnosis.JWKSRedirect, diagnosis.JWKSNotJSON, diagnosis.JWKSInvalid, diagnosis.JWKSTooLarge:
		return &fault{code: diagnosis.DiscoveryFailed, detail: f.Error()}
	}
	return f
}

// oneOf says how many of several documents share the failure.
func (f *fault) oneOf(results []result) *fault {
	failed := 0
	for _, r := range results {
		if r.fault != nil {
			failed++
		}
	}
	g := *f
	g.detail = fmt.Sprintf("%s; %d of %d documents failed", f.detail, failed, len(results))
	return &g
}
