package server

import (
	"errors"
	"testing"
)

func TestListen(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		address string
		plain   bool
		refused bool
	}{
		{"127.0.0.1:0", true, false},
		{"localhost:0", true, false},
		{"0.0.0.0:0", true, true},
		{":0", true, true},
		{"0.0.0.0:0", false, false},
	} {
		l, err := listen(t.Context(), c.address, c.plain)
		if errors.Is(err, ErrPlainHTTP) != c.refused || !c.refused && err != nil {
			t.Errorf("listen(%s, %v): %v", c.address, c.plain, err)
		}
		if l != nil {
			if err := l.Close(); err != nil {
				t.Error(err)
			}
		}
	}
	if _, err := listen(t.Context(), "nonsense", true); err == nil {
		t.Error("an address without a port: no error")
	}
}
