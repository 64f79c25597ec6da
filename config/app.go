package config

import (
	"time"

	"github.com/rolegate/rolegate/internal/source"
)

// App is one app export.
type App struct {
	Root Root
	// Services are the data sources with rules, sorted by name. Services of third parties are not here.
	Services []*Service

	// Values are the plain values, Secrets the names of the secrets behind the other ones, both by the name of the value.
	Values  map[string]*source.Value
	Secrets map[string]string
	// EnvironmentValues are those of the environment that Root selects.
	EnvironmentValues map[string]*source.Value

	Providers      []*Provider     // sorted by name
	CustomUserData *CustomUserData // nil when the export does not mention it
	DataAPI        *DataAPI        // nil when the export does not mention it, which means on with defaults
	Endpoints      []*Endpoint     // in the order of the file
	Functions      []*Function     // sorted by name
	Lookups        []*Lookup       // sorted by name

	// Usable tells that every error is confined to rulesets and functions that are marked broken, so that the rest of the
	// app may be served in quarantine. An app without errors is usable.
	Usable bool
	// Revision is the SHA-256, in hexadecimal, of the names and contents of all files that were read.
	Revision string
}

// Root is what the root file says about the app as a whole.
type Root struct {
	AppID          string // the client app id, part of every URL; may be missing
	Name           string
	ConfigVersion  int
	Environment    string // the tag: "", development, testing, qa, production
	Location       string
	Deployment     string
	AllowedOrigins []string
	TimeZone       *time.Location // of %%time and of units of the calendar; nil is UTC
	Span           source.Span    // the root file; points nowhere when there is none
}

// Service is a linked data source.
type Service struct {
	Name           string // what clients send as dataSource
	Type           string // mongodb-atlas, mongodb or datalake
	ClusterName    string
	ReadPreference string
	DefaultRule    *Ruleset // nil when there is none
	Rulesets       []*Ruleset
	Span           source.Span

	id       string // what legacy files call it by
	problems source.Diagnostics
}

// Ruleset holds the roles and query filters of one namespace or, with empty names, the default rules of a service.
type Ruleset struct {
	Service, Database, Collection string
	Roles                         []*Role
	Filters                       []*QueryFilter
	Schema                        *source.Value // nil when there is none
	Span                          source.Span
	// Broken tells that what the ruleset holds is incomplete and must not be used. It denies everything, and never gives
	// way to the default rule.
	Broken bool
}

// Role names permissions. Every expression is nil when the key is absent.
type Role struct {
	Name            string
	ApplyWhen       *source.Value
	DocumentFilters *DocumentFilters // nil when absent
	Read, Write     *source.Value
	Insert, Delete  *source.Value
	Search          *source.Value
	Fields          []Field    // in the order of the file, names that were written with dots after the others
	Additional      *FieldRule // nil when absent
	Presets         Presets
	Message         string // for users whose writes it denies
	Span            source.Span
}

// Presets are what a role sets on writes, whatever the client sends there.
type Presets struct{ Insert, Update []Preset }

// Preset is a value that is set. No path of a kind of write leads into another one.
type Preset struct {
	Path  []string
	Value *source.Value // a value in which expansions may stand
	Span  source.Span
}

// Lookup is a query whose result rules refer to by %%lookups and its name.
type Lookup struct {
	Name                          string
	Service, Database, Collection string
	Match                         *source.Value // a query in which expansions may stand; nil when it is not usable
	Select                        *source.Value // the path whose values are the result; nil when it is not usable
	CacheSeconds                  int
	Span                          source.Span
}

// DocumentFilters are the expressions that must hold before anything else of a role is looked at.
type DocumentFilters struct {
	Read, Write *source.Value
	Span        source.Span
}

// Field is the rule for one field name. Names written with dots have been split into nested fields.
type Field struct {
	Name string
	Rule FieldRule
}

// FieldRule holds the permissions of one field and of the fields inside it.
type FieldRule struct {
	Read, Write *source.Value
	Fields      []Field
	Span        source.Span
}

// QueryFilter narrows the queries of the users that it applies to.
type QueryFilter struct {
	Name       string
	ApplyWhen  *source.Value
	Query      *source.Value // nil when absent
	Projection *source.Value // nil when absent
	Span       source.Span
}

// Provider is one authentication provider.
type Provider struct {
	Name        string
	Type        string
	Disabled    bool
	Passwords   *Passwords   // of local-userpass; nil for every other type
	CustomToken *CustomToken // nil for every other type
	OpenID      *OpenID      // of oauth2-google and oauth2-apple; nil for every other type
	Function    string       // of custom-function: the name of the one that knows users
	Span        source.Span
}

// Passwords says how addresses are confirmed and forgotten passwords set. Functions are named where they are to run.
type Passwords struct {
	AutoConfirm     bool   // addresses need no confirmation
	ConfirmFunction string // empty is none
	ResetFunction   string // empty is none
}

// OpenID says how the id tokens of Google and Apple are verified.
type OpenID struct {
	ClientID string
	Domains  []string // of addresses that may log in; none is any
	Metadata []MetadataField
}

// CustomToken says how JSON Web Tokens of somebody else are verified.
type CustomToken struct {
	Audiences          []string
	RequireAnyAudience bool
	Issuer             string
	SigningAlgorithm   string
	JWKURI             string   // empty unless the keys come from there
	SigningKeys        []string // names of secrets
	Metadata           []MetadataField
}

// MetadataField copies one claim to the user's data.
type MetadataField struct {
	Required bool
	Path     []string // of the claim
	Name     string   // in %%user.data
	Span     source.Span
}

// CustomUserData says which document belongs to a user.
type CustomUserData struct {
	Enabled              bool
	Service              string // name of the data source
	Database, Collection string
	UserIDField          string
	OnUserCreation       string // name of a function
	Span                 source.Span
}

// Function is a function that the export names. Its source is text to this package.
type Function struct {
	Name              string
	Private           bool
	CanEvaluate       *source.Value // nil when absent
	DisableArgLogs    bool
	RunAsSystem       bool
	RunAsUserID       string
	RunAsUserIDScript string
	Source            *source.File // nil when the export has none
	Broken            bool         // its configuration has errors: it must not be called
	Span              source.Span
}
