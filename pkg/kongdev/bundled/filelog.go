package bundled

import (
	"os"

	"kong-plugin-auth-diagnosis/pkg/kongdev/errlog"
	"kong-plugin-auth-diagnosis/pkg/kongdev/exchange"
)

// fileLog appends one line of JSON, the request's kong.log.serialize. The file
// is opened for every line, so that it may be moved away at any time.
func fileLog(x *exchange.Exchange, config map[string]any) error {
	record, err := x.SerializeLog()
	if err != nil {
		return err
	}
	line := append(exchange.EncodeJSON(record), '\n')
	f, err := os.OpenFile(str(config, "path"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		x.Log.Printf(errlog.Err, "[kong] handler.lua [file-log] failed to open the file: %v", err)
		return nil
	}
	defer f.Close()
	_, err = f.Write(line)
	return err
}
