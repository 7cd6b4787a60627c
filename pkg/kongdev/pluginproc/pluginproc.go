// Package pluginproc runs plugin servers: it asks one for its -dump, starts it,
// logs what it prints, starts it again when it dies and stops it.
package pluginproc

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"syscall"
	"time"

	"kong-plugin-auth-diagnosis/pkg/kongdev/errlog"
	"kong-plugin-auth-diagnosis/pkg/kongdev/subschema"
)

// Info is what a plugin server says about its plugin.
type Info struct {
	Name     string
	Version  string
	Priority int
	Phases   []string
	Schema   *subschema.Schema
}

// ErrProtocol says that a plugin server does not speak ProtoBuf:1.
var ErrProtocol = errors.New("unsupported plugin server protocol")

// queryTimeout bounds a query command.
const queryTimeout = 30 * time.Second

// dump is the output of a query command; only its first plugin counts.
type dump struct {
	Protocol string
	Plugins  []struct {
		Name, Version string
		Priority      int
		Phases        []string
		Schema        json.RawMessage
	}
}

// Query runs a query command through the shell with the gateway's environment
// and loads the schema it prints.
func Query(server, command string) (*Info, error) {
	if command == "" {
		return nil, fmt.Errorf("no info query for %s", server)
	}
	ctx, cancel := context.WithTimeout(context.Background(), queryTimeout)
	defer cancel()
	out, runErr := exec.CommandContext(ctx, "/bin/sh", "-c", command).Output()
	var d dump
	if err := json.Unmarshal(out, &d); err != nil {
		return nil, fmt.Errorf("error loading plugins info from [%s]: failed decoding plugin info: %w", server, errors.Join(err, runErr))
	}
	if d.Protocol != "ProtoBuf:1" {
		return nil, fmt.Errorf("%w: expected %q, got %q", ErrProtocol, "ProtoBuf:1", d.Protocol)
	}
	if len(d.Plugins) == 0 {
		return nil, fmt.Errorf("error loading plugins info from [%s]: no plugin", server)
	}
	p := d.Plugins[0]
	schema, err := subschema.Load(p.Schema)
	if err != nil {
		return nil, err
	}
	return &Info{Name: p.Name, Version: p.Version, Priority: p.Priority, Phases: p.Phases, Schema: schema}, nil
}

// Options of a Proc.
type Options struct {
	Name    string
	Command string
	Env     []string // its whole environment
	Files   int      // soft and hard limit of open files, which it has from worker 0; 0 leaves it
	Log     *errlog.Log
	Respawn time.Duration // the least time between two starts
	// ReadTimeout is that of each read of the process' output, for AwaitRead.
	ReadTimeout time.Duration
}

// Proc keeps one plugin server running.
type Proc struct {
	Options

	stop chan struct{}
	once sync.Once
	done chan struct{}

	mu   sync.Mutex
	pid  int
	read time.Time // when the last line came, or the process
}

// Start runs `exec command` in a shell and keeps doing so until Stop: a process
// that ends is started again at once, but not within o.Respawn of its own start
// (pluginserver_timer in kong/runloop/plugin_servers/process.lua).
func Start(o Options) *Proc {
	p := &Proc{Options: o, stop: make(chan struct{}), done: make(chan struct{})}
	go p.run()
	return p
}

// Pid returns the running process, 0 between two.
func (p *Proc) Pid() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.pid
}

// Stop sends SIGTERM and SIGKILL, and waits for the end. There is no time between
// the two that a process could count on: worker 0 sends the first in its
// exit_worker phase (stop_pluginservers), and the second is the finalizer of its
// ngx.pipe, as the worker's Lua VM is closed next
// (ngx_http_lua_ffi_pipe_proc_destroy in ngx_http_lua_pipe.c).
func (p *Proc) Stop() {
	p.once.Do(func() { close(p.stop) })
	<-p.done
}

func (p *Proc) run() {
	defer close(p.done)
	for {
		next := time.Now().Add(p.Respawn)
		p.spawn()
		select {
		case <-p.stop:
			return
		case <-time.After(time.Until(next)):
		}
	}
}

// spawn runs the process one time, to its end.
func (p *Proc) spawn() {
	select {
	case <-p.stop:
		return
	default:
	}
	p.Log.Printf(errlog.Notice, "[kong] process.lua [pluginserver] starting pluginserver process for %s", p.Name)
	r, w, err := os.Pipe()
	if err != nil {
		p.Log.Printf(errlog.Err, "[kong] process.lua [pluginserver] %s: %v", p.Name, err)
		return
	}
	script := "exec " + p.Command
	if p.Files > 0 {
		script = "ulimit -n " + strconv.Itoa(p.Files) + "; " + script
	}
	cmd := exec.Command("/bin/sh", "-c", script)
	cmd.Env, cmd.Stdout, cmd.Stderr = p.Env, w, w
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		r.Close()
		w.Close()
		p.Log.Printf(errlog.Err, "[kong] process.lua [pluginserver] %s: %v", p.Name, err)
		return
	}
	w.Close()
	p.setPid(cmd.Process.Pid)
	p.Log.Printf(errlog.Notice, "[kong] process.lua [pluginserver] started, pid %d", cmd.Process.Pid)
	go p.grabLogs(r, cmd.Process.Pid)
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	err = p.await(cmd.Process, ended)
	p.setPid(0)
	p.Log.Printf(errlog.Notice, "[kong] process.lua external pluginserver '%s' terminated: %v", p.Name, err)
}

// await returns when the process has ended, ending it when Stop asks for it.
func (p *Proc) await(proc *os.Process, ended <-chan error) error {
	select {
	case err := <-ended:
		return err
	case <-p.stop:
	}
	signal(p.Log, proc, syscall.SIGTERM)
	signal(p.Log, proc, syscall.SIGKILL)
	return <-ended
}

func signal(log *errlog.Log, proc *os.Process, sig os.Signal) {
	if err := proc.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		log.Printf(errlog.Err, "[kong] process.lua [pluginserver] failed to stop pid %d: %v", proc.Pid, err)
	}
}

func (p *Proc) setPid(pid int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pid, p.read = pid, time.Now()
}

// AwaitRead returns when no read of the process' output is under way that a worker which
// is to exit would wait for: nginx lets no worker go while it has a timer, and grab_logs
// in process.lua reads with the timeout that an ngx.pipe has by itself. One such read
// begins when the one before has timed out or has brought a line; cancel ends the wait.
func (p *Proc) AwaitRead(cancel <-chan struct{}) {
	for {
		pid, begun := p.reading()
		if pid == 0 || p.ReadTimeout <= 0 {
			return
		}
		select {
		case <-cancel:
			return
		case <-p.done:
			return
		case <-time.After(p.ReadTimeout - time.Since(begun)%p.ReadTimeout):
		}
		if now, last := p.reading(); now == pid && last.Equal(begun) {
			return
		}
	}
}

func (p *Proc) reading() (pid int, begun time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.pid, p.read
}

func (p *Proc) noteRead(pid int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pid == pid {
		p.read = time.Now()
	}
}

// maxLine bounds what is kept of a line; the error log takes less.
const maxLine = 8 << 10

// grabLogs copies the process' output to the error log at info, Kong's level
// for it, until every holder of the pipe has closed it.
func (p *Proc) grabLogs(r io.ReadCloser, pid int) {
	defer r.Close()
	br := bufio.NewReaderSize(r, maxLine)
	for inside := false; ; {
		line, more, err := br.ReadLine()
		rest := inside
		inside = more
		if len(line) > 0 && !rest {
			p.noteRead(pid)
			p.Log.Printf(errlog.Info, "[%s:%d] %s", p.Name, pid, line)
		}
		if err != nil {
			return
		}
	}
}
