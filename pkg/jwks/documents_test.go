package jwks_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"kong-plugin-auth-diagnosis/pkg/diagnosis"
	"kong-plugin-auth-diagnosis/pkg/jwks"
)

const discoveryURL = issuer + "/.well-known/openid-configuration"

func TestDocumentsAreMerged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		n.set(setURL, answer{body: set(jwk("a"))})
		n.set(setURL2, answer{body: set(jwk("b"))})
		k := n.open(t).Set(source(setURL, setURL2))
		synctest.Wait()
		wantVerdict(t, k, "a", found)
		wantVerdict(t, k, "b", found)
		wantVerdict(t, k, "c", verdict{Status: jwks.Unknown, Code: diagnosis.KidUnknown})
	})
}

func TestFailingDocumentKeepsItsLastGoodKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		n.set(setURL, answer{body: set(jwk("a"))})
		n.set(setURL2, answer{body: set(jwk("b"))})
		src := source(setURL, setURL2)
		src.MaxStale = 2 * time.Hour
		k := n.open(t).Set(src)
		synctest.Wait()
		n.set(setURL, answer{body: set(jwk("a2"))})
		n.set(setURL2, answer{status: 500})
		time.Sleep(110 * time.Minute)
		synctest.Wait()
		wantVerdict(t, k, "a2", found)
		wantVerdict(t, k, "b", found)
		// Nobody can say that a kid is unknown while half of the keys cannot be seen.
		if a := k.Lookup("a"); a.Code != diagnosis.KidUnknownThrottled {
			t.Errorf("code %q for a kid that may be in the failing document, expected kid_unknown_throttled", a.Code)
		}
		time.Sleep(15 * time.Minute)
		synctest.Wait()
		wantVerdict(t, k, "a2", found)
		if a := k.Lookup("b"); a.Status != jwks.Unknown {
			t.Errorf("status %d for a key that could not be checked for longer than max_stale, expected Unknown", a.Status)
		}
	})
}

func TestFirstFetchWithOneDocumentMissing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		n.set(setURL, answer{body: set(jwk("a"))})
		var last jwks.Event
		k := n.open(t, jwks.WithObserver(func(e jwks.Event) { last = e })).Set(source(setURL, setURL2))
		synctest.Wait()
		wantVerdict(t, k, "a", found)
		a := wantVerdict(t, k, "b", verdict{jwks.Unknown, diagnosis.KidUnknownThrottled, 30 * time.Second})
		if want := "the refresh failed: jwks_status (HTTP status 404; 1 of 2 documents failed)"; a.Detail != want {
			t.Errorf("detail %q, expected %q", a.Detail, want)
		}
		want := jwks.Event{
			Issuer: issuer, Code: diagnosis.JWKSStatus, Detail: "HTTP status 404; 1 of 2 documents failed",
			Keys: 1, Changed: true, Generation: 1, Next: time.Second,
		}
		if diff := cmp.Diff(want, last); diff != "" {
			t.Errorf("event (-want +got):\n%s", diff)
		}
	})
}

func TestDiscovery(t *testing.T) {
	good := `{"issuer":"http://ping.test","jwks_uri":"http://ping.test/pf/JWKS"}`
	tests := map[string]struct {
		doc    answer
		want   verdict
		detail string
	}{
		"good":            {answer{body: good}, found, ""},
		"not found":       {answer{status: 404}, verdict{Code: diagnosis.DiscoveryFailed, Retry: time.Second}, "jwks_status (HTTP status 404)"},
		"redirect":        {answer{status: 302}, verdict{Code: diagnosis.DiscoveryFailed, Retry: time.Second}, "jwks_redirect (HTTP status 302)"},
		"HTML":            {answer{body: "<html>"}, verdict{Code: diagnosis.DiscoveryFailed, Retry: time.Second}, "jwks_not_json (the answer looks like HTML or XML)"},
		"array":           {answer{body: "[]"}, verdict{Code: diagnosis.DiscoveryFailed, Retry: time.Second}, "jwks_invalid (the answer is not a JSON object)"},
		"other host":      {answer{body: `{"issuer":"http://other.test"}`}, verdict{Code: diagnosis.DiscoveryIssuerMismatch, Retry: time.Second}, "the issuers differ in the host"},
		"trailing slash":  {answer{body: `{"issuer":"http://ping.test/"}`}, verdict{Code: diagnosis.DiscoveryIssuerMismatch, Retry: time.Second}, "the issuers differ in a trailing slash"},
		"no jwks_uri":     {answer{body: `{"issuer":"http://ping.test"}`}, verdict{Code: diagnosis.DiscoveryNoJWKSURI, Retry: time.Second}, "no jwks_uri, or not a string"},
		"file URL":        {answer{body: `{"issuer":"http://ping.test","jwks_uri":"file:///etc/passwd"}`}, verdict{Code: diagnosis.DiscoveryNoJWKSURI, Retry: time.Second}, "jwks_uri is not an http or https URL"},
		"number for URL":  {answer{body: `{"issuer":"http://ping.test","jwks_uri":5}`}, verdict{Code: diagnosis.DiscoveryNoJWKSURI, Retry: time.Second}, "no jwks_uri, or not a string"},
		"does not answer": {answer{hang: true}, verdict{Code: diagnosis.JWKSTimeout, Retry: time.Second}, "timed out waiting for the answer"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork(t)
				n.set(discoveryURL, tt.doc)
				n.set(setURL, answer{body: set(jwk("a"))})
				k := n.open(t).Set(source())
				if tt.doc.hang {
					time.Sleep(5 * time.Second)
				}
				synctest.Wait()
				if a := wantVerdict(t, k, "a", tt.want); a.Detail != tt.detail {
					t.Errorf("detail %q, expected %q", a.Detail, tt.detail)
				}
			})
		})
	}
}

func TestDiscoveryIsReadAgainAtEachRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		n.set(discoveryURL, answer{body: `{"issuer":"http://ping.test","jwks_uri":"http://ping.test/pf/JWKS"}`})
		n.set(setURL, answer{body: set(jwk("a"))})
		n.set(setURL2, answer{body: set(jwk("b"))})
		k := n.open(t).Set(source())
		synctest.Wait()
		wantVerdict(t, k, "a", found)

		n.set(discoveryURL, answer{body: `{"issuer":"http://ping.test","jwks_uri":"http://ping.test/ext/oauth/jwks"}`})
		time.Sleep(900 * time.Second)
		synctest.Wait()
		wantVerdict(t, k, "b", found)

		// Without the document the keys are fetched from where they were.
		n.set(discoveryURL, answer{status: 500})
		n.set(setURL2, answer{body: set(jwk("c"))})
		time.Sleep(900 * time.Second)
		synctest.Wait()
		wantVerdict(t, k, "c", found)

		// A document of another issuer is not a missing one.
		n.set(discoveryURL, answer{body: `{"issuer":"http://other.test","jwks_uri":"http://ping.test/pf/JWKS"}`})
		time.Sleep(time.Minute)
		k.Lookup("d")
		synctest.Wait()
		a := k.Lookup("d")
		if want := "the refresh failed: discovery_issuer_mismatch (the issuers differ in the host)"; a.Detail != want {
			t.Errorf("detail %q, expected %q", a.Detail, want)
		}
		wantVerdict(t, k, "c", found)
	})
}

func TestDiscoveryAddressOfAnIssuerWithASlash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		n.set(discoveryURL, answer{body: `{"issuer":"http://ping.test/","jwks_uri":"http://ping.test/pf/JWKS"}`})
		n.set(setURL, answer{body: set(jwk("a"))})
		src := source()
		src.Issuer = issuer + "/"
		k := n.open(t).Set(src)
		synctest.Wait()
		wantVerdict(t, k, "a", found)
	})
}
