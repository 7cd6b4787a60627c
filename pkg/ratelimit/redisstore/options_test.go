package redisstore_test

import (
	"crypto/x509"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"kong-plugin-auth-diagnosis/pkg/ratelimit/redisstore"
)

func full() redisstore.Options {
	return redisstore.Options{
		Host: "redis.internal", Port: 6380, Username: "counter", Password: "pa55word-secret", Database: 3,
		Timeout: time.Second, SSL: true, SSLVerify: true, ServerName: "redis.example", RootCAs: x509.NewCertPool(),
	}
}

func TestOptionsHideThePassword(t *testing.T) {
	o := full()
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
		for _, value := range []any{o, &o, []redisstore.Options{o}, struct{ O redisstore.Options }{o}} {
			if text := fmt.Sprintf(verb, value); strings.Contains(text, o.Password) || strings.Contains(text, fmt.Sprintf("%x", o.Password)) {
				t.Errorf("%s of %T shows the password: %s", verb, value, text)
			}
		}
	}
	if text := o.Key(); strings.Contains(text, o.Password) {
		t.Errorf("the key shows the password: %s", text)
	}
	e := redisstore.Event{Store: o.String(), Fault: redisstore.FaultTimeout}
	if text, expected := e.String(), "redis redis.internal:6380/3 does not answer (timeout): deciding without it"; text != expected {
		t.Errorf("expected %q, got %q", expected, text)
	}
}

func TestOptionsAsText(t *testing.T) {
	for expected, o := range map[string]redisstore.Options{
		"redis.internal:6379/0":        {Host: "redis.internal"},
		"[::1]:6380/2":                 {Host: "::1", Port: 6380, Database: 2},
		"a:1,b:2/0":                    {ClusterNodes: []string{"a:1", "b:2"}},
		"mymaster@s1:26379,s2:26379/1": {SentinelNodes: []string{"s1:26379", "s2:26379"}, SentinelMaster: "mymaster", Database: 1},
	} {
		if got := o.String(); got != expected {
			t.Errorf("expected %q, got %q", expected, got)
		}
	}
}

// TestKeyTellsOptionsApart changes each field in turn.
func TestKeyTellsOptionsApart(t *testing.T) {
	base := full()
	if again := full(); base.Key() == again.Key() {
		t.Error("other authorities: expected another key")
	}
	if again := base; again.Key() != base.Key() {
		t.Error("equal options: expected one key")
	}
	known := map[string]string{base.Key(): "none"}
	for i := range reflect.TypeFor[redisstore.Options]().NumField() {
		o := base
		v := reflect.ValueOf(&o).Elem().Field(i)
		name := reflect.TypeFor[redisstore.Options]().Field(i).Name
		switch v.Kind() {
		case reflect.String:
			v.SetString(v.String() + "x")
		case reflect.Int, reflect.Int64:
			v.SetInt(v.Int() + 1)
		case reflect.Bool:
			v.SetBool(!v.Bool())
		case reflect.Slice:
			v.Set(reflect.ValueOf([]string{"other:1"}))
		case reflect.Pointer:
			v.SetZero()
		default:
			t.Fatalf("%s is a %s: extend this test", name, v.Kind())
		}
		key := o.Key()
		if other, found := known[key]; found {
			t.Errorf("%s: the same key as with %s changed", name, other)
		}
		known[key] = name
	}
	one, two := redisstore.Options{ClusterNodes: []string{"a:1", "b:2"}}, redisstore.Options{ClusterNodes: []string{"a:1 b:2"}}
	if one.Key() == two.Key() {
		t.Error("two lists that join to one text: expected two keys")
	}
}

func TestOpenRefusesBadOptions(t *testing.T) {
	good := full()
	change := func(f func(*redisstore.Options)) redisstore.Options {
		o := good
		f(&o)
		return o
	}
	for _, c := range []struct {
		name     string
		options  redisstore.Options
		expected error
	}{
		{"nothing", redisstore.Options{}, redisstore.ErrNoAddress},
		{"a host and a cluster", change(func(o *redisstore.Options) { o.ClusterNodes = []string{"a:1"} }), redisstore.ErrTwoKinds},
		{"port", change(func(o *redisstore.Options) { o.Port = 65_536 }), redisstore.ErrPort},
		{"sentinels without a master", redisstore.Options{SentinelNodes: []string{"a:1"}}, redisstore.ErrNoMaster},
		{"negative database", change(func(o *redisstore.Options) { o.Database = -1 }), redisstore.ErrDatabase},
		{"a database of a cluster", redisstore.Options{ClusterNodes: []string{"a:1"}, Database: 1}, redisstore.ErrDatabase},
		{"timeout", change(func(o *redisstore.Options) { o.Timeout = -1 }), redisstore.ErrTimeout},
		{"a name without tls", change(func(o *redisstore.Options) { o.SSL = false }), redisstore.ErrNameWithoutTLS},
	} {
		if _, err := redisstore.Open(c.options, redisstore.Hooks{}); !errors.Is(err, c.expected) || strings.Contains(fmt.Sprint(err), good.Password) {
			t.Errorf("%s: expected %q, got %v", c.name, c.expected, err)
		}
	}
	s, err := redisstore.Open(good, redisstore.Hooks{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Error(err)
	}
}
