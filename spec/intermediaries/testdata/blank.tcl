when HTTP_REQUEST_SEND { HTTP::header remove Authorization; HTTP::header insert Authorization "     " }
