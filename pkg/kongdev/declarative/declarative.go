// Package declarative loads Kong's declarative configuration (format 3.0), the
// kong.yml of a DB-less gateway, in YAML or JSON.
//
// Load parses the text, flattens nested entities (routes under services,
// plugins under any of them, credentials under consumers), validates each one
// with Kong's schemas, gives every entity the very id that Kong would derive
// for it, and returns an entity.Set. All problems are reported at once as an
// *Invalid, in the nested shape of Kong's Admin API.
package declarative

import (
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"kong-plugin-auth-diagnosis/pkg/kongdev/entity"
	"kong-plugin-auth-diagnosis/pkg/kongdev/subschema"
)

// MaxSize bounds a configuration's text in bytes.
const MaxSize = 32 << 20

// Catalog finds the schema of an enabled plugin.
type Catalog interface {
	PluginSchema(name string) (s *subschema.Schema, enabled bool)
}

// Loader holds what a load needs beside the text.
type Loader struct {
	Catalog Catalog
	Vault   subschema.Vault
	Now     func() time.Time // stamps created_at and updated_at
}

// Invalid is a refused configuration. Fields is Kong's nested error table.
type Invalid struct{ Fields subschema.FieldErrors }

func (e *Invalid) Error() string { return "declarative config is invalid: " + e.Fields.Error() }

// Pretty renders the error as Kong prints it at start-up.
func (e *Invalid) Pretty() string { return strings.Join(pretty(map[string]any(e.Fields), ""), "\n") }

func invalid(key, format string, args ...any) *Invalid {
	return &Invalid{subschema.FieldErrors{key: fmt.Sprintf(format, args...)}}
}

// Hash is the configuration_hash of a text.
func Hash(src []byte) string {
	sum := md5.Sum(src)
	return hex.EncodeToString(sum[:])
}

// Parse reads the text of a declarative configuration, JSON or YAML, into a
// table without looking at what it says.
func Parse(src []byte) (map[string]any, error) {
	if len(src) > MaxSize {
		return nil, invalid("error", "failed parsing declarative configuration: over %d bytes", MaxSize)
	}
	var v any
	if err := json.Unmarshal(src, &v); err != nil {
		if err := yaml.Unmarshal(src, &v); err != nil {
			return nil, invalid("error", "failed parsing declarative configuration: %v", err)
		}
	}
	table, ok := subschema.Normalize(v).(map[string]any)
	if !ok {
		return nil, invalid("error", "failed parsing declarative configuration: expected an object")
	}
	return table, nil
}

// Load parses and validates a configuration.
func (l *Loader) Load(src []byte) (*entity.Set, error) {
	table, err := Parse(src)
	if err != nil {
		return nil, err
	}
	set, err := l.LoadTable(table)
	if err != nil {
		return nil, err
	}
	set.Hash = Hash(src)
	return set, nil
}

// LoadTable validates a parsed configuration.
func (l *Loader) LoadTable(table map[string]any) (*entity.Set, error) {
	d := &document{loader: l, errs: subschema.FieldErrors{}, seen: map[string]bool{}}
	d.checkTop(table)
	d.flatten(table, nil)
	d.identify()
	d.validate()
	if len(d.errs) > 0 {
		return nil, &Invalid{d.errs}
	}
	set := d.build()
	set.Hash = hashTable(table)
	set.Index()
	return set, nil
}

func hashTable(table map[string]any) string {
	text, err := json.Marshal(table)
	if err != nil {
		return ""
	}
	return Hash(text)
}

// checkTop judges the attributes that are not entities.
func (d *document) checkTop(table map[string]any) {
	for k, v := range table {
		switch k {
		case "_format_version":
			switch {
			case v == "3.0":
			case v == "1.1" || v == "2.1":
				d.errs[k] = fmt.Sprintf("the embedded gateway reads format 3.0 only, got %v", v)
			default:
				d.errs[k] = "expected one of: 1.1, 2.1, 3.0"
			}
		case "_transform":
			if _, ok := v.(bool); !ok {
				d.errs[k] = "expected a boolean"
			}
		case "_comment", "_ignore":
		default:
			if _, ok := kinds[k]; !ok {
				d.errs[k] = "unknown field"
			}
		}
	}
	if _, ok := table["_format_version"]; !ok {
		d.errs["_format_version"] = "required field missing"
	}
}
