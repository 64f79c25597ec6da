package dataapi

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/cors"
	"github.com/rolegate/rolegate/internal/webhook"
	"github.com/rolegate/rolegate/proxy"
	"github.com/rolegate/rolegate/rules"
)

// Operations is what a door asks of the proxy. *proxy.Proxy implements it.
type Operations interface {
	// Admit refuses a request that the app lets nobody make; fresh is for those that store something.
	Admit(ctx context.Context, c proxy.Caller, fresh bool) error
	Find(ctx context.Context, c proxy.Caller, op proxy.Find, emit func(bson.Raw) error) error
	FindOne(ctx context.Context, c proxy.Caller, op proxy.Find) (bson.Raw, error)
	Count(ctx context.Context, c proxy.Caller, op proxy.Count) (int64, error)
	Distinct(ctx context.Context, c proxy.Caller, op proxy.Distinct) ([]bson.RawValue, error)
	Aggregate(ctx context.Context, c proxy.Caller, op proxy.Aggregate, emit func(bson.Raw) error) error
	Insert(ctx context.Context, c proxy.Caller, op proxy.Insert) (proxy.IDs, error)
	Update(ctx context.Context, c proxy.Caller, op proxy.Update) (proxy.UpdateResult, error)
	Replace(ctx context.Context, c proxy.Caller, op proxy.Replace) (proxy.UpdateResult, error)
	Delete(ctx context.Context, c proxy.Caller, op proxy.Delete) (int64, error)
	FindOneAndUpdate(ctx context.Context, c proxy.Caller, op proxy.FindOneAndUpdate) (bson.Raw, error)
	FindOneAndReplace(ctx context.Context, c proxy.Caller, op proxy.FindOneAndReplace) (bson.Raw, error)
	FindOneAndDelete(ctx context.Context, c proxy.Caller, op proxy.FindOneAndDelete) (bson.Raw, error)
	BulkWrite(ctx context.Context, c proxy.Caller, op proxy.BulkWrite) (proxy.BulkResult, error)
}

// Format is how documents are written into an answer.
type Format uint8

// Formats of answers.
const (
	JSON  Format = iota // lossy: an ObjectId is its hexadecimal string
	EJSON               // canonical Extended JSON
)

// Config is what New needs. Limits that are zero take their defaults, negative ones are switched off.
type Config struct {
	// AppID is the Client App ID in the path. Requests for any other are answered 404.
	AppID string
	// Versions are the API versions served, such as v1; beta is the same API under its old name. With none, as
	// for a disabled Data API, every request is answered 404.
	Versions []string
	// ReturnType is the format of answers to requests whose Accept header names none.
	ReturnType Format
	// NoExtensions answers 404 to the actions that the Atlas Data API did not have.
	NoExtensions bool
	// InsertStatus is the status of successful inserts, 200 (the default) or 201.
	InsertStatus int

	// DataSources maps what clients send as dataSource, which is a service's own name or an alias of it, to the
	// name of the service.
	DataSources map[string]string
	// Configured tells whether rules name a namespace; logs name no other. Nil is none.
	Configured func(rules.Namespace) bool

	// Authenticate finds the user of a request. Nil refuses everybody.
	Authenticate Authenticator
	// AsSystem runs every request as the system, under no rules, whatever credentials it has or has not.
	AsSystem bool
	// RunAs finds who a request runs as where the operator says that, whatever credentials it has or has not. Nil leaves it to
	// Authenticate.
	RunAs RunAs
	// Guard demands of every request that its sender knows a secret.
	Guard webhook.Guard
	// Operations carries out what was asked. Required.
	Operations Operations
	// NoCustomData says that requests of the Data API fetch no custom user data.
	NoCustomData bool

	// Endpoints are the custom endpoints, Functions calls their functions, and FindUser finds the users as whom some of them
	// run, with the errors of an Authenticator. The last two are required with the first.
	Endpoints []Endpoint
	Functions Functions
	FindUser  func(ctx context.Context, id string) (*rules.User, error)

	// AllowedOrigins are the origins whose pages may call, as scheme://host[:port]; others are answered 403.
	// With none, every page may: credentials are explicit headers, a browser adds none by itself. AsSystem and RunAs ask
	// for none, so that no page may then.
	AllowedOrigins []string

	MaxBody        int64         // bytes of a request, before and after decompression. Default 18 MiB
	MaxResponse    int64         // bytes of an answer. Default 350 MiB
	MaxConcurrent  int           // requests at a time. Default 10,000
	UserRate       float64       // requests a second of one normal user, or of one address with RunAs, or AsSystem and Guard. Default 100
	UserBurst      int           // requests at once of one of them. Default twice the rate
	RequestTimeout time.Duration // for the whole request. Default 300 s
	BodyTimeout    time.Duration // for reading the body. Default 10 s

	// Logger gets one line for each refusal. It is never given values of documents, filters or credentials.
	// Nil discards.
	Logger *slog.Logger
	// Observe, when set, is called after each request.
	Observe func(Observation)
}

// Observation is what is worth counting about one request. Its strings come from fixed sets.
type Observation struct {
	Action   string // empty when the request never got so far
	Status   int    // 0 when the client went away before an answer
	Code     string // the error code of a refusal
	Aborted  bool   // the answer was cut off after it had begun
	Panicked bool
	Duration time.Duration
}

// holdBack is how much of an answer is kept before its status is sent: until then an error still gets its own.
const holdBack = 1 << 20

// New returns the handler of the Data API.
func New(c Config) http.Handler {
	c.MaxBody = cmp.Or(c.MaxBody, 18<<20)
	c.MaxResponse = cmp.Or(c.MaxResponse, 350<<20)
	c.MaxConcurrent = cmp.Or(c.MaxConcurrent, 10_000)
	c.UserRate = cmp.Or(c.UserRate, 100)
	c.UserBurst = cmp.Or(c.UserBurst, int(2*c.UserRate))
	c.RequestTimeout = cmp.Or(c.RequestTimeout, 300*time.Second)
	c.BodyTimeout = cmp.Or(c.BodyTimeout, 10*time.Second)
	c.InsertStatus = cmp.Or(c.InsertStatus, http.StatusOK)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Authenticate == nil {
		c.Authenticate = func(context.Context, Credentials) (*rules.User, error) { return nil, ErrBadCredentials }
	}
	if c.Configured == nil {
		c.Configured = func(rules.Namespace) bool { return false }
	}
	if c.Observe == nil {
		c.Observe = func(Observation) {}
	}
	s := &server{
		Config:    c,
		router:    newRouter(),
		endpoints: newEndpoints(c),
		origins:   origins(c),
		rates:     newRates(c.UserRate, c.UserBurst),
	}
	if c.MaxConcurrent > 0 {
		s.slots = make(chan struct{}, c.MaxConcurrent)
	}
	s.buffers.New = func() any { return new([]byte) }
	return s
}

func origins(c Config) cors.Origins {
	if (c.AsSystem || c.RunAs != nil) && len(c.AllowedOrigins) == 0 {
		return cors.None()
	}
	return cors.New(c.AllowedOrigins)
}
