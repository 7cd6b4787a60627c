when HTTP_REQUEST { set v [HTTP::header value Authorization]; HTTP::header remove Authorization; HTTP::header insert Authorization [string range $v 0 end-2] }
