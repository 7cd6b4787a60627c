//go:build !race

package kongdev_test

var buildFlags []string
