# auth_witness_in: what this virtual server received. Outermost signer only: a
# witness that came with the request is removed, whoever wrote it.
when HTTP_REQUEST priority 1 {
    # After HTTP::respond any HTTP::header command resets the connection.
    if {[HTTP::has_responded]} { return }

    call auth_witness::forget

    # A fault here must never cost the request: it goes on without a witness.
    # The error's text may quote the header, so it is not logged.
    if {[catch {call auth_witness::sign edge-in} aw_member] || $aw_member eq ""} {
        log local0.warning "auth_witness_in: not signed; see data group auth_witness_keys"
    } else {
        HTTP::header insert X-Auth-Witness $aw_member
    }
}
