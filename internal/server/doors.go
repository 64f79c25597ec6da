package server

import (
	"net/http"
	"strings"

	"github.com/rolegate/rolegate/internal/auth"
	"github.com/rolegate/rolegate/internal/telemetry"
	"github.com/rolegate/rolegate/proxy/clientapi"
)

// doors sends each request to the API that its path belongs to.
func doors(data, client http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.EscapedPath(), clientapi.Prefix) {
			client.ServeHTTP(w, r)
			return
		}
		data.ServeHTTP(w, r)
	})
}

// clientConfig says how the client API is served.
func (p *plan) clientConfig(accounts *auth.Authenticator) clientapi.Config {
	return clientapi.Config{
		AppID: p.appID, Accounts: accounts, PublicURL: p.settings.publicURL, AllowedOrigins: p.allowedOrigins(), Logger: p.o.Logger,
	}
}

// allowedOrigins are those of the operator, or else of the export.
func (p *plan) allowedOrigins() []string {
	if len(p.o.AllowedOrigins) == 0 {
		return p.app.Root.AllowedOrigins
	}
	return p.o.AllowedOrigins
}

// clientObserver counts the requests of the client API.
func clientObserver(m *telemetry.Metrics) func(clientapi.Observation) {
	return func(o clientapi.Observation) {
		outcome := "ok"
		if o.Code != "" {
			outcome = o.Code
		}
		m.Request("clientapi", o.Action, outcome, o.Duration)
		if o.Panicked {
			m.Panic()
		}
	}
}
