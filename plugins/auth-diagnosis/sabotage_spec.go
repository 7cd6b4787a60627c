//go:build spec

package main

import (
	"encoding/json"
	"runtime"
	"time"

	"kong-plugin-auth-diagnosis/pkg/pluginserver"
)

// sabotage has instances fail whose realm is the name of a way to: a route with
// such a realm is one of a plugin that is broken at that place.
func sabotage(p pluginserver.Plugin) pluginserver.Plugin {
	start, fault := p.Start, p.Fault
	p.Start = func(config []byte) pluginserver.Handler {
		var c struct{ Realm string }
		if json.Unmarshal(config, &c) == nil && c.Realm == "panic-start" {
			panic("start")
		}
		return saboteur{start(config), c.Realm}
	}
	p.Fault = func(f pluginserver.Fault) pluginserver.Exit {
		s, ok := f.Handler.(saboteur)
		if ok && s.realm == "panic-fault" {
			panic("fault")
		}
		if ok {
			f.Handler = s.Handler
		}
		return fault(f)
	}
	return p
}

type saboteur struct {
	pluginserver.Handler
	realm string
}

// Handle fails before, during or after what the instance does otherwise.
func (s saboteur) Handle(phase string, ev *pluginserver.Event) {
	switch s.realm {
	case "panic-event", "panic-fault":
		panic("event")
	case "panic-reply":
		_, _ = ev.Ask("kong.request.get_method", nil)
		panic("reply")
	case "panic-told":
		_ = ev.Tell("kong.log.notice", nil)
		panic("told")
	case "end-goroutine":
		runtime.Goexit()
	case "hang":
		<-time.After(time.Until(ev.Deadline()) + time.Second)
	}
	s.Handler.Handle(phase, ev)
	if s.realm == "panic-after" {
		panic("after")
	}
}
