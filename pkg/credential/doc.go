// Package credential finds the credential of a request and says what has become
// of it on the way: absent, blank, moved to another header, joined with a second
// one, damaged, or never rendered by the client's template.
//
// [Find] is the way in. It looks at header lines, cookies and the query, and
// judges presence and damage; whether a token is good is for pkg/token to say,
// whether a user name or an API key is known for the plugins behind this one.
// [WithoutCookies] and [WithoutArguments] take away what Find read, by the same
// grammar. [Shape] describes a value for a log line without repeating it.
//
// No byte of a credential gets into a [diagnosis.Failure]: details hold
// configured names, scheme names from this package's own table, positions and
// counts.
//
// The package is pure and goes through each value a fixed number of times.
package credential
