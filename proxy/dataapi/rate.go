package dataapi

import (
	"sync"

	"golang.org/x/time/rate"
)

// maxRates bounds each of the two generations of rates.
const maxRates = 50_000

// rates limits how fast one user may send requests. Users are kept in two generations: a full one becomes the old
// one, and whoever is not seen during the next is forgotten. That bounds the memory without any sweeping, and to
// be forgotten a user must stay away while tens of thousands of others come.
type rates struct {
	limit rate.Limit
	burst int

	mu       sync.Mutex
	now, old map[string]*rate.Limiter // :: user id, or address → limiter
}

func newRates(perSecond float64, burst int) *rates {
	return &rates{limit: rate.Limit(perSecond), burst: burst, now: make(map[string]*rate.Limiter)}
}

// admit counts one request.
func (rs *rates) admit(who string) error {
	if rs.limit <= 0 || rs.limiter(who).Allow() {
		return nil
	}
	return tooMany("user_rate", "too many requests")
}

func (rs *rates) limiter(id string) *rate.Limiter {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	l, ok := rs.now[id]
	if ok {
		return l
	}
	if l, ok = rs.old[id]; !ok {
		l = rate.NewLimiter(rs.limit, rs.burst)
	}
	if len(rs.now) >= maxRates {
		rs.now, rs.old = make(map[string]*rate.Limiter), rs.now
	}
	rs.now[id] = l
	return l
}
