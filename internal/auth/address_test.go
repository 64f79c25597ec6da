package auth

import "testing"

func TestCheckAddress(t *testing.T) {
	for _, c := range []struct {
		host, address string
		private       []string
		ok            bool
	}{
		{"issuer.example", "93.184.216.34:443", nil, true},
		{"issuer.example", "[2606:2800:220:1::1]:443", nil, true},
		{"issuer.example", "127.0.0.1:443", nil, false},
		{"issuer.example", "[::1]:443", nil, false},
		{"issuer.example", "[::ffff:127.0.0.1]:443", nil, false},
		{"issuer.example", "10.1.2.3:443", nil, false},
		{"issuer.example", "192.168.1.1:443", nil, false},
		{"issuer.example", "169.254.169.254:443", nil, false},
		{"issuer.example", "[fe80::1%eth0]:443", nil, false},
		{"issuer.example", "[fd00::1]:443", nil, false},
		{"issuer.example", "0.0.0.0:443", nil, false},
		{"issuer.example", "224.0.0.1:443", nil, false},
		{"issuer.example", "somewhere", nil, false},
		{"issuer.example", "10.1.2.3:443", []string{"issuer.example"}, true},
		{"Issuer.Example", "10.1.2.3:443", []string{"issuer.example"}, true},
		{"issuer.example", "10.1.2.3:443", []string{"example"}, false},
		{"localhost", "127.0.0.1:80", nil, true},
		{"127.0.0.1", "127.0.0.1:80", nil, true},
		{"localhost", "10.1.2.3:80", nil, false},
	} {
		err := checkAddress(c.host, c.private)(t.Context(), "tcp", c.address, nil)
		if (err == nil) != c.ok {
			t.Errorf("checkAddress(%s, %v)(%s) = %v", c.host, c.private, c.address, err)
		}
	}
}
