package schema

import (
	"kong-plugin-auth-diagnosis/pkg/config"
	"kong-plugin-auth-diagnosis/pkg/schema/shape"
)

// entityChecks returns Kong's entity_checks by the path of their record.
//
// Not here, because an entity check relates two fields and compares neither
// with the other: advise with tiers but without report_only, default_tier among
// the tiers, day against hour, unique names. config.Validate has them.
func entityChecks() map[string][]any {
	return map[string][]any{
		"": {
			conditional("mode", table{"eq": config.ModeEnforce}, "expects", table{"contains": config.ExpectBearer},
				"mode enforce needs bearer in expects"),
			conditional("mode", table{"eq": config.ModeAdvise}, "hide_credentials", table{"eq": false},
				"mode advise cannot hide credentials: the plugins behind need them"),
			// Kong evaluates if_match on null too, where len_min alone would pass.
			conditional("anonymous", table{"required": true, "len_min": 1}, "mode", table{"eq": config.ModeEnforce},
				"mode advise cannot have anonymous: it authenticates nobody"),
			conditional("edge.witness", table{"eq": config.WitnessRequired}, "mode", table{"eq": config.ModeEnforce},
				"mode advise cannot require a witness: it never rejects"),
			conditional("issuers", table{"len_min": 2}, "issuers", table{"elements": issuerNotMissing()},
				"accept_missing_issuer is allowed with a single issuer only"),
			needs("expects", table{"contains": config.ExpectBearer}, "issuers", "bearer in expects needs issuers"),
			needsOneOf("expects", table{"contains": config.ExpectBearer}, []string{"header_names", "cookie_names", "uri_param_names"},
				"bearer in expects needs header_names, cookie_names or uri_param_names"),
			needs("expects", table{"contains": config.ExpectKey}, "key_names", "key in expects needs key_names"),
			needs("scopes_required", table{"len_min": 1}, "scopes_claim", "scopes_required needs scopes_claim"),
			needs("roles_required", table{"len_min": 1}, "roles_claim", "roles_required needs roles_claim"),
			needs("groups_required", table{"len_min": 1}, "groups_claim", "groups_required needs groups_claim"),
			needs("consumer_optional", table{"eq": false}, "consumer_claim", "consumer_optional false needs consumer_claim"),
			conditional("rate_limiting.limit_by", table{"eq": config.LimitByConsumer}, "consumer_claim", table{"len_min": 1},
				"limit_by consumer needs consumer_claim"),
		},
		"issuers[]": {
			needs("skip_audience_check", table{"eq": false}, "audiences",
				"audiences must not be empty unless skip_audience_check is true"),
		},
		"edge": {
			needs("witness", table{"not_one_of": []string{config.WitnessOff}}, "keys", "witness needs keys"),
		},
		"rate_limiting": {
			needs("tiers", table{"len_min": 1}, "default_tier", "tiers need default_tier"),
			needs("limit_by", table{"eq": config.LimitByClaim}, "limit_by_claim", "limit_by claim needs limit_by_claim"),
			needsOneOf("policy", table{"eq": config.PolicyRedis}, []string{"redis.host", "redis.cluster_nodes", "redis.sentinel_nodes"},
				"policy redis needs redis.host, redis.cluster_nodes or redis.sentinel_nodes"),
			conditional("sync_rate", table{"ne": -1}, "sync_rate", table{"between": []float64{0.02, 3600}},
				"sync_rate is -1 or 0.02 to 3600"),
		},
		"rate_limiting.tiers[]": {
			table{"at_least_one_of": []string{"second", "minute", "hour", "day"}},
			// Kong evaluates if_match on null too, where gt alone would pass.
			needs("burst", table{"required": true, "gt": 0}, "second", "burst needs second"),
		},
		"rate_limiting.redis": {
			table{"mutually_exclusive": []string{"host", "cluster_nodes", "sentinel_nodes"}},
			table{"mutually_required": []string{"sentinel_nodes", "sentinel_master"}},
		},
	}
}

// conditional is Kong's check of that name: if one field matches, the other
// has to. It validates the other field anew, with its own rules besides, and
// says thenErr for a breach of those as well.
func conditional(ifField string, ifMatch table, thenField string, thenMatch table, thenErr string) table {
	return table{"conditional": table{
		"if_field": ifField, "if_match": ifMatch,
		"then_field": thenField, "then_match": thenMatch, "then_err": thenErr,
	}}
}

// needs asks for a value in one field if another matches. It is Kong's
// conditional_at_least_one_of with a single field: conditional would do, but
// report every fault inside the field a second time as its absence. false
// counts as a value, so that the needed field must not be a boolean.
func needs(ifField string, ifMatch table, field, err string) table {
	return needsOneOf(ifField, ifMatch, []string{field}, err)
}

// needsOneOf asks for a value in one of several fields if another matches.
func needsOneOf(ifField string, ifMatch table, fields []string, err string) table {
	return table{"conditional_at_least_one_of": table{
		"if_field": ifField, "if_match": ifMatch,
		"then_at_least_one_of": fields, "then_err": err,
	}}
}

// issuerNotMissing describes an issuer whose accept_missing_issuer is false.
// Kong validates the whole record by what stands here, so that every field has
// to be named; rules beyond the type are left to the field's own description.
func issuerNotMissing() table {
	const flag = "accept_missing_issuer"
	issuer := config.Shape().Field("issuers").Elem
	list := make([]any, len(issuer.Fields))
	for i, f := range issuer.Fields {
		t := table{"type": string(f.Type)}
		if f.Type == shape.Array || f.Type == shape.Set {
			t["elements"] = table{"type": string(f.Elem.Type)}
		}
		if f.Name == flag {
			t["eq"] = false
		}
		list[i] = table{f.Name: t}
	}
	return table{"type": string(shape.Record), "fields": list}
}
