package rig

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"slices"
)

// Ports that gateways listen at lie below those that the kernel gives to
// connections and to listeners at port 0: a Kong takes seconds to start, and by
// then any of those may be somebody's again.
const (
	lowestPort = 10_000
	usualLocal = 32_768 // the first of the kernel's own, unless it says otherwise
)

// freePorts finds loopback addresses that nobody listens on.
func freePorts(n int) (addrs []string, err error) {
	highest := usualLocal
	if text, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range"); err == nil {
		if _, err := fmt.Sscan(string(text), &highest); err != nil || highest < lowestPort+1000 {
			highest = usualLocal
		}
	}
	for range 1000 {
		addr := fmt.Sprintf("127.0.0.1:%d", lowestPort+rand.IntN(highest-lowestPort))
		l, err := net.Listen("tcp", addr)
		if err != nil || slices.Contains(addrs, addr) {
			continue
		}
		l.Close()
		if addrs = append(addrs, addr); len(addrs) == n {
			return addrs, nil
		}
	}
	return nil, errors.New("no free ports on loopback")
}
