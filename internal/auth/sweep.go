package auth

import (
	"context"
	"time"
)

// anonymousLife is how long an anonymous user who does not come back is kept.
const anonymousLife = 90 * 24 * time.Hour

// Sweep removes sessions that are over, and anonymous users who have not come back for long. The caller calls it now and
// then; several processes may do so at once.
func (a *Authenticator) Sweep(ctx context.Context) error {
	if a.users == nil {
		return nil
	}
	now := a.cfg.Now()
	return a.cfg.Users.Sweep(ctx, a.cfg.App, now, now.Add(-anonymousLife))
}
