package server

import (
	"crypto/rand"
	"encoding/hex"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"time"

	"github.com/rolegate/rolegate/internal/telemetry"
)

// accessList says which addresses may ask anything. The zero value lets every one in.
type accessList struct {
	restricted bool
	networks   []netip.Prefix
}

// admits tells whether an address and port may ask.
func (l accessList) admits(remote string) bool {
	if !l.restricted {
		return true
	}
	peer, err := netip.ParseAddrPort(remote)
	return err == nil && within(l.networks, peer.Addr())
}

const blocked = `{"error":"request blocked: IP not on access list","error_code":"RestrictedHost"}`

// listed stands before every door, so that none can forget to ask: addresses come before origins, paths and credentials.
func listed(l accessList, log *slog.Logger, m *telemetry.Metrics, next http.Handler) http.Handler {
	if !l.restricted {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begun := time.Now()
		if l.admits(r.RemoteAddr) {
			next.ServeHTTP(w, r)
			return
		}
		var id [12]byte
		_, _ = rand.Read(id[:]) // never fails
		h := w.Header()
		h.Set("X-Request-Id", hex.EncodeToString(id[:]))
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Content-Type", "application/json")
		h.Set("Connection", "close") // nothing else will be answered on it
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, blocked) // the client went away; nobody is left to tell
		log.Info("refused", "request_id", h.Get("X-Request-Id"), "address", r.RemoteAddr, "code", "RestrictedHost", "cause", "address")
		m.Request("access_list", "", "RestrictedHost", time.Since(begun))
	})
}

func within(prefixes []netip.Prefix, addr netip.Addr) bool {
	addr = addr.Unmap().WithZone("")
	return slices.ContainsFunc(prefixes, func(p netip.Prefix) bool { return p.Contains(addr) })
}

// parsePrefix reads an address or a network. Those of version 4 inside of version 6 are of version 4.
func parsePrefix(text string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(text); err == nil {
		return netip.PrefixFrom(addr.Unmap(), addr.Unmap().BitLen()), nil
	}
	p, err := netip.ParsePrefix(text)
	if err == nil && p.Addr().Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p.Masked(), err
}
