// Package admin is the part of Kong's Admin API and Status API that a DB-less
// gateway is operated with: node information, POST /config, plugin schemas and
// their validation, and read-only lists of entities.
package admin

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"

	"kong-plugin-auth-diagnosis/pkg/kongdev/conf"
	"kong-plugin-auth-diagnosis/pkg/kongdev/declarative"
	"kong-plugin-auth-diagnosis/pkg/kongdev/entity"
	"kong-plugin-auth-diagnosis/pkg/kongdev/exchange"
	"kong-plugin-auth-diagnosis/pkg/kongdev/runloop"
	"kong-plugin-auth-diagnosis/pkg/kongdev/subschema"
)

// Backend is the gateway as the Admin API sees it.
type Backend interface {
	Conf() *conf.Conf
	NodeID() string
	Registry() *runloop.Registry
	Set() *entity.Set
	Connections() int
	// LoadConfig loads a declarative configuration; its error is a
	// *declarative.Invalid for a bad one, or ErrBusy.
	LoadConfig(src []byte) (*entity.Set, error)
}

// ErrBusy says that another configuration is being loaded.
var ErrBusy = errors.New("busy")

type api struct{ Backend }

// Handler serves the Admin API.
func Handler(b Backend) http.Handler {
	a := api{b}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", a.root)
	mux.HandleFunc("GET /status", a.status)
	mux.HandleFunc("GET /config", a.notStored)
	mux.HandleFunc("POST /config", a.postConfig)
	mux.HandleFunc("GET /schemas/plugins/{name}", a.schema)
	mux.HandleFunc("POST /schemas/plugins/validate", a.validate)
	mux.HandleFunc("GET /services", a.list(services))
	mux.HandleFunc("GET /routes", a.list(routes))
	mux.HandleFunc("GET /consumers", a.list(consumers))
	mux.HandleFunc("GET /plugins", a.list(plugins))
	mux.HandleFunc("GET /plugins/enabled", a.enabled)
	mux.HandleFunc("/", a.fallback)
	return mux
}

// StatusHandler serves the Status API.
func StatusHandler(b Backend) http.Handler {
	a := api{b}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /status", a.status)
	mux.HandleFunc("GET /status/ready", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, 200, map[string]any{"message": "ready"})
	})
	mux.HandleFunc("/", a.fallback)
	return mux
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Server", exchange.ServerToken)
	w.Header().Set("Access-Control-Allow-Origin", "*")
	w.WriteHeader(status)
	if body == nil {
		return
	}
	if _, err := w.Write(exchange.EncodeJSON(body)); err != nil {
		return // the client has gone
	}
}

// fallback answers unknown paths, and entities that a DB-less node cannot
// change.
func (a api) fallback(w http.ResponseWriter, r *http.Request) {
	first, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	switch first {
	case "services", "routes", "consumers", "plugins", "key-auths", "acls":
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			reply(w, 405, map[string]any{"code": 12, "name": "operation unsupported",
				"message": fmt.Sprintf("cannot create, update or delete '%s' entities when not using a database", first)})
			return
		}
	}
	reply(w, 404, map[string]any{"message": "Not found"})
}

func (a api) root(w http.ResponseWriter, _ *http.Request) {
	available, enabled := map[string]any{}, []any{}
	for _, p := range a.Registry().Plugins() {
		available[p.Name] = map[string]any{"version": p.Version, "priority": p.Priority}
		enabled = append(enabled, p.Name)
	}
	reply(w, 200, map[string]any{
		"tagline": "Welcome to kong", "version": exchange.Version, "edition": "community", "node_id": a.NodeID(),
		"lua_version": "LuaJIT 2.1", "hostname": "localhost",
		"plugins":       map[string]any{"available_on_server": available, "enabled_in_cluster": enabled},
		"configuration": map[string]any{"database": "off", "prefix": a.Conf().Prefix, "role": "traditional"},
	})
}

func (a api) status(w http.ResponseWriter, _ *http.Request) {
	reply(w, 200, map[string]any{
		"server":             map[string]any{"connections_active": a.Connections()},
		"configuration_hash": a.Set().Hash,
	})
}

func (a api) notStored(w http.ResponseWriter, _ *http.Request) {
	reply(w, 501, map[string]any{"message": "exporting the configuration is not available in the embedded gateway"})
}

// readConfig takes the configuration out of a request: the body itself in YAML
// or JSON, or the "config" member or form field.
func readConfig(r *http.Request) ([]byte, error) {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind == "multipart/form-data" || kind == "application/x-www-form-urlencoded" {
		return []byte(r.FormValue("config")), nil
	}
	src, err := io.ReadAll(io.LimitReader(r.Body, declarative.MaxSize+1))
	if err != nil {
		return nil, err
	}
	var wrapped struct {
		Config *string `json:"config"`
	}
	if json.Unmarshal(src, &wrapped) == nil && wrapped.Config != nil {
		return []byte(*wrapped.Config), nil
	}
	return src, nil
}

func (a api) postConfig(w http.ResponseWriter, r *http.Request) {
	src, err := readConfig(r)
	if err != nil || len(src) == 0 {
		reply(w, 400, map[string]any{"message": "expected a declarative configuration"})
		return
	}
	if r.URL.Query().Get("check_hash") == "1" && declarative.Hash(src) == a.Set().Hash {
		w.WriteHeader(304)
		return
	}
	set, err := a.LoadConfig(src)
	var bad *declarative.Invalid
	switch {
	case errors.As(err, &bad):
		body := map[string]any{"code": 14, "name": "invalid declarative configuration",
			"message": bad.Error(), "fields": bad.Fields}
		if truthy(r.URL.Query().Get("flatten_errors")) {
			body["flattened_errors"] = flatten(src, bad)
			body["fields"] = map[string]any{}
		}
		reply(w, 400, body)
	case errors.Is(err, ErrBusy):
		w.Header().Set("Retry-After", "10") // DECLARATIVE_RETRY_TTL_MAX of a lock for 60 s
		reply(w, 429, map[string]any{"message": "Currently loading previous configuration"})
	case err != nil:
		reply(w, 500, map[string]any{"message": "An unexpected error occurred"})
	default:
		reply(w, 201, byID(set))
	}
}

func truthy(v string) bool { return v == "1" || v == "true" || v == "on" || v == "yes" }

func (a api) plugin(name string) *runloop.Plugin {
	for _, p := range a.Registry().Plugins() {
		if p.Name == name {
			return p
		}
	}
	return nil
}

func (a api) schema(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	p := a.plugin(name)
	if p == nil {
		reply(w, 404, map[string]any{"message": fmt.Sprintf("No plugin named '%s'", name)})
		return
	}
	schema, err := p.SchemaJSON()
	if err != nil {
		reply(w, 500, map[string]any{"message": "An unexpected error occurred"})
		return
	}
	reply(w, 200, schema)
}

// validate judges one plugin entity given as JSON.
func (a api) validate(w http.ResponseWriter, r *http.Request) {
	var in map[string]any
	if err := json.NewDecoder(io.LimitReader(r.Body, declarative.MaxSize)).Decode(&in); err != nil {
		reply(w, 400, map[string]any{"message": "Cannot parse JSON body"})
		return
	}
	name, _ := in["name"].(string)
	p := a.plugin(name)
	errs := subschema.FieldErrors{"name": fmt.Sprintf(
		"plugin '%s' not enabled; add it to the 'plugins' configuration property", name)}
	if p != nil {
		_, errs = p.Schema.ProcessPlugin(in)
	}
	if len(errs) > 0 {
		reply(w, 400, map[string]any{"code": 2, "name": "schema violation", "fields": errs,
			"message": "schema violation (" + errs.Summary() + ")"})
		return
	}
	reply(w, 200, map[string]any{"message": "schema validation successful"})
}

func (a api) enabled(w http.ResponseWriter, _ *http.Request) {
	names := []any{}
	for _, p := range a.Registry().Plugins() {
		names = append(names, p.Name)
	}
	reply(w, 200, map[string]any{"enabled_plugins": names})
}
