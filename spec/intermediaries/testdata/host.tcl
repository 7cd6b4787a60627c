when HTTP_REQUEST_RELEASE priority 999 { HTTP::header remove Host; HTTP::header insert Host kong.internal:8000 }
