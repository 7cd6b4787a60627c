package gateway

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"kong-plugin-auth-diagnosis/pkg/kongdev/exchange"
)

// accessLog writes kong_log_format lines.
type accessLog struct {
	mu sync.Mutex
	f  *os.File // nil: off
}

func openAccessLog(path string) (*accessLog, error) {
	if path == "" {
		return &accessLog{}, nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return nil, fmt.Errorf("opening the access log: %w", err)
	}
	return &accessLog{f: f}, nil
}

func (l *accessLog) write(x *exchange.Exchange) {
	if l.f == nil {
		return
	}
	orDash := func(name string) string {
		if v := x.Head.Header.Value(name); v != "" {
			return escapeLog(v)
		}
		return "-"
	}
	request := ""
	if x.Head.Method != "" {
		request = fmt.Sprintf("%s %s HTTP/%d.%d", x.Head.Method, escapeLog(x.Head.Target), x.Head.Major, x.Head.Minor)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintf(l.f, "%s - - [%s] \"%s\" %d %d \"%s\" \"%s\" kong_request_id: \"%s\"\n",
		x.Client.Addr(), x.Started.Format("02/Jan/2006:15:04:05 -0700"), request, x.Status, x.Times.BytesSent,
		orDash("Referer"), orDash("User-Agent"), x.ID)
}

// escapeLog is nginx's default escaping in logs.
func escapeLog(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c >= 0x7f || c == '"' || c == '\\' {
			fmt.Fprintf(&b, `\x%02X`, c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

func (l *accessLog) close() {
	if l.f != nil {
		l.f.Close()
	}
}
