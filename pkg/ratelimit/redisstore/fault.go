package redisstore

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"kong-plugin-auth-diagnosis/pkg/ratelimit"
)

// FaultPolicy says how a view decides while Redis does not answer.
type FaultPolicy uint8

// The policies, as the configuration's fault_policy names them.
const (
	// FaultLocal keeps to a node's share of what Redis last said. What passes
	// meanwhile counts in the day when Redis is back.
	FaultLocal FaultPolicy = iota
	// FaultAllow lets everything pass, without quotas.
	FaultAllow
	// FaultDeny lets nothing pass. The decision has no window.
	FaultDeny
)

// faultRetry is when a client may ask again after a denial by FaultDeny.
const faultRetry = time.Second

// Fault is a class of failure. It never holds an error's text, which may quote
// addresses and users.
type Fault string

// The faults.
const (
	FaultTimeout     Fault = "timeout"            // no answer in time
	FaultUnreachable Fault = "unreachable"        // no connection, or a broken one
	FaultTLS         Fault = "tls"                // no agreement on TLS, or an untrusted certificate
	FaultCredentials Fault = "credentials"        // wrong user or password, or none
	FaultPermission  Fault = "permission"         // the ACL forbids a command or the keys
	FaultReadOnly    Fault = "read_only"          // a replica, as in the middle of a failover
	FaultNotReady    Fault = "not_ready"          // loading, busy or without its master
	FaultCluster     Fault = "cluster"            // slots that nobody serves
	FaultMemory      Fault = "out_of_memory"      // Redis is at its maxmemory
	FaultReply       Fault = "unexpected_reply"   // an answer that makes no sense
	FaultServer      Fault = "error_of_the_store" // any other error that Redis answers
)

// Event tells that the decisions of a store became local ones, or that Redis
// answers again. Each change is told once.
type Event struct {
	Store string // as Options.String has it
	Fault Fault  // "" if Redis answers again
}

// String is the event as a line of a log.
func (e Event) String() string {
	if e.Fault == "" {
		return fmt.Sprintf("redis %s answers again", e.Store)
	}
	return fmt.Sprintf("redis %s does not answer (%s): deciding without it", e.Store, e.Fault)
}

// outage turns the changes of the ways to count into events of the store.
type outage struct {
	store  string
	report func(Event)

	mu    sync.Mutex
	parts int // how many of them count without Redis
}

func newOutage(store string, report func(Event)) *outage {
	if report == nil {
		report = func(Event) {}
	}
	return &outage{store: store, report: report}
}

// part returns the function by which one way of counting tells that it goes on
// without Redis because of a fault, or with "" that it counts in Redis again.
func (o *outage) part() func(Fault) {
	away := false
	return func(f Fault) {
		o.mu.Lock()
		defer o.mu.Unlock()
		switch {
		case f != "" && !away:
			if o.parts++; o.parts == 1 {
				o.report(Event{o.store, f})
			}
		case f == "" && away:
			if o.parts--; o.parts == 0 {
				o.report(Event{o.store, ""})
			}
		}
		away = f != ""
	}
}

// errReply says that Redis answered something that the script never does.
var errReply = errors.New("unexpected reply")

// prefixes of error replies and what they mean.
var prefixes = []struct {
	prefix string
	fault  Fault
}{
	{"NOAUTH", FaultCredentials},
	{"WRONGPASS", FaultCredentials},
	{"Protocol error: unauthenticated", FaultCredentials},
	{"NOPERM", FaultPermission},
	{"The user executing the script", FaultPermission},
	{"READONLY", FaultReadOnly},
	{"LOADING", FaultNotReady},
	{"BUSY", FaultNotReady},
	{"max number of clients", FaultNotReady},
	{"MASTERDOWN", FaultNotReady},
	{"NOREPLICAS", FaultNotReady},
	{"TRYAGAIN", FaultCluster},
	{"CLUSTERDOWN", FaultCluster},
	{"MOVED", FaultCluster},
	{"ASK", FaultCluster},
	{"CROSSSLOT", FaultCluster},
	{"OOM", FaultMemory},
	{"WRONGTYPE", FaultReply},
}

// classify names the class of an error of the client.
func classify(err error) Fault {
	var (
		refused redis.Error
		timeout net.Error
		header  tls.RecordHeaderError
		alert   tls.AlertError
		invalid *tls.CertificateVerificationError
		unknown x509.UnknownAuthorityError
	)
	switch {
	case err == nil:
		return ""
	case errors.Is(err, errReply):
		return FaultReply
	case errors.As(err, &refused):
		for _, p := range prefixes {
			if redis.HasErrorPrefix(refused, p.prefix) {
				return p.fault
			}
		}
		return FaultServer
	case errors.As(err, &invalid), errors.As(err, &header), errors.As(err, &alert), errors.As(err, &unknown):
		return FaultTLS
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout(), errors.Is(err, redis.ErrPoolTimeout):
		return FaultTimeout
	}
	return FaultUnreachable
}

// decide is the answer of the policies that do not count.
func (p FaultPolicy) decide() ratelimit.Decision {
	if p == FaultAllow {
		return ratelimit.Decision{Allowed: true, Degraded: true}
	}
	return ratelimit.Decision{Degraded: true, RetryAfter: faultRetry}
}
