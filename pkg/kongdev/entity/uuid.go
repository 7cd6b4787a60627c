package entity

import (
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
)

// entities is the name space of kong/db/schema/others/declarative_config.lua.
const entities = "fd02801f-0957-4a15-a55a-c8d9606f30b5"

// UUID derives the id that Kong gives an entity of a declarative file which
// states none: a version 5 UUID of the entity's name space and its key.
func UUID(kind, key string) string { return v5(v5(entities, kind), key) }

// v5 is RFC 9562's name-based UUID with SHA-1.
func v5(space, name string) string {
	ns, err := hex.DecodeString(strings.ReplaceAll(space, "-", ""))
	if err != nil || len(ns) != 16 {
		panic(fmt.Sprintf("entity: expected a UUID as name space, got %q", space))
	}
	sum := sha1.Sum(append(ns, name...))
	u := sum[:16]
	u[6] = u[6]&0x0f | 0x50
	u[8] = u[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:])
}

var uuidPattern = regexp.MustCompile(`(?i)^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// IsUUID reports whether s has the form of a UUID.
func IsUUID(s string) bool { return uuidPattern.MatchString(s) }
