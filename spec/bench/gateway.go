//go:build spec

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"kong-plugin-auth-diagnosis/spec/bench/measure"
	"kong-plugin-auth-diagnosis/spec/rig"
)

// plugin under measurement, as a release has it.
const plugin = "auth-diagnosis"

// gateway is a running gateway whose processes are known.
type gateway struct {
	*rig.Gateway
	nginx   bool           // a real Kong, not the embedded gateway
	workers []int          // its processes that serve requests
	plugins map[string]int // the processes of its plugins, by name
	closers []func()
}

// patience bounds the waits for a gateway that has started.
const patience = 20 * time.Second

// route is a path and the plugins on it.
type route struct {
	path    string
	plugins []map[string]any // entities: name and config
}

// start starts a gateway with one worker and without an access log; bin is ""
// for the embedded one. One service has the routes; more has the rest of the
// declarative configuration, such as consumers. servers name the external plugins.
func (b *bench) start(bin string, routes []route, more map[string]any, servers ...string) (*gateway, error) {
	text, err := json.Marshal(b.declarative(routes, more))
	if err != nil {
		return nil, err
	}
	g := &gateway{plugins: map[string]int{}}
	conf := map[string]string{
		"nginx_worker_processes": "1",
		"proxy_access_log":       "off",
		"plugins":                strings.Join(append([]string{"bundled"}, servers...), ","),
		"pluginserver_names":     strings.Join(servers, ","),
	}
	prefixes := map[string]string{}
	for _, name := range servers {
		if name == plugin {
			continue // package rig sets it up
		}
		if prefixes[name], err = g.configure(b, name, conf); err != nil {
			return nil, g.failed(err)
		}
	}
	b.built = true
	if g.Gateway, err = rig.StartGateway(b.ctx, rig.GatewayOptions{Bin: bin, Config: text, Conf: conf}); err != nil {
		return nil, g.failed(err)
	}
	prefixes[plugin] = g.Prefix
	if err := g.find(b, servers, prefixes); err != nil {
		return nil, g.failed(err)
	}
	return g, nil
}

// declarative is a configuration with one service and its routes.
func (b *bench) declarative(routes []route, more map[string]any) map[string]any {
	list := []any{} // and never null, which is another thing in YAML
	for _, r := range routes {
		entity := map[string]any{"name": strings.TrimPrefix(r.path, "/"), "paths": []any{r.path}}
		if len(r.plugins) > 0 {
			entity["plugins"] = r.plugins
		}
		list = append(list, entity)
	}
	config := map[string]any{"_format_version": "3.0", "services": []any{
		map[string]any{"name": "upstream", "url": b.upstream.URL(), "routes": list},
	}}
	for k, v := range more {
		config[k] = v
	}
	return config
}

// configure adds an external plugin to kong.conf. Its socket is in a folder of
// its own, which is returned.
func (g *gateway) configure(b *bench, name string, conf map[string]string) (prefix string, err error) {
	program, err := b.program(name)
	if err != nil {
		return "", err
	}
	if prefix, err = openDir(); err != nil {
		return "", err
	}
	g.closers = append(g.closers, func() { os.RemoveAll(prefix) })
	key := "pluginserver_" + strings.ReplaceAll(name, "-", "_")
	conf[key+"_socket"] = filepath.Join(prefix, name+".socket")
	conf[key+"_start_cmd"] = program + " -kong-prefix " + prefix
	conf[key+"_query_cmd"] = program + " -kong-prefix " + prefix + " -dump"
	return prefix, nil
}

// find waits for the gateway's processes.
func (g *gateway) find(b *bench, servers []string, prefixes map[string]string) error {
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	return rig.Until(ctx, func() error {
		all, err := measure.Processes(b.proc)
		if err != nil {
			return err
		}
		if err := g.findWorkers(all); err != nil {
			return err
		}
		for _, name := range servers {
			i := slices.IndexFunc(all, func(p measure.Process) bool {
				return len(p.Args) > 0 && filepath.Base(p.Args[0]) == name && slices.Contains(p.Args, prefixes[name])
			})
			if i < 0 {
				return fmt.Errorf("expected a process of %q, found none", name)
			}
			g.plugins[name] = all[i].PID
		}
		return nil
	})
}

// findWorkers finds nginx's workers below the process that the prefix names, or
// takes that one itself: the embedded gateway is a single process.
func (g *gateway) findWorkers(all []measure.Process) error {
	text, err := os.ReadFile(filepath.Join(g.Prefix, "pids", "nginx.pid"))
	if err != nil {
		return err
	}
	master, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return err
	}
	g.workers, g.nginx = nil, false
	for _, p := range all {
		if p.Parent == master && len(p.Args) > 0 && strings.HasPrefix(p.Args[0], "nginx: worker process") {
			g.workers, g.nginx = append(g.workers, p.PID), true
		}
	}
	if !g.nginx {
		g.workers = []int{master}
	}
	return nil
}

// has reports whether the gateway knows a plugin.
func (g *gateway) has(plugin string) (bool, error) {
	resp, err := http.Get(g.Admin + "/schemas/plugins/" + plugin)
	if err != nil {
		return false, err
	}
	resp.Body.Close()
	return resp.StatusCode == http.StatusOK, nil
}

// ready waits until a request gets 200: key sets are fetched beside requests.
func (g *gateway) ready(b *bench, path, token string) error {
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	return rig.Until(ctx, func() error {
		resp, err := g.answer(path, token)
		if err == nil && resp.StatusCode != http.StatusOK {
			err = fmt.Errorf("%s: expected 200, got %d %s", path, resp.StatusCode, resp.Header.Get("X-Auth-Diagnosis"))
		}
		return err
	})
}

// answer sends one request.
func (g *gateway) answer(path, token string) (*http.Response, error) {
	req, err := http.NewRequest(http.MethodGet, g.Proxy+path, nil)
	if err != nil {
		return nil, err
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	return rig.Do(req)
}

// stop ends the gateway.
func (g *gateway) stop() {
	if g.Gateway != nil {
		// Measured is measured; and what would not stop has told so in its log.
		_ = g.Gateway.Stop()
	}
	for _, c := range g.closers {
		c()
	}
}

// failed stops what was started of a gateway, and returns err.
func (g *gateway) failed(err error) error {
	g.stop()
	return err
}
