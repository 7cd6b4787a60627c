package pluginserver_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"kong-plugin-auth-diagnosis/pkg/pluginserver"
)

func TestIDsAreRandomNotSequenceNumbers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, _, _ := serve(t, probe(func(string, *event) {}), pluginserver.Options{})
		defer k.nc.Close()
		seen := map[int32]bool{}
		small := 0
		for range 200 {
			id := k.start(`{"__seq__": 6}`)
			if id <= 0 || seen[id] {
				t.Fatalf("got id %d, expected a new positive one", id)
			}
			seen[id] = true
			if id < 1<<20 {
				small++ // 1 in 2048 by chance
			}
		}
		if small > 20 {
			t.Errorf("%d of 200 ids are small numbers", small)
		}
	})
}

func TestIDsAvoidZeroAndCollisions(t *testing.T) {
	now := time.Unix(0, 0)
	ids := pluginserver.NewInstances(time.Hour, 10)
	draws := []int32{0, 5, 5, 0, 5, 9}
	ids.SetDraw(func() int32 {
		id := draws[0]
		draws = draws[1:]
		return id
	})
	a, b := pluginserver.Add(ids, nil, now), pluginserver.Add(ids, nil, now)
	if a.ID() != 5 || b.ID() != 9 {
		t.Errorf("got ids %d and %d, expected 5 and 9", a.ID(), b.ID())
	}
}

// The one close that is allowed: nothing is written before it, so Kong starts the
// instance here and replays the event once.
func TestUnknownInstanceClosesBeforeAnyCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, _, server := serve(t, probe(func(string, *event) { t.Error("handler ran") }), pluginserver.Options{})
		id := k.start("{}")
		before := server.writes()
		k.beginEvent(id^1, "access")
		if err := k.eof(); err != nil {
			t.Error(err)
		}
		if n := server.writes() - before; n != 0 {
			t.Errorf("got %d writes, expected none", n)
		}
	})
}

// A draining nginx worker meets the successor of its plugin process with the ids of the
// predecessor. None of them may run another route's configuration there.
func TestOldIDsRunNoOtherConfiguration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		plugin := probe(func(string, *event) { t.Error("an old id ran a handler of the new process") })
		first := pluginserver.NewServer(plugin, pluginserver.Options{})
		second := pluginserver.NewServer(plugin, pluginserver.Options{})
		dial := func(s *pluginserver.Server) *kong {
			server, client := pipe(0)
			s.ServeConn(server)
			return &kong{t: t, nc: client}
		}
		var old []int32
		for seq := 1; seq <= 20; seq++ {
			for i, s := range []*pluginserver.Server{first, second} {
				k := dial(s)
				if id := k.start(fmt.Sprintf(`{"__seq__": %d}`, seq)); i == 0 {
					old = append(old, id)
				}
				k.nc.Close()
			}
		}
		for _, id := range old {
			k := dial(second)
			if got := k.event(id, "access"); got.err == nil {
				t.Errorf("id %d: got %+v, expected a close", id, got)
			}
			k.nc.Close()
		}
	})
}

func TestCloseEndsOneInstanceAfterAGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, s, _ := serve(t, probe(func(string, *event) {}), pluginserver.Options{})
		defer k.nc.Close()
		old, other := k.start("{}"), k.start("{}")
		<-time.After(2 * time.Minute) // go-pdk would drop all that are older than 60 s
		if got := k.close(old); got.GetInstanceId() != old || got.GetName() != "probe" {
			t.Errorf("got status %v", got)
		}
		if got := k.close(12345); got.GetInstanceId() != 12345 {
			t.Errorf("closing an unknown id: got %v", got)
		}
		if got := k.event(old, "access"); got.ret == nil {
			t.Errorf("a request that had picked the id before the close: got %+v", got)
		}
		<-time.After(pluginserver.RetireGrace)
		if got := k.event(other, "access"); got.ret == nil {
			t.Errorf("another instance: got %+v", got)
		}
		if got := k.event(old, "access"); got.err == nil {
			t.Errorf("after the grace: got %+v, expected a close", got)
		}
		if n := s.Instances(); n != 2 {
			t.Errorf("got %d instances before a sweep, expected 2", n)
		}
	})
}

func TestInstancesExpireByTime(t *testing.T) {
	now := time.Unix(1000, 0)
	ids := pluginserver.NewInstances(10*time.Minute, 100)
	used, idle := pluginserver.Add(ids, nil, now), pluginserver.Add(ids, nil, now)
	now = now.Add(9 * time.Minute)
	if pluginserver.Use(ids, used.ID(), now) == nil {
		t.Fatal("a started instance is not known")
	}
	now = now.Add(time.Minute)
	if pluginserver.Use(ids, idle.ID(), now) != nil {
		t.Error("an instance without events for 10 minutes still runs")
	}
	pluginserver.Sweep(ids, now)
	if n := pluginserver.Count(ids); n != 1 {
		t.Errorf("got %d instances after a sweep, expected 1", n)
	}
	if pluginserver.Use(ids, used.ID(), now.Add(8*time.Minute)) == nil {
		t.Error("an event did not put the expiry off")
	}
}

func TestInstancesAreBounded(t *testing.T) {
	now := time.Unix(1000, 0)
	ids := pluginserver.NewInstances(time.Hour, 3)
	first := pluginserver.Add(ids, nil, now)
	second := pluginserver.Add(ids, nil, now.Add(time.Second))
	pluginserver.Use(ids, first.ID(), now.Add(2*time.Second))
	for i := range 2 {
		pluginserver.Add(ids, nil, now.Add(time.Duration(3+i)*time.Second))
	}
	if n := pluginserver.Count(ids); n != 3 {
		t.Errorf("got %d instances, expected 3", n)
	}
	if pluginserver.Use(ids, second.ID(), now) != nil || pluginserver.Use(ids, first.ID(), now) == nil {
		t.Error("expected the one without events for longest to go")
	}
}
