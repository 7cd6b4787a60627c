// Package kongdev is an embedded API gateway that behaves as Kong Gateway 3.9.3
// in DB-less mode does towards clients, upstreams and external plugins. It lets
// plugin binaries be run, shown and tested where no Kong is installed.
//
// It reads kong.conf (package conf) and declarative configurations (package
// declarative, with the schema language in package subschema), runs plugin
// servers (pluginproc) and speaks their protocol (rpc, pdk, pdkpb), routes
// (router), proxies (h1, h2, runloop), and has a few bundled plugins (bundled) and
// the Admin API's most used parts (admin). Package gateway puts it together;
// this package is the command line, Kong's own:
//
//	kongdev start -c kong.conf [-p PREFIX]
//	kongdev reload -c kong.conf | -p PREFIX
//	kongdev stop -p PREFIX
//	kongdev health -p PREFIX
//	kongdev version
//
// A reload takes up to ten seconds until the old plugin process has gone, as Kong's does;
// with KONGDEV_LOG_READ=1s in the environment of start, at most one.
//
// What it does not play: databases, TLS (https and grpcs on either side, and HTTP/2
// where that is negotiated: a listener with the flag http2 takes it with prior
// knowledge), HTTP/2 to upstreams other than gRPC's, TCP and UDP streams, websockets,
// upstream entities and load balancing, retries of gRPC calls, and phases of external
// plugins other than access.
package kongdev

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"kong-plugin-auth-diagnosis/pkg/kongdev/conf"
	"kong-plugin-auth-diagnosis/pkg/kongdev/exchange"
)

// daemonEnv marks the process that `start` leaves behind; its value is the file
// descriptor on which that process reports how the start went.
const daemonEnv = "KONGDEV_DAEMON"

// Times that the command line waits for a daemon.
const (
	startTimeout = 60 * time.Second
	stopTimeout  = 10 * time.Second
	pollInterval = 20 * time.Millisecond
)

var errUsage = errors.New("usage: kongdev start|stop|reload|quit|health|version [-c FILE] [-p PREFIX]")

// command is a parsed command line.
type command struct {
	name     string
	confFile string
	prefix   string
	out      io.Writer
}

// Main runs a command line (without the program's name) and returns its exit
// code: 0, or 1 with the reason on stderr.
func Main(args []string, stdout, stderr io.Writer) int {
	if err := run(args, stdout); err != nil {
		fmt.Fprintf(stderr, "Error: %v\n", err)
		return 1
	}
	return 0
}

func run(args []string, stdout io.Writer) error {
	if len(args) == 0 {
		return errUsage
	}
	cmd := &command{name: args[0], out: stdout}
	fs := flag.NewFlagSet(cmd.name, flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	for _, name := range []string{"c", "conf"} {
		fs.StringVar(&cmd.confFile, name, "", "configuration file")
	}
	for _, name := range []string{"p", "prefix"} {
		fs.StringVar(&cmd.prefix, name, "", "prefix directory")
	}
	fs.Bool("v", false, "verbose, without effect")
	fs.Bool("vv", false, "debug, without effect")
	if err := fs.Parse(args[1:]); err != nil || fs.NArg() > 0 {
		return errUsage
	}
	switch cmd.name {
	case "start":
		if fd := os.Getenv(daemonEnv); fd != "" {
			return cmd.daemon(fd)
		}
		return cmd.start()
	case "stop":
		return cmd.stop(syscall.SIGTERM, "Kong stopped")
	case "quit":
		return cmd.stop(syscall.SIGQUIT, "Kong stopped (gracefully)")
	case "reload":
		return cmd.reload()
	case "health":
		return cmd.health()
	case "version":
		fmt.Fprintln(stdout, exchange.Version)
		return nil
	}
	return errUsage
}

// load reads the configuration a command works on. Without -c it is the one
// the running gateway was started with, kept in PREFIX/.kong_env.
func (cmd *command) load() (*conf.Conf, []string, error) {
	file := cmd.confFile
	if file == "" && cmd.prefix != "" {
		if kept := filepath.Join(cmd.prefix, envFile); exists(kept) {
			file = kept
		}
	}
	return conf.Load(file, cmd.prefix, os.Environ())
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// start starts a daemon and waits until it answers or has failed.
func (cmd *command) start() error {
	c, warnings, err := cmd.load()
	if err != nil {
		return err
	}
	for _, w := range warnings {
		fmt.Fprintf(cmd.out, "[warn] %s\n", w)
	}
	if pid, err := runningPid(c.Prefix); err == nil {
		return fmt.Errorf("kong is already running in %s (pid %d)", c.Prefix, pid)
	}
	if err := prepare(c); err != nil {
		return err
	}
	if err := spawn(c); err != nil {
		return err
	}
	fmt.Fprintln(cmd.out, "Kong started")
	return nil
}

// spawn runs this program again in a session of its own and reads from a pipe
// whether it came up.
func spawn(c *conf.Conf) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer r.Close()
	log, err := os.OpenFile(c.ErrorLog, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		w.Close()
		return fmt.Errorf("opening the error log: %w", err)
	}
	defer log.Close()
	daemon := exec.Command(self, "start", "-c", filepath.Join(c.Prefix, envFile))
	daemon.Env = append(os.Environ(), daemonEnv+"=3")
	daemon.Stdout, daemon.Stderr = log, log
	daemon.ExtraFiles = []*os.File{w}
	daemon.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	err = daemon.Start()
	w.Close()
	if err != nil {
		return err
	}
	return awaitReport(r, daemon.Process)
}

// awaitReport reads the daemon's report: "ok", or the reason it gave up.
func awaitReport(r *os.File, daemon *os.Process) error {
	if err := r.SetReadDeadline(time.Now().Add(startTimeout)); err != nil {
		return err
	}
	report, err := io.ReadAll(r)
	if strings.TrimSpace(string(report)) == "ok" {
		return daemon.Release()
	}
	if err != nil {
		return errors.Join(fmt.Errorf("the gateway did not come up: %w", err), daemon.Kill())
	}
	if _, err := daemon.Wait(); err != nil {
		return err
	}
	if len(report) == 0 {
		return errors.New("the gateway ended without a report; see its error log")
	}
	return errors.New(strings.TrimSpace(string(report)))
}

func (cmd *command) stop(sig syscall.Signal, done string) error {
	prefix, err := cmd.runningPrefix()
	if err != nil {
		return err
	}
	pid, err := runningPid(prefix)
	if err != nil {
		return fmt.Errorf("kong is not running in %s", prefix)
	}
	if err := syscall.Kill(pid, sig); err != nil {
		return fmt.Errorf("stopping pid %d: %w", pid, err)
	}
	if !gone(pid, stopTimeout) {
		if sig == syscall.SIGQUIT {
			return fmt.Errorf("pid %d still has requests in flight", pid)
		}
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			return err
		}
		gone(pid, stopTimeout)
	}
	fmt.Fprintln(cmd.out, done)
	return nil
}

// reload keeps the new settings in the prefix and tells the daemon to read them.
func (cmd *command) reload() error {
	c, _, err := cmd.load()
	if err != nil {
		return err
	}
	pid, err := runningPid(c.Prefix)
	if err != nil {
		return fmt.Errorf("kong is not running in %s", c.Prefix)
	}
	if err := prepare(c); err != nil {
		return err
	}
	if err := syscall.Kill(pid, syscall.SIGHUP); err != nil {
		return err
	}
	fmt.Fprintln(cmd.out, "Kong reloaded")
	return nil
}

func (cmd *command) health() error {
	prefix, err := cmd.runningPrefix()
	if err != nil {
		return err
	}
	if _, err := runningPid(prefix); err != nil {
		return fmt.Errorf("kong is not running at %s", prefix)
	}
	fmt.Fprintf(cmd.out, "nginx.......running\n\nKong is healthy at %s\n", prefix)
	return nil
}

// runningPrefix is -p, or the prefix of the configuration given with -c. The
// settings in a prefix given with -p need not be valid.
func (cmd *command) runningPrefix() (string, error) {
	if cmd.prefix != "" {
		return filepath.Abs(cmd.prefix)
	}
	c, _, err := cmd.load()
	if err != nil {
		return "", err
	}
	return c.Prefix, nil
}

// pidPath is where the daemon leaves its process id, as Kong does.
func pidPath(prefix string) string { return filepath.Join(prefix, "pids", "nginx.pid") }

// runningPid returns the daemon's process id, or an error when it does not run.
func runningPid(prefix string) (int, error) {
	text, err := os.ReadFile(pidPath(prefix))
	if err != nil {
		return 0, err
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || pid <= 0 {
		return 0, fmt.Errorf("expected a process id in %s, got %q", pidPath(prefix), text)
	}
	if err := syscall.Kill(pid, 0); err != nil {
		return 0, err
	}
	return pid, nil
}

// gone waits for a process to end.
func gone(pid int, limit time.Duration) bool {
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(pollInterval) {
		if syscall.Kill(pid, 0) != nil || zombie(pid) {
			return true
		}
	}
	return false
}

// zombie reports whether a process has ended and was not yet waited for, as
// happens where nothing reaps orphans.
func zombie(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, rest, ok := strings.Cut(string(stat), ") ")
	return ok && strings.HasPrefix(rest, "Z")
}
