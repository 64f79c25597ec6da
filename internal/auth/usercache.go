package auth

import "context"

// userCache remembers for a short time who a user is. Good news may be that old; whoever finds bad news asks anew.
type userCache struct {
	cache[[2]string, User] // :: provider and login, or "" and user id
	store                  UserStore
	app                    string
}

func newUserCache(c Config) *userCache {
	u := &userCache{store: c.Users, app: c.App}
	u.life, u.none, u.now, u.seen = c.UserLife, ErrNoUser, c.Now, map[[2]string]seen[User]{}
	return u
}

// find returns a user or ErrNoUser.
func (c *userCache) find(ctx context.Context, id string) (User, error) {
	return c.remembered([2]string{"", id}, func() (User, error) { return c.store.Find(ctx, c.app, id) })
}

// login returns the user whose login it is, or ErrNoUser.
func (c *userCache) login(ctx context.Context, provider, login string) (User, error) {
	return c.remembered([2]string{provider, login}, func() (User, error) { return c.store.FindLogin(ctx, c.app, provider, login) })
}
