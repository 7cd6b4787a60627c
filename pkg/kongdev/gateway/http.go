package gateway

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"kong-plugin-auth-diagnosis/pkg/kongdev/admin"
	"kong-plugin-auth-diagnosis/pkg/kongdev/conf"
	"kong-plugin-auth-diagnosis/pkg/kongdev/entity"
	"kong-plugin-auth-diagnosis/pkg/kongdev/errlog"
	"kong-plugin-auth-diagnosis/pkg/kongdev/runloop"
)

var _ admin.Backend = (*Gateway)(nil)

// httpService is an admin or status listener.
type httpService struct {
	kind string
	addr string
	srv  *http.Server
}

func (s *httpService) close() { s.srv.Close() }

// serveAdmin opens the admin and status listeners that are not open yet. Those
// that a reload drops stay open until the gateway stops.
func (g *Gateway) serveAdmin(c *conf.Conf) error {
	open := func(kind string, addrs []string, h http.Handler) error {
		for _, addr := range addrs {
			if err := g.serveHTTP(kind, addr, h); err != nil {
				return err
			}
		}
		return nil
	}
	return errors.Join(open("admin", c.AdminListen, admin.Handler(g)), open("status", c.StatusListen, admin.StatusHandler(g)))
}

func (g *Gateway) serveHTTP(kind, addr string, h http.Handler) error {
	for _, s := range g.services {
		if s.kind == kind && s.addr == addr {
			return nil
		}
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("%s_listen: %w", kind, err)
	}
	s := &httpService{kind: kind, addr: addr, srv: &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}}
	g.services = append(g.services, s)
	go func() {
		if err := s.srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			g.log.Printf(errlog.Err, "%s listener %s: %v", kind, addr, err)
		}
	}()
	return nil
}

// generation returns the current one.
func (g *Gateway) generation() *generation {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.current
}

// Conf implements admin.Backend.
func (g *Gateway) Conf() *conf.Conf { return g.generation().Conf }

// NodeID implements admin.Backend.
func (g *Gateway) NodeID() string { return g.nodeID }

// Registry implements admin.Backend.
func (g *Gateway) Registry() *runloop.Registry { return g.generation().registry }

// Set implements admin.Backend.
func (g *Gateway) Set() *entity.Set { return g.generation().config() }

// Connections implements admin.Backend.
func (g *Gateway) Connections() int {
	n := 0
	for _, w := range g.generation().workers {
		w.mu.Lock()
		n += len(w.conns)
		w.mu.Unlock()
	}
	return n
}

// LoadConfig implements admin.Backend: POST /config. Every worker starts with
// new plugin configurations, even if the text is the same, but later than this returns
// (declarative_reconfigure_notify in kong/runloop/events.lua only posts an event).
func (g *Gateway) LoadConfig(src []byte) (*entity.Set, error) {
	gen := g.generation()
	set, err := g.loader(gen.registry).Load(src)
	if err != nil {
		return nil, err
	}
	if !g.loading.TryLock() {
		return nil, admin.ErrBusy
	}
	defer g.loading.Unlock()
	gen.publish(set)
	return set, nil
}
