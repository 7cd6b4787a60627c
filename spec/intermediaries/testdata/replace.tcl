when ACCESS_ACL_ALLOWED { HTTP::header remove Authorization; HTTP::header insert Authorization "Basic c3NvOnNzbw==" }
