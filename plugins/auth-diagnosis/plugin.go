package main

import (
	"context"
	"fmt"
	"time"

	"kong-plugin-auth-diagnosis/pkg/access"
	"kong-plugin-auth-diagnosis/pkg/diagnosis"
	"kong-plugin-auth-diagnosis/pkg/pluginserver"
	"kong-plugin-auth-diagnosis/pkg/schema"
)

// priority puts the plugin behind session (1900) and cors (2000), so that
// preflight requests are answered, and before Kong's credential plugins (jwt
// 1450 and down), so that it can explain what they reject.
const priority = 1460

// From SIGTERM to the end it takes five seconds at most: requests under way get
// drain, the answers of those cut short one second more, and closing the engine,
// which writes down what shall outlive it, the rest. Kong itself gives a plugin no
// time, it kills right after the signal; so nothing may depend on getting here.
const (
	drain     = 3 * time.Second
	closeTime = 900 * time.Millisecond
)

// plugin is the program: its flags, and the engine once it serves.
type plugin struct {
	engine      *access.Engine
	showVersion bool
	checkFile   string
	stateDir    string
	adminListen string

	admin  *admin // nil without -admin-listen
	faults faults
}

func newPlugin() *plugin { return &plugin{} }

func (p *plugin) describe() pluginserver.Plugin {
	return sabotage(pluginserver.Plugin{
		Info: pluginserver.Info{
			Name:     name,
			Version:  version,
			Priority: priority,
			Phases:   []string{"access"},
			Schema:   schema.Kong(name),
		},
		Start: p.start,
		Fault: p.fault,
	})
}

// early handles the flags that end the program before it serves.
func (p *plugin) early(inv pluginserver.Invocation) (code int, done bool) {
	switch {
	case p.showVersion:
		fmt.Fprintln(inv.Stdout, name, version)
		return 0, true
	case p.checkFile != "":
		return check(p.checkFile, inv.Stdout, inv.Stderr), true
	}
	return 0, false
}

// setup makes what lasts as long as the process. It does not run under -dump.
func (p *plugin) setup(ctx context.Context, inv pluginserver.Invocation) error {
	limitMemory(inv.Log)
	p.engine = access.New(access.WithClock(p.clock), access.WithKeys(p.keys(inv)), p.counters(inv))
	return p.openAdmin(ctx, inv)
}

// close ends what setup made, after the server has answered its last request: no
// count is made any more that the engine could miss. A disk that hangs does not
// hold up the end.
func (p *plugin) close() {
	if p.engine == nil {
		return
	}
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		p.engine.Close()
		p.admin.wait() // last: it may hang in a look-up of its host's name
	}()
	select {
	case <-closed:
	case <-time.After(closeTime):
	}
}

// start makes an instance: at once, without network, whatever its configuration.
func (p *plugin) start(config []byte) pluginserver.Handler {
	return handler{p.engine.Start(config)}
}

type handler struct{ route *access.Route }

// Handle runs one request. What the gateway sends and cannot be read ends it as
// a fault; after a request that the gateway took back that has no effect.
func (h handler) Handle(_ string, ev *pluginserver.Event) {
	if h.route.Access(access.Kong(ev)) != nil {
		_ = ev.Fail(pluginserver.FaultReply)
	}
}

// fault counts a fault and words its answer.
func (p *plugin) fault(f pluginserver.Fault) pluginserver.Exit {
	p.faults.add(f.Kind)
	p.engine.Faulted(faultCode(f.Kind))
	return fault(f)
}

func faultCode(kind pluginserver.FaultKind) diagnosis.Code {
	if kind == pluginserver.FaultDeadline {
		return diagnosis.DeadlineExceeded
	}
	return diagnosis.InternalError
}

// fault words the answer to a request on which the plugin failed.
func fault(f pluginserver.Fault) pluginserver.Exit {
	var route *access.Route
	if h, ok := f.Handler.(handler); ok {
		route = h.route
	}
	status, body, headers := route.Fault(faultCode(f.Kind))
	return pluginserver.Exit{Status: status, Body: body, Headers: headers}
}
