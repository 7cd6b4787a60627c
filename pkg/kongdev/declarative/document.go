package declarative

import (
	"embed"
	"fmt"
	"maps"
	"slices"

	"kong-plugin-auth-diagnosis/pkg/kongdev/entity"
	"kong-plugin-auth-diagnosis/pkg/kongdev/subschema"
)

//go:embed schemas/*.json
var schemas embed.FS

// kind describes one entity type: what may be nested in it, what it refers to,
// and what its derived id is made of.
type kind struct {
	name     string
	children []string
	foreign  map[string]string // field → kind
	endpoint string            // the unique name that other entities refer to
	schema   *subschema.Record // nil for plugins, which have one each
	grpc     *subschema.Record // of an entity with gRPC's protocols; nil when that is no other
}

// order is the order in which entities are read: parents before children.
var order = []string{"services", "routes", "consumers", "plugins", "keyauth_credentials", "acls"}

var kinds = loadKinds()

func loadKinds() map[string]*kind {
	all := map[string]*kind{
		"services":  {children: []string{"routes", "plugins"}, endpoint: "name"},
		"routes":    {children: []string{"plugins"}, foreign: map[string]string{"service": "services"}, endpoint: "name"},
		"consumers": {children: []string{"plugins", "keyauth_credentials", "acls"}, endpoint: "username"},
		"plugins": {foreign: map[string]string{
			"route": "routes", "service": "services", "consumer": "consumers"}},
		"keyauth_credentials": {foreign: map[string]string{"consumer": "consumers"}},
		"acls":                {foreign: map[string]string{"consumer": "consumers"}},
	}
	for name, k := range all {
		k.name = name
		if name == "plugins" {
			continue
		}
		src, err := schemas.ReadFile("schemas/" + name + ".json")
		if err != nil {
			panic(err)
		}
		if k.schema, err = subschema.LoadRecord(src); err != nil {
			panic(err)
		}
	}
	var err error
	if all["routes"].grpc, err = specialise("routes", "routes-grpc"); err != nil {
		panic(err)
	}
	return all
}

// document is one configuration while it is being loaded.
type document struct {
	loader *Loader
	items  []*item
	errs   subschema.FieldErrors
	seen   map[string]bool // kind:id and kind.endpoint:name, for uniqueness
}

// item is one entity of the file.
type item struct {
	kind   *kind
	parent *item
	index  int
	fields map[string]any // as written, children taken out
	filled map[string]any // validated, defaults filled in
	id     string
}

// flatten collects the entities of a table and of its entities, depth first.
func (d *document) flatten(table map[string]any, parent *item) {
	names := order
	if parent != nil {
		names = parent.kind.children
	}
	for _, name := range names {
		v, ok := table[name]
		if !ok || v == nil {
			continue
		}
		list, ok := v.([]any)
		if !ok {
			if m, isMap := v.(map[string]any); !isMap || len(m) > 0 {
				d.fail(parent, name, "expected an array")
			}
			continue
		}
		for i, e := range list {
			it := &item{kind: kinds[name], parent: parent, index: i}
			fields, ok := e.(map[string]any)
			if !ok {
				d.failItem(it, "expected a record")
				continue
			}
			it.fields = maps.Clone(fields)
			for _, child := range it.kind.children {
				delete(it.fields, child)
			}
			for _, k := range []string{"_comment", "_ignore"} {
				delete(it.fields, k)
			}
			d.items = append(d.items, it)
			d.flatten(fields, it)
		}
	}
}

// fail records an error at a key of an item, or of the document.
func (d *document) fail(at *item, key string, err any) {
	if at == nil {
		d.errs[key] = err
		return
	}
	table := d.errorTable(at)
	if _, ok := table[key]; !ok {
		table[key] = err
	}
}

// failItem replaces an item's error table by a text.
func (d *document) failItem(it *item, msg string) {
	list := d.errorList(it)
	list[it.index] = msg
}

// errorList finds or makes the list of an item's siblings in the error table.
func (d *document) errorList(it *item) []any {
	owner := map[string]any(d.errs)
	if it.parent != nil {
		owner = d.errorTable(it.parent)
	}
	list, _ := owner[it.kind.name].([]any)
	for len(list) <= it.index {
		list = append(list, nil)
	}
	owner[it.kind.name] = list
	return list
}

// errorTable finds or makes an item's own table in the nested error table.
func (d *document) errorTable(it *item) map[string]any {
	list := d.errorList(it)
	table, ok := list[it.index].(map[string]any)
	if !ok {
		table = map[string]any{}
		list[it.index] = table
	}
	return table
}

// identify gives every item its id, then turns the names under foreign fields
// into ids. Parents come before their children in d.items.
func (d *document) identify() {
	for _, it := range d.items {
		d.nest(it)
		it.id, _ = it.fields["id"].(string)
		if it.id == "" {
			it.id = d.derive(it)
			it.fields["id"] = it.id
		}
	}
	for _, it := range d.items {
		d.unique(it)
		for _, field := range slices.Sorted(maps.Keys(it.kind.foreign)) {
			d.reference(it, field)
		}
	}
}

// nest sets the foreign field that being nested stands for.
func (d *document) nest(it *item) {
	if it.parent == nil {
		return
	}
	for field, target := range it.kind.foreign {
		if target != it.parent.kind.name {
			continue
		}
		if it.fields[field] != nil {
			d.fail(it, field, "value must be null")
			continue
		}
		it.fields[field] = map[string]any{"id": it.parent.id}
	}
}

// derive is get_key_for_uuid_gen: the endpoint key, or the cache key, or (where
// Kong would take a random id) the item's place in the file.
func (d *document) derive(it *item) string {
	k := it.kind
	if k.name == "plugins" {
		name, _ := it.fields["name"].(string)
		key := "plugins:*:" + name
		for _, f := range []string{"route", "service", "consumer"} {
			key += ":" + foreignText(it.fields[f])
		}
		return entity.UUID(k.name, key)
	}
	if name, ok := it.fields[k.endpoint].(string); ok && name != "" {
		return entity.UUID(k.name, name)
	}
	place := fmt.Sprintf("%s[%d]", k.name, it.index)
	for p := it.parent; p != nil; p = p.parent {
		place = p.id + "." + place
	}
	return entity.UUID(k.name, place)
}

func foreignText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case map[string]any:
		id, _ := v["id"].(string)
		return id
	}
	return ""
}

// unique refuses a second entity with one id, name or key.
func (d *document) unique(it *item) {
	check := func(field, value string) {
		if value == "" {
			return
		}
		key := it.kind.name + "\x00" + field + "\x00" + value
		if d.seen[key] {
			d.failItem(it, fmt.Sprintf("uniqueness violation: '%s' entity with %s set to '%s' already declared",
				it.kind.name, field, value))
			return
		}
		d.seen[key] = true
	}
	for _, field := range []string{it.kind.endpoint, "custom_id", "key"} {
		if field == "key" && it.kind.name != "keyauth_credentials" || field == "" {
			continue
		}
		v, _ := it.fields[field].(string)
		check(field, v)
	}
	label := "primary key"
	check(label, it.id)
}

// reference resolves a foreign field given as name, id, {name: …} or {id: …}.
func (d *document) reference(it *item, field string) {
	v := it.fields[field]
	if v == nil {
		return
	}
	target := kinds[it.kind.foreign[field]]
	want := ""
	switch v := v.(type) {
	case string:
		want = v
	case map[string]any:
		if want, _ = v["id"].(string); want == "" {
			want, _ = v[target.endpoint].(string)
		}
	}
	for _, other := range d.items {
		name, _ := other.fields[target.endpoint].(string)
		if other.kind == target && want != "" && (other.id == want || name == want) {
			it.fields[field] = map[string]any{"id": other.id}
			return
		}
	}
	d.fail(it, field, fmt.Sprintf("invalid reference '%s: %v' (no such entry in '%s')", field, want, target.name))
	it.fields[field] = nil
}
