package bundled

import (
	"kong-plugin-auth-diagnosis/pkg/kongdev/exchange"
	"kong-plugin-auth-diagnosis/pkg/kongdev/h1"
	"kong-plugin-auth-diagnosis/pkg/kongdev/pdk"
)

// defaultMessages are request-termination's own.
var defaultMessages = map[int]string{401: "Unauthorized", 404: "Not found", 405: "Method not allowed",
	500: "An unexpected error occurred", 502: "Bad Gateway", 503: "Service unavailable"}

// terminate is plugins/request-termination/handler.lua without `echo`.
func terminate(x *exchange.Exchange, config map[string]any) error {
	if trigger := str(config, "trigger"); trigger != "" {
		_, inQuery := pdk.DecodeArgs(x.Args, 100)[trigger]
		if !x.Header.Has(trigger) && !inQuery {
			return nil
		}
	}
	code, _ := config["status_code"].(float64)
	status := int(code)
	x.Source = exchange.SourceExit
	if body := str(config, "body"); body != "" {
		x.Delayed = &exchange.Answer{Status: status, Body: []byte(body)}
		if ct := str(config, "content_type"); ct != "" {
			x.Delayed.Headers = h1.Header{{Name: "Content-Type", Value: ct}}
		}
		return nil
	}
	message := str(config, "message")
	if message == "" {
		message = defaultMessages[status]
	}
	if message == "" {
		x.Delayed = &exchange.Answer{Status: status}
		return nil
	}
	x.Delayed = exchange.TableAnswer(status, map[string]any{"message": message})
	return nil
}
