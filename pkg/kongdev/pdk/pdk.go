// Package pdk plays Kong's side of the PDK for external plugins: Call takes a
// method name and its protobuf arguments as a plugin sends them and returns the
// reply frame, with the semantics of kong/pdk in the access phase of 3.9.3.
//
// The methods are those of kong/pluginsocket.proto. A method that Kong refuses
// in the access phase is refused here; one that exists in Kong and is not
// played here fails as a Lua error that says so.
package pdk

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"kong-plugin-auth-diagnosis/pkg/kongdev/exchange"
	"kong-plugin-auth-diagnosis/pkg/kongdev/pdkpb"
)

var (
	// ErrExit says that kong.response.exit ended the request: Kong answers
	// nothing to the plugin and drops the connection.
	ErrExit = errors.New("the request was ended by kong.response.exit")
	// ErrNoMethod is Kong's `method "…" not found`.
	ErrNoMethod = errors.New("not found")
)

// LuaError is an error raised by a PDK function. It ends the plugin's phase
// with a 500.
type LuaError string

func (e LuaError) Error() string { return string(e) }

func luaErrorf(format string, args ...any) error { return LuaError(fmt.Sprintf(format, args...)) }

// method answers one PDK call; a nil reply is the empty frame.
type method func(x *exchange.Exchange, args []byte) ([]byte, error)

// methods is the call table, filled by the files of this package.
var methods = map[string]method{}

func register(table map[string]method) {
	for name, m := range table {
		if _, dup := methods[name]; dup {
			panic("pdk: method registered twice: " + name)
		}
		methods[name] = m
	}
}

// Methods lists the method names, sorted.
func Methods() []string { return slices.Sorted(maps.Keys(methods)) }

// Call runs one PDK call. The error is ErrExit, an ErrNoMethod, or what ends
// the phase with a 500: a LuaError or a malformed payload.
func Call(x *exchange.Exchange, name string, args []byte) ([]byte, error) {
	m, ok := methods[name]
	if !ok {
		return nil, fmt.Errorf("method %q %w", name, ErrNoMethod)
	}
	return m(x, args)
}

// text makes a method without arguments that returns a string.
func text(f func(x *exchange.Exchange) string) method {
	return func(x *exchange.Exchange, _ []byte) ([]byte, error) { return pdkpb.String(f(x)), nil }
}

// integer makes a method without arguments that returns an Int.
func integer(f func(x *exchange.Exchange) int) method {
	return func(x *exchange.Exchange, _ []byte) ([]byte, error) { return pdkpb.Int(f(x)), nil }
}

// named makes a method with one String argument.
func named(f func(x *exchange.Exchange, name string) ([]byte, error)) method {
	return func(x *exchange.Exchange, args []byte) ([]byte, error) {
		name, err := pdkpb.DecodeString(args)
		if err != nil {
			return nil, err
		}
		return f(x, name)
	}
}

// wrongPhase is a method that exists but not in the access phase.
func wrongPhase(only string) method {
	return func(*exchange.Exchange, []byte) ([]byte, error) {
		return nil, luaErrorf("function cannot be called in access phase (only in: %s)", only)
	}
}

// unplayed is a method that a real Kong has and this gateway does not.
func unplayed(name string) method {
	return func(*exchange.Exchange, []byte) ([]byte, error) {
		return nil, luaErrorf("%s is not available in the embedded gateway", name)
	}
}
