package main

import (
	"cmp"
	"path/filepath"

	"kong-plugin-auth-diagnosis/pkg/access"
	"kong-plugin-auth-diagnosis/pkg/jwks"
	"kong-plugin-auth-diagnosis/pkg/pluginserver"
)

// countersName is the file of counters in the directory of saved state.
const countersName = "counters"

// counters lets local counters outlive the process, beside the saved key sets and
// under the same conditions.
func (p *plugin) counters(inv pluginserver.Invocation) access.Option {
	dir := filepath.Join(cmp.Or(p.stateDir, inv.Prefix), stateName)
	if _, err := jwks.OpenStateDir(dir); err != nil {
		inv.Log.Warn("saved counters are not in use", "reason", err)
		return func(*access.Engine) {}
	}
	return access.WithCounterFile(filepath.Join(dir, countersName))
}
