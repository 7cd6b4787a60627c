//go:build spec

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"kong-plugin-auth-diagnosis/pkg/access"
	"kong-plugin-auth-diagnosis/pkg/pdkwire"
	"kong-plugin-auth-diagnosis/pkg/standin/ping"
	"kong-plugin-auth-diagnosis/spec/bench/measure"
	"kong-plugin-auth-diagnosis/spec/rig"
)

// judge is the plugin's flow without a gateway: from the bytes of Kong's reply
// with the headers to the bytes of the answer.
type judge struct {
	engine *access.Engine
	issuer *ping.Issuer
}

func newJudge() (*judge, error) {
	issuer, err := startIssuer()
	if err != nil {
		return nil, err
	}
	return &judge{engine: access.New(), issuer: issuer}, nil
}

func (j *judge) close() {
	j.engine.Close()
	j.issuer.Close()
}

// route makes an instance with a tier, and waits until the issuer's keys are
// there: until then every token is refused, for want of a better answer.
func (j *judge) route(b *bench, tier map[string]any) (*access.Route, error) {
	text, err := json.Marshal(guardConfig(j.issuer, tier))
	if err != nil {
		return nil, err
	}
	r := j.engine.Start(text)
	k := replay{headers: headersOf(j.issuer.Token())}
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	return r, rig.Until(ctx, func() error {
		before := k.exits
		if err := r.Access(access.Kong(&k)); err != nil {
			return err
		}
		if k.exits > before {
			return errors.New("expected a good token to pass, got an answer")
		}
		return nil
	})
}

// cost measures requests to a route; headers makes those of the i-th one. Each
// must end as the first: with an answer of the plugin's, or without.
func cost(b *bench, r *access.Route, exits bool, headers func(i int) []byte) func() (measure.Sample, error) {
	made := 0
	return func() (measure.Sample, error) {
		var (
			k    replay
			fail error
		)
		c, err := measure.Loop(b.loop, func(int) {
			k.headers = headers(made)
			made++
			before := k.exits
			if err := r.Access(access.Kong(&k)); err != nil {
				fail = err
			} else if (k.exits > before) != exits {
				fail = fmt.Errorf("expected exit %v, got %v", exits, !exits)
			}
		})
		if err == nil {
			err = fail
		}
		return measure.Sample{micros(c.CPU), c.Allocs}, err
	}
}

// replay plays Kong: it has the same headers for everybody who asks.
type replay struct {
	headers []byte
	exits   int
}

var _ access.Bridge = (*replay)(nil)

// Ask implements [access.Bridge]. An empty reply is an empty text.
func (k *replay) Ask(method string, _ []byte) ([]byte, error) {
	if method == "kong.request.get_headers" {
		return k.headers, nil
	}
	return nil, nil
}

// Tell implements [access.Bridge].
func (*replay) Tell(string, []byte) error { return nil }

// Exit implements [access.Bridge].
func (k *replay) Exit([]byte) error {
	k.exits++
	return nil
}

// headersOf is Kong's reply for a request as get makes it.
func headersOf(token string) []byte { return headersWith("Bearer " + token) }

func headersWith(authorization string) []byte {
	headers := []pdkwire.Header{
		{Name: "host", Values: []string{"api.example.com"}},
		{Name: "user-agent", Values: []string{"bench/1.0"}},
		{Name: "accept", Values: []string{"application/json"}},
	}
	if authorization != "" {
		headers = append(headers, pdkwire.Header{Name: "authorization", Values: []string{authorization}})
	}
	return pdkwire.AppendHeaders(nil, headers)
}
