when HTTP_REQUEST priority 900 { HTTP::header insert Authorization "Bearer of-the-edge" }
