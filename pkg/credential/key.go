package credential

import (
	"slices"
	"strings"

	"kong-plugin-auth-diagnosis/pkg/diagnosis"
)

// findKey looks for an API key, in headers before query arguments as Kong's
// key-auth does.
func (w *Want) findKey(h Headers) (Found, []*diagnosis.Failure) {
	var failures []*diagnosis.Failure
	for _, name := range w.KeyNames {
		inQuery := slices.Collect(arguments(w.Query, name))
		for _, lines := range [][]string{h[strings.ToLower(name)], inQuery} {
			for _, line := range lines {
				f := w.judgeKey(name, line)
				if f == nil {
					return Found{Kind: Key, Token: trim(line), Source: name}, nil
				}
				failures = append(failures, f)
			}
		}
	}
	return Found{}, failures
}

// judgeKey judges one value. Keys have no common alphabet: only what no header
// or query carries undamaged is refused.
func (w *Want) judgeKey(name, line string) *diagnosis.Failure {
	v := trim(line)
	switch {
	case v == "":
		return fail(diagnosis.CredentialEmpty, name, "present but blank")
	case w.MaxSize > 0 && len(v) > w.MaxSize:
		return tooLarge(name, len(v), w.MaxSize)
	}
	if what := unrendered(v); what != "" {
		return fail(diagnosis.TokenPlaceholder, name, what)
	}
	for i := 0; i < len(v); i++ {
		if c := v[i]; c < 0x20 || c > 0x7e {
			return fail(diagnosis.TokenBadCharset, name, characterClass(c))
		}
	}
	return nil
}
