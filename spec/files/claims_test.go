package files_test

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"kong-plugin-auth-diagnosis/pkg/config"
	"kong-plugin-auth-diagnosis/pkg/diagnosis"
	"kong-plugin-auth-diagnosis/pkg/schema"
	"kong-plugin-auth-diagnosis/pkg/schema/shape"
)

// foreign are names in the pages that belong to somebody else.
var foreign = map[string]string{
	"auth_diagnosis": "the log object", "client_id": "claim", "email_verified": "claim", "key_ops": "JWK member",
	"jwks_uri": "discovery, and a misspelt option", "trusted_ips": "kong.conf", "real_ip_header": "kong.conf",
	"log_level": "kong.conf", "exposed_headers": "cors", "query_cmd": "kong.conf", "jwt_authn": "Envoy",
	"realm_access.roles": "claim", "schema.lua": "a file",
}

var (
	snake    = regexp.MustCompile(`^[a-z]+(_[a-z0-9]+)+$`)
	dotted   = regexp.MustCompile(`^[a-z_]+(\[\])?(\.[a-z_]+(\[\])?)+$`)
	setting  = regexp.MustCompile(`^([a-z_]+(?:\[\])?(?:\.[a-z_]+(?:\[\])?)*): ?([a-z0-9]+)$`)
	wildcard = regexp.MustCompile(`^([a-z]+_)…$`)
)

// options are the fields of the configuration by path, and by last name.
func options() (byPath, byName map[string]*shape.Field) {
	byPath, byName = map[string]*shape.Field{}, map[string]*shape.Field{}
	config.Shape().Walk(func(path string, f *shape.Field) {
		if f.Name != "" {
			byPath[path], byName[f.Name] = f, f
		}
	})
	return byPath, byName
}

// TestNamesExist: every code and option that a page names exists.
func TestNamesExist(t *testing.T) {
	byPath, byName := options()
	known := catalogue()
	for _, p := range pages(t) {
		for _, l := range p.prose {
			for _, w := range words(l.text) {
				if foreign[w] != "" || strings.HasPrefix(w, "kong.") { // a call of Kong's PDK
					continue
				}
				switch m := setting.FindStringSubmatch(w); {
				case snake.MatchString(w):
					_, isCode := known[diagnosis.Code(w)]
					if !isCode && byName[w] == nil && w != string(diagnosis.TokenMalformed) && !slices.Contains(findings, diagnosis.FindingName(w)) {
						t.Errorf("%s: no code or option %q", l.at(), w)
					}
				case dotted.MatchString(w):
					if byPath[w] == nil {
						t.Errorf("%s: no option %q", l.at(), w)
					}
				case wildcard.MatchString(w):
					prefix := strings.TrimSuffix(w, "…")
					if !slices.ContainsFunc(diagnosis.Rows(), func(r diagnosis.Row) bool { return strings.HasPrefix(string(r.Code), prefix) }) {
						t.Errorf("%s: no code begins with %q", l.at(), prefix)
					}
				case m != nil && (byPath[m[1]] != nil || byName[m[1]] != nil):
					f := byPath[m[1]]
					if f == nil {
						f = byName[m[1]]
					}
					if len(f.OneOf) > 0 && !slices.Contains(f.OneOf, m[2]) {
						t.Errorf("%s: %s is one of %q, got %q", l.at(), m[1], f.OneOf, m[2])
					}
				}
			}
		}
	}
}

var findings = diagnosis.FindingNames()

var quotedDefault = regexp.MustCompile("`([a-z_.]+)` \\((\\d+)[ ,)]")

// TestQuotedDefaults: `option` (900 s) in a page is the option's default.
func TestQuotedDefaults(t *testing.T) {
	byPath, _ := options()
	n := 0
	for _, p := range pages(t) {
		for _, l := range p.prose {
			for _, m := range quotedDefault.FindAllStringSubmatch(l.text, -1) {
				f := byPath[m[1]]
				if f == nil {
					continue
				}
				if n++; fmt.Sprint(f.Default) != m[2] {
					t.Errorf("%s: the default of %s is %v, got %s", l.at(), m[1], f.Default, m[2])
				}
			}
		}
	}
	if n == 0 {
		t.Error("expected quoted defaults, got none")
	}
}

// TestOptionsTable: README's choice of options has the schema's defaults.
func TestOptionsTable(t *testing.T) {
	reference := map[string]string{}
	for l := range strings.Lines(string(schema.Markdown())) {
		if cells := strings.Split(l, " | "); len(cells) > 3 {
			reference[strings.TrimPrefix(cells[0], "| ")] = cells[2]
		}
	}
	for _, r := range readPage(t, "README.md").table(t, "option", "default", "for") {
		want, ok := reference[r.cells["option"]]
		if !ok || r.cells["default"] != want {
			t.Errorf("%s: the default of %s is %q, got %q", r.at(), r.cells["option"], want, r.cells["default"])
		}
	}
}

// TestCodesTable: README's table has the catalogue's status and hop for each
// code, and only what the header can say in the table above it.
func TestCodesTable(t *testing.T) {
	p := readPage(t, "README.md")
	for _, r := range p.table(t, "you see", "status", "who acts", "what to change") {
		var rows []diagnosis.Row
		for _, w := range words(r.cells["you see"]) {
			for _, c := range diagnosis.Rows() {
				if prefix, ok := strings.CutSuffix(w, "…"); string(c.Code) == w || ok && strings.HasPrefix(string(c.Code), prefix) {
					rows = append(rows, c)
				}
			}
		}
		if len(rows) == 0 {
			t.Errorf("%s: no code in %s", r.at(), r.cells["you see"])
		}
		hops := strings.Split(r.cells["who acts"], ", ")
		used := map[string]bool{}
		for _, c := range rows {
			hop := c.Hops[0].String()
			used[hop] = true
			if fmt.Sprint(c.Status) != r.cells["status"] || !slices.Contains(hops, hop) {
				t.Errorf("%s: %s is %d and hop=%s, got %s and %q", r.at(), c.Code, c.Status, hop, r.cells["status"], hops)
			}
		}
		if len(used) != len(hops) {
			t.Errorf("%s: expected the hops %v, got %q", r.at(), used, hops)
		}
	}
	var told []string
	for _, r := range p.table(t, "part", "meaning") {
		if strings.Contains(r.cells["part"], "hop") {
			told = words(r.cells["meaning"])
		}
	}
	for _, c := range diagnosis.Rows() {
		if !slices.Contains(told, c.Hops[0].String()) {
			t.Errorf("README.md does not say what hop=%s means", c.Hops[0])
		}
	}
}

// TestKeyCodesAreExplained: KEYS.md names every way in which a key set can fail.
func TestKeyCodesAreExplained(t *testing.T) {
	text := read(t, "docs/KEYS.md")
	for _, c := range diagnosis.Rows() {
		if s := string(c.Code); (strings.HasPrefix(s, "jwks_") || strings.HasPrefix(s, "discovery_")) && !strings.Contains(text, "`"+s+"`") {
			t.Errorf("docs/KEYS.md does not explain %s", s)
		}
	}
}

var traceHeader = regexp.MustCompile(`"((?:x-[a-z-]+|clientless-mode))"`)

// TestTracesAreExplained: EDGE.md names the headers that pkg/edge knows, and no
// others.
func TestTracesAreExplained(t *testing.T) {
	text, source := strings.ToLower(read(t, "docs/EDGE.md")), read(t, "pkg/edge/signs.go")
	for _, m := range traceHeader.FindAllStringSubmatch(source, -1) {
		if !strings.Contains(text, "`"+m[1]+"`") {
			t.Errorf("docs/EDGE.md does not name %s", m[1])
		}
	}
	rows := readPage(t, "docs/EDGE.md").table(t, "code", "trace", "what it says")
	for _, r := range rows {
		for _, w := range words(r.cells["trace"]) {
			if w = strings.ToLower(w); strings.HasPrefix(w, "x-") && !strings.Contains(source, `"`+w+`"`) {
				t.Errorf("%s: pkg/edge does not know %s", r.at(), w)
			}
		}
	}
	// Two lines of the table of signs are in the page's first table: the length
	// of a buffer and the blank header. Two more share a row.
	if n := strings.Count(source, "\t{codes: "); n != len(rows)+3 {
		t.Errorf("pkg/edge has %d signs, the page explains %d", n, len(rows)+3)
	}
}

var link = regexp.MustCompile(`\]\(([^)]+)\)`)

// TestLinksResolve: relative links lead to files, and their anchors to headings.
func TestLinksResolve(t *testing.T) {
	n := 0
	for _, p := range pages(t) {
		for _, l := range p.prose {
			for _, m := range link.FindAllStringSubmatch(l.text, -1) {
				if strings.Contains(m[1], "://") {
					continue
				}
				n++
				target, anchor, _ := strings.Cut(m[1], "#")
				file := p.name
				if target != "" {
					file = path.Join(path.Dir(p.name), target)
				}
				if !exists(t, file) {
					t.Errorf("%s: no file %s", l.at(), file)
				} else if anchor != "" && !readPage(t, file).anchors()[anchor] {
					t.Errorf("%s: no heading #%s in %s", l.at(), anchor, file)
				}
			}
		}
	}
	if n == 0 {
		t.Error("expected links, got none")
	}
}

// TestMakeTargetsExist: every `make x` in a page's text is a target.
func TestMakeTargetsExist(t *testing.T) {
	for _, p := range pages(t) {
		for _, l := range p.prose {
			for _, w := range words(l.text) {
				if arguments, ok := strings.CutPrefix(w, "make "); ok {
					checkMake(t, arguments)
				}
			}
		}
	}
}
