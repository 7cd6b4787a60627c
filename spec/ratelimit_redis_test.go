//go:build spec

package spec

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"kong-plugin-auth-diagnosis/pkg/ratelimit/redisstore/redistest"
	"kong-plugin-auth-diagnosis/spec/rig"
)

// syncRates are the two ways to count in Redis.
var syncRates = map[string]string{"redis": "0.1", "strict": "-1"}

// TestWhatRedisHolds: nothing before it is needed, then a key for each counter,
// within sync_rate, and each with an end.
func TestWhatRedisHolds(t *testing.T) {
	const tier = "default_tier: t, tiers: [{name: t, second: 50, minute: 100, hour: 200, day: 300}]"
	s := redistest.Start(t, redistest.Options{})
	r := start(t, rig.Options{Config: limited(map[string]string{
		"local": tier, "redis": "policy: redis, sync_rate: 1, " + at(s) + ", " + tier, "strict": "policy: redis, sync_rate: -1, " + at(s) + ", " + tier,
	})})
	awaitKeys(t, r, "/local", tokenOf(r, somebody()))
	if keys := s.Keys(); len(keys) != 0 {
		t.Errorf("keys before anything is counted there: %q", keys)
	}
	for i, path := range []string{"/redis", "/strict"} {
		sent := time.Now()
		awaitKeys(t, r, path, tokenOf(r, somebody()))
		soon(t, 10*time.Second, func() error {
			if keys := s.Keys(); len(keys) <= i {
				return fmt.Errorf("%s: keys %q", path, keys)
			}
			return nil
		})
		if took := time.Since(sent); took > 2*time.Second {
			t.Errorf("%s: the key came after %v, sync_rate is 1 s", path, took)
		}
	}
	for _, key := range s.Keys() {
		ttl, err := s.Client().PTTL(t.Context(), key).Result()
		if err != nil {
			t.Fatal(err)
		}
		if ttl <= 0 || ttl > 25*time.Hour {
			t.Errorf("%s ends in %v, want within 25 h", key, ttl)
		}
		if !regexp.MustCompile(`^auth-diagnosis:\{[0-9a-f]{32}\}:[as]`).MatchString(key) {
			t.Errorf("key %q: expected a hash tag of a digest, and nobody's name", key)
		}
	}
}

// TestDatabasesDoNotMix counts one client in two databases of one server.
func TestDatabasesDoNotMix(t *testing.T) {
	const tier = ", default_tier: t, tiers: [{name: t, day: 3}]"
	s := redistest.Start(t, redistest.Options{})
	limits := map[string]string{}
	for kind, rate := range syncRates {
		for _, db := range []string{"3", "7"} {
			limits[kind+"-"+db] = "policy: redis, sync_rate: " + rate + ", " + at(s, "database: "+db) + ", namespace: " + kind + tier
		}
	}
	r := start(t, rig.Options{Config: limited(limits)})
	token := tokenOf(r, somebody())
	for range 3 {
		for path := range limits {
			awaitKeys(t, r, "/"+path, token)
		}
	}
	for path := range limits {
		if resp := get(t, r, r.Proxy+"/"+path, token); shown(resp) != "429 day=0/3 nearest=0/3" {
			t.Errorf("%s after 3 requests: %s", path, shown(resp))
		}
	}
	soon(t, 5*time.Second, func() error {
		info, err := s.Client().Info(t.Context(), "keyspace").Result()
		if err == nil && (!strings.Contains(info, "db3:") || !strings.Contains(info, "db7:") || strings.Contains(info, "db0:")) {
			err = fmt.Errorf("keyspace %q", info)
		}
		return err
	})
}

// TestWaysIntoRedis: TLS and users as they are configured. Where Redis does not
// let the gateway in, fault_policy: deny tells it.
func TestWaysIntoRedis(t *testing.T) {
	t.Parallel()
	secure := redistest.Start(t, redistest.Options{TLS: true, Users: []string{
		"limiter on >secret ~auth-diagnosis:* +@all",
		"stranger on >secret ~other:* +@all",
	}})
	ways := []struct {
		name, redis string
		status      int
	}{
		{"verified", "ssl: true, server_name: " + redistest.ServerName, 200},
		{"verified-other-name", "ssl: true, server_name: other.example", 503},
		{"verified-no-name", "ssl: true", 503}, // the address is not in the certificate
		{"unverified", "ssl: true, ssl_verify: false", 200},
		{"unverified-other-name", "ssl: true, ssl_verify: false, server_name: other.example", 200},
		{"plain", "ssl: false", 503},
		{"user", "ssl: true, ssl_verify: false, username: limiter, password: secret", 200},
		{"user-wrong-password", "ssl: true, ssl_verify: false, username: limiter, password: guess", 503},
		{"user-without-rights", "ssl: true, ssl_verify: false, username: stranger, password: secret", 503},
	}
	limits := map[string]string{}
	for _, w := range ways {
		for kind, rate := range syncRates {
			limits[kind+"-"+w.name] = "policy: redis, fault_policy: deny, sync_rate: " + rate + ", " + at(secure, w.redis) + ", default_tier: t, tiers: [{name: t, day: 1000}]"
		}
	}
	bins, err := rig.Build()
	if err != nil {
		t.Fatal(err)
	}
	r := start(t, rig.Options{
		Config: limited(limits),
		Plugin: "/usr/bin/env SSL_CERT_FILE=" + secure.CAFile() + " " + bins.Plugin,
	})
	for _, w := range ways {
		for kind := range syncRates {
			t.Run(kind+"-"+w.name, func(t *testing.T) {
				path := "/" + kind + "-" + w.name
				// Asynchronous views notice after a second that nobody answers.
				await(t, r, path, tokenOf(r, somebody()), w.status)
				for range 3 {
					resp := get(t, r, r.Proxy+path, tokenOf(r, somebody()))
					if v := diagnosisOf(t, resp); resp.StatusCode != w.status || (v.code == "limiter_unavailable") != (w.status == 503) {
						t.Errorf("%d %v, want %d", resp.StatusCode, v, w.status)
					}
				}
			})
		}
	}
	log := wholeLog(t, r)
	if strings.Contains(log, "secret") || strings.Contains(log, "guess") {
		t.Error("the log has a password")
	}
}
