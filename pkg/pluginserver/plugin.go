package pluginserver

import (
	"errors"
	"fmt"
	"slices"

	"kong-plugin-auth-diagnosis/pkg/pdkwire"
)

// Info describes a plugin as -dump prints it.
type Info struct {
	Name     string   // plugin, binary and socket name
	Version  string   // x.y.z
	Priority int      // Kong runs the higher one first
	Phases   []string // Kong's phase names, for instance "access"
	Schema   any      // Kong's plugin schema; anything encoding/json can write
}

// Plugin is what a server serves.
type Plugin struct {
	Info

	// Start makes the handler of one instance from its configuration: JSON as Kong
	// sends it, owned by the callee. It MUST return at once and MUST NOT use the
	// network: the other requests of that nginx worker poll meanwhile. It cannot fail. A
	// configuration that is no good is for the handler to explain, because Kong answers
	// a failed start with a bare 500 and no cause. A panic or a nil Handler makes an
	// instance whose every event ends as FaultPanic.
	Start func(config []byte) Handler

	// Fault, if set, words the answer to an event that failed. It MUST return at once and
	// cannot use the event any more; it may run while an overdue handler still does. A
	// status outside 500 to 599 is sent as 500, a panic gives the answer of a nil Fault.
	Fault func(Fault) Exit
}

// Handler runs the events of one plugin instance. Events of different connections run
// at the same time.
type Handler interface {
	// Handle runs one event. The request goes on when it returns, unless it has called
	// ev.Exit. It MUST NOT keep ev.
	Handle(phase string, ev *Event)
}

// HandlerFunc makes a Handler of a function.
type HandlerFunc func(phase string, ev *Event)

// Handle calls f.
func (f HandlerFunc) Handle(phase string, ev *Event) { f(phase, ev) }

// FaultKind says why the server ended an event itself.
type FaultKind int

const (
	FaultUnknown  FaultKind = iota
	FaultPanic              // the handler (or its Start) panicked
	FaultReply              // Kong's answer to a PDK call was malformed or too large
	FaultDeadline           // the event took longer than Options.Deadline
	FaultCommand            // Kong's command was malformed, too large or for no phase of ours
	FaultShutdown           // the process ends and the event was still running
)

var faultNames = [...]string{"unknown", "panic", "reply", "deadline", "command", "shutdown"}

// String returns a stable lower-case name.
func (k FaultKind) String() string {
	if k < 0 || int(k) >= len(faultNames) {
		return faultNames[FaultUnknown]
	}
	return faultNames[k]
}

// Fault is what is known of an event that failed.
type Fault struct {
	Kind    FaultKind
	Phase   string  // empty when the command could not be read
	Handler Handler // the instance's handler; nil when the command could not be read
	Hint    string  // what the handler gave to Event.SetHint, for instance a request id
}

// Exit is an answer to the client: the arguments of kong.response.exit.
type Exit struct {
	Status  int
	Body    []byte
	Headers []pdkwire.Header
}

// HandlerFunc is a Handler.
var _ Handler = HandlerFunc(nil)

// defaultExit is worded as Kong words its own failures.
func defaultExit() Exit {
	return Exit{
		Status:  500,
		Body:    []byte(`{"message":"An unexpected error occurred"}`),
		Headers: []pdkwire.Header{{Name: "Content-Type", Values: []string{"application/json; charset=utf-8"}}},
	}
}

// answer asks the plugin for the answer to f and keeps the promise that it is a 5xx.
func (p *Plugin) answer(f Fault) (exit Exit) {
	if p.Fault == nil {
		return defaultExit()
	}
	defer func() {
		if recover() != nil {
			exit = defaultExit()
		}
	}()
	exit = p.Fault(f)
	if exit.Status < 500 || exit.Status > 599 {
		exit.Status = 500
	}
	return exit
}

// hasPhase reports whether Kong may send that phase.
func (p *Plugin) hasPhase(phase string) bool { return slices.Contains(p.Phases, phase) }

// check returns what makes p unusable, a mistake of its author.
func (p *Plugin) check() error {
	switch {
	case p.Name == "":
		return errors.New("plugin has no name")
	case p.Start == nil:
		return fmt.Errorf("plugin %q has no Start", p.Name)
	case len(p.Phases) == 0:
		return fmt.Errorf("plugin %q has no phase", p.Name)
	}
	return nil
}
