package redisstore_test

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"kong-plugin-auth-diagnosis/pkg/ratelimit"
	"kong-plugin-auth-diagnosis/pkg/ratelimit/redisstore"
	"kong-plugin-auth-diagnosis/pkg/ratelimit/redisstore/redistest"
)

// served is a decision that Redis made.
func served(d ratelimit.Decision) bool { return d.Allowed && !d.Degraded }

func TestTLS(t *testing.T) {
	server := redistest.Start(t, redistest.Options{TLS: true})
	base := options(server.Addr)
	base.SSL = true
	for _, c := range []struct {
		name   string
		change func(*redisstore.Options)
		ok     bool
	}{
		{"verified by its name", func(o *redisstore.Options) {
			o.SSLVerify, o.RootCAs, o.ServerName = true, server.RootCAs(), redistest.ServerName
		}, true},
		{"not verified", func(*redisstore.Options) {}, true},
		{"not verified, another name", func(o *redisstore.Options) { o.ServerName = "bogus.example" }, true},
		{"another name", func(o *redisstore.Options) {
			o.SSLVerify, o.RootCAs, o.ServerName = true, server.RootCAs(), "bogus.example"
		}, false},
		{"its address, which the certificate does not have", func(o *redisstore.Options) {
			o.SSLVerify, o.RootCAs = true, server.RootCAs()
		}, false},
		{"an unknown authority", func(o *redisstore.Options) { o.SSLVerify, o.ServerName = true, redistest.ServerName }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := base
			c.change(&o)
			var told diary
			l := strictly(t, o, redisstore.Hooks{Report: told.report})
			for range 5 {
				if d := send(l, free); served(d) != c.ok {
					t.Fatalf("expected a decision of redis: %t, got %+v", c.ok, d)
				}
			}
			if !c.ok {
				told.expect(t, redisstore.FaultTLS)
			}
		})
	}
}

func TestTLSToAPlainServer(t *testing.T) {
	server := redistest.Start(t, redistest.Options{})
	o := options(server.Addr)
	o.SSL, o.Timeout = true, brief
	l := strictly(t, o, redisstore.Hooks{})
	within(t, brief, func() {
		if d := send(l, free); served(d) {
			t.Errorf("expected no decision of redis, got %+v", d)
		}
	})
}

// commands are all that a strict view needs of Redis, beside what any connection
// may do.
const commands = "+evalsha +eval +time +hmget +hset +pexpireat +get +set"

func TestUsers(t *testing.T) {
	server := redistest.Start(t, redistest.Options{Password: "default-pw", Users: []string{
		"full on >pw ~* +@all",
		"least on >pw ~auth-diagnosis:* " + commands,
		"elsewhere on >pw ~other:* +@all",
		"reader on >pw ~* +@read +@connection",
	}})
	for _, c := range []struct {
		name, user, password string
		fault                redisstore.Fault // "" if it works
	}{
		{"the default user", "", "default-pw", ""},
		{"a user with all rights", "full", "pw", ""},
		{"a user with the least rights", "least", "pw", ""},
		{"no password", "", "", redisstore.FaultCredentials},
		{"a wrong password", "full", "wrong", redisstore.FaultCredentials},
		{"no such user", "nobody", "pw", redisstore.FaultCredentials},
		{"a user of other keys", "elsewhere", "pw", redisstore.FaultPermission},
		{"a user who may not run scripts", "reader", "pw", redisstore.FaultPermission},
	} {
		t.Run(c.name, func(t *testing.T) {
			server.Flush()
			var told diary
			o := options(server.Addr)
			o.Username, o.Password = c.user, c.password
			l := strictly(t, o, redisstore.Hooks{Report: told.report})
			for range 5 {
				if d := send(l, free); served(d) != (c.fault == "") {
					t.Fatalf("expected a decision of redis: %t, got %+v", c.fault == "", d)
				}
			}
			if c.fault == "" {
				told.expect(t)
			} else {
				told.expect(t, c.fault)
			}
		})
	}
}

func TestDatabasesAreApart(t *testing.T) {
	server := redistest.Start(t, redistest.Options{Databases: 3})
	tier := ratelimit.Tier{Name: "t", Day: 2}
	for database := range 3 {
		o := options(server.Addr)
		o.Database = database
		l := strictly(t, o, redisstore.Hooks{})
		if passed, d := burst(l, tier, 4); passed != 2 || d.Degraded {
			t.Errorf("database %d: expected 2 admissions, got %d, at last %+v", database, passed, d)
		}
	}
	for database := range 3 {
		conn := server.Client().Conn()
		defer conn.Close()
		if err := conn.Select(t.Context(), database).Err(); err != nil {
			t.Fatal(err)
		}
		if n, err := conn.DBSize(t.Context()).Result(); err != nil || n != 1 {
			t.Errorf("database %d: expected one key, got %d, %v", database, n, err)
		}
	}
	o := options(server.Addr)
	o.Database = 3
	if d := send(strictly(t, o, redisstore.Hooks{}), tier); served(d) {
		t.Errorf("a database that does not exist: expected no decision of redis, got %+v", d)
	}
}

func TestConnectionsHaveAName(t *testing.T) {
	server := redistest.Start(t, redistest.Options{})
	send(strictly(t, options(server.Addr), redisstore.Hooks{}), free)
	if list, err := server.Client().ClientList(t.Context()).Result(); err != nil || !strings.Contains(list, "name=auth-diagnosis ") {
		t.Errorf("expected our name in %q, %v", list, err)
	}
}

// TestCluster sends for keys of every node, and takes one of the nodes away.
func TestCluster(t *testing.T) {
	t.Parallel()
	cluster := redistest.StartCluster(t)
	for _, node := range cluster.Nodes {
		if err := node.Client().ConfigSet(t.Context(), "cluster-require-full-coverage", "no").Err(); err != nil {
			t.Fatal(err)
		}
	}
	known := append(cluster.Addrs()[:2], "")[:2] // with room for another
	l := strictly(t, redisstore.Options{ClusterNodes: known, Timeout: patience}, redisstore.Hooks{})
	var keys []ratelimit.Key
	for i := range byte(24) {
		keys = append(keys, ratelimit.ByClaim("route", "iss", "client_id", string('a'+i)))
	}
	allow := func(key ratelimit.Key) ratelimit.Decision { return l.Allow(time.Now(), key, free, midday) }
	for i := range int64(3) {
		for _, key := range keys {
			if d := allow(key); !served(d) || d.Day.Remaining != free.Day-1-i {
				t.Fatalf("request %d: expected %d left of the day, got %+v", i, free.Day-1-i, d)
			}
		}
	}
	lost := cluster.Nodes[2]
	gone := lost.Keys()
	var theirs, others []ratelimit.Key
	for _, key := range keys {
		if slices.Contains(gone, redisstore.StrictKey(key)) {
			theirs = append(theirs, key)
		} else {
			others = append(others, key)
		}
	}
	if len(theirs) == 0 || len(others) < len(theirs) {
		t.Fatalf("expected keys on every node, got %d on one and %d on the others", len(theirs), len(others))
	}
	if after := known[:3][2]; after != "" {
		t.Errorf("the options' own list was written to: %q", after)
	}
	lost.Kill()
	for i, key := range theirs {
		if d := allow(key); !d.Allowed || !d.Degraded || d.Day.Remaining != free.Day-4 {
			t.Errorf("a key of the lost node: expected to go on from what was used, got %+v", d)
		}
		if d := allow(others[i]); !served(d) || d.Day.Remaining != free.Day-4 {
			t.Errorf("a key of another node: expected a decision of redis, got %+v", d)
		}
	}
}

// TestSentinelFailover: the counters live on the new master, which is asked as
// soon as the sentinels name it.
func TestSentinelFailover(t *testing.T) {
	t.Parallel()
	s := redistest.StartSentinel(t)
	var told diary
	o := redisstore.Options{SentinelNodes: s.Addrs, SentinelMaster: redistest.MasterName, Timeout: patience}
	l := strictly(t, o, redisstore.Hooks{Report: told.report})
	tier := ratelimit.Tier{Name: "t", Day: 1000}
	if passed, d := burst(l, tier, 10); passed != 10 || d.Degraded {
		t.Fatalf("expected 10 admissions by redis, got %d, at last %+v", passed, d)
	}
	if n, err := s.Master.Client().Wait(t.Context(), 1, patience).Result(); err != nil || n != 1 {
		t.Fatalf("expected a replica with all of it, got %d, %v", n, err)
	}
	s.Failover()
	d := recovers(t, l, tier)
	if !served(d) || d.Day.Remaining > 1000-11 || d.Day.Remaining < 1000-30 {
		t.Errorf("expected to go on after 10 requests, got %+v", d)
	}
}

// TestLibraryIsSilent runs a store whose Redis is away in a process of its own
// and reads what that prints.
func TestLibraryIsSilent(t *testing.T) {
	const child = "REDISSTORE_SILENT_CHILD"
	if os.Getenv(child) != "" {
		l := strictly(t, options("127.0.0.1:1"), redisstore.Hooks{})
		burst(l, free, 10)
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestLibraryIsSilent$")
	cmd.Env = append(os.Environ(), child+"=1")
	out, err := cmd.CombinedOutput()
	if err != nil || strings.Contains(string(out), "redis") || !strings.HasPrefix(string(out), "PASS") {
		t.Errorf("expected nothing but PASS, got %v and:\n%s", err, out)
	}
}
