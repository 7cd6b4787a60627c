package pdk

import (
	"strings"

	"kong-plugin-auth-diagnosis/pkg/kongdev/errlog"
	"kong-plugin-auth-diagnosis/pkg/kongdev/exchange"
	"kong-plugin-auth-diagnosis/pkg/kongdev/h1"
	"kong-plugin-auth-diagnosis/pkg/kongdev/pdkpb"
)

// afterHeaders are the phases in which a response can be looked at.
const afterHeaders = "response, header_filter, body_filter, log, error, admin_api"

func init() {
	register(map[string]method{
		"kong.response.get_status":  wrongPhase(afterHeaders),
		"kong.response.get_header":  wrongPhase(afterHeaders),
		"kong.response.get_headers": wrongPhase(afterHeaders),
		"kong.response.get_source":  wrongPhase(afterHeaders),
		"kong.response.set_status":  setStatus,
		"kong.response.set_header": keyed(func(x *exchange.Exchange, name string, values []string) error {
			setOut(x, name, values)
			return nil
		}),
		"kong.response.add_header": keyed(func(x *exchange.Exchange, name string, values []string) error {
			for _, v := range values {
				x.Out.Add(dashed(name), v)
			}
			return nil
		}),
		"kong.response.set_headers": setOutHeaders,
		"kong.response.clear_header": named(func(x *exchange.Exchange, name string) ([]byte, error) {
			x.Out.Del(dashed(name))
			return nil, nil
		}),
		"kong.response.exit": exit,
	})
}

func checkStatus(status int) error {
	if status < 100 || status > 599 {
		return luaErrorf("code must be a number between 100 and 599")
	}
	return nil
}

func setStatus(x *exchange.Exchange, args []byte) ([]byte, error) {
	status, err := pdkpb.DecodeInt(args)
	if err != nil {
		return nil, err
	}
	if err := checkStatus(status); err != nil {
		return nil, err
	}
	x.Status = status
	return nil, nil
}

// setOut is ngx.header[name] = values; Transfer-Encoding is ignored.
func setOut(x *exchange.Exchange, name string, values []string) {
	if isTransferEncoding(name) {
		x.Log.Printf(errlog.Warn, "[kong] response.lua manually setting Transfer-Encoding. Ignored.")
		return
	}
	x.Out.Set(dashed(name), values...)
}

// dashed is lua_transform_underscores_in_response_headers, which is on.
func dashed(name string) string { return strings.ReplaceAll(name, "_", "-") }

func isTransferEncoding(name string) bool {
	return strings.EqualFold(dashed(name), "Transfer-Encoding")
}

func setOutHeaders(x *exchange.Exchange, args []byte) ([]byte, error) {
	table, err := pdkpb.DecodeStruct(args)
	if err != nil {
		return nil, err
	}
	lines, err := headerLines(table)
	if err != nil {
		return nil, err
	}
	for _, l := range lines {
		setOut(x, l.name, l.values)
	}
	return nil, nil
}

// exit keeps the answer for the end of the access phase and ends the plugin's
// event: Kong yields the coroutine, so the call is never answered.
func exit(x *exchange.Exchange, args []byte) ([]byte, error) {
	e, err := pdkpb.DecodeExit(args)
	if err != nil {
		return nil, err
	}
	if err := checkStatus(e.Status); err != nil {
		return nil, err
	}
	lines, err := headerLines(e.Headers)
	if err != nil {
		return nil, err
	}
	answer := &exchange.Answer{Status: e.Status, Body: []byte(e.Body)}
	for _, l := range lines {
		for _, v := range l.values {
			answer.Headers = append(answer.Headers, h1.Field{Name: dashed(l.name), Value: v})
		}
	}
	x.Delayed, x.Source = answer, exchange.SourceExit
	return nil, ErrExit
}
