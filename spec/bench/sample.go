//go:build spec

package main

import (
	"strings"
	"time"

	"kong-plugin-auth-diagnosis/spec/bench/load"
	"kong-plugin-auth-diagnosis/spec/bench/measure"
)

// Columns of what is measured through a gateway. CPU is that of the processes,
// in user and kernel mode; latency is what the client sees.
var requestColumns = []string{"plugin CPU, µs", "gateway CPU, µs", "both, µs", "latency, µs"}

// Places in requestColumns.
const (
	pluginCPU = iota
	gatewayCPU
	bothCPU
	latency
)

// usualConns is the number of connections where it is not what is measured.
const usualConns = 4

// stream is a kind of request to one route.
type stream struct {
	gateway *gateway
	plugin  string // whose process is measured beside the gateway's; "" for none
	conns   int    // usualConns if 0
	status  int    // 200 if 0
	// request makes the i-th request. No number comes twice, in all rounds.
	request func(i int) []byte

	sent int
}

// warmups go before every measurement: connections open, instances start.
const warmups = 8

// measure sends n requests and returns a sample of requestColumns.
func (s *stream) measure(b *bench, n int) (measure.Sample, error) {
	conns, status := s.conns, s.status
	if conns == 0 {
		conns = usualConns
	}
	if status == 0 {
		status = 200
	}
	client, err := load.Dial(strings.TrimPrefix(s.gateway.Proxy, "http://"), conns)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	if _, err := client.Do(s.job(warmups*conns, status)); err != nil {
		return nil, err
	}
	before, err := s.cpu(b)
	if err != nil {
		return nil, err
	}
	taken, err := client.Do(s.job(n, status))
	if err != nil {
		return nil, err
	}
	after, err := s.cpu(b)
	if err != nil {
		return nil, err
	}
	each := func(d time.Duration) float64 { return micros(d) / float64(n) }
	of, gw := each(after[0]-before[0]), each(after[1]-before[1])
	return measure.Sample{pluginCPU: of, gatewayCPU: gw, bothCPU: of + gw, latency: micros(measure.Quantile(taken, 0.5))}, nil
}

// of makes a case's Measure, with n requests.
func (s stream) of(b *bench, n int) func() (measure.Sample, error) {
	return func() (measure.Sample, error) { return s.measure(b, n) }
}

// job takes the next n requests of the stream.
func (s *stream) job(n, status int) load.Job {
	first := s.sent
	s.sent += n
	return load.Job{Count: n, Status: status, Request: func(i int) []byte { return s.request(first + i) }}
}

// cpu reads the times of the plugin's process and of the gateway's.
func (s *stream) cpu(b *bench) (times [2]time.Duration, err error) {
	if pid, ok := s.gateway.plugins[s.plugin]; ok {
		if times[0], err = measure.CPUTime(b.proc, pid); err != nil {
			return times, err
		}
	}
	times[1], err = measure.CPUTime(b.proc, s.gateway.workers...)
	return times, err
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// get is a request with headers as clients send them, and a token if there is
// one.
func get(path, token string) []byte {
	head := "GET " + path + " HTTP/1.1\r\nHost: api.example.com\r\nUser-Agent: bench/1.0\r\nAccept: application/json\r\n"
	if token != "" {
		head += "Authorization: Bearer " + token + "\r\n"
	}
	return []byte(head + "\r\n")
}

// always makes every request of a stream the same.
func always(request []byte) func(int) []byte { return func(int) []byte { return request } }
