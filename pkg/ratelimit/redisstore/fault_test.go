package redisstore_test

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"kong-plugin-auth-diagnosis/pkg/ratelimit/redisstore"
)

// answered is an error reply of Redis.
type answered string

func (a answered) Error() string { return string(a) }
func (answered) RedisError()     {}

var _ redis.Error = answered("")

func TestFaultsAreClassified(t *testing.T) {
	for _, c := range []struct {
		err      error
		expected redisstore.Fault
	}{
		{nil, ""},
		{context.DeadlineExceeded, redisstore.FaultTimeout},
		{&net.OpError{Op: "read", Err: os.ErrDeadlineExceeded}, redisstore.FaultTimeout},
		{redis.ErrPoolTimeout, redisstore.FaultTimeout},
		{&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, redisstore.FaultUnreachable},
		{io.EOF, redisstore.FaultUnreachable},
		{redis.ErrClosed, redisstore.FaultUnreachable},
		{&net.DNSError{Err: "no such host"}, redisstore.FaultUnreachable},
		{x509.UnknownAuthorityError{}, redisstore.FaultTLS},
		{answered("WRONGPASS invalid username-password pair or user is disabled."), redisstore.FaultCredentials},
		{answered("NOAUTH Authentication required."), redisstore.FaultCredentials},
		{answered("ERR Protocol error: unauthenticated multibulk length"), redisstore.FaultCredentials},
		{answered("ERR max number of clients reached"), redisstore.FaultNotReady},
		{answered("NOPERM this user has no permissions to run the 'evalsha' command"), redisstore.FaultPermission},
		{answered("ERR The user executing the script can't run this command or subcommand"), redisstore.FaultPermission},
		{answered("READONLY You can't write against a read only replica."), redisstore.FaultReadOnly},
		{answered("LOADING Redis is loading the dataset in memory"), redisstore.FaultNotReady},
		{answered("MASTERDOWN Link with MASTER is down"), redisstore.FaultNotReady},
		{answered("CLUSTERDOWN Hash slot not served"), redisstore.FaultCluster},
		{answered("OOM command not allowed when used memory > 'maxmemory'."), redisstore.FaultMemory},
		{answered("WRONGTYPE Operation against a key holding the wrong kind of value"), redisstore.FaultReply},
		{answered("ERR something new"), redisstore.FaultServer},
		{redisstore.ErrReply, redisstore.FaultReply},
	} {
		for _, err := range []error{c.err, wrapped(c.err)} {
			if got := redisstore.Classify(err); got != c.expected {
				t.Errorf("%v: expected %q, got %q", err, c.expected, got)
			}
		}
	}
}

func wrapped(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("failed to initialize: %w", err)
}

// TestBreaker walks through its states on a clock that waits for nobody.
func TestBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []redisstore.Fault
		asked := 0
		ask := redisstore.NewBreaker(time.Second, func(f redisstore.Fault) { told = append(told, f) })
		call := func(err error) func() error { return func() error { asked++; return err } }
		fails, works := call(context.DeadlineExceeded), call(nil)

		for range 4 {
			_ = ask(fails)
		}
		if err := ask(works); err != nil || asked != 5 {
			t.Fatalf("four failures: expected to be asked, got %v", err)
		}
		for range 5 {
			_ = ask(fails)
		}
		asked = 0
		for range 100 {
			if err := ask(works); !redisstore.Rejected(err) {
				t.Fatalf("five failures in a row: expected nobody to be asked, got %v", err)
			}
		}
		time.Sleep(time.Second + 1)
		// One request asks; those that come meanwhile do not.
		err := ask(func() error {
			if err := ask(works); !redisstore.Rejected(err) {
				t.Errorf("beside the probe: expected nobody to be asked, got %v", err)
			}
			return errors.New("still away")
		})
		if redisstore.Rejected(err) {
			t.Error("after the hold: expected one to be asked")
		}
		if err := ask(works); !redisstore.Rejected(err) {
			t.Errorf("after a failed probe: expected nobody to be asked, got %v", err)
		}
		time.Sleep(time.Second + 1)
		for range 2 {
			if err := ask(works); err != nil {
				t.Errorf("after a good probe: expected all to be asked, got %v", err)
			}
		}
		if diff := cmp.Diff([]redisstore.Fault{redisstore.FaultTimeout, ""}, told); diff != "" {
			t.Errorf("told (-expected +got):\n%s", diff)
		}
	})
}

// TestOutageIsToldOnce: two ways of counting lose Redis one after the other, and
// find it again.
func TestOutageIsToldOnce(t *testing.T) {
	var told []string
	part := redisstore.NewOutage("redis:6379/0", func(e redisstore.Event) { told = append(told, e.String()) })
	a, b := part(), part()
	a("")
	a(redisstore.FaultTimeout)
	a(redisstore.FaultUnreachable)
	b(redisstore.FaultUnreachable)
	a("")
	a("")
	b("")
	b(redisstore.FaultReadOnly)
	if diff := cmp.Diff([]string{
		"redis redis:6379/0 does not answer (timeout): deciding without it",
		"redis redis:6379/0 answers again",
		"redis redis:6379/0 does not answer (read_only): deciding without it",
	}, told); diff != "" {
		t.Errorf("told (-expected +got):\n%s", diff)
	}
}
