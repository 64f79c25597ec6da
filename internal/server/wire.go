package server

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/rolegate/rolegate/config"
	"github.com/rolegate/rolegate/internal/auth"
	"github.com/rolegate/rolegate/internal/webhook"
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
		Now:           p.o.Now,
		Limits: proxy.Limits{
			Scan: int(p.settings.scan), Targets: int(p.settings.writeTargets),
			Inserts: int(p.settings.inserts), Memory: p.settings.memory,
		},
	}
	d := p.app.CustomUserData
	switch {
	case d == nil || !d.Enabled:
	case !hasService(p.app, d.Service) || !fetchesCustomData(p.app) && !endpointsFetchCustomData(p.app):
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
func (p *plan) doorConfig(ops *proxy.Proxy, authenticate dataapi.Authenticator) dataapi.Config {
	c := dataapi.Config{
		AppID:          p.appID,
		Versions:       []string{"v1"},
		NoExtensions:   p.settings.appServices,
		InsertStatus:   p.settings.insertStatus,
		DataSources:    p.places.names,
		Configured:     p.policy.Known,
		Authenticate:   authenticate,
		Operations:     ops,
		NoCustomData:   !fetchesCustomData(p.app),
		AllowedOrigins: p.allowedOrigins(),
		MaxBody:        p.settings.maxBody,
		MaxResponse:    p.settings.maxResponse,
		MaxConcurrent:  int(p.settings.maxConcurrent),
		UserRate:       p.settings.userRate,
		RequestTimeout: p.settings.requestTimeout,
		BodyTimeout:    p.settings.bodyTimeout,
		Logger:         p.o.Logger,
	}
	c.Endpoints, c.Functions = p.endpoints(), ops
	if d := p.app.DataAPI; d != nil {
		c.Versions, c.AsSystem, c.Guard = d.Versions, d.RunAsSystem, p.guard(d.ValidationMethod, d.SecretName)
		if d.Disabled {
			c.Versions = nil
		}
		if d.ReturnType == "EJSON" {
			c.ReturnType = dataapi.EJSON
		}
	}
	return c
}

// guard is what requests have to show besides credentials, by a validation_method.
func (p *plan) guard(method, secret string) webhook.Guard {
	g := webhook.Guard{Method: webhook.Signature}
	switch method {
	case "":
		return webhook.Guard{}
	case "SECRET_AS_QUERY_PARAM":
		g.Method = webhook.InQuery
	}
	g.Secret, _ = p.o.Secrets(secret) // without one nobody is let in, and loading has said so
	return g
}

// runAs says who requests of the Data API run as, nil where that is for their credentials to say.
func (p *plan) runAs(find userFinder, carrier *proxy.Proxy) dataapi.RunAs {
	d := p.app.DataAPI
	switch {
	case d == nil || d.RunAsSystem:
		return nil
	case d.RunAsUserID != "":
		return func(ctx context.Context, _ string, _ rules.Request) (*rules.User, error) {
			return find(ctx, d.RunAsUserID)
		}
	case d.Script() != nil:
		return func(ctx context.Context, requestID string, r rules.Request) (*rules.User, error) {
			id, system, err := carrier.RunAs(ctx, requestID, r)
			switch {
			case err != nil: // the log has why
				return nil, dataapi.ErrBadCredentials
			case system:
				return &rules.User{Type: rules.SystemUser}, nil
			}
			return find(ctx, id)
		}
	}
	return nil
}

// userFinder finds the user with an id that the operator has named.
type userFinder func(ctx context.Context, id string) (*rules.User, error)

func namedBy(a *auth.Authenticator) userFinder {
	return func(ctx context.Context, id string) (*rules.User, error) {
		user, err := a.Named(ctx, id)
		return user, authError(err)
	}
}

// authenticator lets the Data API ask auth. Each of the two has its own names, neither knows the other.
func authenticator(a *auth.Authenticator) dataapi.Authenticator {
	kinds := map[dataapi.Kind]auth.Kind{
		dataapi.Bearer: auth.Bearer, dataapi.EmailPassword: auth.EmailPassword, dataapi.APIKey: auth.APIKey, dataapi.JWT: auth.JWT,
	}
	return func(ctx context.Context, c dataapi.Credentials) (*rules.User, error) {
		user, err := a.Authenticate(ctx, auth.Credentials{
			Kind: kinds[c.Kind], Email: c.Email, Secret: c.Secret, RemoteAddress: c.RemoteAddress, CreateUser: c.CreateUser,
		})
		return user, authError(err)
	}
}

// authError turns an error of auth into the one that the Data API has for it.
func authError(err error) error {
	for _, answer := range []struct{ from, to error }{
		{auth.ErrFailed, dataapi.ErrBadCredentials},
		{auth.ErrExpired, dataapi.ErrTokenExpired},
		{auth.ErrDisabled, dataapi.ErrUserDisabled},
		{auth.ErrUnconfirmed, dataapi.ErrUnconfirmed},
		{auth.ErrTooMany, dataapi.ErrTooManyAttempts},
		{auth.ErrUnavailable, dataapi.ErrAuthUnavailable},
	} {
		if errors.Is(err, answer.from) {
			return fmt.Errorf("%w: %w", answer.to, err)
		}
	}
	return err
}
