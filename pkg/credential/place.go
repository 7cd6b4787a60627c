package credential

import (
	"iter"
	"slices"
	"strings"

	"kong-plugin-auth-diagnosis/pkg/diagnosis"
)

// What the places other than headers are called, before their name.
const (
	cookiePlace   = "cookie "
	argumentPlace = "argument "
)

// readings yields what stands in the places of a kind, in search order.
func (w *Want) readings(h Headers, kind Kind) iter.Seq2[string, reading] {
	return func(yield func(place string, r reading) bool) {
		for _, name := range w.headers(kind) {
			for _, line := range h[name] {
				if !yield(name, w.read(name, line)) {
					return
				}
			}
		}
		if kind != Bearer {
			return
		}
		for _, name := range w.CookieNames {
			for value := range cookies(h["cookie"], name) {
				if place := cookiePlace + name; !yield(place, w.readBare(place, value)) {
					return
				}
			}
		}
		for _, name := range w.ArgumentNames {
			for value := range arguments(w.Query, name) {
				if place := argumentPlace + name; !yield(place, w.readBare(place, value)) {
					return
				}
			}
		}
	}
}

// headers are the names to read for a kind. Basic exists in Authorization only
// (RFC 7617 section 2).
func (w *Want) headers(kind Kind) []string {
	if kind == Basic {
		return []string{authorization}
	}
	return w.HeaderNames
}

// places lists where a credential may arrive, for a detail.
func (w *Want) places() []string {
	var names []string
	add := func(prefix string, list []string) {
		for _, n := range list {
			if n = prefix + n; !slices.Contains(names, n) {
				names = append(names, n)
			}
		}
	}
	for _, k := range w.Expects {
		switch k {
		case Key:
			add("", w.KeyNames)
		case Bearer:
			add("", w.headers(k))
			add(cookiePlace, w.CookieNames)
			add(argumentPlace, w.ArgumentNames)
		default:
			add("", w.headers(k))
		}
	}
	return names
}

// readBare reads a cookie or a query argument, where a token stands alone. A
// blank one is the client's: no hop is known to blank these.
func (w *Want) readBare(place, value string) reading {
	v := trim(value)
	if v == "" {
		r := refused(diagnosis.CredentialEmpty, place, "present but blank")
		r.failure.Hop = diagnosis.Client
		return r
	}
	if w.MaxSize > 0 && len(v) > w.MaxSize {
		return reading{failure: tooLarge(place, len(v), w.MaxSize)}
	}
	if word, rest, _ := cut(v); strings.EqualFold(word, "bearer") {
		return readSchemed(place, rest)
	}
	if what := placeholder(v); what != "" {
		return refused(diagnosis.TokenPlaceholder, place, what)
	}
	if v[0] == '{' {
		return refused(diagnosis.TokenJSONSerialized, place, "JSON instead of a token")
	}
	if what := badCharacter(v); what != "" {
		return refused(diagnosis.TokenBadCharset, place, what)
	}
	return reading{kind: Bearer, token: v}
}

// readSchemed refuses what stands behind Bearer where there are no schemes.
func readSchemed(place, rest string) reading {
	if rest == "" {
		return refused(diagnosis.SchemeOnly, place, "the word Bearer and nothing behind it")
	}
	if what := placeholder(rest); what != "" {
		return refused(diagnosis.TokenPlaceholder, place, what)
	}
	return refused(diagnosis.TokenBadCharset, place, "Bearer and a space before a token that stands alone here")
}
