// Package files tests what users copy or believe: the files under kong/,
// docker-compose.yml, and each claim and code block of README.md and docs/.
//
// It has tests only. pages_test.go reads the Markdown; blocks_test.go has one
// checker for each kind of code block, and an unknown kind fails; claims_test.go
// holds codes, options, defaults and links against the code; floors_test.go does
// the same for docs/ARCHITECTURE.md. The other files are named after what they
// check.
package files
