package diagnosis

// The rows about time, claims, authorization, limits and the plugin itself.

var timeRows = []Row{
	{TokenExpired, FamilyTime, hops(Client), Definite, 401, InvalidToken, "the token has expired", "get a new access token", "seconds past expiry"},
	{TokenExpiredSkew, FamilyTime, hops(IdP, Gateway), Definite, 401, InvalidToken, "a fresh token counts as expired already", "synchronise the clocks of the issuer and the gateway (NTP)", "seconds past expiry"},
	{TokenNotYetValid, FamilyTime, hops(IdP, Gateway), Definite, 401, InvalidToken, "the token is not valid yet", "synchronise the clocks of the issuer and the gateway (NTP)", "seconds to go"},
	{TokenIssuedInFuture, FamilyTime, hops(IdP, Gateway), Definite, 401, InvalidToken, "the token was issued in the future", "synchronise the clocks of the issuer and the gateway (NTP)", "seconds ahead"},
	{LifetimeTooLong, FamilyTime, hops(IdP), Definite, 401, InvalidToken, "the token's lifetime is longer than allowed", "shorten the token lifetime at the issuer", "seconds over the limit"},
	{ExpMissing, FamilyTime, hops(IdP), Definite, 401, InvalidToken, "the token has no expiry", "issue tokens with an exp claim", ""},
	{IatMissing, FamilyTime, hops(IdP), Definite, 401, InvalidToken, "the token does not say when it was issued", "issue tokens with an iat claim", ""},
	{TimeClaimBadType, FamilyTime, hops(IdP), Definite, 401, InvalidToken, "a time claim is not a number", "issue exp, nbf and iat as numbers of seconds", ""},
	{TimeClaimMilliseconds, FamilyTime, hops(IdP), Definite, 401, InvalidToken, "a time claim counts milliseconds", "issue exp, nbf and iat in seconds", ""},
	{TimeClaimOutOfRange, FamilyTime, hops(IdP), Definite, 401, InvalidToken, "a time claim is out of range", "issue exp, nbf and iat as seconds since 1970", ""},
}

var claimRows = []Row{
	{AudienceMissing, FamilyClaim, hops(IdP), Definite, 401, InvalidToken, "the token names no audience", "set the audience in the access token manager", ""},
	{AudienceMismatch, FamilyClaim, hops(Client, Gateway), Definite, 401, InvalidToken, "the token is meant for another audience", "request a token for this API; or add its audience to issuers.audiences", ""},
	{AudienceBadType, FamilyClaim, hops(IdP), Definite, 401, InvalidToken, "the token's audience is neither a string nor an array of strings", "issue aud as a string or an array of strings", ""},
	{ClaimMissing, FamilyClaim, hops(IdP, Gateway), Definite, 401, InvalidToken, "the token lacks a required claim", "issue the claim, or change required_claims", ""},
	{ClaimBadType, FamilyClaim, hops(IdP, Gateway), Definite, 401, InvalidToken, "a required claim has a type that cannot be compared", "issue the claim as a string, number, boolean or array of them", ""},
	{ClaimValueMismatch, FamilyClaim, hops(IdP, Gateway), Definite, 401, InvalidToken, "a required claim has another value than required", "request a token that fits, or change required_claims", ""},
	{ClaimPatternMismatch, FamilyClaim, hops(IdP, Gateway), Definite, 401, InvalidToken, "a required claim does not match the required pattern", "request a token that fits, or change required_claims", ""},
}

var authorizationRows = []Row{
	{ScopeClaimMissing, FamilyAuthorization, hops(Client, IdP), Definite, 403, InsufficientScope, "the token carries no scopes", "request a token with the scopes that this route needs", ""},
	{ScopeInsufficient, FamilyAuthorization, hops(Client, IdP), Definite, 403, InsufficientScope, "the token lacks a required scope", "request a token with the scopes that this route needs", ""},
	{RoleInsufficient, FamilyAuthorization, hops(IdP), Definite, 403, InsufficientScope, "the token lacks a required role", "grant the role at the issuer", ""},
	{GroupInsufficient, FamilyAuthorization, hops(IdP), Definite, 403, InsufficientScope, "the token lacks a required group", "add the user or client to the group at the issuer", ""},
	{ConsumerNotFound, FamilyAuthorization, hops(Gateway), Definite, 403, "", "the gateway has no consumer for the token", "create the consumer, or check consumer_claim and consumer_by", ""},
	{ConsumerAmbiguous, FamilyAuthorization, hops(Gateway), Definite, 403, "", "the token does not name a single consumer of the gateway", "issue one name in the claim, and none that is another consumer's id", ""},
	{AuthorizationDenied, FamilyAuthorization, hops(Gateway), Definite, 403, InsufficientScope, "the token is good, but its holder has no access here", "ask the operator of the gateway for access", ""},
}

var limitRows = []Row{
	{RateLimited, FamilyLimit, hops(Client), Definite, 429, "", "the rate limit of this tier is used up", "wait for Retry-After and slow down", ""},
	{QuotaExceeded, FamilyLimit, hops(Client), Definite, 429, "", "the day's quota of this tier is used up", "wait for Retry-After or ask for a larger tier", ""},
	{LimiterUnavailable, FamilyLimit, hops(Gateway), Definite, 503, "", "the request could not be counted against its limits", "repeat the request after Retry-After; if it stays, check the gateway's Redis", ""},
}

var pluginRows = []Row{
	{ConfigInvalid, FamilyPlugin, hops(Gateway), Definite, 500, "", "this plugin's configuration is not usable", "see the gateway's error log for the field", ""},
	{InternalError, FamilyPlugin, hops(Gateway), Definite, 500, "", "this plugin failed", "see the gateway's error log with this id", ""},
	{DeadlineExceeded, FamilyPlugin, hops(Gateway), Definite, 500, "", "this plugin did not finish in time", "see the gateway's error log with this id", ""},
}

var noticeRows = []Row{
	{Accepted, FamilyNotice, hops(Gateway), Definite, 0, "", "this plugin let the request through", "a 401 with Via: kong comes from the upstream, without Via from a later plugin", ""},
	{CredentialArrived, FamilyNotice, hops(Gateway), Weak, 0, "", "the credential arrived undamaged; its validity was not judged", "check this consumer's credentials in the gateway", ""},
}
