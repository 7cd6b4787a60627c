package redistest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"syscall"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

const host = "127.0.0.1"

// Options say what differs from a plain server, which takes every command from
// everybody on the loopback.
type Options struct {
	// TLS makes the server speak nothing else, with a certificate for
	// [ServerName] that [Server.RootCAs] vouches for.
	TLS bool
	// Password is the default user's.
	Password string
	// Users are further users, as redis.conf has them after the word user:
	// "alice on >secret ~auth-diagnosis:* +@all".
	Users []string
	// Databases is their number; 0 means 16, as Redis has it.
	Databases int
	// Config are further lines of redis.conf.
	Config []string
}

// Server is one redis-server. It keeps nothing on disk: after a restart it is
// empty. Its methods end the test if they fail, so they belong to the test's
// own goroutine.
type Server struct {
	*process
	Host string
	Port int
	Addr string // Host:Port

	options     Options
	certificate *certificate
	admin       *redis.Client
}

// Start starts a server and returns when it answers.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	s := &Server{Host: host, options: o}
	if o.TLS {
		s.certificate = newCertificate(t)
	}
	// Another process may take the port between the look and the start.
	for range 5 {
		s.Port = freePort(t)
		s.Addr = address(s.Port)
		s.process = newProcess(t, "redis-server", s.conf())
		s.start()
		s.connect()
		err := s.poll(s.answers)
		if err == nil {
			return s
		}
		if !errors.Is(err, errEnded) {
			t.Fatalf("waiting until redis-server answers: %v\n%s", err, s.says.String())
		}
	}
	t.Fatalf("redis-server does not start:\n%s", s.says.String())
	return nil
}

// conf is the server's redis.conf.
func (s *Server) conf() string {
	port := strconv.Itoa(s.Port)
	lines := []string{"bind " + host, `save ""`, "appendonly no", "repl-diskless-sync-delay 0", "dir ."}
	if s.options.TLS {
		lines = append(lines, "port 0", "tls-port "+port, "tls-auth-clients no",
			"tls-cert-file "+s.certificate.certFile, "tls-key-file "+s.certificate.keyFile, "tls-ca-cert-file "+s.certificate.certFile)
	} else {
		lines = append(lines, "port "+port)
	}
	if s.options.Password != "" {
		lines = append(lines, "requirepass "+s.options.Password)
	}
	for _, user := range s.options.Users {
		lines = append(lines, "user "+user)
	}
	if s.options.Databases > 0 {
		lines = append(lines, "databases "+strconv.Itoa(s.options.Databases))
	}
	return conf(append(lines, s.options.Config...)...)
}

// connect makes the default user's client, which the test ends with.
func (s *Server) connect() {
	o := adminOptions(s.Addr)
	o.Password = s.options.Password
	if s.options.TLS {
		o.TLSConfig = &tls.Config{RootCAs: s.certificate.pool, ServerName: ServerName, MinVersion: tls.VersionTLS12}
	}
	s.admin = redis.NewClient(o)
	s.t.Cleanup(func() { _ = s.admin.Close() })
}

// adminOptions are those of a client that is asked again when it fails.
func adminOptions(addr string) *redis.Options {
	return &redis.Options{
		Addr: addr, Protocol: 2, MaxRetries: -1, DialerRetries: 1, ContextTimeoutEnabled: true,
		DisableIdentity:          true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
}

func (s *Server) answers(ctx context.Context) error {
	if err := listens(ctx, s.Addr); err != nil {
		return err
	}
	return s.admin.Ping(ctx).Err()
}

// Client is the default user's client, with database 0. It is closed with the
// test.
func (s *Server) Client() *redis.Client { return s.admin }

// RootCAs vouch for the server's certificate; nil without TLS.
func (s *Server) RootCAs() *x509.CertPool {
	if s.certificate == nil {
		return nil
	}
	return s.certificate.pool
}

// CAFile is the file that RootCAs came from, for SSL_CERT_FILE; "" without TLS.
func (s *Server) CAFile() string {
	if s.certificate == nil {
		return ""
	}
	return s.certificate.certFile
}

// Pause stops the process with SIGSTOP: connections stay open, and new ones are
// still made by the kernel, but nobody answers.
func (s *Server) Pause() {
	s.t.Helper()
	s.signal(syscall.SIGSTOP)
}

// Resume lets a paused process go on.
func (s *Server) Resume() {
	s.t.Helper()
	s.signal(syscall.SIGCONT)
}

// Kill ends the process with SIGKILL: connections break, new ones are refused.
func (s *Server) Kill() { s.kill() }

// Restart starts a killed server anew at the same address, without any data.
func (s *Server) Restart() {
	s.t.Helper()
	s.kill()
	s.start()
	s.await("redis-server answers again", s.answers)
}

// Flush empties all databases.
func (s *Server) Flush() {
	s.t.Helper()
	s.must(s.admin.FlushAll(s.t.Context()).Err())
}

// FlushScripts forgets all scripts, as a restart or a failover does.
func (s *Server) FlushScripts() {
	s.t.Helper()
	s.must(s.admin.ScriptFlush(s.t.Context()).Err())
}

// Keys returns the names of all keys of database 0.
func (s *Server) Keys() []string {
	s.t.Helper()
	keys, err := s.admin.Keys(s.t.Context(), "*").Result()
	s.must(err)
	return keys
}

// callLine is a line of INFO commandstats.
var callLine = regexp.MustCompile(`(?m)^cmdstat_([^:]+):calls=(\d+),.*rejected_calls=(\d+)`)

// Calls returns how often each command was sent since the start, or since
// [Server.ResetCalls], by the lower-case name; a subcommand is "client|setname".
// What a script runs is counted beside the evalsha that ran it, and what the
// server refused to run, for want of a right, is counted too.
func (s *Server) Calls() map[string]int {
	s.t.Helper()
	info, err := s.admin.Info(s.t.Context(), "commandstats").Result()
	s.must(err)
	calls := map[string]int{}
	for _, m := range callLine.FindAllStringSubmatch(info, -1) {
		for _, number := range m[2:] {
			n, err := strconv.Atoi(number)
			s.must(err)
			calls[m[1]] += n
		}
	}
	return calls
}

// ResetCalls begins to count anew.
func (s *Server) ResetCalls() {
	s.t.Helper()
	s.must(s.admin.ConfigResetStat(s.t.Context()).Err())
}

func (s *Server) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(fmt.Errorf("redis-server at %s: %w", s.Addr, err))
	}
}
