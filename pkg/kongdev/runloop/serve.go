package runloop

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"kong-plugin-auth-diagnosis/pkg/kongdev/errlog"
	"kong-plugin-auth-diagnosis/pkg/kongdev/exchange"
	"kong-plugin-auth-diagnosis/pkg/kongdev/router"
	"kong-plugin-auth-diagnosis/pkg/kongdev/rpc"
)

// Response is what Serve gives the front to send. Body is nil for an answer
// that is complete in Content.
type Response struct {
	Content []byte
	Body    *UpstreamBody
}

// run is one exchange with the plugins that apply to it.
type run struct {
	*exchange.Exchange
	state     *State
	collected []collected
	proxied   bool // KONG_PROXIED: it was meant for the upstream
}

type collected struct {
	plugin *configured
	config *config
}

// Serve routes x, runs the access phase and proxies or answers. It leaves
// status and headers in x; after sending them the front calls Log. When ctx is done a
// gRPC call ends, body included.
func (s *State) Serve(ctx context.Context, x *exchange.Exchange, body *Spool) (*Response, *Finish) {
	r := &run{Exchange: x, state: s}
	resp := r.serve(ctx, body)
	return resp, &Finish{r}
}

// Finish runs the log phase of an exchange.
type Finish struct{ r *run }

// Log runs the log phase.
func (f *Finish) Log() { f.r.phase("log", func(p *Plugin) phaseFunc { return p.Builtin.Log }) }

func (r *run) serve(ctx context.Context, body *Spool) *Response {
	if answer := r.route(); answer != nil {
		return r.answer(answer)
	}
	r.access()
	r.Times.AccessEnded = r.Now()
	if r.Delayed != nil {
		return r.answer(r.Delayed)
	}
	if r.Service() == nil {
		r.Source = exchange.SourceExit
		return r.answer(r.ErrorAnswer(503, "no Service found with those values"))
	}
	return r.forward(ctx, body)
}

// route finds the route and prepares the upstream request; a non-nil answer
// ends the request.
func (r *run) route() *exchange.Answer {
	m := r.state.router.Find(router.Request{Method: r.Method, Target: r.Head.Target,
		Host: r.Head.Header.Value("Host"), Header: r.Head.Header})
	if m == nil {
		r.Source = exchange.SourceExit
		return r.ErrorAnswer(404, "no Route matched with those values")
	}
	r.Match = m
	if a := r.protocolMismatch(); a != nil {
		r.Source = exchange.SourceExit
		return a
	}
	r.Upstream.Path = router.Escape(m.UpstreamPath)
	if svc := m.Route.Service; svc != nil {
		r.Upstream.Scheme, r.Upstream.Host, r.Upstream.Port = svc.Protocol, svc.Host, svc.Port
	}
	if m.Route.PreserveHost {
		r.Upstream.Header = r.Head.Header.Value("Host")
	}
	return nil
}

// access runs the access phase. The configuration of a plugin is looked up when
// its turn comes, so that an earlier plugin's consumer counts. After an exit the
// remaining plugins do not run, but their later phases do.
func (r *run) access() {
	for _, p := range r.state.plugins {
		cfg := p.lookup(r.Exchange)
		if cfg == nil {
			continue
		}
		r.collected = append(r.collected, collected{p, cfg})
		if r.Delayed != nil || !slices.Contains(p.Phases, "access") {
			continue
		}
		if err := r.runAccess(p, cfg); err != nil && r.Delayed == nil {
			r.failPlugin(p.Name, err)
		}
	}
}

func (r *run) runAccess(p *configured, cfg *config) error {
	if p.Builtin != nil {
		return p.Builtin.Access(r.Exchange, cfg.table)
	}
	return r.state.clients(p.Name).HandleEvent(r.Exchange, cfg.remote, "access")
}

// failPlugin makes the 500: kong.response.error for a failing plugin server, a
// bare message for a Lua error.
func (r *run) failPlugin(plugin string, err error) {
	if errors.Is(err, rpc.ErrServer) {
		r.Delayed, r.Source = r.ErrorAnswer(500, ""), exchange.SourceExit
		return
	}
	r.Log.Printf(errlog.Err, "[kong] init.lua [%s] %v", plugin, err)
	r.Delayed, r.Source = exchange.Unexpected(), exchange.SourceError
}

type phaseFunc = func(x *exchange.Exchange, config map[string]any) error

// phase runs a later phase of the collected built-in plugins.
func (r *run) phase(name string, pick func(*Plugin) phaseFunc) {
	for _, c := range r.collected {
		if c.plugin.Builtin == nil {
			continue
		}
		f := pick(c.plugin.Plugin)
		if f == nil {
			continue
		}
		if err := f(r.Exchange, c.config.table); err != nil {
			r.Log.Printf(errlog.Err, "[kong] init.lua [%s] failed to run %s: %v", c.plugin.Name, name, err)
		}
	}
}

// answer is kong.response.exit up to the header phase.
func (r *run) answer(a *exchange.Answer) *Response {
	content := r.Send(a)
	r.headerFilter()
	return &Response{Content: content}
}

// headerFilter is runloop.header_filter around the plugins' own phase.
func (r *run) headerFilter() {
	r.phase("header_filter", func(p *Plugin) phaseFunc { return p.Builtin.HeaderFilter })
	h, now := r.Conf.Headers, r.Now()
	if r.proxied {
		head := r.Times.UpstreamHead
		if head.IsZero() {
			head = now
		}
		if h.UpstreamLatency {
			r.Out.Set("X-Kong-Upstream-Latency", fmt.Sprint(head.Sub(r.Times.AccessEnded).Milliseconds()))
		}
		if h.ProxyLatency {
			r.Out.Set("X-Kong-Proxy-Latency", fmt.Sprint(r.Times.AccessEnded.Sub(r.Started).Milliseconds()))
		}
		if h.Via {
			r.Out.Set("Via", r.via())
		}
		if h.Server && !r.Out.Has("Server") {
			r.Out.Set("Server", exchange.ServerToken)
		}
	} else {
		if h.ResponseLatency {
			r.Out.Set("X-Kong-Response-Latency", fmt.Sprint(now.Sub(r.Started).Milliseconds()))
		}
		if r.Out.Del("Server"); h.Server {
			r.Out.Set("Server", exchange.ServerToken)
		}
	}
	if h.RequestID {
		r.Out.Set("X-Kong-Request-Id", r.ID)
	}
}

// via is the Via header of a proxied answer, with the version spoken to the upstream.
func (r *run) via() string {
	own := "1.1 " + exchange.ServerToken
	if isGRPC(r.Upstream.Scheme) {
		own = "2 " + exchange.ServerToken
	}
	if via := r.Out.Value("Via"); via != "" {
		return via + ", " + own
	}
	return own
}

// HeadError answers a request head that nginx refuses: Kong's error handler
// makes the body, and no plugin runs.
func HeadError(x *exchange.Exchange, status int) *Response {
	r := &run{Exchange: x}
	x.Source = exchange.SourceError
	x.Times.AccessEnded = x.Now()
	return r.answer(x.ErrorPage(status))
}

// addrText prints an address without a zone or a mapped prefix.
func addrText(a netip.AddrPort) string { return a.Addr().Unmap().String() }
