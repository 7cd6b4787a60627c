package memory

import (
	"bytes"
	"io"
	"time"

	"kong-plugin-auth-diagnosis/pkg/ratelimit"
)

// For tests of what a caller does not see.
var (
	Decode  = decode
	Replace = replace
)

// SetMaxFile bounds the file as if it were that small.
func (l *Limiter) SetMaxFile(bytes int64) { l.maxFile = bytes }

// Encode writes a snapshot of all counters.
func (l *Limiter) Encode(w io.Writer, unix int64) error {
	_, err := encode(w, time.Unix(unix, 0), maxFile, l.table.Batches())
	return err
}

// Decode takes over what a file has that is in memory.
func (l *Limiter) Decode(now time.Time, file []byte) error {
	return decode(bytes.NewReader(file), int64(len(file)), l.restore(now))
}

// Restore takes over what a key had counted.
func (l *Limiter) Restore(key ratelimit.Key, s ratelimit.State) { l.table.Restore(key, s) }
