package peer_test

import (
	"net/http"
	"testing"

	"github.com/rolegate/rolegate/internal/peer"
)

func TestPeer(t *testing.T) {
	t.Parallel()
	for remote, want := range map[string][2]string{
		"192.0.2.1:5":              {"192.0.2.1", "192.0.2.1"},
		"[::ffff:192.0.2.1]:5":     {"::ffff:192.0.2.1", "192.0.2.1"},
		"[2001:db8:1:2:3:4:5:6]:5": {"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"},
		"[2001:db8:1:2::1]:0":      {"2001:db8:1:2::1", "2001:db8:1:2::/64"},
		"[fe80::1%eth0]:5":         {"fe80::1%eth0", "fe80::/64"},
		"somewhere":                {"somewhere", "somewhere"},
		"":                         {"", ""},
	} {
		r := &http.Request{RemoteAddr: remote, Header: http.Header{"X-Forwarded-For": {"203.0.113.7"}}}
		address := peer.Address(r)
		if got := [2]string{address, peer.Network(address)}; got != want {
			t.Errorf("%q: %q, want %q", remote, got, want)
		}
	}
}
