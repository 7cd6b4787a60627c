package admin

import (
	"maps"
	"net/http"

	"kong-plugin-auth-diagnosis/pkg/kongdev/declarative"
	"kong-plugin-auth-diagnosis/pkg/kongdev/entity"
	"kong-plugin-auth-diagnosis/pkg/kongdev/subschema"
)

func services(s *entity.Set) (out []any) {
	for _, e := range s.Services {
		out = append(out, e.Fields)
	}
	return out
}

func routes(s *entity.Set) (out []any) {
	for _, e := range s.Routes {
		out = append(out, e.Fields)
	}
	return out
}

func consumers(s *entity.Set) (out []any) {
	for _, e := range s.Consumers {
		out = append(out, e.Fields)
	}
	return out
}

func plugins(s *entity.Set) (out []any) {
	for _, p := range s.Plugins {
		out = append(out, p.Fields)
	}
	return out
}

// list answers one page with everything.
func (a api) list(pick func(*entity.Set) []any) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		data := pick(a.Set())
		if data == nil {
			data = []any{}
		}
		reply(w, 200, map[string]any{"data": data, "next": nil})
	}
}

// byID is the answer to POST /config: entities by type and id.
func byID(s *entity.Set) map[string]any {
	out := map[string]any{}
	for kind, list := range map[string][]any{"services": services(s), "routes": routes(s),
		"consumers": consumers(s), "plugins": plugins(s)} {
		table := map[string]any{}
		for _, e := range list {
			fields, _ := e.(map[string]any)
			if id, ok := fields["id"].(string); ok {
				table[id] = fields
			}
		}
		if len(table) > 0 {
			out[kind] = table
		}
	}
	return out
}

// flatten is the answer with flatten_errors=1: one entry an entity with its
// name, id and a list of its errors.
func flatten(src []byte, bad *declarative.Invalid) []any {
	table, err := declarative.Parse(src)
	if err != nil {
		return []any{}
	}
	out := []any{}
	flattenLevel(table, map[string]any(bad.Fields), &out)
	return out
}

// nested are the keys under which entities stand, and the type of each.
var nested = map[string]string{"services": "service", "routes": "route", "consumers": "consumer",
	"plugins": "plugin", "keyauth_credentials": "keyauth_credential", "acls": "acl"}

func flattenLevel(in, errs map[string]any, out *[]any) {
	for kind, typ := range nested {
		items, _ := in[kind].([]any)
		list, _ := errs[kind].([]any)
		for i, e := range list {
			if e == nil || i >= len(items) {
				continue
			}
			fields, _ := items[i].(map[string]any)
			own, ok := e.(map[string]any)
			if !ok {
				own = map[string]any{"@entity": []any{e}}
			}
			flattenLevel(fields, own, out)
			own = maps.Clone(own)
			for k := range nested {
				delete(own, k)
			}
			if len(own) > 0 {
				*out = append(*out, flatEntity(typ, fields, own))
			}
		}
	}
}

func flatEntity(typ string, fields, errs map[string]any) map[string]any {
	e := map[string]any{"entity_type": typ, "entity": fields}
	for key, field := range map[string]string{"id": "entity_id", "name": "entity_name", "tags": "entity_tags"} {
		if v := fields[key]; v != nil {
			e[field] = v
		}
	}
	list := []any{}
	for _, p := range subschema.FieldErrors(errs).Flat() {
		entry := map[string]any{"message": p.Message, "type": "field", "field": p.Path}
		if p.Entity {
			entry["type"] = "entity"
			if p.Path == "" {
				delete(entry, "field")
			}
		}
		list = append(list, entry)
	}
	e["errors"] = list
	return e
}
