package redisstore

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

// DefaultTimeout bounds every wait for Redis if Options names none.
const DefaultTimeout = 100 * time.Millisecond

const (
	defaultPort = 6379
	maxPort     = 65_535
)

// What Open finds wrong with options.
var (
	ErrNoAddress      = errors.New("no address of redis")
	ErrTwoKinds       = errors.New("more than one kind of address")
	ErrPort           = errors.New("port out of range")
	ErrNoMaster       = errors.New("sentinels without the name of a master")
	ErrDatabase       = errors.New("no such database")
	ErrTimeout        = errors.New("timeout out of range")
	ErrNameWithoutTLS = errors.New("server name without tls")
)

// Options say where a Redis is and how to speak to it. Exactly one of Host,
// ClusterNodes and SentinelNodes is set. Printing an Options never shows the
// password.
type Options struct {
	Host string
	Port int // 0 means 6379
	// ClusterNodes are host:port of some nodes of a Redis Cluster, which name
	// the others; SentinelNodes are those of the sentinels of SentinelMaster.
	ClusterNodes, SentinelNodes []string
	SentinelMaster              string

	// Username is that of an ACL user, "" for the default user. Sentinels are
	// asked without either.
	Username, Password string
	Database           int // 0 with a cluster, which has no other
	// Timeout bounds each dial, read and write, and a decision that has to ask
	// Redis; 0 means DefaultTimeout.
	Timeout time.Duration

	// SSL speaks TLS, with sentinels too. SSLVerify checks the certificate
	// against ServerName, or against the host if that is "", and RootCAs, or the
	// system's authorities if that is nil. ServerName is sent as SNI either way.
	SSL, SSLVerify bool
	ServerName     string
	RootCAs        *x509.CertPool
}

// Key returns a text that is the same for equal options and different for
// others. It tells nothing about the password.
func (o Options) Key() string {
	h := sha256.New()
	// Quoted and counted parts never join to the same text.
	fmt.Fprintf(h, "%q %d %q %q %q %q %q %d %d %t %t %q %p",
		o.Host, o.Port, o.ClusterNodes, o.SentinelNodes, o.SentinelMaster, o.Username, o.Password,
		o.Database, o.Timeout, o.SSL, o.SSLVerify, o.ServerName, o.RootCAs)
	return hex.EncodeToString(h.Sum(nil))
}

// String names the addresses and the database: "redis.example:6379/0".
func (o Options) String() string {
	text := strings.Join(o.addrs(), ",")
	if o.SentinelMaster != "" {
		text = o.SentinelMaster + "@" + text
	}
	return text + "/" + strconv.Itoa(o.Database)
}

// Format implements [fmt.Formatter] for every verb, so that none prints the
// password.
func (o Options) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, o.String()) }

// addrs returns what the client dials first.
func (o Options) addrs() []string {
	switch {
	case len(o.ClusterNodes) > 0:
		return o.ClusterNodes
	case len(o.SentinelNodes) > 0:
		return o.SentinelNodes
	}
	port := o.Port
	if port == 0 {
		port = defaultPort
	}
	return []string{net.JoinHostPort(o.Host, strconv.Itoa(port))}
}

func (o Options) timeout() time.Duration {
	if o.Timeout == 0 {
		return DefaultTimeout
	}
	return o.Timeout
}

// validate reports everything that makes o unusable.
func (o Options) validate() error {
	var errs []error
	kinds := 0
	for _, set := range []bool{o.Host != "", len(o.ClusterNodes) > 0, len(o.SentinelNodes) > 0} {
		if set {
			kinds++
		}
	}
	switch {
	case kinds == 0:
		errs = append(errs, ErrNoAddress)
	case kinds > 1:
		errs = append(errs, ErrTwoKinds)
	}
	if o.Port < 0 || o.Port > maxPort {
		errs = append(errs, fmt.Errorf("%w: expected 1 to %d, got %d", ErrPort, maxPort, o.Port))
	}
	if len(o.SentinelNodes) > 0 && o.SentinelMaster == "" {
		errs = append(errs, ErrNoMaster)
	}
	if o.Database < 0 || o.Database > 0 && len(o.ClusterNodes) > 0 {
		errs = append(errs, fmt.Errorf("%w: expected 0 in a cluster and none below, got %d", ErrDatabase, o.Database))
	}
	if o.Timeout < 0 {
		errs = append(errs, fmt.Errorf("%w: expected a positive duration, got %v", ErrTimeout, o.Timeout))
	}
	if o.ServerName != "" && !o.SSL {
		errs = append(errs, ErrNameWithoutTLS)
	}
	return errors.Join(errs...)
}
