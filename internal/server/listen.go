package server

import (
	"context"
	"errors"
	"fmt"
	"net"
)

// ErrPlainHTTP refuses to serve credentials and data in the clear to other machines.
var ErrPlainHTTP = errors.New("plain HTTP is served on loopback addresses only: give --tls-cert and --tls-key, or " +
	"--insecure-http when TLS ends in front of rolegate")

// listen opens a listener. A plain one that other machines reach is closed again before it accepts anything.
func listen(ctx context.Context, address string, plain bool) (net.Listener, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	if tcp, ok := l.Addr().(*net.TCPAddr); plain && (!ok || !tcp.IP.IsLoopback()) {
		return nil, errors.Join(fmt.Errorf("%s: %w", address, ErrPlainHTTP), l.Close())
	}
	return l, nil
}
