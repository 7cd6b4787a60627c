package subschema

import "fmt"

// HTTPProtocols is the default of a plugin's `protocols`.
var httpProtocols = []any{"grpc", "grpcs", "http", "https"}

// pluginEntity is the part of kong/db/schema/entities/plugins.lua that a
// declarative file can set. A plugin's subschema specialises config, protocols,
// consumer, service and route; it cannot add fields.
func pluginEntity() *field {
	str := func(attrs map[string]any) *field {
		attrs["type"] = "string"
		return &field{attrs: attrs}
	}
	foreign := func(ref string) *field {
		return &field{attrs: map[string]any{"type": "foreign", "reference": ref, "default": nil}}
	}
	set := func(elements *field, attrs map[string]any) *field {
		attrs["type"] = "set"
		return &field{attrs: attrs, elements: elements}
	}
	protocol := str(map[string]any{"one_of": []any{
		"http", "https", "tcp", "tls", "udp", "grpc", "grpcs", "tls_passthrough"}})
	fields := []named{
		{"id", str(map[string]any{"uuid": true})},
		{"name", str(map[string]any{"required": true})},
		{"instance_name", str(map[string]any{})},
		{"created_at", &field{attrs: map[string]any{"type": "integer"}}},
		{"updated_at", &field{attrs: map[string]any{"type": "integer"}}},
		{"route", foreign("routes")},
		{"service", foreign("services")},
		{"consumer", foreign("consumers")},
		{"config", &field{attrs: map[string]any{"type": "record", "abstract": true}}},
		{"protocols", set(protocol, map[string]any{"required": true, "default": httpProtocols})},
		{"enabled", &field{attrs: map[string]any{"type": "boolean", "required": true, "default": true}}},
		{"tags", set(str(map[string]any{}), map[string]any{})},
	}
	return record(fields)
}

func record(fields []named) *field {
	f := &field{attrs: map[string]any{"type": "record"}, fields: fields, byName: map[string]*field{}}
	for _, n := range fields {
		f.byName[n.name] = n.def
	}
	return f
}

// overlay puts the subschema's fields into the plugin entity.
func overlay(entity, sub *field) (*field, error) {
	for _, n := range sub.fields {
		base, ok := entity.byName[n.name]
		if !ok {
			return nil, fmt.Errorf("error in definition: %s: cannot create a new field", n.name)
		}
		if base.typ() != n.def.typ() {
			return nil, fmt.Errorf("error in definition: %s: cannot change type in a specialized field", n.name)
		}
		if n.name == "consumer" || n.name == "service" || n.name == "route" {
			if _, ok := n.def.attrs["default"]; !ok {
				n.def.attrs["default"] = nil
			}
		}
		for i := range entity.fields {
			if entity.fields[i].name == n.name {
				entity.fields[i].def = n.def
			}
		}
		entity.byName[n.name] = n.def
	}
	if entity.byName["config"].flag("abstract") {
		return nil, fmt.Errorf("error in definition: config: abstract field was not specialized")
	}
	entity.checks = sub.checks
	return entity, nil
}

// Process validates one config record against the schema, the entity checks on
// `config.…` paths included, and returns a copy with Kong's defaults filled in.
// Fields that have no value are present with a nil (null); Resolve drops them.
// The returned map is nil when there are errors.
func (s *Schema) Process(config map[string]any) (filled map[string]any, errs FieldErrors) {
	plugin, errs := s.ProcessPlugin(map[string]any{"name": s.name, "config": config})
	if len(errs) > 0 {
		return nil, errs
	}
	filled, _ = plugin["config"].(map[string]any)
	return filled, nil
}

// ProcessPlugin validates a whole plugin entity as Kong does on insert and
// returns a filled copy. Foreign fields (route, service, consumer) hold either
// nil or an object with an "id".
func (s *Schema) ProcessPlugin(entity map[string]any) (map[string]any, FieldErrors) {
	in := Normalize(entity).(map[string]any)
	filled := s.entity.fillRecord(in)
	if errs := s.entity.validateRecord(filled); len(errs) > 0 {
		return nil, errs
	}
	return filled, nil
}
