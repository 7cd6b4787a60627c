package redistest

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
)

const (
	sentinels = 3
	quorum    = 2
)

// MasterName is what the sentinels call their master.
const MasterName = "counters"

// Sentinel is a master with one replica, watched by three sentinels.
type Sentinel struct {
	Master, Replica *Server
	Addrs           []string // the sentinels' addresses, host:port

	t     testing.TB
	views []*sentinel
}

type sentinel struct {
	*process
	client *redis.SentinelClient
}

// StartSentinel starts all of them and returns when each sentinel knows the
// replica and both other sentinels.
func StartSentinel(t testing.TB) *Sentinel {
	t.Helper()
	s := &Sentinel{t: t, Master: Start(t, Options{})}
	s.Replica = Start(t, Options{Config: []string{"replicaof " + s.Master.Host + " " + strconv.Itoa(s.Master.Port)}})
	s.Replica.await("the replica follows", func(ctx context.Context) error {
		info, err := s.Replica.admin.Info(ctx, "replication").Result()
		if err == nil && !strings.Contains(info, "master_link_status:up") {
			err = fmt.Errorf("replication is not up: %q", info)
		}
		return err
	})
	for range sentinels {
		s.startSentinel()
	}
	for _, view := range s.views {
		view.await("the sentinel knows the others", func(ctx context.Context) error {
			m, err := view.client.Master(ctx, MasterName).Result()
			if err == nil && (m["num-slaves"] != "1" || m["num-other-sentinels"] != strconv.Itoa(sentinels-1) || m["flags"] != "master") {
				err = fmt.Errorf("it knows %s replicas and %s sentinels of a %s", m["num-slaves"], m["num-other-sentinels"], m["flags"])
			}
			return err
		})
	}
	return s
}

func (s *Sentinel) startSentinel() {
	s.t.Helper()
	port := freePort(s.t)
	watch := "sentinel monitor " + MasterName + " " + s.Master.Host + " " + strconv.Itoa(s.Master.Port) + " " + strconv.Itoa(quorum)
	v := &sentinel{process: newProcess(s.t, "redis-server", conf("bind "+host, "port "+strconv.Itoa(port), "dir .", watch,
		"sentinel down-after-milliseconds "+MasterName+" 500", "sentinel failover-timeout "+MasterName+" 3000"), "--sentinel")}
	v.client = redis.NewSentinelClient(adminOptions(address(port)))
	s.t.Cleanup(func() { _ = v.client.Close() })
	v.start()
	v.await("the sentinel answers", func(ctx context.Context) error {
		if err := listens(ctx, address(port)); err != nil {
			return err
		}
		return v.client.Ping(ctx).Err()
	})
	s.views = append(s.views, v)
	s.Addrs = append(s.Addrs, address(port))
}

// Failover kills the master and returns when the replica has taken its place
// and every sentinel says so. Master is then the former replica and Replica the
// killed server.
func (s *Sentinel) Failover() {
	s.t.Helper()
	s.Master.Kill()
	expected := strconv.Itoa(s.Replica.Port)
	for _, view := range s.views {
		view.await("the replica is master", func(ctx context.Context) error {
			addr, err := view.client.GetMasterAddrByName(ctx, MasterName).Result()
			if err == nil && (len(addr) != 2 || addr[1] != expected) {
				err = fmt.Errorf("expected port %s, got %q", expected, addr)
			}
			return err
		})
	}
	s.Master, s.Replica = s.Replica, s.Master
}
