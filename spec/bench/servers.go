//go:build spec

package main

import (
	"fmt"
	"strings"

	"kong-plugin-auth-diagnosis/spec/bench/measure"
)

// serverTables compares this project's server with go-pdk's own.
func serverTables(b *bench) ([]measure.Table, error) { return serversOn(b, "") }

// handled is what the handler does, and how it is called.
type handled struct {
	name   string
	path   string
	status int
	config map[string]any
}

var handlings = []handled{
	{"no PDK call", "0", 200, map[string]any{"calls": 0}},
	{"1 PDK call", "1", 200, map[string]any{"calls": 1}},
	{"2 PDK calls", "2", 200, map[string]any{"calls": 2}},
	{"3 PDK calls", "3", 200, map[string]any{"calls": 3}},
	{"rejection", "exit", 401, map[string]any{"calls": 1, "exit": true}},
}

// Goals for the same handler: 3 PDK calls, and a rejection.
var serverGoals = map[string]float64{"3 PDK calls": 0.75, "rejection": 0.75}

// serversOn does it on a gateway's program, "" for the embedded one.
func serversOn(b *bench, bin string) ([]measure.Table, error) {
	var routes []route
	for _, h := range handlings {
		wire := map[string]any{"wire": true}
		for k, v := range h.config {
			wire[k] = v
		}
		routes = append(routes,
			route{"/stock-" + h.path, []map[string]any{{"name": stock, "config": h.config}}},
			route{"/own-" + h.path, []map[string]any{{"name": own, "config": h.config}}},
			route{"/wire-" + h.path, []map[string]any{{"name": own, "config": wire}}},
		)
	}
	g, err := b.start(bin, routes, nil, own, stock)
	if err != nil {
		return nil, err
	}
	defer g.stop()
	for _, path := range []string{"/stock-3", "/own-3", "/wire-3"} {
		if err := g.ready(b, path, ""); err != nil { // a plugin that has started need not listen yet
			return nil, err
		}
		if err := allCalls(g, path); err != nil {
			return nil, err
		}
	}
	return tables(b, serverSuite(b, g))
}

func serverSuite(b *bench, g *gateway) measure.Suite {
	s := measure.Suite{
		Title: "One handler on two servers, on " + kindOf(g),
		Notes: []string{
			"One source file is the handler of both plugins. Its calls are `kong.request.get_headers`, `kong.service.request.set_header` and `kong.response.set_header`; a rejection is the first of them and `kong.response.exit`. *On the wire* is the same calls made as auth-diagnosis makes them, without go-pdk's PDK.",
		},
		Columns: requestColumns,
		Ratios:  []int{pluginCPU, latency},
	}
	token := strings.Repeat("t", 800) // the size of a real one
	for _, h := range handlings {
		base := h.name + ": go-pdk"
		add := func(name, way, plugin, against string, goal float64) {
			s.Cases = append(s.Cases, measure.Case{
				Name: h.name + ": " + name, Against: against, Goal: goal,
				Measure: stream{gateway: g, plugin: plugin, status: h.status, request: always(get("/"+way+"-"+h.path, token))}.of(b, b.requests),
			})
		}
		add("go-pdk", "stock", stock, "", 0)
		add("ours", "own", own, base, serverGoals[h.name])
		add("ours, on the wire", "wire", own, base, 0)
	}
	return s
}

// allCalls asks for the mark that only the last of three calls leaves. Without
// it there would be nothing to measure.
func allCalls(g *gateway, path string) error {
	resp, err := g.answer(path, "")
	if err == nil && resp.Header.Get("X-Bench-Calls") != "3" {
		err = fmt.Errorf("%s: expected the mark of three calls, got %d %v", path, resp.StatusCode, resp.Header)
	}
	return err
}
