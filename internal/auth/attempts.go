package auth

import (
	"maps"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/rolegate/rolegate/internal/peer"
)

// attempts counts failed attempts by address, and by whom they are for.
type attempts struct {
	perMinute int
	now       func() time.Time

	mu    sync.Mutex
	seen  map[string]*rate.Limiter // :: network, or who is tried → what is left of the allowance
	swept time.Time
}

func newAttempts(perMinute int, now func() time.Time) *attempts {
	return &attempts{perMinute: perMinute, now: now, seen: map[string]*rate.Limiter{}}
}

// allow counts one failure and tells whether the address stays below the limit.
func (a *attempts) allow(address string) bool {
	if a.perMinute < 0 {
		return true
	}
	l := a.of(peer.Network(address))
	return l != nil && l.AllowN(a.now(), 1)
}

// try takes one attempt in advance, for what may be guessed. The attempt is given back if it succeeds. Without ok there
// is none left.
func (a *attempts) try(who string) (giveBack func(), ok bool) {
	if a.perMinute < 0 {
		return func() {}, true
	}
	l := a.of(who)
	if l == nil {
		return nil, false
	}
	at := a.now()
	r := l.ReserveN(at, 1)
	if !r.OK() || r.DelayFrom(at) > 0 {
		r.CancelAt(at)
		return nil, false
	}
	return func() { r.CancelAt(at) }, true
}

// of returns what is left to somebody. Whose allowance is whole again need not be remembered. While more than can be
// remembered have used some of theirs, those who come new get none: whoever could make us forget them by sending many
// names would have as many guesses as they like.
func (a *attempts) of(who string) *rate.Limiter {
	a.mu.Lock()
	defer a.mu.Unlock()
	if l := a.seen[who]; l != nil {
		return l
	}
	if len(a.seen) >= maxRemembered && !a.sweep() {
		return nil
	}
	l := rate.NewLimiter(rate.Limit(float64(a.perMinute)/60), a.perMinute)
	a.seen[who] = l
	return l
}

// sweep forgets whose allowance is whole again, at most once a second, and tells whether there is room then.
func (a *attempts) sweep() bool {
	now := a.now()
	if now.Sub(a.swept) < time.Second {
		return false
	}
	a.swept = now
	maps.DeleteFunc(a.seen, func(_ string, l *rate.Limiter) bool { return l.TokensAt(now) >= float64(l.Burst()) })
	return len(a.seen) < maxRemembered
}
