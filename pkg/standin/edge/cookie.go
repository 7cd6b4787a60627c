package edge

import (
	"encoding/binary"
	"fmt"
	"net/netip"
)

// persistence is the value of BIG-IP's persistence cookie for a pool member in the
// default route domain. IPv4: the address as a little-endian number, the port, a zero,
// all in decimal. IPv6: "vi" and the address in hexadecimal, the port. The bytes of
// the port are swapped in both.
func persistence(member netip.AddrPort) string {
	addr, port := member.Addr().Unmap(), member.Port()
	port = port<<8 | port>>8
	if addr.Is4() {
		four := addr.As4()
		return fmt.Sprintf("%d.%d.0000", binary.LittleEndian.Uint32(four[:]), port)
	}
	return fmt.Sprintf("vi%x.%d", addr.As16(), port)
}
