package main

import (
	"context"
	"log/slog"
	"net"
	"time"

	"kong-plugin-auth-diagnosis/pkg/pluginserver"
)

// adminRetry is how often an address is tried that is taken. At a reload of Kong
// it is, until the process before has noticed.
const adminRetry = time.Second

// admin answers whoever looks after the process: is it alive, has it keys, what did it
// count. It runs beside the plugin, and nothing that befalls it reaches a request.
type admin struct {
	at    endpoint
	pages map[string]func() page // by path
	log   *slog.Logger
	retry time.Duration

	ctx   context.Context // of the process
	end   context.CancelFunc
	ended chan struct{} // closed when nothing of it runs any more
}

// openAdmin opens what -admin-listen asks for, nothing if it was not given. An address
// that cannot be one is an error; one that cannot be had now is tried again.
func (p *plugin) openAdmin(ctx context.Context, inv pluginserver.Invocation) error {
	if p.adminListen == "" {
		return nil
	}
	at, err := parseEndpoint(p.adminListen)
	if err != nil {
		return err
	}
	p.admin = &admin{ctx: ctx, at: at, pages: p.pages(), log: inv.Log, retry: adminRetry}
	p.admin.begin()
	return nil
}

// begin runs it until end is called or the process ends.
func (a *admin) begin() {
	ctx, end := context.WithCancel(a.ctx)
	a.end, a.ended = end, make(chan struct{})
	go a.run(ctx)
}

// superseded leaves the address to the process that Kong made at a reload, and takes it
// again should that one be gone. Only the server calls it, and not after its end.
func (p *plugin) superseded(now bool) {
	switch {
	case p.admin == nil:
	case now:
		p.admin.end()
	default:
		p.admin.wait()
		p.admin.begin()
	}
}

// wait returns when the admin has ended, which it does with its context. There may be
// none.
func (a *admin) wait() {
	if a != nil {
		<-a.ended
	}
}

// run listens and serves until ctx ends.
func (a *admin) run(ctx context.Context) {
	defer close(a.ended)
	ln := a.listen(ctx)
	if ln == nil {
		return
	}
	const message = "admin listening"
	if everywhere(ln.Addr()) {
		a.log.Warn(message+" on all addresses: whoever reaches this host can read it", "address", ln.Addr())
	} else {
		a.log.Info(message, "address", ln.Addr())
	}
	a.serve(ctx, ln)
}

// listen tries until it has the address, and returns nil when ctx ends before. The log
// says once that it waits.
func (a *admin) listen(ctx context.Context) net.Listener {
	ticker := time.NewTicker(a.retry)
	defer ticker.Stop()
	for told := false; ctx.Err() == nil; told = true {
		ln, err := a.at.listen()
		if err == nil {
			return ln
		}
		if !told {
			a.log.Warn("admin address cannot be had yet, trying again", "error", err, "every", a.retry)
		}
		select {
		case <-ctx.Done():
		case <-ticker.C:
		}
	}
	return nil
}
