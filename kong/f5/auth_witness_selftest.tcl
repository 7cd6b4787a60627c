# auth_witness_selftest: answers GET /__witness_selftest for the addresses in data
# group auth_witness_testers with whether this appliance computes what Kong
# computes. The key is of this test only. Attach it, look, take it off again.
when HTTP_REQUEST priority 2 {
    if {[HTTP::has_responded]} { return }
    if {[HTTP::path] ne "/__witness_selftest"} { return }
    if {![class match [IP::client_addr] equals auth_witness_testers]} { return }

    # A byte above 0x7F: lengths have to be counted in bytes.
    set aw_value "Bearer [binary format H* e9]"
    set aw_got [call auth_witness::member edge-in test 0123456789abcdef0123456789abcdef 1795304235 GET api.example.com:8443 1 $aw_value]
    set aw_want {edge-in;v=1;kid="test";t=1795304235;a="GET";h="api.example.com:8443";p=1;n=1;s="bearer";l=8;f="d003a76cd89e927d";m="19b579ac8b1dff79def351b79e15a2f9"}
    if {$aw_got eq $aw_want} {
        HTTP::respond 200 content "auth_witness: same bytes\n"
    } else {
        HTTP::respond 500 content "auth_witness: expected $aw_want\nauth_witness: got      $aw_got\n"
    }
}
