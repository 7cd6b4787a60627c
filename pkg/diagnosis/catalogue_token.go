package diagnosis

// The rows that judge the credential, its structure and its header.

var credentialRows = []Row{
	{WitnessMissing, FamilyCredential, hops(Edge), Definite, 401, "", "the edge signed no statement about this request", "send the request through the edge, and have it sign", ""},
	{WitnessInvalid, FamilyCredential, hops(Edge), Definite, 401, "", "the edge's signed statement does not hold", "compare key, key id and points at the edge with edge.keys", ""},
	{WitnessStale, FamilyCredential, hops(Edge), Definite, 401, "", "the edge's signed statement is too old or from the future", "compare the clocks of edge and gateway", ""},
	{CredentialStripped, FamilyCredential, hops(Edge), Definite, 401, "", "the credential reached the edge and was removed behind that point", "find the rule that removes Authorization at the hop that detail names", ""},
	{CredentialReplaced, FamilyCredential, hops(Edge), Definite, 401, "", "another kind of credential was put in place of the one that reached the edge", "turn off single sign-on or credential injection for this route at the edge", ""},
	{CredentialRewritten, FamilyCredential, hops(Edge), Definite, 401, InvalidToken, "the credential is not the one that reached the edge", "pass Authorization on unchanged, or trust the issuer of what the edge puts there", ""},
	{CredentialMissing, FamilyCredential, hops(Client), Weak, 401, "", "no credential arrived", "send the credential; if you do, compare what the edge receives with what it sends on", ""},
	{CredentialMoved, FamilyCredential, hops(Edge), Weak, 401, "", "the credential arrived in another header", "restore the header at the hop that moved it", ""},
	{StrippedSuspected, FamilyCredential, hops(Edge), Weak, 401, "", "no credential arrived, and the request shows signs of one that was removed", "compare what the edge receives with what it sends on", ""},
	{CredentialEmpty, FamilyCredential, hops(Edge), Weak, 400, InvalidRequest, "the credential arrived blank", "look for a rule that blanks it at the edge (F5: Request Header Erase), or an empty variable at the client", ""},
	{SchemeOnly, FamilyCredential, hops(Client), Definite, 400, InvalidRequest, "a scheme arrived and no token behind it", "put the token behind the scheme; a variable is probably empty", ""},
	{SchemeMissing, FamilyCredential, hops(Client, Edge), Weak, 400, InvalidRequest, "the token arrived without the Bearer scheme", "prefix the token with Bearer and one space", ""},
	{SchemeRepeated, FamilyCredential, hops(Client, Edge), Weak, 400, InvalidRequest, "the Bearer scheme is repeated", "send the Bearer prefix once", ""},
	{SchemeUnsupported, FamilyCredential, hops(Client, Edge), Weak, 401, "", "the Authorization scheme is not one that this route takes", "use the Bearer scheme; if you do, look for single sign-on at the edge", ""},
	{CredentialTruncated, FamilyCredential, hops(Edge), Weak, 401, InvalidToken, "the token was cut off", "raise the header size limit of the hop that cuts it", "bytes missing"},
	{CredentialCommaJoined, FamilyCredential, hops(Edge), Weak, 400, InvalidRequest, "two credentials arrived in one header, joined by a comma", "replace the header instead of adding a second one", ""},
	{CredentialConflict, FamilyCredential, hops(Client), Definite, 400, InvalidRequest, "different tokens arrived in different places", "send one token in one place", ""},
	{TokenPlaceholder, FamilyCredential, hops(Client), Definite, 400, InvalidRequest, "a placeholder arrived where the token should be", "fix the template or variable that should hold the token", ""},
	{TokenBadCharset, FamilyCredential, hops(Client, Edge), Weak, 400, InvalidRequest, "the token holds bytes that no token may hold", "send the token as issued, without quotes, spaces or encoding", ""},
	{CredentialTooLarge, FamilyCredential, hops(Client, IdP), Definite, 431, "", "the credential is longer than this gateway takes", "shrink the token (fewer groups) or raise maximum_token_size", "bytes over the limit"},
}

var structureRows = []Row{
	{TokenOpaque, FamilyStructure, hops(IdP, Gateway), Weak, 401, InvalidToken, "the token is not a JWT", "issue JWT access tokens for this API; reference tokens are not accepted", ""},
	{TokenEncrypted, FamilyStructure, hops(IdP), Weak, 401, InvalidToken, "the token is encrypted", "turn off token encryption (JWE) for this API", ""},
	{TokenSegments, FamilyStructure, hops(Client, Edge), Weak, 401, InvalidToken, "the token does not have three segments", "send the whole token", "segments found"},
	{TokenJSONSerialized, FamilyStructure, hops(Client), Definite, 401, InvalidToken, "the token is not in compact form", "send the compact form, three segments joined by dots", ""},
	{HeaderBadBase64, FamilyStructure, hops(Client, Edge), Weak, 401, InvalidToken, "the token's header is not base64url", "send the token exactly as issued", ""},
	{PayloadBadBase64, FamilyStructure, hops(Client, Edge), Weak, 401, InvalidToken, "the token's payload is not base64url", "send the token exactly as issued", ""},
	{SignatureBadBase64, FamilyStructure, hops(Client, Edge), Weak, 401, InvalidToken, "the token's signature is not base64url", "send the token exactly as issued", ""},
	{HeaderBadJSON, FamilyStructure, hops(Client, IdP), Weak, 401, InvalidToken, "the token's header is not a JSON object", "send the token exactly as issued", ""},
	{PayloadBadJSON, FamilyStructure, hops(Client, IdP, Edge), Weak, 401, InvalidToken, "the token's payload is not a JSON object", "send the token exactly as issued", ""},
	{HeaderDuplicateMember, FamilyStructure, hops(IdP, Client), Weak, 401, InvalidToken, "the token's header names a member twice", "get a new token; if it repeats, fix the issuer", ""},
	{ClaimDuplicate, FamilyStructure, hops(IdP, Client), Weak, 401, InvalidToken, "the token names a claim twice", "get a new token; if it repeats, fix the issuer's claim mapping", ""},
	{ClaimNameAmbiguous, FamilyStructure, hops(IdP), Weak, 401, InvalidToken, "a claim's name differs from a registered one only in case", "rename the claim at the issuer", ""},
	{TokenTooComplex, FamilyStructure, hops(IdP), Weak, 401, InvalidToken, "the token's JSON is nested too deeply or has too many members", "issue a simpler token", ""},
	{SignatureEmpty, FamilyStructure, hops(Client), Definite, 401, InvalidToken, "the token is not signed", "send a signed token", ""},
	{TokenMalformed, FamilyStructure, hops(Client), Weak, 401, InvalidToken, "the token is malformed", "send the token exactly as issued", ""},
}

var headerRows = []Row{
	{AlgMissing, FamilyHeader, hops(IdP), Weak, 401, InvalidToken, "the token names no signature algorithm", "fix the issuer's token format", ""},
	{AlgNone, FamilyHeader, hops(Client), Definite, 401, InvalidToken, "the token claims to need no signature", "send a signed token; unsigned ones are never accepted", ""},
	{AlgUnsupported, FamilyHeader, hops(IdP), Weak, 401, InvalidToken, "the token's signature algorithm is unknown", "sign with RS, PS or ES 256 to 512, or EdDSA", ""},
	{AlgNotAllowed, FamilyHeader, hops(IdP, Gateway), Definite, 401, InvalidToken, "the token's signature algorithm is not allowed here", "align the issuer's algorithm with issuers.algorithms", ""},
	{AlgSymmetricForbidden, FamilyHeader, hops(Client, IdP, Edge), Definite, 401, InvalidToken, "the token is signed with a shared secret", "sign with an asymmetric key", ""},
	{AlgKeyMismatch, FamilyHeader, hops(IdP), Definite, 401, InvalidToken, "the token's algorithm does not fit the key it names", "publish a key that fits, or sign with its algorithm", ""},
	{CritUnsupported, FamilyHeader, hops(IdP), Weak, 401, InvalidToken, "the token marks a header member as critical that is not understood", "issue tokens without crit", ""},
	{EmbeddedKeyForbidden, FamilyHeader, hops(Client), Definite, 401, InvalidToken, "the token brings its own key", "issue tokens without jwk, jku, x5u or x5c", ""},
	{NestedTokenUnsupported, FamilyHeader, hops(IdP), Weak, 401, InvalidToken, "the token wraps another token", "issue tokens that are not nested", ""},
	{KidMissing, FamilyHeader, hops(IdP), Definite, 401, InvalidToken, "the token names no key", "turn on the key ID header at the issuer", ""},
	{KidInvalid, FamilyHeader, hops(IdP), Weak, 401, InvalidToken, "the token's key ID is not usable", "send the token exactly as issued", ""},
}

var kindRows = []Row{
	{TypNotAllowed, FamilyKind, hops(IdP, Gateway), Definite, 401, InvalidToken, "the token's type is not accepted here", "align the issuer's type header with issuers.token_types", ""},
	{TokenIsIDToken, FamilyKind, hops(Client, Edge), Definite, 401, InvalidToken, "an ID token was sent instead of an access token", "send the access token", ""},
	{TokenWrongKind, FamilyKind, hops(Client), Definite, 401, InvalidToken, "the token is of a kind that grants no access", "send the access token", ""},
}

func hops(h ...Hop) []Hop { return h }
