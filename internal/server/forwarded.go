package server

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// forwarded gives a request the address of the client where trusted programs in front of us say it. The access list and
// whatever counts by address go by it, and rules see it as %%request.remoteIPAddress. Without trusted ones the peer is the
// client, whatever headers say. Forwarded is not read: a program in front of us that keeps one of the two headers lets the
// other one pass as the client wrote it.
func forwarded(trusted []netip.Prefix, next http.Handler) http.Handler {
	if len(trusted) == 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if client, ok := clientAddress(r, trusted); ok {
			r = r.Clone(r.Context())
			r.RemoteAddr = netip.AddrPortFrom(client, 0).String()
		}
		next.ServeHTTP(w, r)
	})
}

// clientAddress is the right-most address that is not one of ours. Each trusted program has appended the peer it saw;
// what stands further left, the client may have written itself.
func clientAddress(r *http.Request, trusted []netip.Prefix) (netip.Addr, bool) {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !within(trusted, peer.Addr()) {
		return netip.Addr{}, false
	}
	chain := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	client, known := netip.Addr{}, false
	for _, text := range slices.Backward(chain) {
		addr, err := parseHop(strings.TrimSpace(text))
		if err != nil {
			break
		}
		if client, known = addr.Unmap(), true; !within(trusted, client) {
			break
		}
	}
	return client, known
}

// parseHop reads an address. Some programs add the port.
func parseHop(text string) (netip.Addr, error) {
	if withPort, err := netip.ParseAddrPort(text); err == nil {
		return withPort.Addr(), nil
	}
	return netip.ParseAddr(text)
}
