package bundled

import (
	"fmt"
	"slices"
	"strings"

	"kong-plugin-auth-diagnosis/pkg/kongdev/entity"
	"kong-plugin-auth-diagnosis/pkg/kongdev/exchange"
)

const notAllowed = "You cannot consume this service"

// aclAccess is plugins/acl/handler.lua: groups of the consumer, or those that
// an authentication plugin left in kong.ctx.shared.authenticated_groups.
func aclAccess(x *exchange.Exchange, config map[string]any) error {
	listed, deny := strs(config["allow"]), false
	if d := strs(config["deny"]); len(d) > 0 {
		listed, deny = d, true
	}
	id, known := consumerID(x)
	groups, authenticated := authenticatedGroups(x)
	credential := x.Credential()
	useAuthenticated := authenticated && (!known || credential == nil || flag(config, "always_use_authenticated_groups"))
	header := "X-Authenticated-Groups"
	switch {
	case useAuthenticated:
	case !known:
		refuse(x, credential != nil)
		return nil
	default:
		if !entity.IsUUID(id) {
			return fmt.Errorf("acl: invalid primary key: expected a valid UUID, got %q", id)
		}
		groups = nil
		if c := x.Set.ConsumerByID(id); c != nil {
			groups = c.Groups
		}
		if len(groups) == 0 && !deny {
			refuse(x, credential != nil)
			return nil
		}
		header = "X-Consumer-Groups"
	}
	in := slices.ContainsFunc(groups, func(g string) bool { return slices.Contains(listed, g) })
	if in == deny {
		fail(x, 403, notAllowed)
		return nil
	}
	if !flag(config, "hide_groups_header") && len(groups) > 0 {
		x.Header.Set(header, strings.Join(groups, ", "))
	}
	return nil
}

func refuse(x *exchange.Exchange, hasCredential bool) {
	if hasCredential {
		fail(x, 403, notAllowed)
		return
	}
	fail(x, 401, "")
}

// consumerID is get_current_consumer_id: the authenticated consumer's, else the
// credential's. An empty string is an id too, which no consumer has.
func consumerID(x *exchange.Exchange) (id string, known bool) {
	if c := x.Consumer(); c != nil {
		if id, ok := c["id"].(string); ok {
			return id, true
		}
	}
	if c := x.Credential(); c != nil {
		if id, ok := c["consumer_id"].(string); ok {
			return id, true
		}
	}
	return "", false
}

// authenticatedGroups reads the list; anything else than a non-empty list of
// strings is none.
func authenticatedGroups(x *exchange.Exchange) ([]string, bool) {
	groups := strs(x.Shared["authenticated_groups"])
	return groups, len(groups) > 0
}
