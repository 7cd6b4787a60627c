package gateway

import (
	"kong-plugin-auth-diagnosis/pkg/kongdev/entity"
	"kong-plugin-auth-diagnosis/pkg/kongdev/errlog"
	"kong-plugin-auth-diagnosis/pkg/kongdev/runloop"
)

// maxEvents bounds the events that are on their way (Kong's max_queue_len is 51200).
const maxEvents = 1024

// event is what lua-resty-events brings to every worker of a generation, in order.
type event struct {
	plugin string      // reset_instances of this plugin, unless there is a
	set    *entity.Set // configuration: reconfigure
}

// post sends reset_instances as lua-resty-events does: to every worker, this one too,
// at some time after it has returned. An instance that the worker has started meanwhile
// is forgotten with the others. A worker that is to exit sends none any more.
func (w *worker) post(plugin string) {
	if w.isDraining() {
		return
	}
	select {
	case w.gen.events <- event{plugin: plugin}:
	default:
		w.gen.Log.Printf(errlog.Err, "[kong] plugin.lua [%s] failed to post plugin_server reset_instances event: queue overflow", plugin)
	}
}

// deliver is the broker of the events, until the generation ends.
func (gen *generation) deliver() {
	for {
		select {
		case <-gen.stopped:
			return
		case e := <-gen.events:
			for _, w := range gen.workers {
				if !w.isDraining() {
					w.notice(e)
				}
			}
		}
	}
}

// notice does what an event asks of a worker.
func (w *worker) notice(e event) {
	if e.set == nil {
		w.client(e.plugin).Reset()
		return
	}
	if err := w.reconfigure(e.set); err != nil {
		w.gen.Log.Printf(errlog.Err, "[kong] handler.lua declarative reconfigure failed on worker #%d: %v", w.id, err)
	}
}

// reconfigure gives the worker its own view of a configuration.
func (w *worker) reconfigure(set *entity.Set) error {
	state, err := runloop.NewState(set, w.gen.registry, w.client, w.proxy, func() int64 { return w.gen.seq.Add(1) })
	if err != nil {
		return err
	}
	w.state.Store(state)
	return nil
}

// publish makes a configuration the current one. The workers take it up one by one, at
// some time after this has returned. A generation that ends takes none up any more.
func (gen *generation) publish(set *entity.Set) {
	gen.mu.Lock()
	gen.set = set
	gen.mu.Unlock()
	select {
	case gen.events <- event{set: set}:
	case <-gen.stopped:
	}
}
