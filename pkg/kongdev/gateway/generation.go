package gateway

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"kong-plugin-auth-diagnosis/pkg/kongdev/conf"
	"kong-plugin-auth-diagnosis/pkg/kongdev/entity"
	"kong-plugin-auth-diagnosis/pkg/kongdev/errlog"
	"kong-plugin-auth-diagnosis/pkg/kongdev/exchange"
	"kong-plugin-auth-diagnosis/pkg/kongdev/pluginproc"
	"kong-plugin-auth-diagnosis/pkg/kongdev/rpc"
	"kong-plugin-auth-diagnosis/pkg/kongdev/runloop"
)

// respawn is the least time between two starts of a plugin process.
const respawn = time.Second

// generation is what one start or reload made.
type generation struct {
	*exchange.Gateway
	access   *accessLog
	registry *runloop.Registry
	workers  []*worker
	procs    []*pluginproc.Proc
	bodyDir  string
	files    int // that a worker may have open
	logRead  time.Duration

	events  chan event
	seq     atomic.Int64 // __seq__, counted anew by every generation
	stopped chan struct{}
	once    sync.Once

	mu  sync.Mutex
	set *entity.Set
}

func newGeneration(g *Gateway, c *conf.Conf, reg *runloop.Registry, set *entity.Set) (*generation, error) {
	gen := &generation{
		Gateway:  &exchange.Gateway{Conf: c, NodeID: g.nodeID, Log: g.log, Now: g.now},
		access:   g.access,
		logRead:  g.logRead,
		set:      set,
		registry: reg,
		stopped:  make(chan struct{}),
		events:   make(chan event, maxEvents),
		bodyDir:  filepath.Join(c.Prefix, "client_body_temp"),
	}
	if err := os.MkdirAll(gen.bodyDir, 0o700); err != nil {
		return nil, err
	}
	if gen.files = c.OpenFiles; gen.files == 0 {
		var err error
		if gen.files, err = pluginproc.OpenFiles(); err != nil {
			return nil, err
		}
	}
	for i := range c.Workers {
		gen.workers = append(gen.workers, newWorker(gen, i))
	}
	for _, w := range gen.workers {
		if err := w.reconfigure(set); err != nil {
			gen.stop()
			return nil, err
		}
	}
	go gen.deliver()
	return gen, nil
}

// config returns the current configuration.
func (gen *generation) config() *entity.Set {
	gen.mu.Lock()
	defer gen.mu.Unlock()
	return gen.set
}

// startPlugins starts the plugin servers that have a start command. They have what
// nginx leaves its workers: of the environment TZ and the variables that nginx_main_env
// names, and the limit of open files of nginx_main_worker_rlimit_nofile.
func (gen *generation) startPlugins() {
	for _, s := range gen.Conf.PluginServers {
		if s.StartCmd == "" {
			continue
		}
		gen.procs = append(gen.procs, pluginproc.Start(pluginproc.Options{Name: s.Name, Command: s.StartCmd,
			Env: workerEnv(gen.Conf.MainEnv), Files: gen.files, Log: gen.Log, Respawn: respawn, ReadTimeout: gen.logRead}))
	}
}

// workerEnv resolves nginx `env` directives: NAME keeps a variable, NAME=value
// sets one.
func workerEnv(directives []string) []string {
	var env []string
	for _, d := range append([]string{"TZ"}, directives...) {
		if strings.Contains(d, "=") {
			env = append(env, d)
		} else if v, ok := os.LookupEnv(d); ok {
			env = append(env, d+"="+v)
		}
	}
	return env
}

// newClient makes a worker's client of a plugin.
func (gen *generation) newClient(p *runloop.Plugin, post func(plugin string)) *rpc.Client {
	return rpc.New(rpc.Options{Plugin: p.Name, Socket: p.Server.Socket, Log: gen.Log, Now: gen.Now,
		OnReset: post, Stop: gen.stopped})
}

// drain tells the workers to finish what they have begun.
func (gen *generation) drain() {
	for _, w := range gen.workers {
		w.drain()
	}
}

// finish returns when every worker has exited. Worker 0 takes the plugin processes with
// it (Kong.exit_worker in kong/init.lua), whatever the others are doing. With reads it
// waits for its read of their output first, as after QUIT in a reload.
func (gen *generation) finish(reads bool) {
	var exits sync.WaitGroup
	for _, w := range gen.workers {
		exits.Go(func() {
			w.wg.Wait()
			if w.id != 0 {
				return
			}
			for _, p := range gen.procs {
				if reads {
					p.AwaitRead(gen.stopped)
				}
			}
			gen.stopPlugins()
		})
	}
	exits.Wait()
}

// abandon is how long requests may take to notice that the gateway stops.
const abandon = 2 * time.Second

// drainUntil waits for the requests in flight. When ctx is done first, client
// connections are closed and the plugin processes end, so that nothing waits
// for them.
func (gen *generation) drainUntil(ctx context.Context) {
	done := make(chan struct{})
	gen.drain()
	go func() {
		defer close(done)
		gen.finish(false)
	}()
	select {
	case <-done:
		return
	case <-ctx.Done():
	}
	gen.once.Do(func() { close(gen.stopped) })
	for _, w := range gen.workers {
		w.kill()
	}
	gen.stopPlugins()
	select {
	case <-done:
	case <-time.After(abandon):
		gen.Log.Printf(errlog.Alert, "requests in flight were abandoned")
	}
}

// stop ends the generation's plugin processes and upstream connections; its
// workers have no requests any more.
func (gen *generation) stop() {
	gen.once.Do(func() { close(gen.stopped) })
	for _, w := range gen.workers {
		w.close()
	}
	gen.stopPlugins()
}

func (gen *generation) stopPlugins() {
	var wg sync.WaitGroup
	for _, p := range gen.procs {
		wg.Go(p.Stop)
	}
	wg.Wait()
}
