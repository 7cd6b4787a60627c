package kongdev

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"kong-plugin-auth-diagnosis/pkg/kongdev/conf"
	"kong-plugin-auth-diagnosis/pkg/kongdev/errlog"
	"kong-plugin-auth-diagnosis/pkg/kongdev/gateway"
)

// envFile keeps the settings of the running gateway in the prefix.
const envFile = ".kong_env"

// logReadEnv is a duration such as 1s that takes the place of the 10 s for which an old
// worker 0, and the plugin processes with it, can outlive its last request.
const logReadEnv = "KONGDEV_LOG_READ"

// drainTimeout bounds a graceful stop (SIGQUIT).
const drainTimeout = 5 * time.Minute

// declarativeFile keeps a declarative_config_string in the prefix.
const declarativeFile = ".declarative_config.yml"

// prepare makes the prefix directory and writes the effective settings (file
// and environment) to it: the daemon reads them there, now and at a reload.
func prepare(c *conf.Conf) error {
	for _, dir := range []string{"", "pids", "logs"} {
		if err := os.MkdirAll(filepath.Join(c.Prefix, dir), 0o755); err != nil {
			return fmt.Errorf("preparing the prefix: %w", err)
		}
	}
	settings := maps.Clone(c.Settings)
	settings["prefix"] = c.Prefix
	if c.DeclarativeConfig != "" {
		settings["declarative_config"] = c.DeclarativeConfig
	} else if c.DeclarativeString != "" {
		path := filepath.Join(c.Prefix, declarativeFile)
		if err := os.WriteFile(path, []byte(c.DeclarativeString), 0o600); err != nil {
			return err
		}
		settings["declarative_config"] = path
	}
	delete(settings, "declarative_config_string")
	return os.WriteFile(filepath.Join(c.Prefix, envFile), conf.Format(settings), 0o600)
}

// daemon runs the gateway until a signal ends it. fd is where it reports.
func (cmd *command) daemon(fd string) error {
	n, err := strconv.Atoi(fd)
	if err != nil {
		return fmt.Errorf("%s: expected a file descriptor, got %q", daemonEnv, fd)
	}
	syscall.CloseOnExec(n) // or plugin processes would hold the pipe open
	report := os.NewFile(uintptr(n), "report")
	if err := os.Unsetenv(daemonEnv); err != nil {
		return err
	}
	d, err := newDaemon(cmd)
	if err != nil {
		return tell(report, err)
	}
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGHUP)
	if err := d.gateway.Start(d.conf); err != nil {
		d.gateway.Stop(done())
		return tell(report, err)
	}
	if err := os.WriteFile(pidPath(d.conf.Prefix), []byte(strconv.Itoa(os.Getpid())+"\n"), 0o644); err != nil {
		d.gateway.Stop(done())
		return tell(report, err)
	}
	if err := tell(report, nil); err != nil {
		return err
	}
	return d.loop(signals)
}

// tell reports on a start; the error it returns goes to the error log.
func tell(report *os.File, err error) error {
	text := "ok"
	if err != nil {
		text = err.Error()
	}
	_, werr := io.WriteString(report, text+"\n")
	return errors.Join(err, werr, report.Close())
}

// done is a context that has ended: no grace.
func done() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

type daemon struct {
	cmd     *command
	conf    *conf.Conf
	log     *errlog.Log
	gateway *gateway.Gateway
}

func newDaemon(cmd *command) (*daemon, error) {
	c, _, err := conf.Load(cmd.confFile, "", nil)
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(c.ErrorLog, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return nil, fmt.Errorf("opening the error log: %w", err)
	}
	log := errlog.New(f, errlog.ParseLevel(c.LogLevel), time.Now)
	o := gateway.Options{Log: log, AccessLog: c.AccessLog, Now: time.Now}
	if v := os.Getenv(logReadEnv); v != "" {
		if o.LogRead, err = time.ParseDuration(v); err != nil {
			return nil, fmt.Errorf("%s: %w", logReadEnv, err)
		}
	}
	gw, err := gateway.New(o)
	return &daemon{cmd: cmd, conf: c, log: log, gateway: gw}, err
}

// loop serves signals as nginx's master does: HUP reloads, QUIT drains, TERM
// and INT stop.
func (d *daemon) loop(signals <-chan os.Signal) error {
	for sig := range signals {
		switch sig {
		case syscall.SIGHUP:
			d.reload()
			continue
		case syscall.SIGQUIT:
			ctx, cancel := context.WithTimeout(context.Background(), drainTimeout)
			d.gateway.Stop(ctx)
			cancel()
		default:
			d.gateway.Stop(done())
		}
		if err := os.Remove(pidPath(d.conf.Prefix)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		return nil
	}
	return nil
}

// reload reads the settings again; a bad configuration leaves everything as it
// was.
func (d *daemon) reload() {
	d.log.Printf(errlog.Notice, "signal process: reconfiguring")
	c, _, err := conf.Load(d.cmd.confFile, "", nil)
	if err == nil {
		err = d.gateway.Start(c)
	}
	if err != nil {
		d.log.Printf(errlog.Emerg, "reload: %v", err)
		return
	}
	d.conf = c
}
