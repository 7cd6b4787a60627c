when HTTP_REQUEST priority 0 {
    foreach v {name kid key now method host count value text mac scheme space fingerprint lines member got want} { set $v kept }
}
when HTTP_REQUEST_RELEASE priority 1001 {
    foreach v {name kid key now method host count value text mac scheme space fingerprint lines member got want} {
        if {[set $v] ne "kept"} { HTTP::header insert X-Variables $v }
    }
    HTTP::header insert X-Variables kept
}
