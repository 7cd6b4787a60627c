package redistest

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
)

const (
	clusterNodes = 3
	slots        = 16_384
)

// Cluster is a Redis Cluster of three masters that share the slots evenly.
type Cluster struct {
	Nodes []*Server
}

// StartCluster starts a cluster and returns when every node takes commands. It
// takes some seconds: a master waits two before it trusts what it hears.
func StartCluster(t testing.TB) *Cluster {
	t.Helper()
	c := &Cluster{}
	var buses []int
	for range clusterNodes {
		// The bus has a port of its own, for the usual one, 10000 further on,
		// may be taken or not exist.
		bus := freePort(t)
		c.Nodes = append(c.Nodes, Start(t, Options{Config: []string{
			"cluster-enabled yes", "cluster-port " + strconv.Itoa(bus), "cluster-node-timeout 2000",
			"cluster-config-file nodes.conf",
		}}))
		buses = append(buses, bus)
	}
	ctx := t.Context()
	for i, node := range c.Nodes {
		first, last := slots*i/clusterNodes, slots*(i+1)/clusterNodes-1
		node.must(node.admin.ClusterAddSlotsRange(ctx, first, last).Err())
		// Epochs that differ from the start spare the nodes an argument.
		node.must(node.admin.Do(ctx, "CLUSTER", "SET-CONFIG-EPOCH", i+1).Err())
	}
	for _, node := range c.Nodes[1:] {
		for i, other := range c.Nodes {
			if other != node {
				node.must(node.admin.Do(ctx, "CLUSTER", "MEET", other.Host, other.Port, buses[i]).Err())
			}
		}
	}
	for _, node := range c.Nodes {
		node.await("the cluster is ok", func(ctx context.Context) error {
			info, err := node.admin.ClusterInfo(ctx).Result()
			if err != nil {
				return err
			}
			for _, expected := range []string{"cluster_state:ok\r\n", "cluster_size:3\r\n", "cluster_slots_ok:16384\r\n"} {
				if !strings.Contains(info, expected) {
					return fmt.Errorf("no %q in %q", expected, info)
				}
			}
			return nil
		})
	}
	return c
}

// Addrs are the nodes' addresses, host:port.
func (c *Cluster) Addrs() (addrs []string) {
	for _, node := range c.Nodes {
		addrs = append(addrs, node.Addr)
	}
	return addrs
}
