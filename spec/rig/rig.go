package rig

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"kong-plugin-auth-diagnosis/pkg/standin/edge"
	"kong-plugin-auth-diagnosis/pkg/standin/ping"
	"kong-plugin-auth-diagnosis/pkg/standin/upstream"
)

// Rig is everything that a request passes, running.
type Rig struct {
	*Gateway
	PingFederate, PingOne, PingAM *ping.Issuer
	Edge                          *edge.Edge
	Upstream                      *upstream.Upstream

	closers []io.Closer
}

// Options say what differs from the reference.
type Options struct {
	Bin string // the gateway's program; empty for the embedded gateway
	// Config makes the declarative configuration of the reference one, which
	// has the rig's addresses in it already; nil takes it as it is.
	Config func(reference []byte, r *Rig) []byte
	Conf   map[string]string
	HTTP2  bool   // the gateway takes HTTP/2 too
	Plugin string // the plugin's program; empty for the one that is released
	Args   string // added to the plugin's command line
	Rules  []edge.Rule
}

// scope is what the reference configuration demands.
const scope = "orders:read"

// Start starts all of it. Close ends what was started.
func Start(ctx context.Context, o Options) (r *Rig, err error) {
	r = &Rig{}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.Close())
			r = nil
		}
	}()
	for _, p := range []struct {
		product ping.Product
		to      **ping.Issuer
	}{{ping.PingFederate, &r.PingFederate}, {ping.PingOne, &r.PingOne}, {ping.PingAM, &r.PingAM}} {
		issuer, err := ping.Start(ping.Options{Product: p.product, Clients: clients()})
		if err != nil {
			return r, err
		}
		*p.to = issuer
		r.closers = append(r.closers, issuer)
	}
	if r.Upstream, err = upstream.Start(upstream.Options{}); err != nil {
		return r, err
	}
	r.closers = append(r.closers, r.Upstream)
	config, err := r.reference()
	if err != nil {
		return r, err
	}
	if o.Config != nil {
		config = o.Config(config, r)
	}
	if r.Gateway, err = StartGateway(ctx, GatewayOptions{Bin: o.Bin, Config: config, Conf: o.Conf, HTTP2: o.HTTP2, Plugin: o.Plugin, Args: o.Args}); err != nil {
		return r, err
	}
	r.Edge, err = edge.Start(edge.Options{Target: strings.TrimPrefix(r.Proxy, "http://"), Rules: o.Rules, CookiePool: "orders"})
	if err != nil {
		return r, err
	}
	r.closers = append(r.closers, r.Edge)
	return r, nil
}

func clients() []ping.Client {
	list := ping.DefaultClients()
	for i := range list {
		list[i].Scopes = []string{scope}
	}
	return list
}

// reference is kong/kong.yml with the addresses of the rig put in, and nothing
// else changed.
func (r *Rig) reference() ([]byte, error) {
	root, err := Root()
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(filepath.Join(root, "kong", "kong.yml"))
	if err != nil {
		return nil, err
	}
	return []byte(strings.NewReplacer(
		"http://pingfederate:9031", r.PingFederate.BaseURL(),
		"http://pingone:9032", r.PingOne.BaseURL(),
		"http://pingam:9033", r.PingAM.BaseURL(),
		"http://upstream:8080", r.Upstream.URL(),
	).Replace(string(text))), nil
}

// Ready waits until the gateway has the keys of every issuer: each is asked for
// with a good token until that passes.
func (r *Rig) Ready(ctx context.Context, path string) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	for _, issuer := range []*ping.Issuer{r.PingFederate, r.PingOne, r.PingAM} {
		if err := Until(ctx, func() error {
			resp, err := r.Get(r.Proxy+path, issuer.Token(ping.ForClient("premium-client")))
			if err != nil {
				return err
			}
			if resp.StatusCode != http.StatusOK {
				return fmt.Errorf("%s: %d %s", issuer.IssuerURL(), resp.StatusCode, resp.Header.Get("X-Auth-Diagnosis"))
			}
			return nil
		}); err != nil {
			return fmt.Errorf("waiting for keys: %w\n%s", err, r.ErrorLog())
		}
	}
	return nil
}

// Get sends a GET with a bearer token, or none when it is "", and reads the
// answer whole.
func (r *Rig) Get(url, token string) (*http.Response, error) {
	req, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	return Do(req)
}

// Close stops everything and returns the first trouble.
func (r *Rig) Close() error {
	var errs []error
	if r.Gateway != nil {
		errs = append(errs, r.Gateway.Stop())
	}
	for i := len(r.closers) - 1; i >= 0; i-- {
		errs = append(errs, r.closers[i].Close())
	}
	return errors.Join(errs...)
}
