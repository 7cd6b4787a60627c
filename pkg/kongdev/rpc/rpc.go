// Package rpc is the gateway's client of external plugin servers: the
// ProtoBuf:1 protocol over a unix socket as kong/runloop/plugin_servers/rpc/
// pb_rpc.lua and plugin.lua speak it.
//
// A Client belongs to one worker and one plugin. It keeps the worker's table of
// plugin instances (started at the first request that needs one) and its pool
// of keep-alive connections. HandleEvent runs one phase of one request.
package rpc

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	pb "github.com/Kong/go-pdk/server/kong_plugin_protocol"
	"google.golang.org/protobuf/proto"

	"kong-plugin-auth-diagnosis/pkg/kongdev/errlog"
	"kong-plugin-auth-diagnosis/pkg/kongdev/exchange"
	"kong-plugin-auth-diagnosis/pkg/kongdev/pdk"
)

// ErrServer marks a failure that Kong answers with kong.response.error(500):
// the plugin server could not be reached, went silent or asked for an unknown
// method. Any other error of HandleEvent is a Lua error.
var ErrServer = errors.New("pluginserver error")

// Config is one plugin configuration as a plugin server receives it.
type Config struct {
	PluginID string // the key of the instance table
	Seq      int64  // changes whenever the configuration was loaded anew
	JSON     []byte
}

// Client is safe for concurrent use by the requests of its worker.
type Client struct {
	plugin    string
	socket    string
	log       *errlog.Log
	pool      *pool
	table     table
	sequence  atomic.Int64
	onReset   func(plugin string)
	stop      <-chan struct{}
	claimStep time.Duration
}

// Options of a Client.
type Options struct {
	Plugin  string
	Socket  string
	Log     *errlog.Log
	Now     func() time.Time
	OnReset func(plugin string) // posts reset_instances to all workers, and waits for none
	Stop    <-chan struct{}     // ends the replays when the gateway stops
}

// New returns a client without connections or instances.
func New(o Options) *Client {
	return &Client{plugin: o.Plugin, socket: o.Socket, log: o.Log, onReset: o.OnReset, stop: o.Stop,
		pool: &pool{now: o.Now}, table: newTable(), claimStep: 100 * time.Millisecond}
}

// Close drops the idle connections and keeps none from now on, as an exiting
// nginx worker does. Events go on, each on a connection of its own.
func (c *Client) Close() { c.pool.close() }

// Reset forgets the instances that were started: the plugin server has restarted.
func (c *Client) Reset() { c.table.reset() }

// HandleEvent runs a phase of a request through the plugin. It starts the
// instance when there is none for this configuration, and starts and repeats
// without bound while the server closes the connection during the event.
func (c *Client) HandleEvent(x *exchange.Exchange, cfg *Config, phase string) error {
	for {
		id, err := c.instance(cfg)
		if err == nil {
			err = c.event(x, id, phase)
		}
		if err == nil || errors.Is(err, pdk.ErrExit) {
			return nil
		}
		if !errors.Is(err, ErrServer) {
			return err
		}
		if text := strings.ToLower(err.Error()); !strings.Contains(text, "closed") &&
			!strings.Contains(text, "no plugin instance") {
			c.log.Printf(errlog.Err, "[kong] pb_rpc.lua [%s] %v", c.plugin, err)
			return err
		}
		c.log.Printf(errlog.Warn, "[kong] pb_rpc.lua [%s] closed", c.plugin)
		c.Reset()
		if c.onReset != nil {
			c.onReset(c.plugin)
		}
		select {
		case <-c.stop:
			return err
		default:
		}
	}
}

// event sends cmd_handle_event and answers PDK calls until the plugin ends it.
func (c *Client) event(x *exchange.Exchange, id int32, phase string) error {
	cn, seq, err := c.send(&pb.RpcCall{Call: &pb.RpcCall_CmdHandleEvent{
		CmdHandleEvent: &pb.CmdHandleEvent{InstanceId: id, EventName: phase}}})
	if err != nil {
		return err
	}
	drop := func() { x.OnEnd(func() { cn.Close() }) } // a cosocket ends with its request
	for {
		name, err := cn.readFrame()
		if err != nil {
			drop()
			return serverError(err)
		}
		if len(name) == 0 {
			break
		}
		args, err := cn.readFrame()
		if err != nil {
			drop()
			return serverError(err)
		}
		reply, err := pdk.Call(x, string(name), args)
		if err != nil {
			drop()
			if errors.Is(err, pdk.ErrNoMethod) {
				return serverError(err)
			}
			return err
		}
		if err := cn.writeFrame(reply); err != nil {
			drop()
			return fmt.Errorf("pb_rpc.lua: %w", err) // assert(c:send(…)): a Lua error
		}
	}
	_, err = c.finish(cn, seq, drop)
	return err
}

func serverError(err error) error { return fmt.Errorf("%w: %w", ErrServer, err) }

// send takes a connection and writes one RpcCall on it.
func (c *Client) send(call *pb.RpcCall) (*conn, int64, error) {
	cn := c.pool.get()
	if cn == nil {
		var err error
		if cn, err = dial(c.socket); err != nil {
			c.log.Printf(errlog.Err, "[kong] pb_rpc.lua [%s] trying to connect: %v", c.plugin, err)
			return nil, 0, serverError(err)
		}
	}
	call.Sequence = c.sequence.Add(1)
	msg, err := proto.Marshal(call)
	if err == nil {
		err = cn.writeFrame(msg)
	}
	if err != nil {
		cn.Close()
		return nil, 0, fmt.Errorf("pb_rpc.lua: %w", err)
	}
	return cn, call.Sequence, nil
}

// finish reads the RpcReturn and gives the connection back.
func (c *Client) finish(cn *conn, seq int64, drop func()) (*pb.RpcReturn, error) {
	msg, err := cn.readFrame()
	if err != nil {
		drop()
		return nil, serverError(err)
	}
	ret := &pb.RpcReturn{}
	if err := proto.Unmarshal(msg, ret); err != nil {
		cn.Close()
		return nil, fmt.Errorf("pb_rpc.lua: decoding RpcReturn: %w", err)
	}
	if ret.Sequence != seq {
		cn.Close()
		return nil, fmt.Errorf("pb_rpc.lua: assertion failed: expected sequence %d, got %d", seq, ret.Sequence)
	}
	c.pool.put(cn)
	return ret, nil
}

// start sends cmd_start_instance and returns the id the server chose.
func (c *Client) start(cfg *Config) (int32, error) {
	cn, seq, err := c.send(&pb.RpcCall{Call: &pb.RpcCall_CmdStartInstance{
		CmdStartInstance: &pb.CmdStartInstance{Name: c.plugin, Config: cfg.JSON}}})
	if err != nil {
		return 0, err
	}
	ret, err := c.finish(cn, seq, func() { cn.Close() })
	if err != nil {
		return 0, err
	}
	status := ret.GetInstanceStatus()
	if status == nil {
		return 0, errors.New("plugin.lua: attempt to index field 'instance_status' (a nil value)")
	}
	return status.InstanceId, nil
}

// closeInstance sends cmd_close_instance. Kong does not care about an error that
// Rpc:call returns; the error is one that it throws.
func (c *Client) closeInstance(id int32) error {
	cn, seq, err := c.send(&pb.RpcCall{Call: &pb.RpcCall_CmdCloseInstance{
		CmdCloseInstance: &pb.CmdCloseInstance{InstanceId: id}}})
	if err == nil {
		_, err = c.finish(cn, seq, func() { cn.Close() })
	}
	if errors.Is(err, ErrServer) {
		c.log.Printf(errlog.Info, "[kong] plugin.lua [%s] closing instance: %v", c.plugin, err)
		return nil
	}
	return err
}
