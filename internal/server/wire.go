package server

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/rolegate/rolegate/config"
	"github.com/rolegate/rolegate/internal/auth"
	"github.com/rolegate/rolegate/proxy"
	"github.com/rolegate/rolegate/proxy/dataapi"
	"github.com/rolegate/rolegate/rules"
)

// proxyConfig says how the proxy works on this app.
func (p *plan) proxyConfig(store proxy.Store) proxy.Config {
	c := proxy.Config{
		Store:         store,
		Policy:        p.policy,
		Functions:     p.functions,
		Log:           p.o.Logger,
		CustomDataTTL: p.settings.customDataTTL,
		NoRegex:       p.settings.appServices,
		Limits: proxy.Limits{
			Scan: int(p.settings.scan), Targets: int(p.settings.writeTargets),
			Inserts: int(p.settings.inserts), Memory: p.settings.memory,
		},
	}
	d := p.app.CustomUserData
	switch {
	case d == nil || !d.Enabled:
	case !fetchesCustomData(p.app) || !hasService(p.app, d.Service):
		c.NoCustomData = true
	default:
		c.CustomData = &proxy.CustomDataSource{
			NS:          rules.Namespace{Service: d.Service, Database: d.Database, Collection: d.Collection},
			UserIDField: d.UserIDField,
		}
	}
	return c
}

// fetchesCustomData follows the Data API's own switch, which is on unless it is off.
func fetchesCustomData(app *config.App) bool {
	return app.DataAPI == nil || app.DataAPI.FetchCustomUserData == nil || *app.DataAPI.FetchCustomUserData
}

func hasService(app *config.App, name string) bool {
	return slices.ContainsFunc(app.Services, func(s *config.Service) bool { return s.Name == name })
}

// doorConfig says how the Data API is served.
func (p *plan) doorConfig(ops dataapi.Operations, authenticate dataapi.Authenticator) dataapi.Config {
	c := dataapi.Config{
		AppID:          p.appID,
		Versions:       []string{"v1"},
		NoExtensions:   p.settings.appServices,
		InsertStatus:   p.settings.insertStatus,
		DataSources:    p.places.names,
		Configured:     p.policy.Known,
		Authenticate:   authenticate,
		Operations:     ops,
		AllowedOrigins: p.allowedOrigins(),
		MaxBody:        p.settings.maxBody,
		MaxResponse:    p.settings.maxResponse,
		MaxConcurrent:  int(p.settings.maxConcurrent),
		UserRate:       p.settings.userRate,
		RequestTimeout: p.settings.requestTimeout,
		BodyTimeout:    p.settings.bodyTimeout,
		Logger:         p.o.Logger,
	}
	if d := p.app.DataAPI; d != nil {
		c.Versions, c.AsSystem = d.Versions, d.RunAsSystem
		if d.Disabled {
			c.Versions = nil
		}
		if d.ReturnType == "EJSON" {
			c.ReturnType = dataapi.EJSON
		}
	}
	return c
}

// authenticator lets the Data API ask auth. Each of the two has its own names, neither knows the other.
func authenticator(a *auth.Authenticator) dataapi.Authenticator {
	kinds := map[dataapi.Kind]auth.Kind{
		dataapi.Bearer: auth.Bearer, dataapi.EmailPassword: auth.EmailPassword, dataapi.APIKey: auth.APIKey, dataapi.JWT: auth.JWT,
	}
	answers := []struct{ from, to error }{
		{auth.ErrFailed, dataapi.ErrBadCredentials},
		{auth.ErrExpired, dataapi.ErrTokenExpired},
		{auth.ErrDisabled, dataapi.ErrUserDisabled},
		{auth.ErrUnconfirmed, dataapi.ErrUnconfirmed},
		{auth.ErrTooMany, dataapi.ErrTooManyAttempts},
		{auth.ErrUnavailable, dataapi.ErrAuthUnavailable},
	}
	return func(ctx context.Context, c dataapi.Credentials) (*rules.User, error) {
		user, err := a.Authenticate(ctx, auth.Credentials{
			Kind: kinds[c.Kind], Email: c.Email, Secret: c.Secret, RemoteAddress: c.RemoteAddress,
		})
		for _, answer := range answers {
			if errors.Is(err, answer.from) {
				return nil, fmt.Errorf("%w: %w", answer.to, err)
			}
		}
		return user, err
	}
}
