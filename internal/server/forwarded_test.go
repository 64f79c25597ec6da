package server

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
)

func TestForwarded(t *testing.T) {
	t.Parallel()
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("127.0.0.1/32"), netip.MustParsePrefix("fd00::/8")}
	for _, c := range []struct {
		name, peer string
		headers    []string
		want       string
	}{
		{"one proxy", "127.0.0.1:5", []string{"203.0.113.7"}, "203.0.113.7:0"},
		{"the client wrote some itself", "127.0.0.1:5", []string{"198.51.100.1, 203.0.113.7"}, "203.0.113.7:0"},
		{"two proxies", "127.0.0.1:5", []string{"198.51.100.1, 203.0.113.7, 10.1.1.1"}, "203.0.113.7:0"},
		{"two headers", "127.0.0.1:5", []string{"203.0.113.7", "10.1.1.1"}, "203.0.113.7:0"},
		{"all trusted", "127.0.0.1:5", []string{"10.2.2.2, 10.1.1.1"}, "10.2.2.2:0"},
		{"version 6", "[fd00::1]:5", []string{"2001:db8::1"}, "[2001:db8::1]:0"},
		{"version 4 in 6", "[::ffff:10.0.0.1]:5", []string{"::ffff:203.0.113.7"}, "203.0.113.7:0"},
		{"with a port", "127.0.0.1:5", []string{"198.51.100.1, 203.0.113.7:4711"}, "203.0.113.7:0"},
		{"version 6 with a port", "127.0.0.1:5", []string{"[2001:db8::1]:4711"}, "[2001:db8::1]:0"},
		{"junk at the right", "127.0.0.1:5", []string{"203.0.113.7, unknown"}, "127.0.0.1:5"},
		{"junk behind a proxy", "127.0.0.1:5", []string{"unknown, 10.1.1.1"}, "10.1.1.1:0"},
		{"no header", "127.0.0.1:5", nil, "127.0.0.1:5"},
		{"a peer that is not trusted", "192.0.2.1:5", []string{"203.0.113.7"}, "192.0.2.1:5"},
	} {
		got := ""
		h := forwarded(trusted, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.RemoteAddr }))
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", nil)
		r.RemoteAddr = c.peer
		for _, v := range c.headers {
			r.Header.Add("X-Forwarded-For", v)
		}
		h.ServeHTTP(httptest.NewRecorder(), r)
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
		if r.RemoteAddr != c.peer {
			t.Errorf("%s: the request was changed in place", c.name)
		}
	}
}
