package auth

import (
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// attempts counts failed attempts by address, and by whom they are for.
type attempts struct {
	perMinute int
	now       func() time.Time

	mu   sync.Mutex
	seen map[string]*rate.Limiter // :: network, or who is tried → what is left of the allowance
}

func newAttempts(perMinute int, now func() time.Time) *attempts {
	return &attempts{perMinute: perMinute, now: now, seen: map[string]*rate.Limiter{}}
}

// allow counts one failure and tells whether the address stays below the limit.
func (a *attempts) allow(address string) bool {
	if a.perMinute < 0 {
		return true
	}
	return a.of(networkOf(address)).AllowN(a.now(), 1)
}

// try takes one attempt in advance, for what may be guessed. The attempt is given back if it succeeds. Without ok there
// is none left.
func (a *attempts) try(who string) (giveBack func(), ok bool) {
	if a.perMinute < 0 {
		return func() {}, true
	}
	at := a.now()
	r := a.of(who).ReserveN(at, 1)
	if !r.OK() || r.DelayFrom(at) > 0 {
		r.CancelAt(at)
		return nil, false
	}
	return func() { r.CancelAt(at) }, true
}

func (a *attempts) of(who string) *rate.Limiter {
	a.mu.Lock()
	defer a.mu.Unlock()
	l := a.seen[who]
	if l == nil {
		if len(a.seen) >= maxRemembered {
			clear(a.seen)
		}
		l = rate.NewLimiter(rate.Limit(float64(a.perMinute)/60), a.perMinute)
		a.seen[who] = l
	}
	return l
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
