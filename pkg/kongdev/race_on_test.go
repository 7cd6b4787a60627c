//go:build race

package kongdev_test

// buildFlags makes the gateway under test watch for races as the tests do.
var buildFlags = []string{"-race"}
