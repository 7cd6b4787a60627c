package rpc

import (
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"kong-plugin-auth-diagnosis/pkg/kongdev/errlog"
)

// maxClaimSteps bounds how long requests wait for another one's START: 10 s.
const maxClaimSteps = 100

// running is an entry of running_instances. While started is false some request
// is starting the instance and the others poll.
type running struct {
	id      int32
	seq     int64
	started bool
	named   bool // has a plugin_name: it was started at least once
}

// table maps plugin ids to instances.
type table struct {
	mu   *sync.Mutex
	byID map[string]*running
}

func newTable() table { return table{&sync.Mutex{}, map[string]*running{}} }

// reset is reset_instances_for_plugin: it knows the entries by a field that a fresh
// claim does not have yet, so those stay.
func (t table) reset() {
	t.mu.Lock()
	defer t.mu.Unlock()
	maps.DeleteFunc(t.byID, func(_ string, r *running) bool { return r.named })
}

// claim looks a configuration up. ready says that id can be used; mine that the
// caller must start r, whose predecessor was id (0: none).
func (t table) claim(cfg *Config) (r *running, id int32, ready, mine bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	r = t.byID[cfg.PluginID]
	switch {
	case r == nil:
		r = &running{seq: cfg.Seq}
		t.byID[cfg.PluginID] = r
		return r, 0, false, true
	case !r.started:
		return r, 0, false, false
	case r.seq == cfg.Seq:
		return r, r.id, true, false
	}
	r.started = false
	return r, r.id, false, true
}

func (t table) drop(pluginID string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.byID, pluginID)
}

func (t table) set(r *running, id int32, seq int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	r.id, r.seq, r.started, r.named = id, seq, true, true
}

// instance is get_instance_id. A START that fails is a Lua error: the request
// ends as 500. ErrServer is for a claim that nobody has kept its promise of.
func (c *Client) instance(cfg *Config) (int32, error) {
	for step := 0; ; step++ {
		r, id, ready, mine := c.table.claim(cfg)
		if ready {
			return id, nil
		}
		if mine {
			return c.startClaimed(cfg, r, id)
		}
		if step >= maxClaimSteps {
			c.table.drop(cfg.PluginID)
			return 0, serverError(fmt.Errorf("could not claim instance_id for %s (key: %s)", c.plugin, cfg.PluginID))
		}
		select {
		case <-c.stop:
			return 0, serverError(errClosed)
		case <-time.After(c.claimStep):
		}
	}
}

// startClaimed starts the instance that r promises. Of an error that Rpc:call returns
// the claim ends, and the next request tries again. One that it throws (a send that
// fails, an answer that is none) leaves the claim in the table: the next request waits
// for it, in vain, and only the one behind that tries again.
func (c *Client) startClaimed(cfg *Config, r *running, old int32) (int32, error) {
	id, err := c.start(cfg)
	if errors.Is(err, ErrServer) {
		c.log.Printf(errlog.Err, "[kong] plugin.lua [%s] starting instance: %v", c.plugin, err)
		c.table.drop(cfg.PluginID)
		return 0, fmt.Errorf("plugin.lua: starting instance: %v", err) // %v: not an ErrServer
	}
	if err != nil {
		return 0, err
	}
	c.table.set(r, id, cfg.Seq)
	c.log.Printf(errlog.Debug, "[kong] pb_rpc.lua [%s] started plugin server: seq %d, instance id %d", c.plugin, cfg.Seq, id)
	if old != 0 {
		err = c.closeInstance(old)
	}
	return id, err
}
