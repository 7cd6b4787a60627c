package files_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"kong-plugin-auth-diagnosis/pkg/access"
	"kong-plugin-auth-diagnosis/pkg/diagnosis"
	"kong-plugin-auth-diagnosis/pkg/jwks"
	"kong-plugin-auth-diagnosis/spec/rig"
)

// standIns starts the stand-ins of docker-compose.yml with the arguments in it,
// but for the address, and returns where each one listens by the host and port
// that it has in the composition.
func standIns(t *testing.T, c composition) map[string]string {
	t.Helper()
	at := map[string]string{}
	for name, s := range c.Services {
		if s.Build == nil || s.Build.Target != "standin" {
			continue
		}
		port := c.listens(t, name)
		args := slices.Clone(s.Command)
		args[slices.Index(args, "-addr")+1] = "127.0.0.1:0"
		at[name+":"+port] = startStandIn(t, args)
	}
	return at
}

func startStandIn(t *testing.T, args []string) string {
	t.Helper()
	cmd := exec.Command(program(t, "standin"), args...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			t.Errorf("%q: %v\n%s", args, err, said.String())
		}
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	_, addr, ok := strings.Cut(strings.TrimSpace(line), " listens on ")
	if err != nil || !ok {
		t.Fatalf("%q: %v, %q", args, err, line)
	}
	return addr
}

// TestComposeTokensPassTheReferenceConfiguration runs what docker-compose.yml
// describes as far as that goes without containers: its stand-ins hand out
// tokens, and the plugin judges them with the configuration of kong.yml, finding
// the issuers under the names that they have in the composition.
func TestComposeTokensPassTheReferenceConfiguration(t *testing.T) {
	c := compose(t)
	at := standIns(t, c)
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		real, ok := at[address]
		if !ok {
			return nil, fmt.Errorf("no service %s", address)
		}
		return new(net.Dialer).DialContext(ctx, network, real)
	}
	client := &http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}
	keys := jwks.NewStore(jwks.WithDial(dial))
	engine := access.New(access.WithKeys(keys))
	defer engine.Close()
	route := engine.Start(ordersConfig(t))

	for service, s := range c.Services {
		if len(s.Command) == 0 || s.Command[0] != "ping" {
			continue
		}
		for i, word := range s.Command {
			if word != "-client" {
				continue
			}
			fields := strings.Split(s.Command[i+1], ":")
			t.Run(service+"/"+fields[0], func(t *testing.T) {
				token := grant(t, client, tokenEndpoint(t, client, service, s), fields[0], fields[1])
				if got := judged(t, route, token); got.status != 0 || got.upstream["X-Authenticated-Client"] != fields[0] {
					t.Errorf("got %+v", got)
				}
			})
		}
	}
	if got := judged(t, route, ""); got.status != 401 || !strings.HasPrefix(got.header, "credential_missing;") {
		t.Errorf("without a token: got %+v", got)
	}
}

// TestComposeCommentWorks sends the token request that the file's comment shows.
func TestComposeCommentWorks(t *testing.T) {
	m := regexp.MustCompile(`(?s)curl -s http://localhost:(\d+)(/\S+) -u (\S+):(\S+) \\\n#     -d grant_type=client_credentials\n`).FindStringSubmatch(read(t, composeFile))
	if m == nil {
		t.Fatal("expected a token request in the comment, got none")
	}
	c := compose(t)
	for name, s := range c.Services {
		if slices.Contains(s.Ports, m[1]+":"+c.listens(t, name)) {
			addr := standIns(t, composition{Services: map[string]container{name: s}})[name+":"+c.listens(t, name)]
			grant(t, http.DefaultClient, "http://"+addr+m[2], m[3], m[4])
			return
		}
	}
	t.Errorf("nobody publishes the port %s", m[1])
}

// tokenEndpoint reads the endpoint from the discovery document of the issuer
// that kong.yml has for a service.
func tokenEndpoint(t *testing.T, client *http.Client, service string, s container) string {
	t.Helper()
	base := s.Command[slices.Index(s.Command, "-url")+1]
	issuer := regexp.MustCompile(`(?m)issuer: (` + regexp.QuoteMeta(base) + `\S*)$`).FindStringSubmatch(read(t, "kong/kong.yml"))
	if issuer == nil {
		t.Fatalf("kong.yml trusts no issuer at %s", base)
	}
	resp, err := client.Get(issuer[1] + "/.well-known/openid-configuration")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var document struct {
		Issuer   string `json:"issuer"`
		Endpoint string `json:"token_endpoint"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&document); err != nil || document.Issuer != issuer[1] {
		t.Fatalf("%s: expected its issuer %q, got %+v, %v", service, issuer[1], document, err)
	}
	return document.Endpoint
}

// grant asks for a token as a client.
func grant(t *testing.T, client *http.Client, endpoint, id, secret string) string {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, endpoint, strings.NewReader(url.Values{"grant_type": {"client_credentials"}}.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth(id, secret)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	var body struct {
		Token string `json:"access_token"`
	}
	if err != nil || resp.StatusCode != 200 || json.Unmarshal(text, &body) != nil || body.Token == "" {
		t.Fatalf("%s: got %d %s, %v", endpoint, resp.StatusCode, text, err)
	}
	return body.Token
}

// ordersConfig is the configuration of kong.yml's first instance as a gateway
// hands it over.
func ordersConfig(t *testing.T) []byte {
	t.Helper()
	for _, p := range loadDeck(t, read(t, "kong/kong.yml")).Plugins {
		if p.Name == plugin && p.Config["mode"] == "enforce" {
			text, err := json.Marshal(p.Config)
			if err != nil {
				t.Fatal(err)
			}
			return text
		}
	}
	t.Fatal("expected an enforcing instance in kong.yml, got none")
	return nil
}

// judged sends a request with a token through a route until its keys are there.
func judged(t *testing.T, route *access.Route, token string) *answer {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	var got *answer
	if err := rig.Until(ctx, func() error {
		got = &answer{token: token, upstream: map[string]string{}}
		if err := route.Access(got); err != nil {
			return err
		}
		if got.status == http.StatusServiceUnavailable {
			return errors.New(got.header)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return got
}

// answer is a gateway with one request, and what became of it. A status of 0 is
// a request let through. What the reference configuration does not need of a
// gateway is not there: asking for it panics.
type answer struct {
	access.Gateway
	token    string
	status   int
	header   string
	upstream map[string]string
}

var _ access.Gateway = (*answer)(nil)

func (a *answer) Headers() (map[string][]string, error) {
	if a.token == "" {
		return map[string][]string{}, nil
	}
	return map[string][]string{"authorization": {"Bearer " + a.token}}, nil
}

func (a *answer) RequestID() (string, error)                 { return "0123456789abcdef", nil }
func (a *answer) SetResponseHeaders([]access.Header) error   { return nil }
func (a *answer) LogObject(string, []diagnosis.Member) error { return nil }
func (a *answer) Log(access.Severity, string) error          { return nil }
func (a *answer) SetUpstreamHeaders(h []access.Header) error { a.take(h); return nil }
func (a *answer) Exit(status int, _ []byte, h []access.Header) error {
	a.status = status
	a.take(h)
	a.header = a.upstream["X-Auth-Diagnosis"]
	return nil
}

func (a *answer) take(h []access.Header) {
	for _, f := range h {
		a.upstream[f.Name] = strings.Join(f.Values, ",")
	}
}
