package pdkpb

import (
	"math"

	"google.golang.org/protobuf/encoding/protowire"

	"kong-plugin-auth-diagnosis/pkg/kongdev/entity"
)

// String encodes kong_plugin_protocol.String.
func String(s string) []byte { return appendString(nil, 1, s) }

// Int encodes kong_plugin_protocol.Int (int32).
func Int(n int) []byte { return appendInt(nil, 1, int64(int32(n))) }

// Bool encodes kong_plugin_protocol.Bool.
func Bool(b bool) []byte { return appendInt(nil, 1, int64(protowire.EncodeBool(b))) }

// Number encodes kong_plugin_protocol.Number.
func Number(n float64) []byte {
	if n == 0 {
		return nil
	}
	return protowire.AppendFixed64(protowire.AppendTag(nil, 1, protowire.Fixed64Type), math.Float64bits(n))
}

// DecodeString reads String.v or ByteString.v.
func DecodeString(b []byte) (s string, err error) {
	err = fields(b, func(f field) error {
		if f.num == 1 {
			s = string(f.data)
		}
		return nil
	})
	return s, err
}

// DecodeInt reads Int.v or Bool.v.
func DecodeInt(b []byte) (n int, err error) {
	err = fields(b, func(f field) error {
		if f.num == 1 {
			n = int(int32(f.n))
		}
		return nil
	})
	return n, err
}

// DecodeKV reads a KV; v is nil when the message has no value.
func DecodeKV(b []byte) (key string, v any, err error) { return decodeEntry(b, 0) }

// Exit is the argument of kong.response.exit.
type Exit struct {
	Status  int
	Body    string
	Headers map[string]any // nil when the message has none
}

// DecodeExit reads ExitArgs.
func DecodeExit(b []byte) (e Exit, err error) {
	err = fields(b, func(f field) (err error) {
		switch f.num {
		case 1:
			e.Status = int(int32(f.n))
		case 2:
			e.Body = string(f.data)
		case 3:
			e.Headers, err = DecodeStruct(f.data)
		}
		return err
	})
	return e, err
}

// DecodeConsumerSpec reads the argument of kong.client.load_consumer.
func DecodeConsumerSpec(b []byte) (id string, byUsername bool, err error) {
	err = fields(b, func(f field) error {
		switch f.num {
		case 1:
			id = string(f.data)
		case 2:
			byUsername = f.n != 0
		}
		return nil
	})
	return id, byUsername, err
}

// DecodeTarget reads the argument of kong.service.set_target.
func DecodeTarget(b []byte) (host string, port int, err error) {
	err = fields(b, func(f field) error {
		switch f.num {
		case 1:
			host = string(f.data)
		case 2:
			port = int(int32(f.n))
		}
		return nil
	})
	return host, port, err
}

// DecodeAuthenticate reads AuthenticateArgs as Lua tables; one that the message
// does not have is nil. Proto3 defaults are filled in, as lua-protobuf does, so
// that a consumer without custom_id has the empty one.
func DecodeAuthenticate(b []byte) (consumer, credential map[string]any, err error) {
	err = fields(b, func(f field) (err error) {
		switch f.num {
		case 1:
			consumer, err = decodeConsumer(f.data)
		case 2:
			credential, err = decodeCredential(f.data)
		}
		return err
	})
	return consumer, credential, err
}

func decodeConsumer(b []byte) (map[string]any, error) {
	tags := []any{}
	c := map[string]any{"id": "", "created_at": float64(0), "username": "", "custom_id": ""}
	err := fields(b, func(f field) error {
		switch f.num {
		case 1:
			c["id"] = string(f.data)
		case 2:
			c["created_at"] = float64(int64(f.n))
		case 3:
			c["username"] = string(f.data)
		case 4:
			c["custom_id"] = string(f.data)
		case 5:
			tags = append(tags, string(f.data))
		}
		return nil
	})
	c["tags"] = tags
	return c, err
}

func decodeCredential(b []byte) (map[string]any, error) {
	c := map[string]any{"id": "", "consumer_id": ""}
	err := fields(b, func(f field) error {
		switch f.num {
		case 1:
			c["id"] = string(f.data)
		case 2:
			c["consumer_id"] = string(f.data)
		}
		return nil
	})
	return c, err
}

// Consumer encodes a consumer table; nil is the empty message.
func Consumer(c map[string]any) []byte {
	if c == nil {
		return nil
	}
	str := func(k string) string { s, _ := c[k].(string); return s }
	created, _ := c["created_at"].(float64)
	b := appendString(nil, 1, str("id"))
	b = appendInt(b, 2, int64(created))
	b = appendString(b, 3, str("username"))
	b = appendString(b, 4, str("custom_id"))
	tags, _ := c["tags"].([]any)
	for _, t := range tags {
		if s, ok := t.(string); ok {
			b = appendRepeated(b, 5, s)
		}
	}
	return b
}

// Credential encodes an authenticated credential table.
func Credential(c map[string]any) []byte {
	if c == nil {
		return nil
	}
	id, _ := c["id"].(string)
	consumer, _ := c["consumer_id"].(string)
	return appendString(appendString(nil, 1, id), 2, consumer)
}

func appendRepeated(dst []byte, num protowire.Number, s string) []byte {
	return protowire.AppendString(protowire.AppendTag(dst, num, protowire.BytesType), s)
}

// Route encodes the matched route; its header rules do not fit the message and
// are left out, as in Kong.
func Route(r *entity.Route) []byte {
	if r == nil {
		return nil
	}
	b := appendString(nil, 1, r.ID)
	b = appendInt(b, 2, r.CreatedAt)
	b = appendInt(b, 3, r.UpdatedAt)
	b = appendString(b, 4, r.Name)
	b = appendAll(b, 5, r.Protocols)
	b = appendAll(b, 6, r.Methods)
	b = appendAll(b, 7, r.Hosts)
	b = appendAll(b, 8, r.Paths)
	b = appendInt(b, 10, int64(r.RedirectCode))
	b = appendInt(b, 11, int64(r.RegexPriority))
	b = appendInt(b, 12, int64(protowire.EncodeBool(r.StripPath)))
	b = appendInt(b, 13, int64(protowire.EncodeBool(r.PreserveHost)))
	b = appendAll(b, 17, r.Tags)
	if r.Service != nil {
		b = appendMessage(b, 18, appendString(nil, 1, r.Service.ID))
	}
	return b
}

func appendAll(dst []byte, num protowire.Number, list []string) []byte {
	for _, s := range list {
		dst = appendRepeated(dst, num, s)
	}
	return dst
}

// Service encodes the matched service.
func Service(s *entity.Service) []byte {
	if s == nil {
		return nil
	}
	b := appendString(nil, 1, s.ID)
	b = appendInt(b, 2, s.CreatedAt)
	b = appendInt(b, 3, s.UpdatedAt)
	b = appendString(b, 4, s.Name)
	b = appendInt(b, 5, int64(s.Retries))
	b = appendString(b, 6, s.Protocol)
	b = appendString(b, 7, s.Host)
	b = appendInt(b, 8, int64(s.Port))
	b = appendString(b, 9, s.Path)
	b = appendInt(b, 10, s.ConnectTimeout.Milliseconds())
	b = appendInt(b, 11, s.WriteTimeout.Milliseconds())
	b = appendInt(b, 12, s.ReadTimeout.Milliseconds())
	return appendAll(b, 13, s.Tags)
}

// RawBody encodes RawBodyResult: exactly one of content, path and failure.
func RawBody(content []byte, path, failure string) []byte {
	switch {
	case failure != "":
		return appendRepeated(nil, 3, failure)
	case path != "":
		return appendRepeated(nil, 2, path)
	}
	return protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), content)
}

// URICaptures encodes UriCapturesResult.
func URICaptures(unnamed []string, named map[string]string) []byte {
	b := appendAll(nil, 1, unnamed)
	for k, v := range named {
		b = appendMessage(b, 2, appendRepeated(appendString(nil, 1, k), 2, v))
	}
	return b
}
