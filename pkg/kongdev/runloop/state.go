package runloop

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"

	"kong-plugin-auth-diagnosis/pkg/kongdev/entity"
	"kong-plugin-auth-diagnosis/pkg/kongdev/exchange"
	"kong-plugin-auth-diagnosis/pkg/kongdev/router"
	"kong-plugin-auth-diagnosis/pkg/kongdev/rpc"
)

// Clients gives a worker's client of an external plugin.
type Clients func(plugin string) *rpc.Client

// State is one worker's view of one configuration. It is immutable.
type State struct {
	Set     *entity.Set
	router  *router.Router
	plugins []*configured
	clients Clients
	proxy   *Proxy
}

// configured is an enabled plugin with its configurations by scope.
type configured struct {
	*Plugin
	byScope map[scope]*config
}

// scope is the compound key of plugins_iterator.lua; "" is no restriction.
type scope struct{ route, service, consumer string }

// config is one plugin entity as this worker runs it.
type config struct {
	table  map[string]any
	remote *rpc.Config // nil for a built-in plugin
}

// NewState builds a worker's view. next numbers the plugin configurations
// (__seq__): every worker and every build gets numbers of its own.
func NewState(set *entity.Set, reg *Registry, clients Clients, proxy *Proxy, next func() int64) (*State, error) {
	s := &State{Set: set, router: router.New(set.Routes), clients: clients, proxy: proxy}
	byName := map[string]*configured{}
	for _, p := range reg.Plugins() {
		c := &configured{Plugin: p, byScope: map[scope]*config{}}
		byName[p.Name] = c
		s.plugins = append(s.plugins, c)
	}
	for _, p := range set.Plugins {
		if !p.Enabled {
			continue
		}
		c, ok := byName[p.Name]
		if !ok {
			return nil, fmt.Errorf("%s plugin is in use but not enabled", p.Name)
		}
		cfg := &config{table: p.Config}
		if c.Server != nil {
			seq := next()
			text, err := remoteJSON(p, seq)
			if err != nil {
				return nil, err
			}
			cfg.remote = &rpc.Config{PluginID: p.ID, Seq: seq, JSON: text}
		}
		c.byScope[scope{p.RouteID, p.ServiceID, p.ConsumerID}] = cfg
	}
	return s, nil
}

// remoteJSON is the config that cmd_start_instance carries: the resolved config
// and Kong's own keys beside it.
func remoteJSON(p *entity.Plugin, seq int64) ([]byte, error) {
	table := maps.Clone(p.Config)
	if table == nil {
		table = map[string]any{}
	}
	table["__seq__"] = seq
	table["__key__"] = p.Key()
	table["__plugin_id"] = p.ID
	table["__ws_id"] = entity.DefaultWorkspace
	for key, id := range map[string]string{"route_id": p.RouteID, "service_id": p.ServiceID,
		"consumer_id": p.ConsumerID, "plugin_instance_name": p.InstanceName} {
		if id != "" {
			table[key] = id
		}
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(table); err != nil {
		return nil, fmt.Errorf("encoding the config of plugin %s: %w", p.Name, err)
	}
	return bytes.TrimRight(buf.Bytes(), "\n"), nil
}

// lookup is lookup_cfg: the most specific configuration for a request, nil when
// the plugin does not apply.
func (c *configured) lookup(x *exchange.Exchange) *config {
	var route, service, consumer string
	if x.Match != nil {
		route = x.Match.Route.ID
	}
	if s := x.Service(); s != nil {
		service = s.ID
	}
	if t := x.Consumer(); t != nil {
		consumer, _ = t["id"].(string)
	}
	for _, s := range []scope{
		{route, service, consumer}, {route, "", consumer}, {"", service, consumer}, {route, service, ""},
		{"", "", consumer}, {route, "", ""}, {"", service, ""}, {},
	} {
		if cfg := c.byScope[s]; cfg != nil {
			return cfg
		}
	}
	return nil
}
