package config

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"
	_ "time/tzdata" // a gateway image need not have the zone files
)

// Bounds of a claim path.
const (
	maxPathBytes = 512
	maxPathNames = 16
)

// ParsePath splits a claim path into the names to follow: "realm_access.roles"
// gives ["realm_access" "roles"]. A backslash before a dot or a backslash makes
// it part of the name, so that `https://example\.com/claim` is a single one.
func ParsePath(path string) ([]string, error) {
	if len(path) > maxPathBytes {
		return nil, fmt.Errorf("longer than %d bytes", maxPathBytes)
	}
	var names []string
	var name strings.Builder
	for i := 0; i <= len(path); i++ {
		switch {
		case i == len(path) || path[i] == '.':
			if name.Len() == 0 {
				return nil, fmt.Errorf("an empty name at byte %d", i)
			}
			names = append(names, name.String())
			name.Reset()
		case path[i] != '\\':
			name.WriteByte(path[i])
		case i+1 < len(path) && (path[i+1] == '.' || path[i+1] == '\\'):
			i++
			name.WriteByte(path[i])
		default:
			return nil, fmt.Errorf("a backslash before neither a dot nor a backslash at byte %d", i)
		}
	}
	if len(names) > maxPathNames {
		return nil, fmt.Errorf("more than %d names", maxPathNames)
	}
	return names, nil
}

// Prefixes parses IP addresses and CIDR blocks. An address stands for the block
// of itself alone, IPv4 in IPv6 for IPv4; bits outside the mask are dropped.
// The error names the first entry that is neither.
func Prefixes(list []string) ([]netip.Prefix, error) {
	prefixes := make([]netip.Prefix, 0, len(list))
	for _, entry := range list {
		p, err := parsePrefix(entry)
		if err != nil {
			return nil, fmt.Errorf("expected an IP address or CIDR block, got %s: %w", show(entry, false), err)
		}
		prefixes = append(prefixes, p)
	}
	return prefixes, nil
}

var (
	errNoAddress = errors.New("neither an address nor a block")
	errZone      = errors.New("a zone")
)

func parsePrefix(s string) (netip.Prefix, error) {
	if !strings.Contains(s, "/") {
		addr, err := netip.ParseAddr(s)
		if err != nil {
			return netip.Prefix{}, errNoAddress
		}
		if addr.Zone() != "" {
			return netip.Prefix{}, errZone
		}
		addr = addr.Unmap()
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return netip.Prefix{}, errNoAddress
	}
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p.Masked(), nil
}

// Certificates parses PEM texts of one or more certificates each. The error
// names the first text that is not, by its position and without its content.
func Certificates(list []string) ([]*x509.Certificate, error) {
	var all []*x509.Certificate
	for i, text := range list {
		certs, err := parseCertificates(text)
		if err != nil {
			return nil, fmt.Errorf("expected PEM certificates at position %d: %w", i, err)
		}
		all = append(all, certs...)
	}
	return all, nil
}

func parseCertificates(text string) ([]*x509.Certificate, error) {
	var certs []*x509.Certificate
	rest := []byte(text)
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			return nil, errors.New("a block that is no certificate")
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("block %d does not parse as a certificate", len(certs)+1)
		}
		certs = append(certs, cert)
	}
	if strings.TrimSpace(string(rest)) != "" {
		return nil, errors.New("text that is no PEM block")
	}
	if len(certs) == 0 {
		return nil, errors.New("no certificate")
	}
	return certs, nil
}

// Location returns the IANA time zone of that name. The zones are built into
// the program. "Local" is refused: a day must not depend on the machine.
func Location(name string) (*time.Location, error) {
	if name == "" || strings.EqualFold(name, "Local") {
		return nil, errors.New("not the name of a zone")
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, errors.New("an unknown zone")
	}
	return zone, nil
}
