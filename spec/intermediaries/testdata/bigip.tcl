# bigip.tcl runs iRules under tclsh, as far as header rules need it:
#
#   tclsh bigip.tcl RULE.tcl... < requests > results
#
# A rule's name is its file's name. Each line of input is one request on a
# connection of its own, a list of hex words: method, path, client address, then
# name and value of each header in order. In place of a request, "keys KID SECRET"
# makes data group auth_witness_keys anew, "clock SECONDS" sets the time and
# "crypto broken" makes CRYPTO::sign fail; "remove all" makes HTTP::header remove
# take every line of a name and not the last one only. For each request a line comes out: the
# outcome (sent or answered), the number of log lines, then name and value of each
# header, in hex.
#
# What BIG-IP does and this does not know: real CRYPTO hardware, profiles, TMMs.
package require sha256
package require base64

# ---- rules and events ----

# All state is in ::box: a rule's variables would meet global ones.
namespace eval box {
    variable handlers {}   ;# {event priority order body}
    variable logged {}
    variable now 0
    variable crypto works
    variable remove last
    variable request
    variable groups
    array set request {}
    array set groups {auth_witness_testers {127.0.0.9 {}}}
}

proc when {event args} {
    set priority 500
    if {[lindex $args 0] eq "priority"} { set priority [lindex $args 1] }
    lappend ::box::handlers [list $event $priority [llength $::box::handlers] [lindex $args end]]
}
# call runs a proc of a rule: its own by name, another rule's as RULE::name.
proc call {name args} { uplevel 1 [linsert $args 0 ::rule::$name] }

proc load_rule {file} {
    set name [file rootname [file tail $file]]
    namespace eval ::rule::$name {}
    namespace eval ::rule::$name [list source $file]
}

# An event's variables belong to the connection: all bodies run in one namespace.
proc fire {event} {
    foreach h [lsort -integer -index 1 [lsort -integer -index 2 $::box::handlers]] {
        if {[lindex $h 0] ne $event} continue
        set code [catch {namespace eval ::connection [lindex $h 3]} message]
        if {$code == 1} { error "$event: $message" $::errorInfo }
    }
}

# ---- commands ----

namespace eval HTTP {
    proc method {} { return $::box::request(method) }
    proc path {} { return $::box::request(path) }
    proc host {} { return [HTTP::header value Host] }
    proc has_responded {} { return $::box::request(responded) }
    proc respond {status args} {
        set ::box::request(responded) 1
        set ::box::request(headers) [list [list Status $status] [list Content [lindex $args 1]]]
    }
    proc header {command args} {
        if {$::box::request(responded)} { error "Can't call after responding" }
        set name [lindex $args 0]
        set found {}
        set i 0
        foreach h $::box::request(headers) {
            if {[string equal -nocase [lindex $h 0] $name]} { lappend found $i }
            incr i
        }
        set values {}
        foreach i $found { lappend values [lindex $::box::request(headers) $i 1] }
        switch -exact -- $command {
            exists { return [expr {[llength $found] > 0}] }
            count  { return [llength $found] }
            values { return $values }
            value  { return [lindex $values end] }
            insert { lappend ::box::request(headers) [list $name [lindex $args 1]] }
            remove {
                if {$::box::remove eq "last"} { set found [lrange $found end end] }
                foreach i [lsort -integer -decreasing $found] {
                    set ::box::request(headers) [lreplace $::box::request(headers) $i $i]
                }
            }
            default { error "HTTP::header $command is not known" }
        }
    }
}
namespace eval IP { proc client_addr {} { return $::box::request(client) } }
namespace eval CRYPTO {
    proc sign {args} {
        if {[lrange $args 0 2] ne {-alg hmac-sha256 -key} || [llength $args] != 5} { error "CRYPTO::sign: not as documented" }
        if {$::box::crypto eq "broken"} { error "CRYPTO::sign: $args" }
        foreach bytes [lrange $args 3 4] {
            if {[regexp {[^\x00-\xff]} $bytes]} { error "CRYPTO::sign: characters, not bytes" }
        }
        return [sha2::hmac -bin -key [lindex $args 3] [lindex $args 4]]
    }
}
proc b64encode {bytes} { return [base64::encode -maxlen 0 $bytes] }
proc class {command item args} {
    set name [lindex $args end]
    if {![info exists ::box::groups($name)]} { error "data group $name does not exist" }
    array set group $::box::groups($name)
    switch -exact -- $command {
        lookup { if {[info exists group($item)]} { return $group($item) }; return "" }
        match  { return [info exists group($item)] }
        default { error "class $command is not known" }
    }
}
proc log {args} { lappend ::box::logged [lindex $args end] }

rename clock tcl_clock
proc clock {command} {
    if {$command ne "seconds"} { error "clock $command is not known" }
    return $::box::now
}

# ---- one line, one request ----

proc unhex {word} { return [binary format H* $word] }
proc hex {bytes} { binary scan $bytes H* word; return "x$word" }

proc serve {line} {
    switch -exact -- [lindex $line 0] {
        keys   { set ::box::groups(auth_witness_keys) [list current [lindex $line 1] [lindex $line 1] [lindex $line 2]]; return }
        clock  { set ::box::now [lindex $line 1]; return }
        crypto { set ::box::crypto [lindex $line 1]; return }
        remove { set ::box::remove [lindex $line 1]; return }
    }
    array set ::box::request [list method [unhex [lindex $line 0]] path [unhex [lindex $line 1]] client [unhex [lindex $line 2]] responded 0 headers {}]
    set ::box::logged {}
    foreach {name value} [lrange $line 3 end] { lappend ::box::request(headers) [list [unhex $name] [unhex $value]] }
    namespace eval ::connection {}
    foreach event {HTTP_REQUEST ACCESS_ACL_ALLOWED HTTP_REQUEST_SEND HTTP_REQUEST_RELEASE} { fire $event }
    namespace delete ::connection
    foreach l $::box::logged { if {![regexp {^[a-z_: ;,]+$} $l]} { error "log line: $l" } }
    set out [list [expr {$::box::request(responded) ? "answered" : "sent"}] [llength $::box::logged]]
    foreach h $::box::request(headers) { lappend out [hex [lindex $h 0]] [hex [lindex $h 1]] }
    puts $out
    flush stdout
}

proc main {} {
    foreach file $::argv { load_rule $file }
    fconfigure stdin -translation binary
    while {[gets stdin line] >= 0} { serve $line }
}
main
