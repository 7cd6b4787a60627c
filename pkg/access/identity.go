package access

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"kong-plugin-auth-diagnosis/pkg/diagnosis"
	"kong-plugin-auth-diagnosis/pkg/token"
)

// consumerHeaders are those in which Kong's plugins say who authenticated.
var consumerHeaders = []string{
	"X-Consumer-ID", "X-Consumer-Username", "X-Consumer-Custom-ID",
	"X-Credential-Identifier", "X-Anonymous-Consumer",
}

// groupsHeader is where Kong's acl plugin names groups that are no consumer's.
const groupsHeader = "X-Authenticated-Groups"

// identityHeaders name the caller to the service. In enforce mode only what the
// plugin verified may stand in them, whoever wrote it before.
var identityHeaders = append([]string{groupsHeader}, consumerHeaders...)

// introduce tells Kong who the request is from, for the plugins behind: the
// credential, with its consumer where there is one, and the groups. Without
// consumer_claim, anonymous and authenticated_groups_claim nobody asks for it.
func (r *Route) introduce(g Gateway, v *verdict) error {
	switch v.pass {
	case passEarlier:
		return nil
	case passAnonymous:
		return g.Authenticate(v.consumer, nil)
	}
	cs := &r.consumers
	if cs.groups != nil {
		value, _ := v.token.Find(cs.groups)
		v.groups, _ = token.Words(value)
	}
	asked := len(cs.claim) > 0 || cs.anonymous != ""
	switch {
	case v.consumer != nil:
		v.credential = credentialID(v)
		if err := g.Authenticate(v.consumer, &Credential{ID: v.credential, ConsumerID: v.consumer.ID}); err != nil {
			return err
		}
	case asked, cs.groups != nil && len(v.groups) == 0:
		// A credential alone, not through kong.client.authenticate: that would give
		// it an empty consumer, at which acl fails. With neither groups nor
		// credential acl would answer 401 to a good token, where 403 is right.
		v.credential = credentialID(v)
		if err := g.SetCredential(v.credential); err != nil {
			return err
		}
	}
	if cs.groups == nil || !asked && len(v.groups) == 0 {
		return nil
	}
	return g.SetGroups(v.groups)
}

// credentialID names the identity behind a verified token to Kong's plugins, so
// that rate-limiting by credential counts a client and not a token: a UUID of
// version 8 (RFC 9562 section 5.8) made of a hash over issuer, client and
// subject. There is no way from it to the token.
func credentialID(v *verdict) string {
	var b []byte
	add := func(part string) { b = append(binary.AppendUvarint(b, uint64(len(part))), part...) }
	add(v.issuer)
	for _, name := range callerClaims {
		add(word(v.token.Claim(name)))
	}
	u := sha256.Sum256(b)
	u[6] = u[6]&0x0f | 0x80
	u[8] = u[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:16])
}

// nameCaller fills in the headers that name the caller to the service, which h
// removes. Those that a plugin before has set for whom it authenticated stay.
func (v *verdict) nameCaller(h []Header) []Header {
	switch v.pass {
	case passEarlier:
		return slices.DeleteFunc(h, func(h Header) bool { return slices.Contains(consumerHeaders, h.Name) })
	case passAnonymous:
		set(h, "X-Anonymous-Consumer", "true")
	}
	if c := v.consumer; c != nil {
		setSome(h, "X-Consumer-ID", c.ID)
		setSome(h, "X-Consumer-Username", c.Username)
		setSome(h, "X-Consumer-Custom-ID", c.CustomID)
	}
	setSome(h, "X-Credential-Identifier", v.credential)
	groups, fits := joinGroups(v.groups)
	if !fits {
		v.diagnosis.Findings = append(v.diagnosis.Findings, diagnosis.Finding{Name: diagnosis.ClaimNotForwarded, Detail: groupsHeader})
	}
	setSome(h, groupsHeader, groups)
	return h
}

// setSome is set for a value that may be none.
func setSome(h []Header, name, value string) {
	if value != "" {
		set(h, name, value)
	}
}

// joinGroups writes groups as Kong's acl plugin does. It reports false where the
// text would not be what it says: a comma inside a group, or what [token.Text]
// refuses.
func joinGroups(groups []string) (string, bool) {
	for _, group := range groups {
		if strings.Contains(group, ",") {
			return "", false
		}
	}
	return token.Text(strings.Join(groups, ", "))
}
