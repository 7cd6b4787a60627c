package redisstore

import (
	"math/rand/v2"
	"time"

	"github.com/sony/gobreaker/v2"
)

const (
	tripAfter  = 5 // failures in a row
	holdFor    = time.Second
	holdJitter = holdFor / 4 // so that the nodes do not probe in step
)

// breaker keeps decisions from waiting for a Redis that has stopped answering:
// after some failures in a row nobody asks it, then one request at a time does
// until one succeeds.
type breaker struct {
	circuit *gobreaker.CircuitBreaker[reply]
}

// newBreaker returns a closed breaker. changed is called when it opens, with the
// fault that opened it, and with "" when it closes; it must not block.
func newBreaker(hold time.Duration, changed func(Fault)) *breaker {
	var last Fault // the breaker calls all of these under its lock
	return &breaker{gobreaker.NewCircuitBreaker[reply](gobreaker.Settings{
		MaxRequests: 1,
		Timeout:     hold,
		ReadyToTrip: func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= tripAfter },
		IsSuccessful: func(err error) bool {
			last = classify(err)
			return err == nil
		},
		OnStateChange: func(_ string, from, to gobreaker.State) {
			switch {
			case from == gobreaker.StateClosed && to == gobreaker.StateOpen:
				changed(last)
			case to == gobreaker.StateClosed:
				changed("")
			}
		},
	})}
}

// hold returns how long an open breaker stays so.
func hold() time.Duration { return holdFor + rand.N(holdJitter) }

// ask runs call unless the breaker is open.
func (b *breaker) ask(call func() (reply, error)) (reply, error) { return b.circuit.Execute(call) }
