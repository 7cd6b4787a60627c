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

	events  chan string  // names of plugins whose instances are to be forgotten
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
		registry: reg,
		stopped:  make(chan struct{}),
		events:   make(chan string, maxEvents),
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
	if err := gen.apply(set); err != nil {
		gen.stop()
		return nil, err
	}
	return gen, nil
}

// apply gives every worker its own view of a configuration.
func (gen *generation) apply(set *entity.Set) error {
	states := make([]*runloop.State, len(gen.workers))
	for i, w := range gen.workers {
		var err error
		states[i], err = runloop.NewState(set, gen.registry, w.client, w.proxy, func() int64 { return gen.seq.Add(1) })
		if err != nil {
			return err
		}
	}
	for i, w := range gen.workers {
		w.state.Store(states[i])
	}
	gen.mu.Lock()
	defer gen.mu.Unlock()
	gen.set = set
	return nil
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
			Env: workerEnv(gen.Conf.MainEnv), Files: gen.files, Log: gen.Log, Respawn: respawn}))
	}
}

// rebinding notes the plugin sockets that exist now; the function it returns
// reports whether every one has been replaced by a new process'.
func (gen *generation) rebinding() func() bool {
	before := map[string]os.FileInfo{}
	for _, s := range gen.Conf.PluginServers {
		if info, err := os.Stat(s.Socket); err == nil && s.StartCmd != "" {
			before[s.Socket] = info
		}
	}
	return func() bool {
		for path, old := range before {
			if info, err := os.Stat(path); err != nil || os.SameFile(old, info) && info.ModTime().Equal(old.ModTime()) {
				return false
			}
		}
		return true
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

// drain lets the workers finish what they have begun.
func (gen *generation) drain() { gen.drainUntil(context.Background()) }

// abandon is how long requests may take to notice that the gateway stops.
const abandon = 2 * time.Second

// drainUntil waits for the requests in flight. When ctx is done first, client
// connections are closed and the plugin processes end, so that nothing waits
// for them.
func (gen *generation) drainUntil(ctx context.Context) {
	done := make(chan struct{})
	for _, w := range gen.workers {
		w.drain()
	}
	go func() {
		defer close(done)
		for _, w := range gen.workers {
			w.wg.Wait()
		}
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
