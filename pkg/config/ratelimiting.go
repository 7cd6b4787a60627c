package config

import (
	"math"
	"net"
	"strconv"
	"time"
)

// RateLimiting says how much a caller may ask.
type RateLimiting struct {
	Tiers               []Tier   `json:"tiers" default:"" doc:"Tiers: named sets of limits."`
	TierClaim           []string `json:"tier_claim" default:"tier" format:"claim_path" doc:"Claim paths that name the tier; the first one present counts. A consumer's tag tier:NAME does too: before the claim with limit_by consumer, else without the claim."`
	DefaultTier         string   `json:"default_tier" format:"text" len_max:"128" doc:"Tier where neither claim nor tag names a known one; needed with tiers."`
	LimitBy             string   `json:"limit_by" default:"claim" one_of:"consumer,claim,ip" doc:"What a counter belongs to: a consumer, a claim's value or the client's address. Requests without the first or second count by their address, at the default tier."`
	LimitByClaim        []string `json:"limit_by_claim" default:"client_id,azp,sub" format:"claim_path" doc:"Claim paths for limit_by claim; the first one present counts."`
	Namespace           string   `json:"namespace" format:"name" len_max:"128" doc:"Instances with the same namespace share their counters. Without it: the route, else the service, else global."`
	Policy              string   `json:"policy" default:"local" one_of:"local,redis" doc:"Where the counters live: in this gateway node, or in a Redis that several nodes share."`
	SyncRate            SyncRate `json:"sync_rate" default:"0.1" between:"-1,3600" want:"-1 or 0.02 to 3600" doc:"For policy redis. Seconds between two exchanges with Redis, beside the requests, at least 0.02; -1 asks Redis in each request. Above 0.25 the nodes together may swing far over a rate."`
	Redis               Redis    `json:"redis" doc:"The Redis of policy redis, as Kong's plugins name it: one server (host), a cluster or sentinels."`
	Nodes               int      `json:"nodes" default:"1" between:"1,1000" doc:"Gateway nodes that share the quotas. While they cannot see each other, each keeps to its share."`
	FaultPolicy         string   `json:"fault_policy" default:"local" one_of:"local,allow,deny" doc:"What happens while Redis does not answer: local counts on by itself, allow lets through uncounted, deny answers 503."`
	MaxKeys             int      `json:"max_keys" default:"1000000" between:"1,100000000" doc:"Most counters kept in memory at a time, by all instances of one process together: the largest value of any instance counts."`
	DayTimezone         string   `json:"day_timezone" default:"UTC" format:"timezone" doc:"IANA time zone in which a day begins. Minutes and hours are those of UTC."`
	HeaderStyle         string   `json:"header_style" default:"kong" one_of:"kong,ietf,both,none" doc:"Rate-limit response headers: as Kong's own plugin names them, as the IETF draft does (RateLimit and RateLimit-Policy), both or none."`
	HideClientHeaders   bool     `json:"hide_client_headers" default:"false" doc:"Send no rate-limit response headers, nor Retry-After with a 429."`
	RetryAfterJitterMax Seconds  `json:"retry_after_jitter_max" default:"30" between:"0,3600" doc:"Most seconds added at random to Retry-After when the day is used up, so that clients do not return all at once."`
	ErrorCode           int      `json:"error_code" default:"429" between:"400,599" doc:"Status of a rate-limited response."`
	ErrorMessage        string   `json:"error_message" default:"API rate limit exceeded" format:"text" len_max:"1024" doc:"Message in the body of a rate-limited response."`
	ReportOnly          bool     `json:"report_only" default:"false" doc:"Count and report, but never reject."`
}

// Tier is a named set of limits; 0 stands for no limit of that kind.
type Tier struct {
	Name   string `json:"name" required:"true" format:"text" len_max:"128" doc:"Name of the tier, as the tier claim has it."`
	Second int    `json:"second" between:"1,1000000000" doc:"Requests per second in the long run."`
	Burst  int    `json:"burst" between:"1,1000000000" doc:"Requests that may come at once; as many as second when absent."`
	Minute int    `json:"minute" between:"1,1000000000" doc:"Requests per minute of the clock."`
	Hour   int    `json:"hour" between:"1,1000000000" doc:"Requests per hour of the clock."`
	Day    int    `json:"day" between:"1,1000000000000" doc:"Requests per calendar day."`
}

// Redis is where counters that several nodes share live: one server, a cluster
// or a master that sentinels watch. Empty Host, ClusterNodes and SentinelNodes
// stand for none.
type Redis struct {
	Host           string         `json:"host" format:"host" len_max:"255" doc:"Name or address of the one Redis server."`
	Port           int            `json:"port" default:"6379" between:"1,65535" doc:"Port of the one Redis server."`
	Username       string         `json:"username" format:"text" len_max:"256" referenceable:"true" doc:"Redis ACL user. Without it the password is that of the default user."`
	Password       Secret         `json:"password" len_max:"1024" referenceable:"true" encrypted:"true" doc:"Password of the Redis user; without it the connection does not authenticate."`
	Database       int            `json:"database" default:"0" between:"0,65535" doc:"Number of the database. A cluster has only 0."`
	Timeout        Milliseconds   `json:"timeout" default:"100" between:"1,60000" doc:"Milliseconds that connecting, sending or receiving may take, and a whole request with sync_rate -1."`
	SSL            bool           `json:"ssl" default:"false" doc:"Connect to Redis over TLS."`
	SSLVerify      bool           `json:"ssl_verify" default:"true" doc:"Verify the certificate of the Redis server, against the system's authorities."`
	ServerName     string         `json:"server_name" format:"host" len_max:"255" doc:"Name that the Redis server's certificate has to have, and that is sent to it (SNI). Without it: its host."`
	ClusterNodes   []ClusterNode  `json:"cluster_nodes" default:"" len_max:"64" doc:"Nodes of a Redis Cluster; a few are enough to find the others."`
	SentinelNodes  []SentinelNode `json:"sentinel_nodes" default:"" len_max:"64" doc:"Sentinels that know which Redis server is the master."`
	SentinelMaster string         `json:"sentinel_master" format:"text" len_max:"128" doc:"Name of the master, as the sentinels call it."`
}

// ClusterNode is a member of a Redis Cluster.
type ClusterNode struct {
	IP   string `json:"ip" required:"true" format:"host" len_max:"255" doc:"Address or name of the node."`
	Port int    `json:"port" default:"6379" between:"1,65535" doc:"Port of the node."`
}

// SentinelNode is a Redis Sentinel.
type SentinelNode struct {
	Host string `json:"host" required:"true" format:"host" len_max:"255" doc:"Name or address of the sentinel."`
	Port int    `json:"port" default:"26379" between:"1,65535" doc:"Port of the sentinel."`
}

// Address returns host:port of the node.
func (n ClusterNode) Address() string { return net.JoinHostPort(n.IP, strconv.Itoa(n.Port)) }

// Address returns host:port of the sentinel.
func (n SentinelNode) Address() string { return net.JoinHostPort(n.Host, strconv.Itoa(n.Port)) }

// Bounds of a sync_rate that is not strict, in seconds.
const (
	minSyncRate = 0.02
	maxCalmRate = 0.25 // above it, rates swing
)

// SyncRate is the seconds between two exchanges with Redis, or -1.
type SyncRate float64

// Strict reports whether each request asks Redis.
func (s SyncRate) Strict() bool { return s == -1 }

// Swings reports whether the exchanges are so far apart that the nodes together
// can go well over a rate, and then fall as far under it.
func (s SyncRate) Swings() bool { return s > maxCalmRate }

// Duration converts the span to whole milliseconds; negative means strict.
func (s SyncRate) Duration() time.Duration {
	return time.Duration(math.Round(float64(s)*1000)) * time.Millisecond
}
