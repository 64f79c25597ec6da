package auth

import (
	"errors"
	"sync"
	"time"
)

// maxRemembered bounds the memory of a cache. It is emptied when it is full.
const maxRemembered = 10_000

// cache remembers for a short time what a store has answered.
type cache[K comparable, V any] struct {
	life time.Duration // 0 remembers nothing
	none error         // what a store answers that has nothing; that is remembered, too
	now  func() time.Time

	mu    sync.Mutex
	seen  map[K]seen[V]
	epoch int // counts forget: what was asked for before is not remembered after
}

type seen[V any] struct {
	value V
	known bool
	at    time.Time
}

// remembered returns what is known of a key, or asks. Without anything it returns the error none.
func (c *cache[K, V]) remembered(key K, ask func() (V, error)) (value V, err error) {
	c.mu.Lock()
	s, ok := c.seen[key]
	epoch := c.epoch
	c.mu.Unlock()
	asked := c.now()
	if !ok || asked.Sub(s.at) >= c.life {
		found, err := ask()
		if err != nil && !errors.Is(err, c.none) {
			return value, err
		}
		s = seen[V]{value: found, known: err == nil, at: asked}
		c.remember(key, s, epoch)
	}
	if !s.known {
		return value, c.none
	}
	return s.value, nil
}

func (c *cache[K, V]) remember(key K, s seen[V], epoch int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.life <= 0 || epoch != c.epoch {
		return
	}
	if len(c.seen) >= maxRemembered {
		clear(c.seen)
	}
	c.seen[key] = s
}

// forget makes what this process changes known at once.
func (c *cache[K, V]) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.epoch++
	clear(c.seen)
}
