package subschema_test

import (
	"fmt"
	"strings"
	"testing"

	"kong-plugin-auth-diagnosis/pkg/kongdev/subschema"
)

// schemaWith puts one field definition into a plugin schema.
func schemaWith(field string) []byte {
	return fmt.Appendf(nil, `{"name":"p","fields":[{"config":{"type":"record","fields":[{"f":%s}]}}]}`, field)
}

func TestSchemasThatKongDoesNotLoad(t *testing.T) {
	for name, c := range map[string]struct{ field, want string }{
		"short description":      {`{"type":"string","description":"short"}`, "description: length must be at least 10"},
		"long description":       {`{"type":"string","description":"` + strings.Repeat("x", 501) + `"}`, "description: length must be at most 500"},
		"unknown attribute":      {`{"type":"string","colour":"red"}`, "colour: unknown field"},
		"no type":                {`{"required":true}`, "missing type declaration"},
		"type any":               {`{"type":"any"}`, "type: expected one of"},
		"function":               {`{"type":"string","custom_validator":"f"}`, "custom_validator: expected a function"},
		"array without elements": {`{"type":"array"}`, "must declare 'elements'"},
		"map without values":     {`{"type":"map","keys":{"type":"string"}}`, "must declare 'values'"},
		"between on a string":    {`{"type":"string","between":[1,2]}`, "cannot have attribute 'between'"},
		"between of one":         {`{"type":"integer","between":[1]}`, "length must be 2"},
		"unique on an array":     {`{"type":"array","elements":{"type":"string"},"unique":true}`, "cannot have attribute 'unique'"},
		"wrong default":          {`{"type":"integer","default":"x"}`, "default: expected an integer"},
		"required text":          {`{"type":"string","required":"yes"}`, "required: expected a boolean"},
		"bad nested field":       {`{"type":"array","elements":{"type":"record","fields":[{"x":{"type":"strin"}}]}}`, "elements.x.type: expected one of"},
		"unknown entity check":   {`{"type":"record","fields":[],"entity_checks":[{"magic":[]}]}`, "entity_checks[0].magic: unknown field"},
		"custom entity check":    {`{"type":"record","fields":[],"entity_checks":[{"custom_entity_check":{}}]}`, "expected a function"},
		"incomplete conditional": {`{"type":"record","fields":[],"entity_checks":[{"conditional":{"if_field":"x"}}]}`, "then_field: required field missing"},
		"bad match":              {`{"type":"record","fields":[],"entity_checks":[{"conditional":{"if_field":"x","if_match":{"colour":1},"then_field":"x","then_match":{}}}]}`, "if_match.colour: unknown field"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := subschema.Load(schemaWith(c.field))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("expected %q, got %v", c.want, err)
			}
		})
	}
}

func TestSchemaEnvelope(t *testing.T) {
	for name, c := range map[string]struct{ src, want string }{
		"not JSON":               {`{`, "unexpected EOF"},
		"not an object":          {`[]`, "expected a JSON object"},
		"two documents":          {`{} {}`, "expected one JSON value"},
		"description at top":     {`{"name":"p","description":"a description of it","fields":[{"config":{"type":"record","fields":[]}}]}`, "description: unknown field"},
		"no fields":              {`{"name":"p"}`, "'fields' must be a table"},
		"new top-level field":    {`{"name":"p","fields":[{"extra":{"type":"string"}},{"config":{"type":"record","fields":[]}}]}`, "cannot create a new field"},
		"changed type":           {`{"name":"p","fields":[{"protocols":{"type":"string"}},{"config":{"type":"record","fields":[]}}]}`, "cannot change type"},
		"no config":              {`{"name":"p","fields":[]}`, "abstract field was not specialized"},
		"field entry with two":   {`{"name":"p","fields":[{"a":{"type":"string"},"b":{"type":"string"}}]}`, "expected one field name"},
		"field that is no table": {`{"name":"p","fields":[{"config":1}]}`, "must be a table"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := subschema.Load([]byte(c.src))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("expected %q, got %v", c.want, err)
			}
		})
	}
}

func FuzzLoadAndProcess(f *testing.F) {
	f.Add(`{"name":"p","fields":[{"config":{"type":"record","fields":[{"f":{"type":"string"}}]}}]}`)
	f.Add(`{"name":"p","fields":[{"config":{"type":"record","fields":[{"f":{"type":"set","elements":{"type":"integer","gt":1}}}],"entity_checks":[{"distinct":["f"]}]}}]}`)
	f.Fuzz(func(t *testing.T, src string) {
		s, err := subschema.Load([]byte(src))
		if err != nil {
			return
		}
		for _, v := range []any{nil, "", "x", 1.5, true, []any{}, []any{"x", nil, 1.0}, map[string]any{"x": nil}} {
			filled, errs := s.Process(map[string]any{"f": v})
			if (filled == nil) == (len(errs) == 0) {
				t.Fatalf("expected either a config or errors, got %v and %v", filled, errs)
			}
			if filled != nil {
				s.Resolve(filled, nil)
			}
		}
	})
}
