package declarative

import (
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"kong-plugin-auth-diagnosis/pkg/kongdev/entity"
	"kong-plugin-auth-diagnosis/pkg/kongdev/subschema"
)

// validate runs each entity through its schema.
func (d *document) validate() {
	now := float64(d.loader.Now().Unix())
	for _, it := range d.items {
		if it.kind.name == "services" {
			d.expandURL(it)
		}
		for _, stamp := range []string{"created_at", "updated_at"} {
			if it.fields[stamp] == nil && (stamp == "created_at" || it.kind.name != "keyauth_credentials" && it.kind.name != "acls") {
				it.fields[stamp] = now
			}
		}
		var errs subschema.FieldErrors
		if it.kind.schema != nil {
			it.filled, errs = it.kind.schemaOf(it.fields).Process(it.fields)
		} else {
			it.filled, errs = d.processPlugin(it)
		}
		for k, err := range errs {
			d.fail(it, k, err)
		}
		if it.kind.name == "routes" {
			d.checkPaths(it)
		}
	}
}

// processPlugin validates a plugin entity with the schema its name selects.
func (d *document) processPlugin(it *item) (map[string]any, subschema.FieldErrors) {
	name, ok := it.fields["name"].(string)
	if !ok || name == "" {
		return nil, subschema.FieldErrors{"name": "required field missing"}
	}
	schema, enabled := d.loader.Catalog.PluginSchema(name)
	if !enabled {
		return nil, subschema.FieldErrors{
			"name": fmt.Sprintf("plugin '%s' not enabled; add it to the 'plugins' configuration property", name)}
	}
	// A plugin nested under a consumer passes the schema's `consumer: null`:
	// Kong lets it through and never runs it.
	fields := maps.Clone(it.fields)
	nested := it.parent != nil && it.parent.kind.name == "consumers"
	if nested {
		delete(fields, "consumer")
	}
	filled, errs := schema.ProcessPlugin(fields)
	if len(errs) == 0 && nested {
		filled["consumer"] = it.fields["consumer"]
	}
	return filled, errs
}

// expandURL is the `url` shorthand of services.
func (d *document) expandURL(it *item) {
	v, ok := it.fields["url"]
	if !ok {
		return
	}
	delete(it.fields, "url")
	text, ok := v.(string)
	if !ok {
		d.fail(it, "url", "expected a string")
		return
	}
	u, err := url.Parse(text)
	if err != nil {
		d.fail(it, "url", "missing host in url")
		return
	}
	if u.Scheme != "" {
		it.fields["protocol"] = u.Scheme
	}
	if host := u.Hostname(); host != "" {
		it.fields["host"] = host
	}
	switch port, err := strconv.Atoi(u.Port()); {
	case err == nil:
		it.fields["port"] = float64(port)
	case u.Scheme == "https":
		it.fields["port"] = float64(443)
	default:
		it.fields["port"] = float64(80)
	}
	if u.Path != "" {
		it.fields["path"] = u.EscapedPath()
	}
}

// checkPaths refuses regular expressions that do not compile.
func (d *document) checkPaths(it *item) {
	list, _ := it.filled["paths"].([]any)
	for i, p := range list {
		expr, ok := strings.CutPrefix(p.(string), "~")
		if !ok {
			continue
		}
		if _, err := regexp.Compile(expr); err != nil {
			errs := make([]any, i+1)
			errs[i] = fmt.Sprintf("invalid regex: '%s' (RE2 syntax is what the embedded gateway reads)", expr)
			d.fail(it, "paths", errs)
		}
	}
}

// build makes the entity set of a document without errors.
func (d *document) build() *entity.Set {
	set := &entity.Set{}
	services, consumers := map[string]*entity.Service{}, map[string]*entity.Consumer{}
	for _, it := range d.items {
		f := it.filled
		switch it.kind.name {
		case "services":
			s := newService(f)
			services[s.ID] = s
			set.Services = append(set.Services, s)
		case "consumers":
			c := &entity.Consumer{ID: str(f, "id"), Username: str(f, "username"), CustomID: str(f, "custom_id"),
				Tags: strs(f, "tags"), CreatedAt: integer(f, "created_at"), Fields: f}
			consumers[c.ID] = c
			set.Consumers = append(set.Consumers, c)
		}
	}
	for _, it := range d.items {
		f := it.filled
		switch it.kind.name {
		case "routes":
			set.Routes = append(set.Routes, newRoute(f, services[foreignText(f["service"])]))
		case "keyauth_credentials":
			set.KeyAuths = append(set.KeyAuths, &entity.KeyAuth{ID: it.id, Key: str(f, "key"),
				Consumer: consumers[foreignText(f["consumer"])]})
		case "acls":
			c := consumers[foreignText(f["consumer"])]
			c.Groups = append(c.Groups, str(f, "group"))
		case "plugins":
			set.Plugins = append(set.Plugins, d.newPlugin(f))
		}
	}
	return set
}

func newService(f map[string]any) *entity.Service {
	ms := func(k string) time.Duration { return time.Duration(integer(f, k)) * time.Millisecond }
	return &entity.Service{
		ID: str(f, "id"), Name: str(f, "name"), Protocol: str(f, "protocol"), Host: str(f, "host"),
		Port: int(integer(f, "port")), Path: str(f, "path"), Retries: int(integer(f, "retries")),
		ConnectTimeout: ms("connect_timeout"), WriteTimeout: ms("write_timeout"), ReadTimeout: ms("read_timeout"),
		Tags: strs(f, "tags"), CreatedAt: integer(f, "created_at"), UpdatedAt: integer(f, "updated_at"),
		Enabled: f["enabled"] == true, Fields: f,
	}
}

func newRoute(f map[string]any, s *entity.Service) *entity.Route {
	r := &entity.Route{
		ID: str(f, "id"), Name: str(f, "name"), Service: s, Protocols: strs(f, "protocols"),
		Methods: strs(f, "methods"), Hosts: strs(f, "hosts"), Paths: strs(f, "paths"),
		Headers: map[string][]string{}, StripPath: f["strip_path"] == true, PreserveHost: f["preserve_host"] == true,
		RegexPriority: int(integer(f, "regex_priority")), RedirectCode: int(integer(f, "https_redirect_status_code")),
		PathHandling: str(f, "path_handling"), Tags: strs(f, "tags"),
		CreatedAt: integer(f, "created_at"), UpdatedAt: integer(f, "updated_at"), Fields: f,
	}
	headers, _ := f["headers"].(map[string]any)
	for name := range headers {
		r.Headers[strings.ToLower(name)] = strs(headers, name)
	}
	return r
}

func (d *document) newPlugin(f map[string]any) *entity.Plugin {
	config, _ := f["config"].(map[string]any)
	schema, _ := d.loader.Catalog.PluginSchema(str(f, "name"))
	fields := maps.Clone(f)
	return &entity.Plugin{
		ID: str(f, "id"), Name: str(f, "name"), InstanceName: str(f, "instance_name"),
		Config: schema.Resolve(config, d.loader.Vault), Stored: config,
		Protocols: strs(f, "protocols"), Enabled: f["enabled"] == true,
		RouteID: foreignText(f["route"]), ServiceID: foreignText(f["service"]), ConsumerID: foreignText(f["consumer"]),
		Fields: fields,
	}
}

func str(f map[string]any, k string) string {
	s, _ := f[k].(string)
	return s
}

func integer(f map[string]any, k string) int64 {
	n, _ := f[k].(float64)
	return int64(n)
}

func strs(f map[string]any, k string) []string {
	list, _ := f[k].([]any)
	var out []string
	for _, v := range list {
		if s, ok := v.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

// pretty is pretty_print_error of kong/db/declarative, with sorted keys.
func pretty(table map[string]any, indent string) []string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(table)) {
		out = append(out, prettyEntry(fmt.Sprintf("in '%s'", k), k, table[k], indent)...)
	}
	return out
}

func prettyEntry(label, name string, v any, indent string) []string {
	switch v := v.(type) {
	case nil:
		return nil
	case map[string]any:
		return append([]string{indent + label + ":"}, pretty(v, indent+"  ")...)
	case []any:
		out := []string{indent + label + ":"}
		for i, e := range v {
			out = append(out, prettyEntry(fmt.Sprintf("- in entry %d of '%s'", i+1, name), name, e, indent+"  ")...)
		}
		return out
	}
	return []string{fmt.Sprintf("%s%s: %v", indent, label, v)}
}
