package server

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/rolegate/rolegate/config"
	"github.com/rolegate/rolegate/internal/source"
)

// Options is everything an operator may say besides the app export. Its zero value lacks App and MongoDBURI only.
type Options struct {
	// App is the directory of the app export. Links do not lead out of it.
	App string
	// AppID takes the place of the client app id of the export.
	AppID string
	// MongoDBURI is the deployment behind the data sources that Settings do not map, and of StoreDatabase.
	MongoDBURI string
	// StoreDatabase holds our own data; empty means __rolegate.
	StoreDatabase string

	// Listen is the address of the public listener; empty means 127.0.0.1:8080.
	Listen string
	// AdminListen is the address of health, readiness and metrics; empty means that there is no such listener.
	AdminListen string
	// TLSCert and TLSKey are files in PEM, read again when they change. Without them HTTP is plain.
	TLSCert, TLSKey string
	// InsecureHTTP allows plain HTTP beyond this machine: TLS ends in front of us.
	InsecureHTTP bool
	// AllowedOrigins takes the place of the list of the export.
	AllowedOrigins []string

	// Secrets gives the values of the app's secrets, see [OpenSecrets]. Without it none is given.
	Secrets config.SecretSource
	// Settings is the text of the file of settings; nil is an empty one. See settings.go for its keys.
	Settings *source.File
	// Quarantine serves an app of which some namespaces have errors, and denies everything on those.
	Quarantine bool

	// NoFunctions calls no functions: an app whose rules need them is refused.
	NoFunctions bool

	// Drain is how long running requests may go on after the end of the context of Run; 0 means 25 s.
	Drain time.Duration
	// Logger gets what happens, and every refusal. It is never given values of documents or credentials. Nil discards.
	Logger *slog.Logger
	// Now is the clock that tokens are held against and that rules see; nil is time.Now.
	Now func() time.Time
}

const (
	defaultListen   = "127.0.0.1:8080"
	defaultDatabase = "__rolegate"
	defaultDrain    = 25 * time.Second
)

func (o *Options) setDefaults() {
	if o.Listen == "" {
		o.Listen = defaultListen
	}
	if o.StoreDatabase == "" {
		o.StoreDatabase = defaultDatabase
	}
	if o.Drain == 0 {
		o.Drain = defaultDrain
	}
	if o.Secrets == nil {
		o.Secrets = func(string) (string, bool) { return "", false }
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
}

// ConfigError is the answer to a configuration that must not be served.
type ConfigError struct {
	Diagnostics source.Diagnostics // sorted; at least one is an error
	// Usable tells that all errors are confined to namespaces: Quarantine would serve the rest.
	Usable bool
}

func (e *ConfigError) Error() string {
	return "the configuration is not valid: " + count(e.Diagnostics)
}

// count says how many problems there are.
func count(ds source.Diagnostics) string {
	errors := 0
	for _, d := range ds {
		if d.Severity == source.Error {
			errors++
		}
	}
	return fmt.Sprintf("%s, %s", plural(errors, "error"), plural(len(ds)-errors, "warning"))
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
