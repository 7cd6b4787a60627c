# auth_witness_out: what this virtual server sends on, after APM, ASM and every
# other iRule. It adds a line and leaves the one of auth_witness_in alone.
when HTTP_REQUEST_RELEASE priority 1000 {
    if {[HTTP::has_responded]} { return }

    if {[catch {call auth_witness::sign edge-out} aw_member] || $aw_member eq ""} {
        log local0.warning "auth_witness_out: not signed; see data group auth_witness_keys"
    } else {
        HTTP::header insert X-Auth-Witness $aw_member
    }
}
