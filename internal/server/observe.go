package server

import (
	"context"
	"errors"

	"github.com/rolegate/rolegate/internal/telemetry"
	"github.com/rolegate/rolegate/proxy"
	"github.com/rolegate/rolegate/proxy/dataapi"
	"github.com/rolegate/rolegate/rules"
)

// observer counts the requests of the Data API.
func observer(m *telemetry.Metrics) func(dataapi.Observation) {
	return func(o dataapi.Observation) {
		outcome := "ok"
		switch {
		case o.Aborted:
			outcome = "aborted"
		case o.Code != "":
			outcome = o.Code
		case o.Status == 0:
			outcome = "gone"
		}
		m.Request("dataapi", o.Action, outcome, o.Duration)
		if o.Panicked {
			m.Panic()
		}
	}
}

// reads counts the reads of collections.
func reads(m *telemetry.Metrics) func(proxy.Reading) {
	return func(r proxy.Reading) { m.Read(r.Operation, r.Outcome.String(), r.Fetched, r.Returned) }
}

// counted counts the credentials that are checked.
func counted(next dataapi.Authenticator, m *telemetry.Metrics) dataapi.Authenticator {
	kinds := map[dataapi.Kind]string{
		dataapi.Bearer: "bearer", dataapi.EmailPassword: "email_password", dataapi.APIKey: "api_key", dataapi.JWT: "jwt",
	}
	return func(ctx context.Context, c dataapi.Credentials) (*rules.User, error) {
		user, err := next(ctx, c)
		outcome := "ok"
		switch {
		case err == nil:
		case errors.Is(err, dataapi.ErrTokenExpired):
			outcome = "expired"
		case errors.Is(err, dataapi.ErrUserDisabled):
			outcome = "disabled"
		case errors.Is(err, dataapi.ErrUnconfirmed):
			outcome = "unconfirmed"
		case errors.Is(err, dataapi.ErrTooManyAttempts):
			outcome = "too_many"
		case errors.Is(err, dataapi.ErrAuthUnavailable):
			outcome = "unavailable"
		case errors.Is(err, dataapi.ErrBadCredentials):
			outcome = "failed"
		default:
			outcome = "error"
		}
		kind, known := kinds[c.Kind]
		if !known {
			kind = telemetry.None
		}
		m.Login(kind, outcome)
		return user, err
	}
}
