// Package peer tells where a request comes from.
package peer

import (
	"net"
	"net/http"
	"net/netip"
)

// Address is the peer of the connection, whatever headers say.
func Address(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// Network is what one customer of a provider is given: an address of version 4, or 64 bits of version 6. Whatever is counted
// by address is counted by it.
func Network(address string) string {
	a, err := netip.ParseAddr(address)
	if err != nil {
		return address
	}
	if a = a.Unmap(); a.Is4() {
		return a.String()
	}
	p, err := a.WithZone("").Prefix(64)
	if err != nil {
		return address
	}
	return p.String()
}
