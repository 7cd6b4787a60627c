package access

import (
	"sync"
	"sync/atomic"
)

// maxNotices bounds the lines that wait. Past it the oldest is forgotten: what
// came after it says more.
const maxNotices = 16

// notices are lines about the process for the gateway's error log. Only a request
// can write there at a level that is shown by default, so they wait for one.
type notices struct {
	waiting atomic.Bool

	mu    sync.Mutex
	lines []string
}

// add leaves a line for the next request. It does not block.
func (n *notices) add(line string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.lines) == maxNotices {
		n.lines = n.lines[1:]
	}
	n.lines = append(n.lines, line)
	n.waiting.Store(true)
}

// tell writes what waits, each line once.
func (n *notices) tell(g Gateway) error {
	if !n.waiting.Load() {
		return nil
	}
	n.mu.Lock()
	lines := n.lines
	n.lines = nil
	n.waiting.Store(false)
	n.mu.Unlock()
	for _, line := range lines {
		if err := g.Log(Warn, "auth-diagnosis: "+line); err != nil {
			return err
		}
	}
	return nil
}
