package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/dunglas/httpsfv"

	"kong-plugin-auth-diagnosis/spec/rig"
)

// row is one call of the tour and what it must get.
type row struct {
	title string
	// via says by which route the call goes.
	via string
	url string
	// headers of the request, "Name: value" each.
	headers []string

	status int
	// code that X-Auth-Diagnosis must carry; "" for no such header.
	code string
	// check looks at what else matters; nil for nothing.
	check func(*http.Response) error

	// settles marks a row whose state comes about beside the request (a fetch
	// of keys): it is sent until it is there, for patience at most.
	settles bool
	// before and after surround the row.
	before, after func() error
	// send replaces sending one request.
	send func(ctx context.Context) (*http.Response, error)
}

// patience bounds how long a row may take to settle.
const patience = 5 * time.Second

// play sends the row and reports how the answer differs from what must come.
func (r *row) play(ctx context.Context) (resp *http.Response, err error) {
	if r.before != nil {
		if err := r.before(); err != nil {
			return nil, err
		}
	}
	if r.after != nil {
		defer func() { err = errors.Join(err, r.after()) }()
	}
	once := func() error {
		if resp, err = r.request(ctx); err != nil {
			return err
		}
		return r.judge(resp)
	}
	if !r.settles {
		return resp, once()
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err = rig.Until(ctx, once)
	return resp, err
}

func (r *row) request(ctx context.Context) (*http.Response, error) {
	if r.send != nil {
		return r.send(ctx)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.url, nil)
	if err != nil {
		return nil, err
	}
	for _, h := range r.headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Add(name, value)
	}
	return rig.Do(req)
}

func (r *row) judge(resp *http.Response) error {
	if resp.StatusCode != r.status {
		return fmt.Errorf("expected status %d, got %d", r.status, resp.StatusCode)
	}
	if code, _ := parse(resp); code != r.code {
		return fmt.Errorf("expected code %q, got %q", r.code, code)
	}
	if r.check != nil {
		return r.check(resp)
	}
	return nil
}

// parse reads the code and the hop of the diagnosis header as any client can.
func parse(resp *http.Response) (code, hop string) {
	item, err := httpsfv.UnmarshalItem(resp.Header.Values("X-Auth-Diagnosis"))
	if err != nil {
		return "", ""
	}
	token, _ := item.Value.(httpsfv.Token)
	if v, ok := item.Params.Get("hop"); ok {
		t, _ := v.(httpsfv.Token)
		hop = string(t)
	}
	return string(token), hop
}

// curl is the row as a command line.
func (r *row) curl() string {
	args := []string{"curl", "-i", r.url}
	for _, h := range r.headers {
		args = append(args, "-H", "'"+h+"'")
	}
	return strings.Join(args, " ")
}

// has returns a check that a header field is there with that value.
func has(name, value string) func(*http.Response) error {
	return func(resp *http.Response) error {
		if !slices.Contains(resp.Header.Values(name), value) {
			return fmt.Errorf("expected %s: %s, got %q", name, value, resp.Header.Values(name))
		}
		return nil
	}
}
