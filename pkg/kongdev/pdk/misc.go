package pdk

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"kong-plugin-auth-diagnosis/pkg/kongdev/errlog"
	"kong-plugin-auth-diagnosis/pkg/kongdev/exchange"
	"kong-plugin-auth-diagnosis/pkg/kongdev/pdkpb"
)

func init() {
	table := map[string]method{
		"kong.ctx.shared.set":          setTable(func(x *exchange.Exchange) map[string]any { return x.Shared }),
		"kong.ctx.shared.get":          getTable(func(x *exchange.Exchange) map[string]any { return x.Shared }),
		"kong.nginx.set_ctx":           setTable(func(x *exchange.Exchange) map[string]any { return x.Ctx }),
		"kong.nginx.get_ctx":           getTable(func(x *exchange.Exchange) map[string]any { return x.Ctx }),
		"kong.nginx.get_subsystem":     text(func(*exchange.Exchange) string { return "http" }),
		"kong.node.get_id":             text(func(x *exchange.Exchange) string { return x.NodeID }),
		"kong.node.get_memory_stats":   unplayed("kong.node.get_memory_stats"),
		"kong.log.serialize":           wrongPhase("log"),
		"kong.log.set_serialize_value": setSerialize,
		"kong.nginx.get_tls1_version_str": text(func(*exchange.Exchange) string {
			return "" // the listeners are plain
		}),
		"kong.nginx.get_var": named(func(x *exchange.Exchange, name string) ([]byte, error) {
			v, _ := x.Var(name)
			return pdkpb.String(v), nil
		}),
		"kong.nginx.req_start_time": func(x *exchange.Exchange, _ []byte) ([]byte, error) {
			return pdkpb.Number(float64(x.Started.UnixMilli()) / 1000), nil
		},
	}
	for name, level := range map[string]errlog.Level{"alert": errlog.Alert, "crit": errlog.Crit, "err": errlog.Err,
		"warn": errlog.Warn, "notice": errlog.Notice, "info": errlog.Info, "debug": errlog.Debug} {
		table["kong.log."+name] = logAt(level)
	}
	register(table)
}

// setTable sets a key of a Lua table; nil removes it.
func setTable(of func(*exchange.Exchange) map[string]any) method {
	return func(x *exchange.Exchange, args []byte) ([]byte, error) {
		k, v, err := pdkpb.DecodeKV(args)
		if err != nil {
			return nil, err
		}
		if v == nil {
			delete(of(x), k)
			return nil, nil
		}
		of(x)[k] = v
		return nil, nil
	}
}

func getTable(of func(*exchange.Exchange) map[string]any) method {
	return named(func(x *exchange.Exchange, k string) ([]byte, error) {
		return pdkpb.AppendValue(nil, of(x)[k]), nil
	})
}

func setSerialize(x *exchange.Exchange, args []byte) ([]byte, error) {
	k, v, err := pdkpb.DecodeKV(args)
	if err != nil {
		return nil, err
	}
	x.Serialize = append(x.Serialize, exchange.SerializeValue{Key: k, Value: v})
	return nil, nil
}

// logAt joins its arguments as print does not: without separators.
func logAt(level errlog.Level) method {
	return func(x *exchange.Exchange, args []byte) ([]byte, error) {
		list, err := pdkpb.DecodeList(args)
		if err != nil {
			return nil, err
		}
		var b strings.Builder
		for _, v := range list {
			b.WriteString(luaText(v))
		}
		x.Log.Printf(level, "[kong] %s, client: %s, request_id: %q", b.String(), x.Client.Addr().Unmap(), x.ID)
		return nil, nil
	}
}

// luaText is tostring.
func luaText(v any) string {
	switch v := v.(type) {
	case nil:
		return "nil"
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1e15 {
			return strconv.FormatInt(int64(v), 10)
		}
		return strconv.FormatFloat(v, 'g', 14, 64)
	}
	return fmt.Sprintf("table: %p", v)
}

func luaType(v any) string {
	switch v.(type) {
	case nil:
		return "nil"
	case string:
		return "string"
	case bool:
		return "boolean"
	case float64:
		return "number"
	}
	return "table"
}
