package rules

import (
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// Namespace names one collection of one data source.
type Namespace struct {
	Service    string // the linked data source, what clients send as dataSource
	Database   string
	Collection string
}

// String is database.collection, the form used in messages; the service is left out.
func (ns Namespace) String() string { return ns.Database + "." + ns.Collection }

// UserType is what %%user.type expands to.
type UserType string

// The kinds of users a rule can tell apart.
const (
	NormalUser UserType = "normal"
	ServerUser UserType = "server"
	SystemUser UserType = "system" // whoever asks where the operator has set run_as_system
)

// User is who is asking, as rules see them. It is immutable once a request has begun.
type User struct {
	ID         string
	Type       UserType
	Data       bson.Raw // %%user.data; nil is an empty document
	Identities []Identity
}

// Identity is one way in which a user proved who they are.
type Identity struct {
	ID           string
	ProviderType string
	Data         bson.Raw // nil is an empty document
}

// CustomData is the user's custom data document as found at bind time.
type CustomData struct {
	Document bson.Raw // nil is an empty document
	// Unresolved makes every %%user.custom_data reference unresolved on both
	// sides of a comparison: more than one document was found for the user.
	Unresolved bool
}

// Request is what %%request expands to.
type Request struct {
	Operation      string // find, insert, update, delete, ... of the item that is judged
	Action         string // the Data API action, such as findOne
	Service        string
	WebhookURL     string // the route of an endpoint
	HTTPMethod     string
	Referrer       string
	UserAgent      string
	RawQueryString string // the secret parameter is already removed
	RemoteAddress  string
	Now            time.Time // when the request began; without it %%now and %%time have no value
	// Headers have lower-case names; credential headers are already removed.
	Headers map[string][]string
}
