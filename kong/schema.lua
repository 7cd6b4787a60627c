-- Kong schema of the auth-diagnosis plugin, for control planes that read it from a file:
-- Konnect and hybrid mode. A gateway that runs the plugin gets the same schema
-- from the plugin itself.
--
-- Generated from pkg/config by "go generate ./pkg/schema". DO NOT EDIT.

-- Konnect allows no require, hence no typedefs.
local null = ngx and ngx.null

return {
  name = "auth-diagnosis",
  fields = {
    {
      consumer = {
        type = "foreign",
        reference = "consumers",
        eq = null,
        description = "Not available: the plugin runs before a consumer is known.",
      },
    },
    {
      protocols = {
        type = "set",
        required = true,
        default = { "grpc", "grpcs", "http", "https" },
        description = "Protocols of the requests that the plugin judges.",
        elements = { type = "string", one_of = { "http", "https", "grpc", "grpcs" } },
      },
    },
    {
      config = {
        type = "record",
        fields = {
          {
            mode = {
              type = "string",
              required = true,
              default = "enforce",
              one_of = { "enforce", "advise" },
              description = "enforce rejects; advise only sets the diagnosis header and lets the plugins behind it decide.",
            },
          },
          {
            expects = {
              type = "set",
              required = true,
              default = { "bearer" },
              len_min = 1,
              description = "Credentials that requests must bring. Basic and key are only looked at for being there and undamaged; whether they are valid is for other plugins.",
              elements = { type = "string", one_of = { "bearer", "basic", "key" } },
            },
          },
          {
            key_names = {
              type = "array",
              required = true,
              default = { "apikey" },
              description = "Header or query names that carry an API key, for expects key.",
              elements = {
                type = "string",
                err = "expected a header name",
                match = "^[%w!#$%%&'*+%-.^_`|~]+$",
              },
            },
          },
          {
            issuers = {
              type = "array",
              required = true,
              default = {},
              description = "Trusted token issuers; at least one when expects has bearer.",
              elements = {
                type = "record",
                fields = {
                  {
                    issuer = {
                      type = "string",
                      required = true,
                      err = "expected an http(s) URL without spaces or fragment",
                      match = "^https?://[^%s/?#]+[^%s#]*$",
                      description = "The exact iss claim of this issuer's tokens. Prefer https; http is accepted with a warning.",
                    },
                  },
                  {
                    jwks_uris = {
                      type = "set",
                      required = true,
                      default = {},
                      description = "Key set addresses of this issuer (PingFederate has one per access token manager). Empty: OpenID Connect discovery at the issuer.",
                      elements = {
                        type = "string",
                        err = "expected an http(s) URL without spaces or fragment",
                        match = "^https?://[^%s/?#]+[^%s#]*$",
                      },
                    },
                  },
                  {
                    audiences = {
                      type = "set",
                      required = true,
                      default = {},
                      description = "Accepted audiences; the token needs any one of them.",
                      elements = { type = "string" },
                    },
                  },
                  {
                    skip_audience_check = {
                      type = "boolean",
                      required = true,
                      default = false,
                      description = "Accept this issuer's tokens whatever their audience is.",
                    },
                  },
                  {
                    algorithms = {
                      type = "set",
                      required = true,
                      default = {
                        "RS256",
                        "RS384",
                        "RS512",
                        "PS256",
                        "PS384",
                        "PS512",
                        "ES256",
                        "ES384",
                        "ES512",
                        "EdDSA",
                      },
                      len_min = 1,
                      description = "Accepted signature algorithms. HMAC and none are never accepted.",
                      elements = {
                        type = "string",
                        one_of = {
                          "RS256",
                          "RS384",
                          "RS512",
                          "PS256",
                          "PS384",
                          "PS512",
                          "ES256",
                          "ES384",
                          "ES512",
                          "EdDSA",
                        },
                      },
                    },
                  },
                  {
                    token_types = {
                      type = "set",
                      required = true,
                      default = { "at+jwt", "JWT" },
                      len_min = 1,
                      description = "Accepted typ headers, compared without regard to case or an application/ prefix.",
                      elements = { type = "string" },
                    },
                  },
                  {
                    require_token_type = {
                      type = "boolean",
                      required = true,
                      default = false,
                      description = "Refuse a token that has no typ header.",
                    },
                  },
                  {
                    require_kid = {
                      type = "boolean",
                      required = true,
                      default = false,
                      description = "Refuse a token that has no kid header.",
                    },
                  },
                  {
                    accept_missing_issuer = {
                      type = "boolean",
                      required = true,
                      default = false,
                      description = "Take tokens without an iss claim for this issuer's (PingFederate); only with exactly one issuer.",
                    },
                  },
                },
                entity_checks = {
                  {
                    conditional_at_least_one_of = {
                      if_field = "skip_audience_check",
                      if_match = { eq = false },
                      then_at_least_one_of = { "audiences" },
                      then_err = "audiences must not be empty unless skip_audience_check is true",
                    },
                  },
                },
              },
            },
          },
          {
            leeway = {
              type = "integer",
              required = true,
              default = 30,
              between = { 0, 3600 },
              description = "Seconds of clock skew allowed for exp, nbf and iat.",
            },
          },
          {
            maximum_lifetime = {
              type = "integer",
              required = true,
              default = 0,
              between = { 0, 31536000 },
              description = "Longest time in seconds from iat to exp that a token may have; 0 sets no limit.",
            },
          },
          {
            maximum_token_size = {
              type = "integer",
              required = true,
              default = 16384,
              between = { 256, 1048576 },
              description = "Longest credential in bytes; a longer one is refused unread. Kong itself refuses lines above 8 KB unless its header buffers are raised.",
            },
          },
          {
            header_names = {
              type = "set",
              required = true,
              default = { "authorization" },
              description = "Request headers that may carry the token.",
              elements = {
                type = "string",
                err = "expected a header name",
                match = "^[%w!#$%%&'*+%-.^_`|~]+$",
              },
            },
          },
          {
            cookie_names = {
              type = "set",
              required = true,
              default = {},
              description = "Cookies that may carry the token, without a scheme. Browsers send cookies unasked: guard such routes against cross-site request forgery.",
              elements = {
                type = "string",
                err = "expected a cookie name",
                match = "^[%w!#$%%&'*+%-.^_`|~]+$",
              },
            },
          },
          {
            uri_param_names = {
              type = "set",
              required = true,
              default = {},
              description = "Query arguments that may carry the token, without a scheme. Addresses end in logs and histories: prefer a header. Costs a call to Kong per request.",
              elements = {
                type = "string",
                err = "expected text without control characters",
                match = "^[^%c]+$",
              },
            },
          },
          {
            required_claims = {
              type = "array",
              required = true,
              default = {},
              description = "Claims that a token must have; without values and match, presence is enough.",
              elements = {
                type = "record",
                fields = {
                  {
                    name = {
                      type = "string",
                      required = true,
                      description = "Claim path: names joined by dots, with a backslash before a dot that belongs to a name.",
                    },
                  },
                  {
                    values = {
                      type = "array",
                      required = true,
                      default = {},
                      description = "Accepted values; the claim needs any one of them.",
                      elements = { type = "string" },
                    },
                  },
                  {
                    match = {
                      type = "string",
                      is_regex = true,
                      len_max = 1024,
                      description = "Regular expression (RE2 syntax) that must match somewhere in the claim's value; anchor it with ^ and $ to match all of it.",
                    },
                  },
                },
              },
            },
          },
          {
            scopes_required = {
              type = "array",
              required = true,
              default = {},
              description = "Required scopes: an entry needs all of its space-separated words, one entry is enough.",
              elements = { type = "string", err = "expected at least one word", match = "%S" },
            },
          },
          {
            scopes_claim = {
              type = "array",
              required = true,
              default = { "scope", "scp" },
              description = "Claim paths that hold the scopes; the first one present counts.",
              elements = { type = "string" },
            },
          },
          {
            roles_required = {
              type = "array",
              required = true,
              default = {},
              description = "Required roles: an entry needs all of its space-separated words, one entry is enough.",
              elements = { type = "string", err = "expected at least one word", match = "%S" },
            },
          },
          {
            roles_claim = {
              type = "array",
              required = true,
              default = { "roles" },
              description = "Claim paths that hold the roles; the first one present counts.",
              elements = { type = "string" },
            },
          },
          {
            groups_required = {
              type = "array",
              required = true,
              default = {},
              description = "Required groups: an entry needs all of its space-separated words, one entry is enough.",
              elements = { type = "string", err = "expected at least one word", match = "%S" },
            },
          },
          {
            groups_claim = {
              type = "array",
              required = true,
              default = { "groups" },
              description = "Claim paths that hold the groups; the first one present counts.",
              elements = { type = "string" },
            },
          },
          {
            consumer_claim = {
              type = "array",
              required = true,
              default = {},
              description = "Claim paths that name the Kong consumer of a token; the first one present counts. Empty: tokens have no consumer.",
              elements = { type = "string" },
            },
          },
          {
            consumer_by = {
              type = "array",
              required = true,
              default = { "username", "id" },
              len_min = 1,
              description = "What of a consumer the claim has to equal. With id, whoever can choose the claim's value can name any consumer by its UUID.",
              elements = { type = "string", one_of = { "username", "id" } },
            },
          },
          {
            consumer_optional = {
              type = "boolean",
              required = true,
              default = true,
              description = "Accept a token whose claim names no consumer.",
            },
          },
          {
            anonymous = {
              type = "string",
              err = "expected text without control characters, at most 256 bytes",
              len_max = 256,
              match = "^[^%c]+$",
              description = "Username or id of the consumer as which requests go on that fail with 400, 401 or 403. Give every auth plugin of the route one to accept any of their credentials.",
            },
          },
          {
            authenticated_groups_claim = {
              type = "string",
              description = "Claim path of the groups that Kong's acl plugin decides on, and that X-Authenticated-Groups names upstream.",
            },
          },
          {
            upstream_headers = {
              type = "map",
              required = true,
              default = { ["X-Authenticated-Userid"] = "sub" },
              description = "Headers set upstream from verified claims: header name to claim path. The same names from the client are always cleared. Giving the map replaces the default.",
              keys = {
                type = "string",
                err = "expected a header name",
                match = "^[%w!#$%%&'*+%-.^_`|~]+$",
              },
              values = { type = "string" },
            },
          },
          {
            hide_credentials = {
              type = "boolean",
              required = true,
              default = false,
              description = "Do not pass the credential on to the upstream service.",
            },
          },
          {
            run_on_preflight = {
              type = "boolean",
              required = true,
              default = true,
              description = "Judge OPTIONS preflight requests too.",
            },
          },
          {
            realm = {
              type = "string",
              err = "expected visible ASCII and spaces without quotes or backslashes, at most 128 bytes",
              len_max = 128,
              match = "^[^%c\"\\]+$",
              description = "Realm of the WWW-Authenticate challenge; without it the challenge has no realm.",
            },
          },
          {
            jwks = {
              type = "record",
              required = true,
              description = "How the issuers' key sets are fetched and kept.",
              fields = {
                {
                  refresh_interval = {
                    type = "integer",
                    required = true,
                    default = 900,
                    between = { 1, 31536000 },
                    description = "Seconds between refreshes of a key set.",
                  },
                },
                {
                  timeout = {
                    type = "integer",
                    required = true,
                    default = 5000,
                    between = { 1, 2147483646 },
                    description = "Timeout of a key set request in milliseconds.",
                  },
                },
                {
                  max_stale = {
                    type = "integer",
                    required = true,
                    default = 86400,
                    between = { 0, 31536000 },
                    description = "Seconds for which the last good key set serves while refreshes fail.",
                  },
                },
                {
                  unknown_kid_cooldown = {
                    type = "integer",
                    required = true,
                    default = 30,
                    between = { 0, 31536000 },
                    description = "Least seconds between two refreshes caused by unknown kids.",
                  },
                },
                {
                  ssl_verify = {
                    type = "boolean",
                    required = true,
                    default = true,
                    description = "Verify the certificate of the key set's server.",
                  },
                },
                {
                  ca_certificates = {
                    type = "array",
                    required = true,
                    default = {},
                    description = "PEM certificates trusted for key set servers besides the system's.",
                    elements = {
                      type = "string",
                      referenceable = true,
                      starts_with = "-----BEGIN CERTIFICATE-----",
                    },
                  },
                },
                {
                  http_proxy = {
                    type = "string",
                    err = "expected an http(s) URL without spaces or fragment",
                    match = "^https?://[^%s/?#]+[^%s#]*$",
                    referenceable = true,
                    description = "Proxy for key set requests; without it they go out directly.",
                  },
                },
              },
            },
          },
          {
            edge = {
              type = "record",
              required = true,
              description = "The proxy or load balancer in front of the gateway.",
              fields = {
                {
                  witness = {
                    type = "string",
                    required = true,
                    default = "off",
                    one_of = { "off", "optional", "required" },
                    description = "Statements of the edge in X-Auth-Witness. optional: evidence for explaining a request that is refused anyway. required: without a valid one, or with a credential that differs from it, a request is refused.",
                  },
                },
                {
                  keys = {
                    type = "array",
                    required = true,
                    default = {},
                    len_max = 16,
                    description = "Keys that the edge signs its statements with; several while one is rotated.",
                    elements = {
                      type = "record",
                      fields = {
                        {
                          id = {
                            type = "string",
                            required = true,
                            err = "expected letters, digits, dots, dashes and underscores, at most 64 bytes",
                            len_max = 64,
                            match = "^[%w_.%-]+$",
                            description = "Name of the key, as statements give it.",
                          },
                        },
                        {
                          secret = {
                            type = "string",
                            required = true,
                            encrypted = true,
                            err = "expected visible ASCII characters, 32 to 128 bytes",
                            len_max = 128,
                            len_min = 32,
                            match = "^[!-~]+$",
                            referenceable = true,
                            description = "The key: its bytes as they stand here.",
                          },
                        },
                        {
                          points = {
                            type = "array",
                            required = true,
                            default = {},
                            len_max = 16,
                            description = "Signing points that may use the key. Empty: NAME-in and NAME-out.",
                            elements = {
                              type = "string",
                              err = "expected a letter, then letters, digits, dots, dashes and underscores, at most 64",
                              match = "^%a[%w_.%-]*$",
                            },
                          },
                        },
                      },
                    },
                  },
                },
                {
                  max_age = {
                    type = "integer",
                    required = true,
                    default = 30,
                    between = { 1, 3600 },
                    description = "Seconds for which a statement is good, before and after its time: the clocks of edge and gateway may differ.",
                  },
                },
                {
                  trusted_ips = {
                    type = "array",
                    required = true,
                    default = {},
                    description = "Addresses or CIDR blocks of the edge, compared with the TCP peer. With any, statements count only from there.",
                    elements = {
                      type = "string",
                      match_any = {
                        err = "expected an IP address or CIDR block",
                        patterns = {
                          "^%d+%.%d+%.%d+%.%d+$",
                          "^%d+%.%d+%.%d+%.%d+/%d%d?$",
                          "^[%x:]*:[%x:%.]*$",
                          "^[%x:]*:[%x:%.]*/%d%d?%d?$",
                        },
                      },
                    },
                  },
                },
                {
                  name = {
                    type = "string",
                    required = true,
                    default = "edge",
                    err = "expected letters, digits, dots, dashes and underscores, at most 64 bytes",
                    len_max = 64,
                    match = "^[%w_.%-]+$",
                    description = "What the edge is called in diagnoses, such as f5; its signing points are NAME-in and NAME-out unless a key lists others.",
                  },
                },
              },
              entity_checks = {
                {
                  conditional_at_least_one_of = {
                    if_field = "witness",
                    if_match = { not_one_of = { "off" } },
                    then_at_least_one_of = { "keys" },
                    then_err = "witness needs keys",
                  },
                },
              },
            },
          },
          {
            rate_limiting = {
              type = "record",
              required = true,
              description = "Rate limits by tier; off while tiers is empty.",
              fields = {
                {
                  tiers = {
                    type = "array",
                    required = true,
                    default = {},
                    description = "Tiers: named sets of limits.",
                    elements = {
                      type = "record",
                      fields = {
                        {
                          name = {
                            type = "string",
                            required = true,
                            err = "expected text without control characters, at most 128 bytes",
                            len_max = 128,
                            match = "^[^%c]+$",
                            description = "Name of the tier, as the tier claim has it.",
                          },
                        },
                        {
                          second = {
                            type = "integer",
                            between = { 1, 1000000000 },
                            description = "Requests per second in the long run.",
                          },
                        },
                        {
                          burst = {
                            type = "integer",
                            between = { 1, 1000000000 },
                            description = "Requests that may come at once; as many as second when absent.",
                          },
                        },
                        {
                          minute = {
                            type = "integer",
                            between = { 1, 1000000000 },
                            description = "Requests per minute of the clock.",
                          },
                        },
                        {
                          hour = {
                            type = "integer",
                            between = { 1, 1000000000 },
                            description = "Requests per hour of the clock.",
                          },
                        },
                        {
                          day = {
                            type = "integer",
                            between = { 1, 1000000000000 },
                            description = "Requests per calendar day.",
                          },
                        },
                      },
                      entity_checks = {
                        { at_least_one_of = { "second", "minute", "hour", "day" } },
                        {
                          conditional_at_least_one_of = {
                            if_field = "burst",
                            if_match = { required = true, gt = 0 },
                            then_at_least_one_of = { "second" },
                            then_err = "burst needs second",
                          },
                        },
                      },
                    },
                  },
                },
                {
                  tier_claim = {
                    type = "array",
                    required = true,
                    default = { "tier" },
                    description = "Claim paths that name the tier; the first one present counts. A consumer's tag tier:NAME does too: before the claim with limit_by consumer, else without the claim.",
                    elements = { type = "string" },
                  },
                },
                {
                  default_tier = {
                    type = "string",
                    err = "expected text without control characters, at most 128 bytes",
                    len_max = 128,
                    match = "^[^%c]+$",
                    description = "Tier where neither claim nor tag names a known one; needed with tiers.",
                  },
                },
                {
                  limit_by = {
                    type = "string",
                    required = true,
                    default = "claim",
                    one_of = { "consumer", "claim", "ip" },
                    description = "What a counter belongs to: a consumer, a claim's value or the client's address. Requests without the first or second count by their address, at the default tier.",
                  },
                },
                {
                  limit_by_claim = {
                    type = "array",
                    required = true,
                    default = { "client_id", "azp", "sub" },
                    description = "Claim paths for limit_by claim; the first one present counts.",
                    elements = { type = "string" },
                  },
                },
                {
                  namespace = {
                    type = "string",
                    err = "expected letters, digits, dots, dashes, underscores and colons, at most 128 bytes",
                    len_max = 128,
                    match = "^[%w_.:%-]+$",
                    description = "Instances with the same namespace share their counters. Without it: the route, else the service, else global.",
                  },
                },
                {
                  policy = {
                    type = "string",
                    required = true,
                    default = "local",
                    one_of = { "local", "redis" },
                    description = "Where the counters live: in this gateway node, or in a Redis that several nodes share.",
                  },
                },
                {
                  sync_rate = {
                    type = "number",
                    required = true,
                    default = 0.1,
                    between = { -1, 3600 },
                    err = "expected -1 or 0.02 to 3600",
                    description = "For policy redis. Seconds between two exchanges with Redis, beside the requests, at least 0.02; -1 asks Redis in each request. Above 0.25 the nodes together may swing far over a rate.",
                  },
                },
                {
                  redis = {
                    type = "record",
                    required = true,
                    description = "The Redis of policy redis, as Kong's plugins name it: one server (host), a cluster or sentinels.",
                    fields = {
                      {
                        host = {
                          type = "string",
                          err = "expected a host name or address without port, at most 255 bytes",
                          len_max = 255,
                          match = "^[%w_.:%-]+$",
                          description = "Name or address of the one Redis server.",
                        },
                      },
                      {
                        port = {
                          type = "integer",
                          required = true,
                          default = 6379,
                          between = { 1, 65535 },
                          description = "Port of the one Redis server.",
                        },
                      },
                      {
                        username = {
                          type = "string",
                          err = "expected text without control characters, at most 256 bytes",
                          len_max = 256,
                          match = "^[^%c]+$",
                          referenceable = true,
                          description = "Redis ACL user. Without it the password is that of the default user.",
                        },
                      },
                      {
                        password = {
                          type = "string",
                          encrypted = true,
                          len_max = 1024,
                          referenceable = true,
                          description = "Password of the Redis user; without it the connection does not authenticate.",
                        },
                      },
                      {
                        database = {
                          type = "integer",
                          required = true,
                          default = 0,
                          between = { 0, 65535 },
                          description = "Number of the database. A cluster has only 0.",
                        },
                      },
                      {
                        timeout = {
                          type = "integer",
                          required = true,
                          default = 100,
                          between = { 1, 60000 },
                          description = "Milliseconds that connecting, sending or receiving may take, and a whole request with sync_rate -1.",
                        },
                      },
                      {
                        ssl = {
                          type = "boolean",
                          required = true,
                          default = false,
                          description = "Connect to Redis over TLS.",
                        },
                      },
                      {
                        ssl_verify = {
                          type = "boolean",
                          required = true,
                          default = true,
                          description = "Verify the certificate of the Redis server, against the system's authorities.",
                        },
                      },
                      {
                        server_name = {
                          type = "string",
                          err = "expected a host name or address without port, at most 255 bytes",
                          len_max = 255,
                          match = "^[%w_.:%-]+$",
                          description = "Name that the Redis server's certificate has to have, and that is sent to it (SNI). Without it: its host.",
                        },
                      },
                      {
                        cluster_nodes = {
                          type = "array",
                          required = true,
                          default = {},
                          len_max = 64,
                          description = "Nodes of a Redis Cluster; a few are enough to find the others.",
                          elements = {
                            type = "record",
                            fields = {
                              {
                                ip = {
                                  type = "string",
                                  required = true,
                                  err = "expected a host name or address without port, at most 255 bytes",
                                  len_max = 255,
                                  match = "^[%w_.:%-]+$",
                                  description = "Address or name of the node.",
                                },
                              },
                              {
                                port = {
                                  type = "integer",
                                  required = true,
                                  default = 6379,
                                  between = { 1, 65535 },
                                  description = "Port of the node.",
                                },
                              },
                            },
                          },
                        },
                      },
                      {
                        sentinel_nodes = {
                          type = "array",
                          required = true,
                          default = {},
                          len_max = 64,
                          description = "Sentinels that know which Redis server is the master.",
                          elements = {
                            type = "record",
                            fields = {
                              {
                                host = {
                                  type = "string",
                                  required = true,
                                  err = "expected a host name or address without port, at most 255 bytes",
                                  len_max = 255,
                                  match = "^[%w_.:%-]+$",
                                  description = "Name or address of the sentinel.",
                                },
                              },
                              {
                                port = {
                                  type = "integer",
                                  required = true,
                                  default = 26379,
                                  between = { 1, 65535 },
                                  description = "Port of the sentinel.",
                                },
                              },
                            },
                          },
                        },
                      },
                      {
                        sentinel_master = {
                          type = "string",
                          err = "expected text without control characters, at most 128 bytes",
                          len_max = 128,
                          match = "^[^%c]+$",
                          description = "Name of the master, as the sentinels call it.",
                        },
                      },
                    },
                    entity_checks = {
                      { mutually_exclusive = { "host", "cluster_nodes", "sentinel_nodes" } },
                      { mutually_required = { "sentinel_nodes", "sentinel_master" } },
                    },
                  },
                },
                {
                  nodes = {
                    type = "integer",
                    required = true,
                    default = 1,
                    between = { 1, 1000 },
                    description = "Gateway nodes that share the quotas. While they cannot see each other, each keeps to its share.",
                  },
                },
                {
                  fault_policy = {
                    type = "string",
                    required = true,
                    default = "local",
                    one_of = { "local", "allow", "deny" },
                    description = "What happens while Redis does not answer: local counts on by itself, allow lets through uncounted, deny answers 503.",
                  },
                },
                {
                  max_keys = {
                    type = "integer",
                    required = true,
                    default = 1000000,
                    between = { 1, 100000000 },
                    description = "Most counters kept in memory at a time, by all instances of one process together: the largest value of any instance counts.",
                  },
                },
                {
                  day_timezone = {
                    type = "string",
                    required = true,
                    default = "UTC",
                    err = "expected an IANA time zone",
                    match = "^[%w_+%-/]+$",
                    description = "IANA time zone in which a day begins. Minutes and hours are those of UTC.",
                  },
                },
                {
                  header_style = {
                    type = "string",
                    required = true,
                    default = "kong",
                    one_of = { "kong", "ietf", "both", "none" },
                    description = "Rate-limit response headers: as Kong's own plugin names them, as the IETF draft does (RateLimit and RateLimit-Policy), both or none.",
                  },
                },
                {
                  hide_client_headers = {
                    type = "boolean",
                    required = true,
                    default = false,
                    description = "Send no rate-limit response headers, nor Retry-After with a 429.",
                  },
                },
                {
                  retry_after_jitter_max = {
                    type = "integer",
                    required = true,
                    default = 30,
                    between = { 0, 3600 },
                    description = "Most seconds added at random to Retry-After when the day is used up, so that clients do not return all at once.",
                  },
                },
                {
                  error_code = {
                    type = "integer",
                    required = true,
                    default = 429,
                    between = { 400, 599 },
                    description = "Status of a rate-limited response.",
                  },
                },
                {
                  error_message = {
                    type = "string",
                    required = true,
                    default = "API rate limit exceeded",
                    err = "expected text without control characters, at most 1024 bytes",
                    len_max = 1024,
                    match = "^[^%c]+$",
                    description = "Message in the body of a rate-limited response.",
                  },
                },
                {
                  report_only = {
                    type = "boolean",
                    required = true,
                    default = false,
                    description = "Count and report, but never reject.",
                  },
                },
              },
              entity_checks = {
                {
                  conditional_at_least_one_of = {
                    if_field = "tiers",
                    if_match = { len_min = 1 },
                    then_at_least_one_of = { "default_tier" },
                    then_err = "tiers need default_tier",
                  },
                },
                {
                  conditional_at_least_one_of = {
                    if_field = "limit_by",
                    if_match = { eq = "claim" },
                    then_at_least_one_of = { "limit_by_claim" },
                    then_err = "limit_by claim needs limit_by_claim",
                  },
                },
                {
                  conditional_at_least_one_of = {
                    if_field = "policy",
                    if_match = { eq = "redis" },
                    then_at_least_one_of = { "redis.host", "redis.cluster_nodes", "redis.sentinel_nodes" },
                    then_err = "policy redis needs redis.host, redis.cluster_nodes or redis.sentinel_nodes",
                  },
                },
                {
                  conditional = {
                    if_field = "sync_rate",
                    if_match = { ne = -1 },
                    then_field = "sync_rate",
                    then_match = { between = { 0.02, 3600 } },
                    then_err = "sync_rate is -1 or 0.02 to 3600",
                  },
                },
              },
            },
          },
          {
            diagnosis = {
              type = "record",
              required = true,
              description = "What a diagnosis tells, where and to whom.",
              fields = {
                {
                  header_name = {
                    type = "string",
                    required = true,
                    default = "X-Auth-Diagnosis",
                    err = "expected a header name",
                    match = "^[%w!#$%%&'*+%-.^_`|~]+$",
                    description = "Response header that carries the diagnosis.",
                  },
                },
                {
                  detail = {
                    type = "string",
                    required = true,
                    default = "standard",
                    one_of = { "minimal", "standard", "full" },
                    description = "How much a diagnosis tells the client; the log always has everything.",
                  },
                },
                {
                  full_detail_ips = {
                    type = "array",
                    required = true,
                    default = {},
                    description = "Clients (addresses or CIDR blocks) that get full detail whatever detail says.",
                    elements = {
                      type = "string",
                      match_any = {
                        err = "expected an IP address or CIDR block",
                        patterns = {
                          "^%d+%.%d+%.%d+%.%d+$",
                          "^%d+%.%d+%.%d+%.%d+/%d%d?$",
                          "^[%x:]*:[%x:%.]*$",
                          "^[%x:]*:[%x:%.]*/%d%d?%d?$",
                        },
                      },
                    },
                  },
                },
                {
                  body = {
                    type = "boolean",
                    required = true,
                    default = true,
                    description = "Put the diagnosis into the body of a rejection too.",
                  },
                },
                {
                  on_accept = {
                    type = "boolean",
                    required = true,
                    default = false,
                    description = "Send the header with accepted requests too.",
                  },
                },
                {
                  log_identity = {
                    type = "boolean",
                    required = true,
                    default = false,
                    description = "Log client_id and sub of verified tokens with the diagnosis.",
                  },
                },
              },
            },
          },
        },
        entity_checks = {
          {
            conditional = {
              if_field = "mode",
              if_match = { eq = "enforce" },
              then_field = "expects",
              then_match = { contains = "bearer" },
              then_err = "mode enforce needs bearer in expects",
            },
          },
          {
            conditional = {
              if_field = "mode",
              if_match = { eq = "advise" },
              then_field = "hide_credentials",
              then_match = { eq = false },
              then_err = "mode advise cannot hide credentials: the plugins behind need them",
            },
          },
          {
            conditional = {
              if_field = "anonymous",
              if_match = { required = true, len_min = 1 },
              then_field = "mode",
              then_match = { eq = "enforce" },
              then_err = "mode advise cannot have anonymous: it authenticates nobody",
            },
          },
          {
            conditional = {
              if_field = "edge.witness",
              if_match = { eq = "required" },
              then_field = "mode",
              then_match = { eq = "enforce" },
              then_err = "mode advise cannot require a witness: it never rejects",
            },
          },
          {
            conditional = {
              if_field = "issuers",
              if_match = { len_min = 2 },
              then_field = "issuers",
              then_match = {
                elements = {
                  type = "record",
                  fields = {
                    { issuer = { type = "string" } },
                    { jwks_uris = { type = "set", elements = { type = "string" } } },
                    { audiences = { type = "set", elements = { type = "string" } } },
                    { skip_audience_check = { type = "boolean" } },
                    { algorithms = { type = "set", elements = { type = "string" } } },
                    { token_types = { type = "set", elements = { type = "string" } } },
                    { require_token_type = { type = "boolean" } },
                    { require_kid = { type = "boolean" } },
                    { accept_missing_issuer = { type = "boolean", eq = false } },
                  },
                },
              },
              then_err = "accept_missing_issuer is allowed with a single issuer only",
            },
          },
          {
            conditional_at_least_one_of = {
              if_field = "expects",
              if_match = { contains = "bearer" },
              then_at_least_one_of = { "issuers" },
              then_err = "bearer in expects needs issuers",
            },
          },
          {
            conditional_at_least_one_of = {
              if_field = "expects",
              if_match = { contains = "bearer" },
              then_at_least_one_of = { "header_names", "cookie_names", "uri_param_names" },
              then_err = "bearer in expects needs header_names, cookie_names or uri_param_names",
            },
          },
          {
            conditional_at_least_one_of = {
              if_field = "expects",
              if_match = { contains = "key" },
              then_at_least_one_of = { "key_names" },
              then_err = "key in expects needs key_names",
            },
          },
          {
            conditional_at_least_one_of = {
              if_field = "scopes_required",
              if_match = { len_min = 1 },
              then_at_least_one_of = { "scopes_claim" },
              then_err = "scopes_required needs scopes_claim",
            },
          },
          {
            conditional_at_least_one_of = {
              if_field = "roles_required",
              if_match = { len_min = 1 },
              then_at_least_one_of = { "roles_claim" },
              then_err = "roles_required needs roles_claim",
            },
          },
          {
            conditional_at_least_one_of = {
              if_field = "groups_required",
              if_match = { len_min = 1 },
              then_at_least_one_of = { "groups_claim" },
              then_err = "groups_required needs groups_claim",
            },
          },
          {
            conditional_at_least_one_of = {
              if_field = "consumer_optional",
              if_match = { eq = false },
              then_at_least_one_of = { "consumer_claim" },
              then_err = "consumer_optional false needs consumer_claim",
            },
          },
          {
            conditional = {
              if_field = "rate_limiting.limit_by",
              if_match = { eq = "consumer" },
              then_field = "consumer_claim",
              then_match = { len_min = 1 },
              then_err = "limit_by consumer needs consumer_claim",
            },
          },
        },
      },
    },
  },
}
