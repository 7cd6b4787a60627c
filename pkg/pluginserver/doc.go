// Package pluginserver serves one Kong plugin over Kong's plugin-server protocol
// (ProtoBuf:1 on a unix stream socket; kong/runloop/plugin_servers in Kong's source). It
// knows nothing of what the plugin does.
//
// Where to start:
//   - [Program] and [Main]: a plugin binary with go-pdk's command line.
//   - [Plugin] and [Handler]: what a plugin provides.
//   - [Event]: what a handler may do while Kong waits. [Event.Ask] waits for an answer,
//     [Event.Tell] does not, [Event.Exit] answers the client.
//   - [Serve] and [Options]: the server alone.
//
// It stands in for go-pdk's own server, and differs where that one would hurt a gateway:
//
//   - Instance ids are random. go-pdk takes the id from the configuration's __seq__,
//     which starts again at a reload: a draining nginx worker's event then runs another
//     route's configuration.
//   - A connection is never closed while an event is open: Kong would start the instance
//     anew and replay the event, without bound. A panic, an unreadable or oversized
//     reply, a missed deadline all end as kong.response.exit with a 5xx status instead,
//     in frame order and exactly once. The one close that Kong is meant to see is for an
//     instance id that this process does not know, before any PDK call.
//   - A process that another one has taken the socket's path from takes no new events,
//     so that its end costs no request, and ends by itself if nobody else ends it.
//   - Frames are bounded, and a frame's length is never trusted for an allocation.
//   - PDK calls without an answer are pipelined. Kong reads frames strictly in order and
//     answers a void call with an empty frame, so the calls of one event leave in one
//     write per wait and one at the end, and their answers are read when they are in the
//     way.
//
// One goroutine serves a connection and runs its handlers. A handler that overruns the
// deadline keeps that goroutine, but a watchdog takes the connection from it: from then
// on every method of its Event returns [ErrOver] and writes nothing.
package pluginserver
