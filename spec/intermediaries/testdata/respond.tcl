when HTTP_REQUEST priority 0 { HTTP::respond 403 content "no" }
