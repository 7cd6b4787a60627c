package diagnosis

import "strings"

// Challenge returns the value of WWW-Authenticate (RFC 6750 section 3, with
// RFC 9110's commas), or "" for rejections that carry none: limits and faults
// that are not the client's. No error parameter is sent where no credential
// came (RFC 6750 section 3.1).
func (d *Diagnosis) Challenge(realm string) string {
	v := d.view()
	if !v.row.Challenges() {
		return ""
	}
	var params []string
	if realm != "" {
		params = append(params, `realm="`+Clean(realm, 256)+`"`)
	}
	if v.row.Error != "" {
		params = append(params, `error="`+v.row.Error+`"`, `error_description="`+v.row.Cause+`"`)
	}
	if d.Scope != "" && v.row.Error == InsufficientScope {
		params = append(params, `scope="`+Clean(d.Scope, 512)+`"`)
	}
	if len(params) == 0 {
		return "Bearer"
	}
	return "Bearer " + strings.Join(params, ", ")
}
