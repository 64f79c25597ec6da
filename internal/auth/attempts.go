package auth

import (
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// attempts counts failed attempts by address.
type attempts struct {
	perMinute int
	now       func() time.Time

	mu   sync.Mutex
	seen map[string]*rate.Limiter // :: network → what is left of its allowance
}

func newAttempts(perMinute int, now func() time.Time) *attempts {
	return &attempts{perMinute: perMinute, now: now, seen: map[string]*rate.Limiter{}}
}

// allow counts one failure and tells whether the address stays below the limit.
func (a *attempts) allow(address string) bool {
	if a.perMinute < 0 {
		return true
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	network := networkOf(address)
	l := a.seen[network]
	if l == nil {
		if len(a.seen) >= maxRemembered {
			clear(a.seen)
		}
		l = rate.NewLimiter(rate.Limit(float64(a.perMinute)/60), a.perMinute)
		a.seen[network] = l
	}
	return l.AllowN(a.now(), 1)
}

// networkOf is what one customer of a provider is given: an address of version 4, or 64 bits of version 6.
func networkOf(address string) string {
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
