package redisstore

import (
	"cmp"
	"context"
	"encoding/hex"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"kong-plugin-auth-diagnosis/pkg/ratelimit"
)

// pipelines is the wire to a real Redis: plain commands in one pipeline, which
// every arrangement of Redis takes and any ACL can allow.
//
//	HSET name field text     unless there is nothing to write
//	HVALS name
//	EXPIREAT name seconds    with the first write, and then every hour
type pipelines struct {
	client  redis.UniversalClient
	field   string // this incarnation's
	timeout time.Duration
}

// exchange implements [wire]. It takes no longer than a dial and an exchange may.
func (p *pipelines) exchange(ctx context.Context, queries []query) {
	ctx, cancel := context.WithTimeout(ctx, 2*p.timeout)
	defer cancel()
	type commands struct {
		set    *redis.IntCmd
		get    *redis.StringSliceCmd
		expire *redis.BoolCmd
	}
	pipe, sent := p.client.Pipeline(), make([]commands, len(queries))
	for i := range queries {
		q, c := &queries[i], &sent[i]
		name := asyncKey(q.key, q.day)
		if q.text != nil {
			c.set = pipe.HSet(ctx, name, p.field, q.text)
		}
		c.get = pipe.HVals(ctx, name)
		if q.expire != 0 {
			c.expire = pipe.ExpireAt(ctx, name, time.Unix(q.expire, 0))
		}
	}
	_, refused := pipe.Exec(ctx)
	for i := range queries {
		q, c := &queries[i], &sent[i]
		// Every command has its own error, but none has one if the server
		// refused the handshake: that leaves them without any answer.
		if q.fields, q.err = c.get.Result(); q.err == nil && q.fields == nil {
			q.err = cmp.Or(refused, errReply)
		}
		if c.set != nil {
			q.created = c.set.Val() > 0
			if err := c.set.Err(); err != nil {
				q.err = err
			}
		}
		if c.expire != nil && c.expire.Err() != nil && q.err == nil {
			q.err = c.expire.Err()
		}
	}
}

// asyncKey is the name of a key's hash of one day. The digest is a hash tag, so
// that all of one key is in one slot of a cluster. Addresses that stand in for
// identities have names of their own.
func asyncKey(key ratelimit.Key, day int32) string {
	digest := key.Digest()
	b := make([]byte, 0, 64)
	b = append(b, "auth-diagnosis:{"...)
	b = hex.AppendEncode(b, digest[:])
	if key.Fallback() {
		b = append(b, "}:b:"...)
	} else {
		b = append(b, "}:a:"...)
	}
	return string(strconv.AppendInt(b, int64(day), 10))
}

// Interface guard.
var _ wire = (*pipelines)(nil)
