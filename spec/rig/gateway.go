package rig

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Gateway is a running gateway.
type Gateway struct {
	Proxy, Admin string // base URLs
	Prefix       string

	bin  string
	conf string
}

// GatewayOptions say how to run a gateway.
type GatewayOptions struct {
	// Bin is the gateway's program; empty for the embedded gateway.
	Bin string
	// Config is the declarative configuration.
	Config []byte
	// Conf adds lines to kong.conf, or replaces them.
	Conf map[string]string
	// HTTP2 makes the proxy's listener take HTTP/2 too.
	HTTP2 bool
	// Plugin is the plugin's program; empty for the one that is released.
	Plugin string
	// Args are added to the plugin's command line.
	Args string
}

// startTimeout bounds starting and stopping: a Kong on a busy machine takes
// some seconds.
const startTimeout = 60 * time.Second

// listenFlags are those of Kong's own default for proxy_listen. Without reuseport one
// worker takes most of a few connections (ngx_reorder_accept_events in nginx), and
// nobody meets the other.
const listenFlags = " reuseport backlog=16384"

// StartGateway starts a gateway with two workers and waits until it answers.
func StartGateway(ctx context.Context, o GatewayOptions) (*Gateway, error) {
	bins, err := Build()
	if err != nil {
		return nil, err
	}
	o.Bin, o.Plugin = cmp.Or(o.Bin, bins.Kong), cmp.Or(o.Plugin, bins.Plugin)
	prefix, err := openDir("kong")
	if err != nil {
		return nil, err
	}
	ports, err := freePorts(3)
	if err != nil {
		return nil, err
	}
	g := &Gateway{
		Proxy:  "http://" + ports[0],
		Admin:  "http://" + ports[1],
		Prefix: prefix,
		bin:    o.Bin,
		conf:   filepath.Join(prefix, "spec.conf"),
	}
	declarative := filepath.Join(prefix, "spec.yml")
	if err := os.WriteFile(declarative, o.Config, 0o644); err != nil {
		return nil, err
	}
	conf := map[string]string{
		"prefix":                                prefix,
		"database":                              "off",
		"declarative_config":                    declarative,
		"proxy_listen":                          ports[0] + listenFlags,
		"admin_listen":                          ports[1],
		"status_listen":                         ports[2],
		"admin_gui_listen":                      "off",
		"nginx_worker_processes":                "2",
		"anonymous_reports":                     "off",
		"plugins":                               "bundled,auth-diagnosis",
		"pluginserver_names":                    "auth-diagnosis",
		"pluginserver_auth_diagnosis_socket":    filepath.Join(prefix, "auth-diagnosis.socket"),
		"pluginserver_auth_diagnosis_start_cmd": o.Plugin + " -kong-prefix " + prefix + " " + o.Args,
		"pluginserver_auth_diagnosis_query_cmd": o.Plugin + " -kong-prefix " + prefix + " -dump",
	}
	if o.HTTP2 {
		conf["proxy_listen"] += " http2"
	}
	for k, v := range o.Conf {
		conf[k] = v
	}
	if err := os.WriteFile(g.conf, confFile(conf), 0o644); err != nil {
		return nil, err
	}
	if err := g.Command(ctx, "start", "-c", g.conf); err != nil {
		return nil, fmt.Errorf("%w\n%s", err, g.ErrorLog())
	}
	if err := g.answers(ctx); err != nil {
		g.Stop()
		return nil, err
	}
	return g, nil
}

func confFile(conf map[string]string) []byte {
	var lines []string
	for k, v := range conf {
		lines = append(lines, k+" = "+v)
	}
	slices.Sort(lines)
	return []byte(strings.Join(lines, "\n") + "\n")
}

// Command runs the gateway's program.
func (g *Gateway) Command(ctx context.Context, args ...string) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, g.bin, args...)
	cmd.Env = slices.DeleteFunc(os.Environ(), func(e string) bool { return strings.HasPrefix(e, "KONG_") })
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w\n%s", filepath.Base(g.bin), strings.Join(args, " "), err, out)
	}
	return nil
}

// Reload runs `kong reload`: new workers and a new plugin process, while the
// old workers finish.
func (g *Gateway) Reload(ctx context.Context) error {
	return g.Command(ctx, "reload", "-c", g.conf, "-p", g.Prefix)
}

// SetConfig replaces the declarative file that the next Reload reads.
func (g *Gateway) SetConfig(config []byte) error {
	return os.WriteFile(filepath.Join(g.Prefix, "spec.yml"), config, 0o644)
}

// Config returns the declarative file as it is now.
func (g *Gateway) Config() []byte {
	text, err := os.ReadFile(filepath.Join(g.Prefix, "spec.yml"))
	if err != nil {
		return nil
	}
	return text
}

// Post sends a declarative configuration to the Admin API, as deck and GitOps
// tools do for a DB-less gateway. What Kong answers while another configuration
// is on its way, or by a worker that a reload has told to end, is no verdict on
// this one: it is sent again.
func (g *Gateway) Post(config []byte) (resp *http.Response, err error) {
	body, err := json.Marshal(map[string]string{"config": string(config)})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	err = Until(ctx, func() error {
		req, err := http.NewRequest(http.MethodPost, g.Admin+"/config", bytes.NewReader(body))
		if err != nil {
			return err
		}
		req.Header.Set("Content-Type", "application/json")
		req.Close = true // a kept connection may lead to such a worker
		if resp, err = Do(req); err != nil {
			return err
		}
		if resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode >= 500 {
			return fmt.Errorf("POST /config: %d", resp.StatusCode)
		}
		return nil
	})
	return resp, err
}

// Stop stops the gateway, waits until it has ended (`kong stop` only asks for
// that) and removes its prefix.
func (g *Gateway) Stop() error {
	processes := g.processes()
	err := g.Command(context.Background(), "stop", "-p", g.Prefix)
	if err == nil {
		err = awaitEnd(processes)
	}
	os.RemoveAll(g.Prefix)
	return err
}

// ErrorLog returns the end of the gateway's error log.
func (g *Gateway) ErrorLog() string {
	text, err := os.ReadFile(filepath.Join(g.Prefix, "logs", "error.log"))
	if err != nil {
		return err.Error()
	}
	const most = 16 << 10
	if len(text) > most {
		text = text[len(text)-most:]
	}
	return string(text)
}

// answers waits until the admin API does.
func (g *Gateway) answers(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	return Until(ctx, func() error {
		resp, err := http.Get(g.Admin + "/status")
		if err != nil {
			return err
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("admin API answers %d", resp.StatusCode)
		}
		return nil
	})
}

// Until repeats a check every 20 ms until it holds or ctx ends, and returns the
// check's last error then.
func Until(ctx context.Context, check func() error) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := check()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-tick.C:
		}
	}
}
