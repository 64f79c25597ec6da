package auth

import (
	"context"
	"errors"
	"sync"
	"time"
)

// userCache remembers for a short time who a user is. Good news may be that old; whoever finds bad news asks anew.
type userCache struct {
	store UserStore
	app   string
	life  time.Duration // 0 remembers nothing
	now   func() time.Time

	mu    sync.Mutex
	seen  map[[2]string]seenUser // :: provider and login, or "" and user id → what was found
	epoch int                    // counts forget: what was asked for before is not remembered after
}

type seenUser struct {
	user  User
	known bool
	at    time.Time
}

func newUserCache(c Config) *userCache {
	return &userCache{store: c.Users, app: c.App, life: c.UserLife, now: c.Now, seen: map[[2]string]seenUser{}}
}

// find returns a user or ErrNoUser.
func (c *userCache) find(ctx context.Context, id string) (User, error) {
	return c.remembered([2]string{"", id}, func() (User, error) { return c.store.Find(ctx, c.app, id) })
}

// login returns the user whose login it is, or ErrNoUser.
func (c *userCache) login(ctx context.Context, provider, login string) (User, error) {
	return c.remembered([2]string{provider, login}, func() (User, error) { return c.store.FindLogin(ctx, c.app, provider, login) })
}

func (c *userCache) remembered(key [2]string, ask func() (User, error)) (User, error) {
	c.mu.Lock()
	s, ok := c.seen[key]
	epoch := c.epoch
	c.mu.Unlock()
	asked := c.now()
	if !ok || asked.Sub(s.at) >= c.life {
		user, err := ask()
		if err != nil && !errors.Is(err, ErrNoUser) {
			return User{}, err
		}
		s = seenUser{user: user, known: err == nil, at: asked}
		c.remember(key, s, epoch)
	}
	if !s.known {
		return User{}, ErrNoUser
	}
	return s.user, nil
}

func (c *userCache) remember(key [2]string, s seenUser, epoch int) {
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
func (c *userCache) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.epoch++
	clear(c.seen)
}
