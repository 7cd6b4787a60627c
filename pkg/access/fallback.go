package access

import (
	"time"

	"kong-plugin-auth-diagnosis/pkg/diagnosis"
)

// pass says on what a request goes on.
type pass uint8

const (
	// passToken: on the verdict about its token alone.
	passToken pass = iota
	// passAnonymous: as the anonymous consumer, without a good token.
	passAnonymous
	// passEarlier: as whom a plugin before took it for, without a good token.
	passEarlier
)

// fallBack lets a request go on without a good token, as Kong's own plugins do
// with anonymous: authentication is then the or of all plugins of the route.
//
// It is for what those call an authentication failure, the rejections with a
// challenge (400, 401, 403). A limit, a credential too large to be read and an
// issuer that is down say nothing about the caller, and making somebody
// anonymous for them would be silent. Before this plugin runs only Kong's
// session plugin (and its like) can have authenticated the request; a good
// token counts more than that, a session more than being nobody.
//
// An anonymous consumer that does not exist is a fault of the configuration.
func (r *Route) fallBack(g Gateway, v *verdict, now time.Time) error {
	earlier, err := g.Credential()
	if err != nil {
		return err
	}
	if earlier != (Credential{}) {
		v.pass = passEarlier
		return nil
	}
	nobody, err := r.engine.directory.find(g, query{r.consumers.workspace, r.consumers.anonymous, true}, now)
	if err != nil {
		return err
	}
	if nobody == nil {
		return r.noAnonymous(g, v)
	}
	v.pass, v.consumer = passAnonymous, nobody
	return nil
}

// noAnonymous makes the verdict the plugin's own fault, and says so in the
// error log with the first such request.
func (r *Route) noAnonymous(g Gateway, v *verdict) error {
	const problem = "config.anonymous: expected the username or id of a consumer, got one that no consumer has"
	v.diagnosis.Others = append([]diagnosis.Failure{v.diagnosis.Failure}, v.diagnosis.Others...)
	v.diagnosis.Failure = *diagnosis.Fail(diagnosis.ConfigInvalid, problem)
	if r.toldAnonymous.Swap(true) {
		return nil
	}
	return g.Log(Err, "auth-diagnosis: "+problem)
}
