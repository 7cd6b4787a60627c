//go:build spec

package main

import (
	"log"

	"kong-plugin-auth-diagnosis/pkg/pdkwire"
	"kong-plugin-auth-diagnosis/pkg/pluginserver"
)

// limits are for the benchmark's own requests.
var limits = pdkwire.Limits{Bytes: 1 << 20, Fields: 1000, Values: 1000}

// onWire is Access on the wire format.
func (i instance) onWire(_ string, ev *pluginserver.Event) {
	if err := i.calls(ev); err != nil {
		log.Print(err)
	}
}

func (i instance) calls(ev *pluginserver.Event) error {
	if i.Calls >= 1 {
		reply, err := ev.Ask("kong.request.get_headers", pdkwire.AppendInt(nil, 100))
		if err == nil {
			_, err = pdkwire.DecodeHeaders(reply, limits)
		}
		if err != nil {
			return err
		}
	}
	if i.Calls >= 2 {
		if err := ev.Tell("kong.service.request.set_header", pdkwire.AppendKV(nil, "X-Bench-User", pdkwire.String("alice"))); err != nil {
			return err
		}
	}
	if i.Calls >= 3 {
		if err := ev.Tell("kong.response.set_header", pdkwire.AppendKV(nil, "X-Bench-Calls", pdkwire.String("3"))); err != nil {
			return err
		}
	}
	if i.Exit {
		return ev.Exit(pdkwire.AppendExit(nil, exitStatus, []byte(exitBody), []pdkwire.Header{
			{Name: "Content-Type", Values: []string{"application/json; charset=utf-8"}},
			{Name: "WWW-Authenticate", Values: []string{`Bearer realm="bench", error="invalid_token"`}},
		}))
	}
	return nil
}
