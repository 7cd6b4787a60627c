package bundled

import (
	"fmt"
	"strings"

	"kong-plugin-auth-diagnosis/pkg/kongdev/entity"
	"kong-plugin-auth-diagnosis/pkg/kongdev/exchange"
	"kong-plugin-auth-diagnosis/pkg/kongdev/h1"
	"kong-plugin-auth-diagnosis/pkg/kongdev/pdk"
)

// keyAuthAccess is plugins/key-auth/handler.lua: with `anonymous` a logical OR
// of authentication plugins, without it a logical AND.
func keyAuthAccess(x *exchange.Exchange, config map[string]any) error {
	if !flag(config, "run_on_preflight") && x.Method == "OPTIONS" {
		return nil
	}
	anonymous := str(config, "anonymous")
	if anonymous != "" && x.Credential() != nil {
		return nil
	}
	message := authenticateKey(x, config)
	if message == "" {
		return nil
	}
	if anonymous != "" {
		return setAnonymous(x, anonymous)
	}
	challenge := "Key"
	if realm := str(config, "realm"); realm != "" {
		challenge = fmt.Sprintf("Key realm=%q", realm)
	}
	fail(x, 401, message, h1.Field{Name: "WWW-Authenticate", Value: challenge})
	return nil
}

// authenticateKey returns the message of the 401, "" on success.
func authenticateKey(x *exchange.Exchange, config map[string]any) string {
	key, ok := findKey(x, config)
	switch {
	case !ok:
		return "Duplicate API key found"
	case key == "":
		return "No API key found in request"
	}
	cred := x.Set.KeyAuthByKey(key)
	if cred == nil {
		return "Unauthorized"
	}
	setConsumer(x, cred.Consumer, cred)
	return ""
}

// findKey returns the first key found by name; ok is false for a repeated one.
func findKey(x *exchange.Exchange, config map[string]any) (key string, ok bool) {
	headers, query := x.HeaderTable(100), pdk.DecodeArgs(x.Args, 100)
	for _, name := range strs(config["key_names"]) {
		var v any
		if flag(config, "key_in_header") {
			v = headers[strings.ToLower(strings.ReplaceAll(name, "_", "-"))]
			if v == nil {
				v = headers[strings.ToLower(name)]
			}
		}
		if v == nil && flag(config, "key_in_query") {
			v = query[name]
		}
		switch v := v.(type) {
		case string:
			if flag(config, "hide_credentials") {
				pdk.ClearQueryArg(x, name)
				x.Header.Del(name)
			}
			return v, true
		case []any:
			return "", false
		}
	}
	return "", true
}

func setAnonymous(x *exchange.Exchange, anonymous string) error {
	c := x.Set.ConsumerByID(anonymous)
	if c == nil {
		c = x.Set.ConsumerByName(anonymous)
	}
	if c == nil {
		return fmt.Errorf("key-auth: either credential or consumer must be provided")
	}
	setConsumer(x, c, nil)
	return nil
}

// setConsumer authenticates and sets or clears the headers about the consumer.
func setConsumer(x *exchange.Exchange, c *entity.Consumer, cred *entity.KeyAuth) {
	var credential map[string]any
	credentialID := ""
	if cred != nil {
		credential = map[string]any{"id": cred.ID, "consumer_id": cred.Consumer.ID}
		credentialID = cred.ID
	}
	x.Authenticate(c.Fields, credential)
	set := func(name, value string) {
		if value == "" {
			x.Header.Del(name)
			return
		}
		x.Header.Set(name, value)
	}
	set("X-Consumer-ID", c.ID)
	set("X-Consumer-Custom-ID", c.CustomID)
	set("X-Consumer-Username", c.Username)
	set("X-Credential-Identifier", credentialID)
	if cred != nil {
		x.Header.Del("X-Anonymous-Consumer")
		return
	}
	x.Header.Set("X-Anonymous-Consumer", "true")
}
