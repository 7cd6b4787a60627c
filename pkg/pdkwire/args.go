package pdkwire

import "google.golang.org/protobuf/encoding/protowire"

// Header is one name with its values, for messages where the order matters or a name
// may have no value.
type Header struct {
	Name   string
	Values []string
}

// AppendHeaders appends a google.protobuf.Struct of lists, the argument of
// kong.response.set_headers and kong.service.request.set_headers. A Header without
// values is an empty list, which removes that header. A name given twice is sent twice;
// Kong keeps the last.
func AppendHeaders(dst []byte, hs []Header) []byte {
	for _, h := range hs {
		dst = appendNested(dst, structFields, func(dst []byte) []byte {
			dst = appendText(dst, entryKey, h.Name)
			return appendNested(dst, entryValue, func(dst []byte) []byte {
				return appendNested(dst, valueList, func(dst []byte) []byte {
					return appendTexts(dst, h.Values)
				})
			})
		})
	}
	return dst
}

// appendTexts appends the content of a ListValue of strings.
func appendTexts(dst []byte, vs []string) []byte {
	for _, v := range vs {
		dst = appendNested(dst, listValues, func(dst []byte) []byte {
			return appendText(dst, valueString, v)
		})
	}
	return dst
}

// AppendKV appends a KV, the argument of kong.ctx.shared.set, kong.nginx.set_ctx and
// kong.log.set_serialize_value, and of the set_header and add_header calls. A nil v
// (false included, see [Value]) unsets the key.
func AppendKV(dst []byte, key string, v Value) []byte {
	if key != "" {
		dst = appendText(dst, 1, key)
	}
	return appendNested(dst, 2, v.append)
}

// AppendList appends a google.protobuf.ListValue, the argument of the kong.log.* calls.
// A nil element becomes the string "false" (see [Value]).
func AppendList(dst []byte, vs ...Value) []byte {
	for _, v := range vs {
		dst = appendNested(dst, listValues, element(v).append)
	}
	return dst
}

// AppendExit appends ExitArgs, the argument of kong.response.exit.
func AppendExit(dst []byte, status int, body []byte, headers []Header) []byte {
	dst = appendVarint(dst, 1, uint64(int64(int32(status))))
	if len(body) > 0 {
		dst = protowire.AppendTag(dst, 2, protowire.BytesType)
		dst = protowire.AppendBytes(dst, body)
	}
	if len(headers) > 0 {
		dst = appendNested(dst, 3, func(dst []byte) []byte { return AppendHeaders(dst, headers) })
	}
	return dst
}

// AppendConsumerSpec appends the argument of kong.client.load_consumer. With byUsername
// Kong tries id as a consumer's uuid first and as a username second; without, an id
// that is no uuid is a Lua error and so a 500.
func AppendConsumerSpec(dst []byte, id string, byUsername bool) []byte {
	if id != "" {
		dst = appendText(dst, 1, id)
	}
	return appendFlag(dst, 2, byUsername)
}

// Consumer is a Kong consumer. The zero Consumer is Kong's answer for "not found":
// check ID.
type Consumer struct {
	ID        string
	CreatedAt int64 // seconds since the epoch
	Username  string
	CustomID  string
	Tags      []string
}

// Credential is Kong's authenticated credential.
type Credential struct {
	ID         string
	ConsumerID string
}

// AppendAuthenticate appends AuthenticateArgs, the argument of kong.client.authenticate.
// A nil pointer is nil in Lua; both nil is a Lua error and so a 500. A credential
// without ConsumerID arrives with an empty one, at which Kong's acl plugin fails: set
// the credential alone through kong.nginx.set_ctx instead.
func AppendAuthenticate(dst []byte, consumer *Consumer, credential *Credential) []byte {
	if consumer != nil {
		dst = appendNested(dst, 1, consumer.append)
	}
	if credential != nil {
		dst = appendNested(dst, 2, credential.append)
	}
	return dst
}

func (c *Consumer) append(dst []byte) []byte {
	if c.ID != "" {
		dst = appendText(dst, 1, c.ID)
	}
	dst = appendVarint(dst, 2, uint64(c.CreatedAt))
	if c.Username != "" {
		dst = appendText(dst, 3, c.Username)
	}
	if c.CustomID != "" {
		dst = appendText(dst, 4, c.CustomID)
	}
	for _, tag := range c.Tags {
		dst = appendText(dst, 5, tag)
	}
	return dst
}

func (c *Credential) append(dst []byte) []byte {
	if c.ID != "" {
		dst = appendText(dst, 1, c.ID)
	}
	if c.ConsumerID != "" {
		dst = appendText(dst, 2, c.ConsumerID)
	}
	return dst
}

// DecodeConsumer decodes the reply of kong.client.load_consumer and get_consumer.
func DecodeConsumer(b []byte) (Consumer, error) {
	var c Consumer
	s := scan(b)
	for {
		f, more, err := s.next()
		if err != nil {
			return Consumer{}, err
		}
		if !more {
			return c, nil
		}
		if f.is(2, protowire.VarintType) {
			c.CreatedAt = int64(f.num)
			continue
		}
		if f.kind != protowire.BytesType {
			continue
		}
		text := string(b[f.from:f.to])
		switch f.number {
		case 1:
			c.ID = text
		case 3:
			c.Username = text
		case 4:
			c.CustomID = text
		case 5:
			c.Tags = append(c.Tags, text)
		}
	}
}

// DecodeCredential decodes the reply of kong.client.get_credential.
func DecodeCredential(b []byte) (Credential, error) {
	var c Credential
	s := scan(b)
	for {
		f, more, err := s.next()
		if err != nil {
			return Credential{}, err
		}
		if !more {
			return c, nil
		}
		switch {
		case f.is(1, protowire.BytesType):
			c.ID = string(b[f.from:f.to])
		case f.is(2, protowire.BytesType):
			c.ConsumerID = string(b[f.from:f.to])
		}
	}
}
