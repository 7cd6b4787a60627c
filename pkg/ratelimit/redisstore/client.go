package redisstore

import (
	"context"
	"crypto/tls"
	"errors"
	"slices"
	"sync"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// clientName is what CLIENT LIST shows for our connections.
const clientName = "auth-diagnosis"

// connections bounds the pool, per node. A decision holds one for a round trip;
// the rest of a burst waits for one, never longer than the timeout.
const connections = 32

// newClient returns a client that has not dialled yet. It tries everything once:
// a retry of a command that may have run would count a request twice, and the
// library's own waits for a server that is gone add up to seconds.
func newClient(o Options) redis.UniversalClient {
	muteLibrary()
	timeout := o.timeout()
	u := &redis.UniversalOptions{
		Addrs:         slices.Clone(o.addrs()), // the client of a cluster appends to it
		MasterName:    o.SentinelMaster,
		IsClusterMode: len(o.ClusterNodes) > 0,
		DB:            o.Database,
		Username:      o.Username,
		Password:      o.Password,

		Protocol:        2, // known to every server and proxy; nothing here needs more
		DisableIdentity: true,
		OnConnect:       introduce,
		MaintNotificationsConfig: &maintnotifications.Config{
			Mode: maintnotifications.ModeDisabled,
		},

		MaxRetries:            -1,
		DialerRetries:         1,
		DialTimeout:           timeout,
		ReadTimeout:           timeout,
		WriteTimeout:          timeout,
		PoolTimeout:           timeout,
		ContextTimeoutEnabled: true,
		PoolSize:              connections,
	}
	if o.SSL {
		u.TLSConfig = &tls.Config{
			ServerName:         o.ServerName,
			RootCAs:            o.RootCAs,
			InsecureSkipVerify: !o.SSLVerify, // ssl_verify: false asks for it
			MinVersion:         tls.VersionTLS12,
		}
	}
	return redis.NewUniversalClient(u)
}

// introduce names a new connection. The name is a courtesy: an ACL user without
// the right to give one is served all the same.
func introduce(ctx context.Context, conn *redis.Conn) error {
	var refused redis.Error
	if err := conn.ClientSetName(ctx, clientName).Err(); err != nil && !errors.As(err, &refused) {
		return err
	}
	return nil
}

// muteLibrary silences go-redis, which writes a line to stderr for each failed
// dial. What a failure means is told once, by [Event].
var muteLibrary = sync.OnceFunc(func() { redis.SetLogger(silence{}) })

type silence struct{}

// Printf drops the line.
func (silence) Printf(context.Context, string, ...any) {}
