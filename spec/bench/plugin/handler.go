//go:build spec

package main

import (
	"log"

	pdk "github.com/Kong/go-pdk"
)

// Config says what an instance does with every request: the first Calls of three
// PDK calls, and then an answer of its own if Exit is set.
type Config struct {
	Calls int  `json:"calls"`
	Exit  bool `json:"exit"`
}

// Answer of a rejection, of about the size of a real one.
const (
	exitStatus = 401
	exitBody   = `{"message":"Unauthorized","code":"token_expired","request_id":"6b1a2f0c9d"}`
)

func exitHeaders() map[string][]string {
	return map[string][]string{
		"Content-Type":     {"application/json; charset=utf-8"},
		"WWW-Authenticate": {`Bearer realm="bench", error="invalid_token"`},
	}
}

// Access is the handler that both servers run, from this one file.
func (c *Config) Access(kong *pdk.PDK) {
	if err := c.access(kong); err != nil {
		log.Print(err)
	}
}

func (c *Config) access(kong *pdk.PDK) error {
	if c.Calls >= 1 {
		if _, err := kong.Request.GetHeaders(100); err != nil {
			return err
		}
	}
	if c.Calls >= 2 {
		if err := kong.ServiceRequest.SetHeader("X-Bench-User", "alice"); err != nil {
			return err
		}
	}
	if c.Calls >= 3 {
		if err := kong.Response.SetHeader("X-Bench-Calls", "3"); err != nil {
			return err
		}
	}
	if c.Exit {
		kong.Response.Exit(exitStatus, []byte(exitBody), exitHeaders())
	}
	return nil
}
