package gateway

import "kong-plugin-auth-diagnosis/pkg/kongdev/errlog"

// maxEvents bounds the events that are on their way (Kong's max_queue_len is 51200).
const maxEvents = 1024

// post sends reset_instances as lua-resty-events does: to every worker, this one too,
// at some time after it has returned. An instance that the worker has started meanwhile
// is forgotten with the others. A worker that is to exit sends none any more.
func (w *worker) post(plugin string) {
	if w.isDraining() {
		return
	}
	select {
	case w.gen.events <- plugin:
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
		case plugin := <-gen.events:
			for _, w := range gen.workers {
				if !w.isDraining() {
					w.client(plugin).Reset()
				}
			}
		}
	}
}
