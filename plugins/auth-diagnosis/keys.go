package main

import (
	"cmp"
	"path/filepath"
	"sync"

	"kong-plugin-auth-diagnosis/pkg/jwks"
	"kong-plugin-auth-diagnosis/pkg/pluginserver"
)

// stateName is the directory of ours in -state-dir. Kong's prefix has other
// things in it, and its mode is Kong's business.
const stateName = name + "-state"

// keys makes the store of key sets. Without a directory that is safe to use it
// works all the same, but a restart while an issuer is down is felt. The log says
// so once: the cause is the same for all sets and at every fetch.
func (p *plugin) keys(inv pluginserver.Invocation) *jwks.Store {
	const warning = "saved key sets are not in use"
	dir, err := jwks.OpenStateDir(filepath.Join(cmp.Or(p.stateDir, inv.Prefix), stateName))
	if err != nil {
		inv.Log.Warn(warning, "reason", err)
	}
	var once sync.Once
	return jwks.NewStore(jwks.WithClock(p.clock), jwks.WithStateDir(dir), jwks.WithObserver(func(e jwks.Event) {
		if e.StateFault != "" {
			once.Do(func() { inv.Log.Warn(warning, "issuer", e.Issuer, "reason", e.StateFault) })
		}
	}))
}
