package rig

import (
	"fmt"
	"strings"

	"kong-plugin-auth-diagnosis/pkg/standin/ping"
)

// Service is one before the rig's upstream, with the plugin and a route at its name.
type Service struct {
	Name   string
	Config string // members of the plugin's config beside its issuer, as in "realm: a, leeway: 5"
	Behind string // another plugin, as in "{name: acl, config: {allow: [staff]}}"
}

// Declare is a declarative configuration of services. The rig's PingFederate is the
// issuer of each, and the upstream sees the path that the client asked for.
func (r *Rig) Declare(services ...Service) []byte {
	var b strings.Builder
	b.WriteString("_format_version: \"3.0\"\nservices:\n")
	for _, s := range services {
		fmt.Fprintf(&b, `  - name: %[1]s
    url: %[2]s
    routes: [{name: %[1]s, paths: [/%[1]s], strip_path: false}]
    plugins:
      - name: auth-diagnosis
        config: {issuers: [%[3]s], %[4]s}
`, s.Name, r.Upstream.URL(), r.Issuer(), s.Config)
		if s.Behind != "" {
			fmt.Fprintf(&b, "      - %s\n", s.Behind)
		}
	}
	return []byte(b.String())
}

// Issuer is the rig's PingFederate as an element of the plugin's issuers.
func (r *Rig) Issuer() string {
	return fmt.Sprintf("{issuer: %q, jwks_uris: [%q], audiences: [%q]}", r.PingFederate.IssuerURL(), r.PingFederate.JWKSURL(), ping.DefaultAudience)
}
