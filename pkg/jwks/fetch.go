package jwks

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync"

	"kong-plugin-auth-diagnosis/pkg/diagnosis"
)

const (
	maxAnswerHeader = 64 << 10
	acceptSet       = "application/jwk-set+json, application/json"
	acceptDiscovery = "application/json"
	userAgent       = "kong-plugin-auth-diagnosis"
)

// DialFunc opens a connection, as [net.Dialer.DialContext] does.
type DialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// result is what one document gave: keys or a fault.
type result struct {
	keys  []Key
	fault *fault
}

func (r result) good() bool { return r.fault == nil }

// fetcher gets the documents of one source. It is used by one goroutine.
type fetcher struct {
	src       Source
	client    *http.Client
	transport *http.Transport
	// discovered is the jwks_uri of the last good discovery document.
	discovered string
}

// newFetcher makes a client of its own: nothing of [http.DefaultClient], the
// environment or another source's settings reaches these fetches. Connections
// are not kept, for they would idle from one refresh to the next.
func newFetcher(src Source, dial DialFunc) *fetcher {
	if dial == nil {
		dial = (&net.Dialer{Timeout: src.Timeout}).DialContext
	}
	t := &http.Transport{
		DialContext:            dial,
		Proxy:                  proxyFunc(src.HTTPProxy),
		OnProxyConnectResponse: refuseConnect,
		TLSClientConfig: &tls.Config{
			RootCAs:            roots(src.CACertificates),
			InsecureSkipVerify: src.InsecureSkipVerify,
		},
		TLSHandshakeTimeout:    src.Timeout,
		DisableKeepAlives:      true,
		MaxResponseHeaderBytes: maxAnswerHeader,
	}
	return &fetcher{src: src, transport: t, client: &http.Client{
		Transport: t,
		// A redirect is shown to the operator, not followed: following would
		// let an answer choose where keys come from.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// fetch gets every document of the source at the same time, within the timeout.
// The results are in the order of the source's URIs.
func (f *fetcher) fetch(ctx context.Context) []result {
	ctx, cancel := context.WithTimeout(ctx, f.src.Timeout)
	defer cancel()
	uris := f.src.URIs
	if len(uris) == 0 {
		uri, err := f.discover(ctx)
		if err != nil {
			return []result{{fault: err}}
		}
		uris = []string{uri}
	}
	results := make([]result, len(uris))
	var wg sync.WaitGroup
	for i, uri := range uris {
		wg.Go(func() { results[i] = f.fetchSet(ctx, uri) })
	}
	wg.Wait()
	return results
}

func (f *fetcher) fetchSet(ctx context.Context, uri string) (r result) {
	// The documents are the issuer's, and this process serves every route: a
	// panic over one of them is that document's fault and no more.
	defer func() {
		if recover() != nil {
			r = result{fault: faultf(diagnosis.JWKSInvalid, "reading the key set failed")}
		}
	}()
	body, err := f.get(ctx, uri, acceptSet)
	if err != nil {
		return result{fault: err}
	}
	r.keys, r.fault = parseSet(body)
	return r
}

// discover reads the discovery document anew for every fetch, so that a moved
// jwks_uri is noticed. When the document cannot be had, the last good one still
// counts: it says where to ask, and whether the keys are there is seen next.
func (f *fetcher) discover(ctx context.Context) (string, *fault) {
	body, err := f.get(ctx, f.src.discoveryURL(), acceptDiscovery)
	if err != nil {
		err = err.inDiscovery()
	} else {
		var uri string
		if uri, err = parseDiscovery(body, f.src.Issuer); err == nil {
			f.discovered = uri
			return uri, nil
		}
	}
	if err.code == diagnosis.DiscoveryFailed && f.discovered != "" {
		return f.discovered, nil
	}
	return "", err
}

// get returns the body of a 200 answer.
func (f *fetcher) get(ctx context.Context, uri, accept string) ([]byte, *fault) {
	var p progress
	req, err := http.NewRequestWithContext(httptrace.WithClientTrace(ctx, p.trace()), http.MethodGet, uri, nil)
	if err != nil {
		return nil, faultf(diagnosis.JWKSConnect, "the address is not a URL")
	}
	req.Header.Set("Accept", accept)
	req.Header.Set("User-Agent", userAgent)
	proxied := f.src.HTTPProxy != ""
	resp, err := f.client.Do(req)
	if err != nil {
		return nil, classify(err, p.reached(), proxied)
	}
	defer resp.Body.Close()
	if sf := statusFault(resp.StatusCode, proxied); sf != nil {
		return nil, sf
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if len(body) > maxBody {
		return nil, faultf(diagnosis.JWKSTooLarge, "more than %d bytes", maxBody)
	}
	if err != nil {
		return nil, classify(err, stageBody, proxied)
	}
	return body, nil
}

func (f *fetcher) close() { f.transport.CloseIdleConnections() }

// errProxyURL stands for an http_proxy that is no URL. Its text would hold the
// URL, and with it perhaps a password.
var errProxyURL = errors.New("http_proxy is not a URL")

// proxyFunc never falls back to a direct connection: a proxy that cannot be
// used is an error.
func proxyFunc(proxy string) func(*http.Request) (*url.URL, error) {
	if proxy == "" {
		return nil
	}
	u, err := url.Parse(proxy)
	if err != nil || u.Host == "" {
		return func(*http.Request) (*url.URL, error) { return nil, errProxyURL }
	}
	return http.ProxyURL(u)
}

// connectRefused is a proxy's answer to CONNECT other than 200.
type connectRefused struct{ status int }

func (e *connectRefused) Error() string { return http.StatusText(e.status) }

// refuseConnect gives that answer a type; net/http only has a text for it.
func refuseConnect(_ context.Context, _ *url.URL, _ *http.Request, resp *http.Response) error {
	if resp.StatusCode != http.StatusOK {
		return &connectRefused{resp.StatusCode}
	}
	return nil
}

// roots is the system's pool and the given certificates; nil, which stands for
// the system's, without any.
func roots(pems []string) *x509.CertPool {
	if len(pems) == 0 {
		return nil
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	for _, p := range pems {
		pool.AppendCertsFromPEM([]byte(p))
	}
	return pool
}
