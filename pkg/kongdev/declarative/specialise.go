package declarative

import (
	"encoding/json"
	"fmt"
	"slices"

	"kong-plugin-auth-diagnosis/pkg/kongdev/subschema"
)

// schemaOf returns the schema that an entity's protocols select.
func (k *kind) schemaOf(fields map[string]any) *subschema.Record {
	protocols, _ := fields["protocols"].([]any)
	if k.grpc != nil && (slices.Contains(protocols, any("grpc")) || slices.Contains(protocols, any("grpcs"))) {
		return k.grpc
	}
	return k.schema
}

// specialise puts the fields and the entity checks of one schema in the place of
// another's, as routes_subschemas.lua does by protocol.
func specialise(name, by string) (*subschema.Record, error) {
	var base, sub struct {
		Name   string                      `json:"name"`
		Fields []map[string]map[string]any `json:"fields"`
		Checks []any                       `json:"entity_checks"`
	}
	for file, to := range map[string]any{name: &base, by: &sub} {
		src, err := schemas.ReadFile("schemas/" + file + ".json")
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(src, to); err != nil {
			return nil, fmt.Errorf("schema %s: %w", file, err)
		}
	}
	for _, own := range sub.Fields {
		for _, f := range base.Fields {
			for field := range own {
				if f[field] != nil {
					f[field] = own[field]
				}
			}
		}
	}
	base.Checks = sub.Checks
	src, err := json.Marshal(base)
	if err != nil {
		return nil, err
	}
	return subschema.LoadRecord(src)
}
