# auth_witness: library. Attach it to no virtual server; auth_witness_in and
# auth_witness_out call it. Tcl 8.4, as BIG-IP has it.
#
# Nothing here logs, and nothing here may: the value is a credential. All work is
# in procs because a variable of an event is shared by every rule on the virtual
# server, and a proc's is not.

# fields describes an Authorization value (count is the number of its lines,
# value the last of them) as p, n, s, l and f of a member.
proc fields {key count value} {
    if {$count == 0} {
        return {p=0;n=0;s="none";l=0;f=""}
    }
    set value [string trim $value " \t"]
    set scheme none
    set space [string first " " $value]
    if {$space > 0} {
        set scheme [string tolower [string range $value 0 [expr {$space - 1}]]]
        switch -exact -- $scheme {
            bearer - basic - dpop - digest - negotiate - ntlm { }
            default { set scheme other }
        }
    }
    binary scan [CRYPTO::sign -alg hmac-sha256 -key $key "fp|$value"] H16 fingerprint
    return "p=1;n=$count;s=\"$scheme\";l=[string length $value];f=\"$fingerprint\""
}

# member returns one signed member of X-Auth-Witness. Method and host are what
# the client wrote; what does not fit the alphabet becomes "?".
proc member {name kid key now method host count value} {
    if {![regexp {^[A-Za-z0-9._-]{1,32}$} $method]} { set method "?" }
    if {![regexp {^[][A-Za-z0-9._:-]{1,255}$} $host]} { set host "?" }
    set text "$name;v=1;kid=\"$kid\";t=$now;a=\"$method\";h=\"$host\";[call auth_witness::fields $key $count $value]"
    binary scan [CRYPTO::sign -alg hmac-sha256 -key $key "aw1|$text"] H32 mac
    return "$text;m=\"$mac\""
}

# sign returns the member for the request at hand, "" without a key. Data group
# auth_witness_keys: "current" names the key id, each key id its secret.
proc sign {name} {
    set kid [class lookup current auth_witness_keys]
    set key [class lookup $kid auth_witness_keys]
    if {$kid eq "" || [string length $key] < 32} {
        return ""
    }
    set count [HTTP::header count Authorization]
    set value ""
    if {$count == 1} {
        set value [HTTP::header value Authorization]
    } elseif {$count > 1} {
        set value [lindex [HTTP::header values Authorization] end]
    }
    return [call auth_witness::member $name $kid $key [clock seconds] [HTTP::method] [HTTP::host] $count $value]
}

# forget removes each line of X-Auth-Witness, one by one: whether remove takes one
# line or all of them depends on the version.
proc forget {} {
    for {set lines [HTTP::header count X-Auth-Witness]} {$lines > 0} {incr lines -1} {
        HTTP::header remove X-Auth-Witness
    }
}
