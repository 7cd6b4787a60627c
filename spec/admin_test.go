//go:build spec

package spec

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"kong-plugin-auth-diagnosis/pkg/standin/ping"
	"kong-plugin-auth-diagnosis/spec/rig"
)

// freeAddress is a loopback address that nobody listens at, below those that the kernel
// gives away: a gateway takes a while to start.
func freeAddress(t *testing.T) string {
	t.Helper()
	for range 1000 {
		address := fmt.Sprintf("127.0.0.1:%d", 10_000+rand.IntN(20_000))
		if l, err := net.Listen("tcp", address); err == nil {
			l.Close()
			return address
		}
	}
	t.Fatal("no free port on loopback")
	return ""
}

// adminPatience is for what takes a while: a process that a reload has replaced notices
// within a second that it was, but the other has to start first.
const adminPatience = 20 * time.Second

// adminPage is an answer of the plugin's own address.
type adminPage struct {
	status int
	header http.Header
	body   string
}

// adminGet gets a page of the plugin process.
func adminGet(address, path string) (f adminPage, err error) {
	req, err := http.NewRequest(http.MethodGet, "http://"+address+path, nil)
	if err != nil {
		return f, err
	}
	resp, err := rig.Do(req)
	if err != nil {
		return f, err
	}
	body, err := io.ReadAll(resp.Body)
	return adminPage{resp.StatusCode, resp.Header, string(body)}, err
}

// awaitPage fetches a page until it is as it should be.
func awaitPage(t *testing.T, address, path string, good func(adminPage) bool) (f adminPage) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), adminPatience)
	defer cancel()
	if err := rig.Until(ctx, func() (err error) {
		if f, err = adminGet(address, path); err == nil && !good(f) {
			err = errors.New("not what it should be")
		}
		return err
	}); err != nil {
		t.Fatalf("%s: %v: %d %s", path, err, f.status, f.body)
	}
	return f
}

// scrape reads the plugin's metrics, by series with labels.
func scrape(t *testing.T, address string) map[string]float64 {
	t.Helper()
	all := map[string]float64{}
	f := awaitPage(t, address, "/metrics", func(f adminPage) bool { return f.status == http.StatusOK })
	for line := range strings.Lines(f.body) {
		line = strings.TrimSpace(line)
		if at := strings.LastIndexByte(line, ' '); !strings.HasPrefix(line, "#") && at > 0 {
			value, err := strconv.ParseFloat(line[at+1:], 64)
			if err != nil {
				t.Fatalf("%q: %v", line, err)
			}
			all[line[:at]] = value
		}
	}
	return all
}

func requests(code, hop string) string {
	return fmt.Sprintf(`auth_diagnosis_requests_total{code="%s",hop="%s",mode="enforce"}`, code, hop)
}

// TestOperatorsSeeThePlugin looks at the plugin's process from its start to its
// successor's, while requests pass.
func TestOperatorsSeeThePlugin(t *testing.T) {
	address := freeAddress(t)
	r := start(t, rig.Options{Args: "-admin-listen " + address})
	awaitPage(t, address, "/healthz", func(f adminPage) bool { return f.status == http.StatusOK })
	awaitPage(t, address, "/readyz", func(f adminPage) bool {
		return f.status == http.StatusOK && strings.Contains(f.body, `"no instances"`)
	})
	if err := r.Ready(t.Context(), "/orders"); err != nil {
		t.Fatal(err)
	}
	awaitPage(t, address, "/readyz", func(f adminPage) bool {
		return f.status == http.StatusOK && strings.Contains(f.body, `"ready"`)
	})

	before := scrape(t, address)
	good := r.PingFederate.Token(ping.ForClient("premium-client"))
	expired := r.PingFederate.Token(ping.ForClient("premium-client"), ping.Expires(time.Now().Add(-time.Hour)))
	for token, times := range map[string]int{good: 5, expired: 3, "": 2} {
		for range times {
			get(t, r, r.Proxy+"/orders", token)
		}
	}
	after := scrape(t, address)
	for series, want := range map[string]float64{
		requests("accepted", "gateway"):                                            5,
		requests("token_expired", "client"):                                        3,
		requests("credential_missing", "client"):                                   2,
		requests("kid_unknown", "idp"):                                             0,
		`auth_diagnosis_limiter_decisions_total{outcome="allowed",window="none"}`:  5,
		`auth_diagnosis_limiter_decisions_total{outcome="denied",window="second"}`: 0,
		`auth_diagnosis_plugin_faults_total{kind="panic"}`:                         0,
		`auth_diagnosis_instances{config="invalid"}`:                               0,
		`auth_diagnosis_findings_total{finding="limiter_degraded"}`:                0,
		`auth_diagnosis_jwks_usable{issuer="` + r.PingFederate.IssuerURL() + `"}`:  0, // it stays 1
		`auth_diagnosis_limiter_overflows_total{store="local"}`:                    0,
	} {
		if got := after[series] - before[series]; got != want {
			t.Errorf("%s grew by %v, expected %v", series, got, want)
		}
	}
	// Of the tokens that are judged for the first time here each costs one check; each
	// worker's instance has the same policy.
	if got := after["auth_diagnosis_signature_checks_total"] - before["auth_diagnosis_signature_checks_total"]; got < 1 || got > 2 {
		t.Errorf("%v signature checks, expected one for each of two tokens at most", got)
	}
	for series, least := range map[string]float64{
		`auth_diagnosis_jwks_usable{issuer="` + r.PingFederate.IssuerURL() + `"}`:               1,
		`auth_diagnosis_jwks_keys{issuer="` + r.PingOne.IssuerURL() + `"}`:                      1,
		`auth_diagnosis_jwks_fetches_total{issuer="` + r.PingAM.IssuerURL() + `",outcome="ok"}`: 1,
		`auth_diagnosis_instances{config="good"}`:                                               1,
		`auth_diagnosis_cached_tokens{kind="good"}`:                                             1,
		`process_open_fds`: 3,
	} {
		if after[series] < least {
			t.Errorf("%s is %v, expected %v at least", series, after[series], least)
		}
	}
	page := awaitPage(t, address, "/metrics", func(f adminPage) bool { return true }).body
	for _, secret := range append(strings.Split(good, "."), "premium-client", "kid=") {
		if strings.Contains(page, secret) {
			t.Errorf("%.20q, of a token, is on the page", secret)
		}
	}
	resp, err := http.Post("http://"+address+"/metrics", "text/plain", strings.NewReader("x"))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusMethodNotAllowed || resp.Header.Get("Allow") != "GET, HEAD" {
		t.Errorf("POST: %d %v", resp.StatusCode, resp.Header)
	}

	// The successor gets the address, while this process may still be there.
	if err := r.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	const started = "process_start_time_seconds"
	awaitPage(t, address, "/metrics", func(adminPage) bool { return scrape(t, address)[started] != after[started] })
	if again := scrape(t, address); again[requests("token_expired", "client")] != 0 {
		t.Errorf("a new process begins with %v", again)
	}
}

// TestReadinessNamesTheIssuerWithoutKeys has an issuer that is down from the start, and
// then comes.
func TestReadinessNamesTheIssuerWithoutKeys(t *testing.T) {
	address := freeAddress(t)
	r := start(t, rig.Options{Args: "-admin-listen " + address, Config: func(_ []byte, r *rig.Rig) []byte {
		if err := r.PingFederate.Refuse(); err != nil {
			t.Error(err)
		}
		return realms("a")(nil, r)
	}})
	awaitStatus(t, r, "/a", http.StatusUnauthorized)
	issuer := r.PingFederate.IssuerURL()
	awaitPage(t, address, "/readyz", func(f adminPage) bool {
		return f.status == http.StatusServiceUnavailable && strings.Contains(f.body, `{"issuer":"`+issuer+`","code":"jwks_connect"}`)
	})
	if got := scrape(t, address)[`auth_diagnosis_jwks_usable{issuer="`+issuer+`"}`]; got != 0 {
		t.Errorf("usable is %v, expected 0", got)
	}
	awaitPage(t, address, "/healthz", func(f adminPage) bool { return f.status == http.StatusOK })
	if err := r.PingFederate.Restore(); err != nil {
		t.Fatal(err)
	}
	awaitPage(t, address, "/readyz", func(f adminPage) bool { return f.status == http.StatusOK })
}
