package rig

import (
	"bytes"
	"io"
	"net/http"
	"time"
)

// client follows no redirect and keeps no connection open for long: a spec that
// restarts the gateway must not meet a connection to the old one.
var client = &http.Client{
	Timeout:       30 * time.Second,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	Transport:     &http.Transport{MaxIdleConnsPerHost: 64, IdleConnTimeout: time.Second, DisableCompression: true},
}

// Do sends a request and reads the answer whole, so that its body may be read
// again and needs no closing.
func Do(req *http.Request) (*http.Response, error) {
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	resp.Body = io.NopCloser(bytes.NewReader(text))
	return resp, err
}
