package pluginserver

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"time"
)

// Doors for the external tests.

type Server = server

var (
	NewServer     = newServer
	NewInstances  = newInstances
	Listen        = listen
	KeepListening = keepListening
	LastCall      = lastCall
	ErrOversized  = errOversized
	Broken        = broken
)

const (
	MaxOwed     = maxOwed
	MaxBuffered = maxBuffered
	RetireGrace = retireGrace
	MostWaiting = mostWaiting
)

func (s *server) ServeConn(nc net.Conn)                          { go s.enlist(nc).serve() }
func (s *server) Run(ctx context.Context, ln net.Listener) error { return s.run(ctx, ln) }
func (s *server) Drain()                                         { s.drain() }
func (s *server) Instances() int                                 { return s.instances.count() }

// Orphan measures as of now on.
func Orphan(patience time.Duration) func(now time.Time, superseded bool, connections int) bool {
	return (&orphan{patience: patience}).over
}

func (k *keptSocket) Superseded() bool { return k.succession().look() }

func (k *keptSocket) Renew() (bool, error) { return k.renew() }

func (t *instances) SetDraw(draw func() int32) { t.draw = draw }
func (i *instance) ID() int32                  { return i.id }

var (
	Add    = (*instances).add
	Use    = (*instances).use
	Retire = (*instances).retire
	Sweep  = (*instances).sweep
	Count  = (*instances).count
)

// FrameReader reads frames out of b, or of r when it is set.
func FrameReader(r io.Reader) *frameReader {
	return &frameReader{br: bufio.NewReaderSize(r, 16)}
}

func (r *frameReader) Next(limit int) ([]byte, error) { return r.next(limit) }
func (r *frameReader) Skip(limit int) error           { return r.skip(limit) }
func (r *frameReader) Held() int                      { return cap(r.buf) }

// Frame returns payload as a frame.
func Frame(payload string) []byte {
	var o outbox
	o.frame([]byte(payload))
	return bytes.Clone(o.buf)
}

// StartInstance registers an instance under a known id.
func (s *server) StartInstance(id int32) {
	s.instances.draw = func() int32 { return id }
	s.instances.add(s.construct(nil), s.opts.Now())
	s.instances.draw = drawID
}
