package pluginserver

import (
	"encoding/json"
	"errors"
	"math"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	pb "github.com/Kong/go-pdk/server/kong_plugin_protocol"
)

var errCommand = errors.New("malformed command")

// noLimit is for frames that are read away and not answered.
const noLimit = math.MaxInt32

// dispatch runs one command and reports whether the connection goes on.
func (c *conn) dispatch(call *pb.RpcCall) bool {
	ret := &pb.RpcReturn{Sequence: call.GetSequence()}
	switch cmd := call.GetCall().(type) {
	case *pb.RpcCall_CmdHandleEvent:
		ev := cmd.CmdHandleEvent
		return c.event(eventCall{call.GetSequence(), ev.GetInstanceId(), ev.GetEventName()})
	case *pb.RpcCall_CmdStartInstance:
		ret.Return = c.srv.start(cmd.CmdStartInstance)
	case *pb.RpcCall_CmdCloseInstance:
		ret.Return = c.srv.retire(cmd.CmdCloseInstance.GetInstanceId())
	case *pb.RpcCall_CmdGetInstanceStatus:
		ret.Return = c.srv.status(cmd.CmdGetInstanceStatus.GetInstanceId())
	case *pb.RpcCall_CmdGetPluginNames:
		ret.Return = &pb.RpcReturn_PluginNames{PluginNames: &pb.PluginNames{Names: []string{c.srv.plugin.Name}}}
	case *pb.RpcCall_CmdGetPluginInfo:
		ret.Return = c.srv.info()
	default:
		c.refuse(errCommand)
		return false
	}
	return c.answer(ret)
}

// answer sends the return of a command that is no event.
func (c *conn) answer(ret *pb.RpcReturn) bool {
	c.ret(ret)
	return c.out.flush(c.nc) == nil
}

// ret appends the frame of an RpcReturn.
func (c *conn) ret(ret *pb.RpcReturn) {
	b, err := proto.MarshalOptions{}.MarshalAppend(c.tmp[:0], ret)
	if err != nil {
		// Only a name that is not UTF-8 does this, and Kong needs none.
		b, _ = proto.Marshal(&pb.RpcReturn{Sequence: ret.GetSequence()})
	}
	c.tmp = b
	c.out.frame(b)
}

// refuse answers a command that could not be understood with an exit. It may have been
// an event, and then closing would make Kong replay it for ever; if it was another
// command, Kong fails to read the answer, which is a 500 too.
func (c *conn) refuse(err error) {
	if !errors.Is(err, errOversized) && !errors.Is(err, errCommand) {
		return // the connection is gone
	}
	ev := &Event{c: c}
	c.fail(ev, FaultCommand, false)
}

// event runs a handler and reports whether the connection goes on.
func (c *conn) event(call eventCall) bool {
	if c.srv.succession.superseded() {
		return false // closing makes Kong start the instance with the successor and replay the event
	}
	inst := c.srv.instances.use(call.instance, c.srv.opts.Now())
	if inst == nil {
		return false // as above, but here
	}
	budget := c.srv.opts.Deadline
	ev := &Event{c: c, phase: call.phase, handler: inst.handler, until: c.until, deadline: c.until}
	if !c.srv.plugin.hasPhase(ev.phase) {
		c.fail(ev, FaultCommand, false)
		return false
	}
	c.mu.Lock()
	c.open = ev
	if c.watchdog == nil {
		c.watchdog = time.AfterFunc(budget, c.expire)
	} else {
		c.watchdog.Reset(budget)
	}
	c.mu.Unlock()

	c.run(ev)
	return c.settle(ev, call.sequence)
}

// run calls the handler and turns its panic into a fault. A handler that ends its
// goroutine instead of returning is treated the same, and finish does the rest.
func (c *conn) run(ev *Event) {
	returned := false
	defer func() {
		if returned {
			return
		}
		c.srv.reportPanic(recover())
		c.fail(ev, FaultPanic, false)
	}()
	ev.handler.Handle(ev.phase, ev)
	returned = true
}

// settle ends an event after its handler has returned and reports whether the
// connection goes on.
func (c *conn) settle(ev *Event, sequence int64) bool {
	c.mu.Lock()
	if c.taken {
		c.mu.Unlock()
		return false
	}
	c.watchdog.Stop()
	c.open = nil
	over := ev.over
	ev.over = true
	c.mu.Unlock()
	if over {
		return false
	}
	c.out.frame(nil)
	c.tmp = appendReturn(c.tmp[:0], sequence)
	c.out.frame(c.tmp)
	return c.last() == nil
}

// start makes an instance and always succeeds. With a successor it only says so: no
// event will be served on it.
func (s *server) start(cmd *pb.CmdStartInstance) *pb.RpcReturn_InstanceStatus {
	if s.succession.superseded() {
		return s.status(drawID())
	}
	inst := s.instances.add(s.construct(cmd.GetConfig()), s.opts.Now())
	return s.statusOf(inst)
}

// construct calls the plugin's Start. What it cannot make becomes a handler that faults.
func (s *server) construct(config []byte) (h Handler) {
	defer func() {
		if r := recover(); r != nil {
			s.reportPanic(r)
			h = broken
		}
	}()
	if h = s.plugin.Start(config); h == nil {
		h = broken
	}
	return h
}

// broken is the handler of an instance whose Start failed.
var broken = HandlerFunc(func(_ string, ev *Event) { _ = ev.Fail(FaultPanic) })

// retire marks one instance as closed. Closing one that is not there is no error: Kong
// does not care, and another worker's close may have come first.
func (s *server) retire(id int32) *pb.RpcReturn_InstanceStatus {
	s.instances.retire(id, s.opts.Now())
	return s.status(id)
}

func (s *server) status(id int32) *pb.RpcReturn_InstanceStatus {
	if inst := s.instances.get(id); inst != nil {
		return s.statusOf(inst)
	}
	return &pb.RpcReturn_InstanceStatus{InstanceStatus: &pb.InstanceStatus{Name: s.plugin.Name, InstanceId: id}}
}

func (s *server) statusOf(inst *instance) *pb.RpcReturn_InstanceStatus {
	return &pb.RpcReturn_InstanceStatus{InstanceStatus: &pb.InstanceStatus{
		Name: s.plugin.Name, InstanceId: inst.id, StartedAt: inst.started.Unix(),
	}}
}

func (s *server) info() *pb.RpcReturn_PluginInfo {
	schema, _ := json.Marshal(s.plugin.Schema) // -dump has shown it; Kong 3 does not ask here
	return &pb.RpcReturn_PluginInfo{PluginInfo: &pb.PluginInfo{
		Name: s.plugin.Name, Phases: slices.Clone(s.plugin.Phases), Version: s.plugin.Version,
		Priority: int32(s.plugin.Priority), Schema: string(schema),
	}}
}
