package jwks

import (
	"net/http"
	"testing"

	"kong-plugin-auth-diagnosis/pkg/diagnosis"
)

type panicking struct{}

func (panicking) RoundTrip(*http.Request) (*http.Response, error) { panic("broken") }

func TestPanicOverADocumentIsThatDocumentsFault(t *testing.T) {
	f := newFetcher(Source{URIs: []string{"http://a", "http://b"}}.normal(), nil)
	f.client.Transport = panicking{}
	for _, r := range f.fetch(t.Context()) {
		if r.fault == nil || r.fault.code != diagnosis.JWKSInvalid || r.keys != nil {
			t.Errorf("result %+v, expected jwks_invalid", r)
		}
	}
}

func TestBrokenAuthoritiesAreNotTrust(t *testing.T) {
	if roots(nil) != nil {
		t.Error("no certificates give a pool of their own, expected the system's")
	}
	if roots([]string{"not PEM"}) == nil {
		t.Error("unreadable certificates give no pool")
	}
}
