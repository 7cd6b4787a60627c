when HTTP_REQUEST { HTTP::header remove Authorization }
