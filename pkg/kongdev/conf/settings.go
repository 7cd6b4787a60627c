package conf

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Defaults of kong/templates/kong_defaults.lua.
const (
	defaultPrefix      = "/usr/local/kong"
	defaultProxyListen = "0.0.0.0:8000"
	defaultAdminListen = "127.0.0.1:8001"
	defaultStatus      = "127.0.0.1:8007"
	defaultHeaders     = "server_tokens, latency_tokens, X-Kong-Request-Id"
)

// Conf is a checked configuration. Every path is absolute.
type Conf struct {
	Prefix            string
	DeclarativeConfig string   // path of the declarative file; "" starts empty
	DeclarativeString string   // its text, when given in the setting itself
	ProxyListen       []string // host:port, possibly none
	ProxyHTTP2        bool     // all of them take HTTP/2 too, which for nginx is the server's matter
	AdminListen       []string
	StatusListen      []string
	Workers           int
	Plugins           []string // names; "bundled" stands for the built-in ones
	PluginServers     []PluginServer
	LogLevel          string
	TrustedIPs        []netip.Prefix
	RealIPHeader      string
	RealIPRecursive   bool
	Headers           Headers
	ErrorDefaultType  string // of answers that no plugin made
	HeaderBuffers     Buffers
	ErrorLog          string            // path, "/dev/stderr" and the like included
	AccessLog         string            // path, or "" for off
	OpenFiles         int               // nginx_main_worker_rlimit_nofile, 0 for auto
	MainEnv           []string          // nginx_main_env: NAME or NAME=value, for plugin processes
	Settings          map[string]string // the settings it was made of, file and environment
}

// PluginServer is one entry of pluginserver_names.
type PluginServer struct {
	Name     string
	Socket   string
	StartCmd string // "" when the process is managed outside
	QueryCmd string
}

// Headers says which of Kong's own headers are sent (`headers`).
type Headers struct {
	Server          bool // Server, and Via on proxied answers
	Via             bool
	ProxyLatency    bool
	UpstreamLatency bool
	ResponseLatency bool
	RequestID       bool
	UpstreamStatus  bool
}

// Buffers is nginx's large_client_header_buffers: at most Number buffers of
// Size bytes, a request line or header line within one buffer.
type Buffers struct {
	Number int
	Size   int
}

var logLevels = []string{"debug", "info", "notice", "warn", "error", "crit", "alert", "emerg"}

var errorTypes = []string{"application/json", "application/xml", "text/html", "text/plain"}

// build turns settings into a Conf; every problem is reported at once.
func build(s raw) (*Conf, []string, error) {
	var problems []error
	bad := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	c := &Conf{Settings: s.values}
	prefix, err := filepath.Abs(s.take("prefix", defaultPrefix))
	if err != nil {
		return nil, nil, err
	}
	c.Prefix = prefix
	if db := s.take("database", "postgres"); db != "off" {
		bad("database: expected %q (the embedded gateway is DB-less), got %q", "off", db)
	}
	if path := s.take("declarative_config", ""); path != "" {
		if c.DeclarativeConfig, err = filepath.Abs(path); err != nil {
			return nil, nil, err
		}
	}
	c.DeclarativeString = s.take("declarative_config_string", "")
	listen := func(key, def string) (addrs []string, http2 bool) {
		addrs, http2, err := listeners(s.takeList(key, def))
		if err != nil {
			bad("%s: %w", key, err)
		}
		return addrs, http2
	}
	c.ProxyListen, c.ProxyHTTP2 = listen("proxy_listen", defaultProxyListen)
	c.AdminListen, _ = listen("admin_listen", defaultAdminListen)
	c.StatusListen, _ = listen("status_listen", defaultStatus)
	if c.Workers, err = workers(s.take("nginx_worker_processes", s.take("nginx_main_worker_processes", "1"))); err != nil {
		bad("nginx_worker_processes: %w", err)
	}
	c.Plugins = s.takeList("plugins", "bundled")
	if len(c.Plugins) == 1 && c.Plugins[0] == "off" {
		c.Plugins = nil
	}
	for _, name := range s.takeList("pluginserver_names", "") {
		c.PluginServers = append(c.PluginServers, pluginServer(s, prefix, name))
	}
	if c.LogLevel = s.take("log_level", "notice"); !slices.Contains(logLevels, c.LogLevel) {
		bad("log_level: expected one of %s, got %q", strings.Join(logLevels, ", "), c.LogLevel)
	}
	if c.TrustedIPs, err = prefixes(s.takeList("trusted_ips", "")); err != nil {
		bad("trusted_ips: %w", err)
	}
	c.RealIPHeader = s.take("real_ip_header", "X-Real-IP")
	c.RealIPRecursive = s.take("real_ip_recursive", "off") == "on"
	c.ErrorDefaultType = s.take("error_default_type", "text/plain")
	if !slices.Contains(errorTypes, c.ErrorDefaultType) {
		bad("error_default_type: expected one of %s, got %q", strings.Join(errorTypes, ", "), c.ErrorDefaultType)
	}
	c.Headers = headers(s.takeList("headers", defaultHeaders))
	buffers := s.take("nginx_proxy_large_client_header_buffers", s.take("nginx_http_large_client_header_buffers", "4 8k"))
	if c.HeaderBuffers, err = headerBuffers(buffers); err != nil {
		bad("large_client_header_buffers: %w", err)
	}
	if files := s.take("nginx_main_worker_rlimit_nofile", "auto"); files != "auto" {
		if c.OpenFiles, err = strconv.Atoi(files); err != nil || c.OpenFiles < 1 {
			bad("nginx_main_worker_rlimit_nofile: expected auto or a number from 1, got %q", files)
		}
	}
	for d := range strings.SplitSeq(s.take("nginx_main_env", ""), ";") {
		if d = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(d), "env ")); d != "" {
			c.MainEnv = append(c.MainEnv, d)
		}
	}
	c.ErrorLog = logPath(prefix, s.take("proxy_error_log", "logs/error.log"))
	c.AccessLog = logPath(prefix, s.take("proxy_access_log", "logs/access.log"))
	if err := errors.Join(problems...); err != nil {
		return nil, nil, err
	}
	var warnings []string
	for _, k := range s.unknown() {
		warnings = append(warnings, fmt.Sprintf("setting %q has no effect in the embedded gateway", k))
	}
	return c, warnings, nil
}

// pluginServer reads pluginserver_<name>_*, where dashes of the name are
// underscores, with Kong's default socket <prefix>/<name>.socket.
func pluginServer(s raw, prefix, name string) PluginServer {
	key := "pluginserver_" + strings.ToLower(strings.ReplaceAll(name, "-", "_"))
	return PluginServer{
		Name:     name,
		Socket:   s.take(key+"_socket", filepath.Join(prefix, name+".socket")),
		StartCmd: s.take(key+"_start_cmd", ""),
		QueryCmd: s.take(key+"_query_cmd", ""),
	}
}

// listeners returns the addresses of a *_listen setting, and whether one of them has
// the flag http2: nginx_kong.lua then writes `http2 on` for the whole server. Flags
// such as reuseport or backlog=N are accepted without effect; ssl is refused.
func listeners(items []string) (addrs []string, http2 bool, err error) {
	if len(items) == 1 && items[0] == "off" {
		return nil, false, nil
	}
	for _, item := range items {
		words := strings.Fields(item)
		if slices.Contains(words[1:], "ssl") {
			return nil, false, fmt.Errorf("%q: expected a plain listener, got ssl", item)
		}
		if _, _, err := net.SplitHostPort(words[0]); err != nil {
			return nil, false, fmt.Errorf("%q: expected address:port: %w", item, err)
		}
		addrs = append(addrs, words[0])
		http2 = http2 || slices.Contains(words[1:], "http2")
	}
	return addrs, http2, nil
}

// maxWorkers bounds nginx_worker_processes; `auto` is 1 here.
const maxWorkers = 64

func workers(v string) (int, error) {
	if v == "auto" {
		return 1, nil
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 || n > maxWorkers {
		return 0, fmt.Errorf("expected auto or 1 to %d, got %q", maxWorkers, v)
	}
	return n, nil
}

func prefixes(items []string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, item := range items {
		if item == "unix:" {
			continue
		}
		p, err := netip.ParsePrefix(item)
		if err != nil {
			a, addrErr := netip.ParseAddr(item)
			if addrErr != nil {
				return nil, fmt.Errorf("expected an address or CIDR block, got %q", item)
			}
			p = netip.PrefixFrom(a, a.BitLen())
		}
		out = append(out, p.Masked())
	}
	return out, nil
}

func headers(items []string) Headers {
	var h Headers
	for _, item := range items {
		switch strings.ToLower(item) {
		case "server_tokens":
			h.Server, h.Via = true, true
		case "server":
			h.Server = true
		case "via":
			h.Via = true
		case "latency_tokens":
			h.ProxyLatency, h.UpstreamLatency, h.ResponseLatency = true, true, true
		case "x-kong-proxy-latency":
			h.ProxyLatency = true
		case "x-kong-upstream-latency":
			h.UpstreamLatency = true
		case "x-kong-response-latency":
			h.ResponseLatency = true
		case "x-kong-request-id":
			h.RequestID = true
		case "x-kong-upstream-status":
			h.UpstreamStatus = true
		}
	}
	return h
}

// headerBuffers parses "4 8k".
func headerBuffers(v string) (Buffers, error) {
	words := strings.Fields(v)
	if len(words) != 2 {
		return Buffers{}, fmt.Errorf("expected NUMBER SIZE, got %q", v)
	}
	n, err := strconv.Atoi(words[0])
	if err != nil || n < 1 || n > 1024 {
		return Buffers{}, fmt.Errorf("expected 1 to 1024 buffers, got %q", words[0])
	}
	digits, unit := words[1], 1
	switch digits[len(digits)-1] {
	case 'k', 'K':
		digits, unit = digits[:len(digits)-1], 1<<10
	case 'm', 'M':
		digits, unit = digits[:len(digits)-1], 1<<20
	}
	size, err := strconv.Atoi(digits)
	if err != nil || size < 1 || size > 1<<24/unit {
		return Buffers{}, fmt.Errorf("expected a size of at most 16m, got %q", words[1])
	}
	return Buffers{Number: n, Size: size * unit}, nil
}

// logPath resolves a log setting: the first word is the path, "off" is none.
func logPath(prefix, v string) string {
	path := strings.Fields(v)[0]
	if path == "off" {
		return ""
	}
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(prefix, path)
}
