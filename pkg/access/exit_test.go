package access_test

import "google.golang.org/protobuf/encoding/protowire"

type exit struct {
	status  int
	body    []byte
	headers []byte
}

func decodeExit(b []byte) (e exit, err error) {
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return e, protowire.ParseError(n)
		}
		b = b[n:]
		switch {
		case num == 1 && typ == protowire.VarintType:
			v, n := protowire.ConsumeVarint(b)
			if n < 0 {
				return e, protowire.ParseError(n)
			}
			e.status, b = int(v), b[n:]
		case typ == protowire.BytesType:
			v, n := protowire.ConsumeBytes(b)
			if n < 0 {
				return e, protowire.ParseError(n)
			}
			if num == 2 {
				e.body = v
			} else {
				e.headers = v
			}
			b = b[n:]
		}
	}
	return e, nil
}
