package files_test

import (
	"fmt"
	"maps"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"kong-plugin-auth-diagnosis/pkg/config"
	"kong-plugin-auth-diagnosis/pkg/kongdev/conf"
)

// composition is the part of the Compose Specification that docker-compose.yml
// uses. Other members fail to decode.
type composition struct {
	Name     string
	Standin  container `yaml:"x-standin"`
	Services map[string]container
}

type container struct {
	Image string
	Build *struct {
		Context, Dockerfile, Target string
		Args                        map[string]string
	}
	Command     []string
	Environment map[string]string
	Ports       []string
	Volumes     []string
	Restart     string
	Healthcheck *struct {
		Test              []string
		Interval, Timeout string
		Retries           int
	}
	DependsOn dependencies `yaml:"depends_on"`
}

// dependencies maps a service to the condition that is waited for.
type dependencies map[string]string

func (d *dependencies) UnmarshalYAML(node *yaml.Node) error {
	*d = dependencies{}
	if node.Kind == yaml.SequenceNode {
		var names []string
		err := node.Decode(&names)
		for _, n := range names {
			(*d)[n] = "service_started"
		}
		return err
	}
	var long map[string]struct{ Condition string }
	err := node.Decode(&long)
	for n, c := range long {
		(*d)[n] = c.Condition
	}
	return err
}

const composeFile = "docker-compose.yml"

func compose(t *testing.T) composition {
	t.Helper()
	decoder := yaml.NewDecoder(strings.NewReader(read(t, composeFile)))
	decoder.KnownFields(true)
	var c composition
	if err := decoder.Decode(&c); err != nil {
		t.Fatalf("%s: %v", composeFile, err)
	}
	return c
}

// effective are the settings of the kong container: the image's environment and,
// over it, the service's.
func (c composition) effective(t *testing.T) *conf.Conf {
	t.Helper()
	environment := stageNamed(t, c.Services["kong"].Build.Target).environment()
	maps.Copy(environment, c.Services["kong"].Environment)
	return fromEnvironment(t, environment).runsPlugin(t, kongPrefix)
}

// listens returns the port that a service serves.
func (c composition) listens(t *testing.T, name string) string {
	t.Helper()
	service := c.Services[name]
	switch {
	case name == "kong":
		_, port, _ := strings.Cut(c.effective(t).ProxyListen[0], ":")
		return port
	case name == "edge":
		return regexp.MustCompile(`(?m)^  bind :(\d+)$`).FindStringSubmatch(read(t, haproxyConfig))[1]
	}
	i := slices.IndexFunc(service.Command, func(s string) bool { return s == "-addr" || s == "--port" })
	if i < 0 || i+1 == len(service.Command) {
		t.Fatalf("%s: expected -addr or --port in %q", name, service.Command)
	}
	return strings.TrimPrefix(service.Command[i+1], ":")
}

func TestComposeReferencesExist(t *testing.T) {
	c := compose(t)
	args, list := stages(t)
	for name, s := range c.Services {
		if (s.Image == "") == (s.Build == nil) {
			t.Errorf("%s: expected an image or a build, got %q and %v", name, s.Image, s.Build)
		}
		if b := s.Build; b != nil {
			if b.Context != "." || b.Dockerfile != dockerfile {
				t.Errorf("%s: expected %s in the project's folder, got %s in %s", name, dockerfile, b.Dockerfile, b.Context)
			}
			if !slices.ContainsFunc(list, func(s stage) bool { return s.name == b.Target }) {
				t.Errorf("%s: no stage %q", name, b.Target)
			}
			for arg := range b.Args {
				if args[arg] == "" {
					t.Errorf("%s: %s has no ARG %s", name, dockerfile, arg)
				}
			}
		}
		for _, v := range s.Volumes {
			parts := strings.Split(v, ":")
			if len(parts) != 3 || parts[2] != "ro" {
				t.Errorf("%s: expected SOURCE:TARGET:ro, got %q", name, v)
				continue
			}
			if info, err := os.Stat(inRoot(t, parts[0])); err != nil || info.IsDir() {
				t.Errorf("%s: expected a file %s: %v", name, parts[0], err)
			}
		}
		for other, condition := range s.DependsOn {
			on, ok := c.Services[other]
			healthy := condition == "service_healthy"
			if !ok || !healthy && condition != "service_started" || healthy && on.Healthcheck == nil {
				t.Errorf("%s: depends on %s, %s", name, other, condition)
			}
		}
		if h := s.Healthcheck; h != nil {
			for _, d := range []string{h.Interval, h.Timeout} {
				if _, err := time.ParseDuration(d); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
		}
	}
}

func TestComposePortsMeet(t *testing.T) {
	c := compose(t)
	taken := map[string]string{}
	for name, s := range c.Services {
		for _, p := range s.Ports {
			host, inside, ok := strings.Cut(p, ":")
			if want := c.listens(t, name); !ok || inside != want {
				t.Errorf("%s: publishes %q, listens on %s", name, p, want)
			}
			if taken[host] != "" {
				t.Errorf("%s and %s publish the port %s", name, taken[host], host)
			}
			taken[host] = name
		}
	}
	for _, m := range regexp.MustCompile(`http://localhost:(\d+)`).FindAllStringSubmatch(read(t, composeFile), -1) {
		if taken[m[1]] == "" {
			t.Errorf("the comment's %s is published by nobody", m[0])
		}
	}
}

// TestComposeAddressesMeet: every host in kong.yml and haproxy.cfg is a service
// that listens there.
func TestComposeAddressesMeet(t *testing.T) {
	c := compose(t)
	found := regexp.MustCompile(`(?m)^[^#\n]*?(http://[a-z]+:\d+)`).FindAllStringSubmatch(read(t, "kong/kong.yml"), -1)
	server := regexp.MustCompile(`(?m)^  server \S+ (\S+)`).FindStringSubmatch(read(t, haproxyConfig))
	for _, address := range append(found, []string{"", "http://" + server[1]}) {
		u, err := url.Parse(address[1])
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := c.Services[u.Hostname()]; !ok {
			t.Errorf("%s: no service %q", address[1], u.Hostname())
		} else if port := c.listens(t, u.Hostname()); port != u.Port() {
			t.Errorf("%s: the service listens on %s", address[1], port)
		}
	}
	if len(found) < 6 {
		t.Errorf("expected the services' and issuers' addresses in kong.yml, got %d", len(found))
	}
}

// TestComposeHasTheRedisOfTheReference: the lines in kong.yml that wait to be
// uncommented are good ones, and lead to a service that listens there.
func TestComposeHasTheRedisOfTheReference(t *testing.T) {
	c := compose(t)
	const waiting = "            # policy: redis\n            # redis:\n            #   host: redis\n"
	reference := read(t, "kong/kong.yml")
	if strings.Count(reference, waiting) != 1 {
		t.Fatalf("kong.yml: expected once\n%s", waiting)
	}
	set := checkDeck(t, strings.Replace(reference, waiting, strings.ReplaceAll(waiting, "# ", ""), 1))
	for _, p := range set.Plugins {
		limits, _ := p.Config["rate_limiting"].(map[string]any)
		if limits["policy"] != config.PolicyRedis {
			continue
		}
		redis, _ := limits["redis"].(map[string]any)
		if port := fmt.Sprint(redis["port"]); redis["host"] != "redis" || c.listens(t, "redis") != port {
			t.Errorf("got %v:%s, the service listens on %s", redis["host"], port, c.listens(t, "redis"))
		}
		return
	}
	t.Error("expected an instance with policy redis, got none")
}

// TestComposeRunsKongAsDocumented holds the container against kong.conf and its
// mounted configuration.
func TestComposeRunsKongAsDocumented(t *testing.T) {
	c := compose(t)
	got, want := c.effective(t), kongConf(t).load(t, kongPrefix)
	if got.DeclarativeConfig != want.DeclarativeConfig || got.HeaderBuffers != want.HeaderBuffers {
		t.Errorf("got %s and %+v, kong.conf has %s and %+v", got.DeclarativeConfig, got.HeaderBuffers, want.DeclarativeConfig, want.HeaderBuffers)
	}
	if mount := "./kong/kong.yml:" + got.DeclarativeConfig + ":ro"; !slices.Contains(c.Services["kong"].Volumes, mount) {
		t.Errorf("expected the volume %s, got %q", mount, c.Services["kong"].Volumes)
	}
	if mount := "./" + haproxyConfig + ":/usr/local/etc/haproxy/haproxy.cfg:ro"; !slices.Contains(c.Services["edge"].Volumes, mount) {
		t.Errorf("expected the volume %s, got %q", mount, c.Services["edge"].Volumes)
	}
	if !strings.HasPrefix(got.AdminListen[0], "127.0.0.1:") {
		t.Errorf("expected the Admin API inside the container only, got %s", got.AdminListen[0])
	}
	if got.LogLevel != "notice" {
		t.Errorf("expected log_level notice, which shows verdicts and no header lines, got %s", got.LogLevel)
	}
	if args, image := c.Services["kong"].Build.Args, func() string { a, _ := stages(t); return a["KONG_IMAGE"] }(); args["KONG_IMAGE"] != image {
		t.Errorf("expected %s, got %s", image, args["KONG_IMAGE"])
	}
}
