// Package redistest runs Debian's redis-server for tests, so that what is said
// of Redis is shown by Redis: [Start] one server, [StartCluster] three of them
// that share the slots, [StartSentinel] a master, a replica and three sentinels.
//
// Every process listens on the loopback alone, keeps its files in a folder of
// the test and is stopped, by its pid, when the test ends. A server can be
// paused, killed, started again at the same address and asked what commands it
// has seen; nothing here sleeps for a fixed time.
//
// server.go is one server, process.go the process under it, certificate.go its
// TLS, cluster.go and sentinel.go the two arrangements of several.
package redistest
