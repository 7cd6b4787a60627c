package ping

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Defaults of [Options].
const (
	DefaultEnvironment  = "01d89b06-5a0c-4f6e-9a51-0b7c3f2e8d14"
	DefaultOrganization = "97ba44f2-31c5-4c0d-8f0e-6d2b9a7e5c38"
	DefaultRealm        = "alpha"
	DefaultAudience     = "https://api.example.com"
	DefaultScope        = "read"
)

// Options say what issuer to start. Only Product is required.
type Options struct {
	Product Product
	Addr    string // TCP address to listen on; "127.0.0.1:0" when empty

	// PublicURL is the scheme, host and port by which others reach the issuer and
	// which its tokens and discovery document name; the listening address when empty.
	PublicURL string

	Audience []string      // aud of every token; PingAM writes the client id when empty
	Lifetime time.Duration // of a token; PingFederate's default is 2 h, the others' 1 h
	Clients  []Client      // who may use the token endpoint; the first one is minted for
	TLS      *tls.Config   // serve https with this configuration
	Now      func() time.Time

	Environment  string // PingOne: the UUID in the issuer
	Organization string // PingOne: the claim org
	Realm        string // PingAM: the last path element of the issuer

	TokenManagers []TokenManager // PingFederate: managers with keys of their own
	OmitIssuer    bool           // PingFederate: "Issuer Claim Value" left empty, no iss
	ScopeAsArray  bool           // PingFederate: "Space Delimit Scope Values" off
}

// TokenManager is a PingFederate access token manager that does not use the central
// keys: its own are published on its own path only.
type TokenManager struct {
	ID        string // the header pi.atm
	Path      string // of its key set: "/ext/" and more
	KeyPrefix string // of its key ids; "JwtDefault" gives JwtDefault1
}

// Client is an OAuth client that may ask for tokens.
type Client struct {
	ID       string
	Secret   string
	Scopes   []string       // what it may ask for and gets unasked; [DefaultScope] when empty
	Tier     string         // the claim tier; left out when empty
	Audience []string       // in place of Options.Audience
	Claims   map[string]any // further claims of its tokens
}

// DefaultClients is a client per rate-limiting tier, its secret the tier's name and
// "-secret".
func DefaultClients() []Client {
	var clients []Client
	for _, tier := range []string{"free", "standard", "premium"} {
		clients = append(clients, Client{
			ID: tier + "-client", Secret: tier + "-secret", Tier: tier, Scopes: []string{"read", "write"},
		})
	}
	return clients
}

// withDefaults fills what was left out and reports every contradiction at once.
func (o Options) withDefaults() (Options, error) {
	_, productErr := ParseProduct(string(o.Product))
	o.Addr = cmp.Or(o.Addr, "127.0.0.1:0")
	o.Environment = cmp.Or(o.Environment, DefaultEnvironment)
	o.Organization = cmp.Or(o.Organization, DefaultOrganization)
	o.Realm = cmp.Or(o.Realm, DefaultRealm)
	o.PublicURL = strings.TrimSuffix(o.PublicURL, "/")
	if o.Lifetime == 0 {
		o.Lifetime = time.Hour
		if o.Product == PingFederate {
			o.Lifetime = 2 * time.Hour
		}
	}
	if o.Clients == nil {
		o.Clients = DefaultClients()
	}
	o.Clients = slices.Clone(o.Clients)
	for n := range o.Clients {
		if len(o.Clients[n].Scopes) == 0 {
			o.Clients[n].Scopes = []string{DefaultScope}
		}
	}
	if len(o.Audience) == 0 && o.Product != PingAM {
		o.Audience = []string{DefaultAudience}
	}
	if o.TokenManagers == nil && o.Product == PingFederate {
		o.TokenManagers = []TokenManager{{ID: "5", Path: "/ext/oauth/jwks", KeyPrefix: "JwtDefault"}}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o, errors.Join(productErr, o.checkFederateOnly(), o.checkClients(), o.checkManagers())
}

func (o Options) checkFederateOnly() error {
	if o.Product != PingFederate && (o.OmitIssuer || o.ScopeAsArray || len(o.TokenManagers) > 0) {
		return fmt.Errorf("token managers, no iss and scope as array are %q's, got product %q", PingFederate, o.Product)
	}
	return nil
}

func (o Options) checkClients() error {
	seen := map[string]bool{}
	for _, c := range o.Clients {
		if c.ID == "" || seen[c.ID] {
			return fmt.Errorf("expected client ids to be set and unique, got %q", c.ID)
		}
		seen[c.ID] = true
	}
	if len(o.Clients) == 0 {
		return errors.New("expected at least one client, got none")
	}
	return nil
}

func (o Options) checkManagers() error {
	seen := map[string]bool{}
	for _, m := range o.TokenManagers {
		if !strings.HasPrefix(m.Path, "/ext/") || m.ID == "" || m.KeyPrefix == "" {
			return fmt.Errorf("expected a token manager with id, key prefix and a path below %q, got path %q", "/ext/", m.Path)
		}
		if seen[m.ID] || seen[m.Path] {
			return fmt.Errorf("expected token manager ids and paths to be unique, got %q at %q", m.ID, m.Path)
		}
		seen[m.ID], seen[m.Path] = true, true
	}
	return nil
}
