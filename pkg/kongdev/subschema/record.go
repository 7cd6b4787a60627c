package subschema

import "fmt"

// Record is a schema of a core entity (service, route, consumer, …): a record
// of its own, not a specialisation of the plugin entity.
type Record struct{ def *field }

// LoadRecord parses and meta-checks a record schema: {"name", "fields",
// "entity_checks"}.
func LoadRecord(src []byte) (*Record, error) {
	raw, err := decode(src)
	if err != nil {
		return nil, fmt.Errorf("record schema: %w", err)
	}
	def, ok := raw.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("record schema: expected a JSON object, got %T", raw)
	}
	if errs := metaCheck(def); len(errs) > 0 {
		return nil, fmt.Errorf("record schema %v: schema violation: %w", def["name"], errs)
	}
	rec := parseRecord(def)
	makeRecordsRequired(rec)
	return &Record{rec}, nil
}

// Process validates one entity and returns a copy with its defaults filled in
// and without nulls.
func (r *Record) Process(entity map[string]any) (map[string]any, FieldErrors) {
	filled := r.def.fillRecord(Normalize(entity).(map[string]any))
	if errs := r.def.validateRecord(filled); len(errs) > 0 {
		return nil, errs
	}
	return r.def.resolve(filled, nil), nil
}
