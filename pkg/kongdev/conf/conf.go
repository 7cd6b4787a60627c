// Package conf reads kong.conf, Kong's configuration file: `key = value` lines,
// `#` comments, and KONG_* environment variables that override the file.
//
// Parse splits a file into its settings, Load adds the environment and turns
// them into a Conf. Keys that the embedded gateway does not know are warnings:
// a file written for Kong must start it.
package conf

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
)

// ErrNoFile says that the file given with -c does not exist.
var ErrNoFile = errors.New("no file at the given path")

// maxLine bounds one line of the file.
const maxLine = 1 << 20

// Parse reads the settings of a kong.conf file. Values are trimmed; a `#` that
// follows white space or starts the line begins a comment, `\#` is a plain `#`.
// A value in matching single or double quotes loses them. The last of several
// lines with one key counts.
func Parse(src []byte) (map[string]string, error) {
	out := map[string]string{}
	sc := bufio.NewScanner(bytes.NewReader(src))
	sc.Buffer(nil, maxLine)
	for n := 1; sc.Scan(); n++ {
		line := stripComment(sc.Text())
		if line == "" {
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		if !ok {
			return nil, fmt.Errorf("line %d: expected key = value, got %q", n, line)
		}
		key = strings.ToLower(strings.TrimSpace(key))
		if strings.Trim(key, "abcdefghijklmnopqrstuvwxyz0123456789_") != "" || key == "" {
			return nil, fmt.Errorf("line %d: expected a setting's name, got %q", n, key)
		}
		out[key] = unquote(strings.TrimSpace(value))
	}
	if err := sc.Err(); err != nil {
		return nil, fmt.Errorf("reading settings: %w", err)
	}
	return out, nil
}

func stripComment(line string) string {
	var b strings.Builder
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == '\\' && i+1 < len(line) && line[i+1] == '#':
			b.WriteByte('#')
			i++
		case c == '#' && (i == 0 || line[i-1] == ' ' || line[i-1] == '\t'):
			return strings.TrimSpace(b.String())
		default:
			b.WriteByte(c)
		}
	}
	return strings.TrimSpace(b.String())
}

func unquote(v string) string {
	if len(v) >= 2 && (v[0] == '"' || v[0] == '\'') && v[len(v)-1] == v[0] {
		return v[1 : len(v)-1]
	}
	return v
}

// Format writes settings as a file that Parse reads back, sorted by name. Line
// breaks in values, which the format cannot hold, become blanks.
func Format(settings map[string]string) []byte {
	var b bytes.Buffer
	for _, k := range slices.Sorted(maps.Keys(settings)) {
		v := strings.NewReplacer("\n", " ", "#", `\#`).Replace(settings[k])
		fmt.Fprintf(&b, "%s = \"%s\"\n", k, v)
	}
	return b.Bytes()
}

// raw is one resolved set of raw settings.
type raw struct {
	values map[string]string
	used   map[string]bool
}

// merge lays the environment's KONG_NAME=value over the file's settings. An
// empty variable does not override.
func merge(file map[string]string, environ []string) raw {
	values := maps.Clone(file)
	if values == nil {
		values = map[string]string{}
	}
	for _, kv := range environ {
		name, value, _ := strings.Cut(kv, "=")
		key, ok := strings.CutPrefix(name, "KONG_")
		if ok && value != "" {
			values[strings.ToLower(key)] = strings.TrimSpace(value)
		}
	}
	return raw{values: values, used: map[string]bool{}}
}

// take returns a setting or its default and marks it as known.
func (s raw) take(key, def string) string {
	s.used[key] = true
	if v, ok := s.values[key]; ok && v != "" {
		return v
	}
	return def
}

// takeList returns a comma-separated setting, its items trimmed.
func (s raw) takeList(key, def string) []string {
	var out []string
	for item := range strings.SplitSeq(s.take(key, def), ",") {
		if item = strings.TrimSpace(item); item != "" {
			out = append(out, item)
		}
	}
	return out
}

// unknown lists the settings nothing has asked for, sorted.
func (s raw) unknown() []string {
	var out []string
	for k := range s.values {
		if !s.used[k] {
			out = append(out, k)
		}
	}
	slices.Sort(out)
	return out
}

// Load reads the file at path ("" for none) and the environment (os.Environ
// form). prefix, when not empty, is the -p argument and wins over both.
// warnings name the settings that have no effect here.
func Load(path, prefix string, environ []string) (c *Conf, warnings []string, err error) {
	file := map[string]string{}
	if path != "" {
		src, err := os.ReadFile(path)
		if errors.Is(err, os.ErrNotExist) {
			return nil, nil, fmt.Errorf("%w: %s", ErrNoFile, path)
		}
		if err != nil {
			return nil, nil, err
		}
		if file, err = Parse(src); err != nil {
			return nil, nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	s := merge(file, environ)
	if prefix != "" {
		s.values["prefix"] = prefix
	}
	return build(s)
}
