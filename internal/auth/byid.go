package auth

import (
	"context"

	"github.com/rolegate/rolegate/rules"
)

// UserByID returns the user with an id, or one of the errors of this package. It is for requests of which the operator has
// said as whom they run.
func (a *Authenticator) UserByID(ctx context.Context, id string) (*rules.User, error) {
	user, err := a.existing(ctx, id)
	if err != nil {
		return nil, err
	}
	return user.subject(nil), nil
}
