package credentials

import (
	"net/netip"
	"net/url"
	"strings"
)

// Allows reports whether a discovered target may get the credentials: its host is an address within one of the allowed
// networks, or a name under one of the allowed suffixes.
//
// A name is never resolved to see whether it leads into a network. Who writes a target list may write any name, and who
// runs that name's DNS decides where it leads: into the network when we look, and elsewhere when the password is sent.
func (o Options) Allows(target string) bool {
	u, err := url.Parse(target)
	if err != nil {
		return false
	}
	host := u.Hostname()
	address, err := netip.ParseAddr(host)
	for _, allowed := range o.AllowedTargets {
		if err == nil && holdsAddress(allowed, address) || err != nil && isUnder(host, allowed) {
			return true
		}
	}
	return false
}

// holdsAddress reports whether an address is in a network. One of IPv4 may be written as IPv6 on either side.
func holdsAddress(network string, address netip.Addr) bool {
	prefix, err := netip.ParsePrefix(network)
	if err != nil {
		return false
	}
	const mapped = 96 // bits before an IPv4 address that is written as IPv6
	if prefix.Addr().Is4In6() && prefix.Bits() >= mapped {
		prefix = netip.PrefixFrom(prefix.Addr().Unmap(), prefix.Bits()-mapped)
	}
	return prefix.Contains(address.Unmap().WithZone(""))
}

// isUnder reports whether a host is the suffix, or a name under it.
func isUnder(host, suffix string) bool {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	suffix = strings.Trim(strings.ToLower(suffix), ".")
	return suffix != "" && (host == suffix || strings.HasSuffix(host, "."+suffix))
}
