//go:build spec

package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
)

var errMarkers = errors.New("page has no markers for the group")

// rewrite replaces a group's part of the page.
func rewrite(path, group, text string) error {
	page, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	after, err := replace(string(page), group, text)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return os.WriteFile(path, []byte(after), 0o644)
}

// replace puts text between a group's markers.
func replace(page, group, text string) (string, error) {
	start, end := "<!-- measured: "+group+" -->\n", "<!-- end of "+group+" -->"
	head, rest, ok := strings.Cut(page, start)
	_, tail, closed := strings.Cut(rest, end)
	if !ok || !closed {
		return "", fmt.Errorf("%w: expected %q and %q", errMarkers, strings.TrimSpace(start), end)
	}
	return head + start + "\n" + strings.TrimSpace(text) + "\n\n" + end + tail, nil
}
