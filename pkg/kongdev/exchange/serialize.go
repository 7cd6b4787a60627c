package exchange

import (
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	"kong-plugin-auth-diagnosis/pkg/kongdev/entity"
)

// SerializeLog is kong.log.serialize: the record that log plugins send, with
// the values of kong.log.set_serialize_value put in. Authorization headers are
// redacted. Times are in milliseconds.
func (x *Exchange) SerializeLog() (map[string]any, error) {
	ms := func(from, to time.Time) float64 {
		if from.IsZero() || to.IsZero() {
			return 0
		}
		return float64(to.Sub(from).Milliseconds())
	}
	headers := x.HeaderTable(100)
	for _, name := range []string{"authorization", "proxy-authorization"} {
		if _, ok := headers[name]; ok {
			headers[name] = "REDACTED"
		}
	}
	query := map[string]any{}
	for pair := range strings.SplitSeq(x.Args, "&") {
		if k, v, ok := strings.Cut(pair, "="); ok {
			query[k] = v
		} else if pair != "" {
			query[pair] = true
		}
	}
	proxyTime := float64(-1)
	if !x.Times.UpstreamHead.IsZero() {
		proxyTime = ms(x.Times.AccessEnded, x.Times.UpstreamHead)
	}
	now := x.Now()
	root := map[string]any{
		"request": map[string]any{
			"id": x.ID, "uri": x.Head.Target, "method": x.Method, "headers": headers, "querystring": query,
			"url":  fmt.Sprintf("http://%s:%d%s", x.Head.Host, x.ServerAddr.Port(), x.Head.Target),
			"size": float64(x.Head.HeadSize) + float64(max(x.Head.Length, 0)),
		},
		"response":        map[string]any{"status": float64(x.Status), "headers": x.OutTable(100), "size": float64(x.Times.BytesSent)},
		"upstream_uri":    x.upstreamURI(),
		"upstream_status": x.upstreamStatus(),
		"latencies": map[string]any{
			"kong": ms(x.Started, x.Times.AccessEnded), "proxy": proxyTime, "request": ms(x.Started, now),
			"receive": ms(x.Times.UpstreamHead, x.Times.UpstreamEnded),
		},
		"client_ip":      x.Client.Addr().Unmap().String(),
		"started_at":     float64(x.Started.UnixMilli()),
		"source":         x.sourceName(),
		"workspace":      entity.DefaultWorkspace,
		"workspace_name": "default",
	}
	x.addEntities(root)
	for _, v := range x.Serialize {
		if err := setPath(root, v.Key, v.Value); err != nil {
			return nil, err
		}
	}
	return root, nil
}

// addEntities adds route, service, consumer and credential where there is one.
func (x *Exchange) addEntities(root map[string]any) {
	if x.Match != nil {
		root["route"] = maps.Clone(x.Match.Route.Fields)
		if s := x.Match.Route.Service; s != nil {
			root["service"] = maps.Clone(s.Fields)
		}
	}
	if c := x.Consumer(); c != nil {
		root["consumer"] = maps.Clone(c)
	}
	if c := x.Credential(); c != nil {
		e := map[string]any{"id": c["id"]}
		if id, ok := c["consumer_id"]; ok {
			e["consumer_id"] = id
		}
		root["authenticated_entity"] = e
	}
}

func (x *Exchange) upstreamURI() string {
	if x.Upstream.Path != "" && (x.Args != "" || strings.HasSuffix(x.Head.Target, "?")) {
		return x.Upstream.Path + "?" + x.Args
	}
	return x.Upstream.Path
}

func (x *Exchange) upstreamStatus() string {
	if x.Times.UpstreamCode == 0 {
		return ""
	}
	return strconv.Itoa(x.Times.UpstreamCode)
}

// sourceName is the text of response sources in logs.
func (x *Exchange) sourceName() string {
	switch x.Source {
	case SourceExit:
		return "kong"
	case SourceService:
		return "upstream"
	}
	return "kong"
}

// setPath sets a dotted key, making tables on the way; nil removes.
func setPath(root map[string]any, key string, value any) error {
	node := root
	for {
		head, tail, nested := strings.Cut(key, ".")
		if !nested || head == "" {
			break
		}
		sub, ok := node[head].(map[string]any)
		if !ok {
			if node[head] != nil {
				return fmt.Errorf("the key %q could not be used as a serialize value: subkey %q is not a table", key, head)
			}
			sub = map[string]any{}
			node[head] = sub
		}
		node, key = sub, tail
	}
	if value == nil {
		delete(node, key)
		return nil
	}
	node[key] = value
	return nil
}
