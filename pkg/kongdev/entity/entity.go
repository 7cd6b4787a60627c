// Package entity holds the configured objects of the gateway: services, routes,
// consumers with their credentials, and plugins. The declarative loader makes
// them, the router, the plugin iterator and the PDK read them. They are never
// changed after loading, so that every worker can share them.
package entity

import "time"

// DefaultWorkspace is the id of Kong's workspace in DB-less mode.
const DefaultWorkspace = "0dc6f45b-8f8d-40d2-a504-473544ee190b"

// Service is an upstream API.
type Service struct {
	ID             string
	Name           string
	Protocol       string // http, https, grpc or grpcs
	Host           string
	Port           int
	Path           string // "" or begins with a slash
	Retries        int
	ConnectTimeout time.Duration
	WriteTimeout   time.Duration
	ReadTimeout    time.Duration
	Tags           []string
	CreatedAt      int64 // Unix seconds
	UpdatedAt      int64
	Enabled        bool
	Fields         map[string]any // as logged and as the Admin API shows it
}

// Route leads requests to a service. Service is nil for a route without one.
type Route struct {
	ID            string
	Name          string
	Service       *Service
	Protocols     []string
	Methods       []string
	Hosts         []string
	Paths         []string // "~" begins a regular expression
	Headers       map[string][]string
	StripPath     bool
	PreserveHost  bool
	RegexPriority int
	RedirectCode  int    // https_redirect_status_code
	PathHandling  string // v0 or v1
	Tags          []string
	CreatedAt     int64
	UpdatedAt     int64
	Fields        map[string]any
}

// Consumer is a user of the APIs. CustomID is "" when there is none.
type Consumer struct {
	ID        string
	Username  string
	CustomID  string
	Tags      []string
	CreatedAt int64
	Groups    []string // acls, in the order of the file
	Fields    map[string]any
}

// KeyAuth is a key-auth credential.
type KeyAuth struct {
	ID       string
	Key      string
	Consumer *Consumer
}

// Plugin is one plugin configuration with its scope: an empty id is no
// restriction.
type Plugin struct {
	ID           string
	Name         string
	InstanceName string
	Config       map[string]any // resolved: what a plugin sees
	Stored       map[string]any // as the Admin API shows it, references kept
	Protocols    []string
	Enabled      bool
	RouteID      string
	ServiceID    string
	ConsumerID   string
	Fields       map[string]any
}

// Key is the plugin's cache key, `__key__` in what a plugin process receives.
func (p *Plugin) Key() string {
	return "plugins:" + p.Name + ":" + p.RouteID + ":" + p.ServiceID + ":" + p.ConsumerID + "::" + DefaultWorkspace
}

// Set is one complete configuration.
type Set struct {
	Services  []*Service
	Routes    []*Route
	Consumers []*Consumer
	KeyAuths  []*KeyAuth
	Plugins   []*Plugin
	Hash      string // of the text it was read from

	byID   map[string]*Consumer
	byName map[string]*Consumer
	byKey  map[string]*KeyAuth
}

// Index builds the look-ups; the loader calls it once.
func (s *Set) Index() {
	s.byID, s.byName, s.byKey = map[string]*Consumer{}, map[string]*Consumer{}, map[string]*KeyAuth{}
	for _, c := range s.Consumers {
		s.byID[c.ID] = c
		if c.Username != "" {
			s.byName[c.Username] = c
		}
	}
	for _, k := range s.KeyAuths {
		s.byKey[k.Key] = k
	}
}

// ConsumerByID returns nil when there is none.
func (s *Set) ConsumerByID(id string) *Consumer { return s.byID[id] }

// ConsumerByName looks a consumer up by username.
func (s *Set) ConsumerByName(name string) *Consumer { return s.byName[name] }

// KeyAuthByKey looks a key-auth credential up by its key.
func (s *Set) KeyAuthByKey(key string) *KeyAuth { return s.byKey[key] }
