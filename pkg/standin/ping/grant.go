package ping

import (
	"crypto/subtle"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

const maxForm = 64 << 10

// grant is the token endpoint: client credentials only (RFC 6749, 4.4), the client
// named by HTTP Basic or in the form (2.3.1), errors as in 5.2.
func (i *Issuer) grant(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		refuse(w, http.StatusMethodNotAllowed, "invalid_request", "expected POST")
		return
	}
	media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil || media != "application/x-www-form-urlencoded" {
		refuse(w, http.StatusBadRequest, "invalid_request", "expected a form in the body")
		return
	}
	client, ok := i.authenticate(r)
	if !ok {
		w.Header().Set("WWW-Authenticate", `Basic realm="standin"`)
		refuse(w, http.StatusUnauthorized, "invalid_client", "unknown client or wrong secret")
		return
	}
	if r.PostForm.Get("grant_type") != "client_credentials" {
		refuse(w, http.StatusBadRequest, "unsupported_grant_type", "expected client_credentials")
		return
	}
	scopes := strings.Fields(r.PostForm.Get("scope"))
	if len(scopes) == 0 {
		scopes = client.Scopes
	}
	for _, scope := range scopes {
		if !slices.Contains(client.Scopes, scope) {
			refuse(w, http.StatusBadRequest, "invalid_scope", "the client may not ask for this scope")
			return
		}
	}
	token, err := i.Mint(ForClient(client.ID), Scope(scopes...))
	if err != nil {
		refuse(w, http.StatusInternalServerError, "server_error", err.Error())
		return
	}
	answer := map[string]any{
		"access_token": token,
		"token_type":   "Bearer",
		"expires_in":   int64(i.options.Lifetime / time.Second),
	}
	if i.options.Product != PingFederate { // which names the scope only when it differs
		answer["scope"] = strings.Join(scopes, " ")
	}
	writeJSON(w, http.StatusOK, answer)
}

// authenticate returns the client whose id and secret the request carries. One that
// uses two ways at once is refused, as RFC 6749, 2.3 asks.
func (i *Issuer) authenticate(r *http.Request) (Client, bool) {
	id, secret := r.PostForm.Get("client_id"), r.PostForm.Get("client_secret")
	if user, password, basic := r.BasicAuth(); basic {
		var err1, err2 error
		if secret != "" {
			return Client{}, false
		}
		// Both halves are form-encoded before they are joined (RFC 6749, 2.3.1).
		id, err1 = url.QueryUnescape(user)
		secret, err2 = url.QueryUnescape(password)
		if err1 != nil || err2 != nil {
			return Client{}, false
		}
	}
	for _, c := range i.options.Clients {
		if c.ID == id && c.Secret != "" && subtle.ConstantTimeCompare([]byte(c.Secret), []byte(secret)) == 1 {
			return c, true
		}
	}
	return Client{}, false
}

func refuse(w http.ResponseWriter, status int, code, description string) {
	writeJSON(w, status, map[string]string{"error": code, "error_description": description})
}
