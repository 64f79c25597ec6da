package clientapi

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/gorilla/mux"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/auth"
	"github.com/rolegate/rolegate/internal/cors"
	"github.com/rolegate/rolegate/rules"
)

// Accounts is what the door asks for. *auth.Authenticator implements it.
type Accounts interface {
	Login(ctx context.Context, l auth.Login) (auth.Tokens, error)
	Link(ctx context.Context, access string, l auth.Login) (auth.Tokens, error)
	Refresh(ctx context.Context, refresh string) (access string, err error)
	Logout(ctx context.Context, refresh string) error
	Holder(ctx context.Context, access string) (*rules.User, error)
	DeleteUser(ctx context.Context, access string) error
	Register(ctx context.Context, email, password, address string) error
	Confirm(ctx context.Context, user, token, address string) error
	SendConfirmation(email, address string) error
	CallConfirmation(ctx context.Context, email, address string) error
	ResetPassword(ctx context.Context, user, token, password, address string) error
	SendReset(email, address string) error
	CallReset(ctx context.Context, email, password string, args []bson.RawValue, address string) error
	CreateKey(ctx context.Context, refresh, name string) (auth.Key, string, error)
	ListKeys(ctx context.Context, refresh string) ([]auth.Key, error)
	FindKey(ctx context.Context, refresh, id string) (auth.Key, error)
	DisableKey(ctx context.Context, refresh, id string, disabled bool) error
	DeleteKey(ctx context.Context, refresh, id string) error
	Domain() string
}

// Config is what New needs.
type Config struct {
	AppID    string // the client app id in paths
	Accounts Accounts
	// PublicURL is where clients reach this server, without a slash at its end. Empty is where the request came to.
	PublicURL string
	// AllowedOrigins are the origins whose pages may call. With none, every page may.
	AllowedOrigins []string
	// MaxConcurrent is how many requests may run at a time; 0 means 1,000.
	MaxConcurrent int
	// Logger gets one line for each refusal. Nil discards.
	Logger *slog.Logger
	// Observe, when set, is called after each request.
	Observe func(Observation)
}

// Observation is what is worth counting about one request. Its strings come from fixed sets.
type Observation struct {
	Action   string // empty when the path was none
	Code     string // the error code of a refusal
	Panicked bool
	Duration time.Duration
}

const (
	maxBody = 64 << 10 // bytes
	// timeout bounds a request, and the reading of its body.
	timeout = 30 * time.Second
)

type server struct {
	Config
	router  *mux.Router
	origins cors.Origins
	slots   chan struct{}
}

// New returns the handler of everything below [Prefix].
func New(c Config) http.Handler {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Observe == nil {
		c.Observe = func(Observation) {}
	}
	return &server{
		Config: c, router: newRouter(), origins: cors.New(c.AllowedOrigins), slots: make(chan struct{}, cmp.Or(c.MaxConcurrent, 1000)),
	}
}
