package corpus

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
)

//go:embed testdata/*.json
var files embed.FS

// KeysFile is the name of the file that holds the signing keys.
const KeysFile = "keys.json"

// Load reads every family, in the order of the file names.
func Load() ([]Family, error) {
	names, err := fs.Glob(files, "testdata/*.json")
	if err != nil {
		return nil, err
	}
	var all []Family
	for _, name := range names {
		if path.Base(name) == KeysFile {
			continue
		}
		text, err := files.ReadFile(name)
		if err != nil {
			return nil, err
		}
		f, err := Parse(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		all = append(all, f)
	}
	return all, nil
}

// Keys returns the text of the file with the signing keys.
func Keys() ([]byte, error) { return files.ReadFile("testdata/" + KeysFile) }

// Parse reads one family. A member that the format does not have is an error: a
// label with a misspelt name would check nothing.
func Parse(text []byte) (Family, error) {
	var f Family
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&f); err != nil {
		return f, err
	}
	for i := range f.Cases {
		c := &f.Cases[i]
		if _, ok := f.Setups[c.Setup]; !ok {
			return f, fmt.Errorf("case %q: expected one of the file's setups, got %q", c.Name, c.Setup)
		}
		if c.Now.IsZero() {
			c.Now = f.Clock
		}
		if c.Start.IsZero() {
			c.Start = c.Now
		}
	}
	return f, nil
}

// Text writes a family as its file has it.
func (f *Family) Text() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(f); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// In returns what the case runs under: its setup with the case's own members.
func (c *Case) In(f *Family) Setup {
	s := f.Setups[c.Setup]
	return Setup{Config: overlay(s.Config, c.Config), Documents: overlay(s.Documents, c.Documents), Consumers: s.Consumers}
}

func overlay[V any](base, over map[string]V) map[string]V {
	m := make(map[string]V, len(base)+len(over))
	for k, v := range base {
		m[k] = v
	}
	for k, v := range over {
		m[k] = v
	}
	return m
}
