package proxy

import (
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/rules"
)

// Caller is the known user of one request and what the request looked like.
type Caller struct {
	User    *rules.User
	Request rules.Request
	ID      string // the request id, for the log

	// System asks as the system: no rules apply. Only the operator can say so, by run_as_system of the Data API or of a
	// function, or by a script that says who a request runs as; never anything in a request.
	System bool

	// NoCustomData says that custom user data is not fetched for this request. Rules that refer to it then never hold, not
	// even negated.
	NoCustomData bool

	// Found is what lookups find, by name, for Plan and its like. Nothing in a request says it.
	Found map[string]bson.RawValue

	looked *lookupsOfRequest
	within *calls // the function that asks, nil for a request
}

// Find asks for documents. All documents are as the client sent them, already parsed from JSON.
type Find struct {
	NS         rules.Namespace
	Filter     bson.Raw // nil is {}
	Projection bson.Raw // nil is {}
	Sort       bson.Raw // nil is {}
	Skip       int64
	Limit      int64 // 0 is no limit; the door applies the API's default and maximum
}

// Count asks how many documents of the view match.
type Count struct {
	NS     rules.Namespace
	Filter bson.Raw // nil is {}
}

// Distinct asks for the different values that the matching documents of the view have at a path.
type Distinct struct {
	NS     rules.Namespace
	Key    string   // a dotted path
	Filter bson.Raw // nil is {}
}

// Aggregate asks what a pipeline makes of the view.
type Aggregate struct {
	NS       rules.Namespace
	Pipeline []bson.Raw // each stage as the client sent it
	Limit    int64      // of the answer; 0 is none
}

// Insert asks to store documents, all or none as far as rules are concerned.
type Insert struct {
	NS        rules.Namespace
	Documents []bson.Raw
}

// IDs are the _id values of inserted documents, in input order.
type IDs []bson.RawValue

// Update asks to change documents by update operators. An update without operators is a replacement, which
// only a single update may be.
type Update struct {
	NS           rules.Namespace
	Filter       bson.Raw
	Update       bson.Raw
	ArrayFilters []bson.Raw
	Many         bool
	Upsert       bool
}

// Replace asks to replace one document.
type Replace struct {
	NS          rules.Namespace
	Filter      bson.Raw
	Replacement bson.Raw
	Upsert      bool
}

// UpdateResult counts documents of the view only.
type UpdateResult struct {
	Matched  int64
	Modified int64
	Upserted bson.RawValue // the zero value when nothing was inserted
}

// Delete asks to delete documents.
type Delete struct {
	NS     rules.Namespace
	Filter bson.Raw
	Many   bool
}

// Choice says which of the documents that match an operation is about, and what of it is returned.
type Choice struct {
	Sort       bson.Raw // nil is {}; the document is the first in this order
	Projection bson.Raw // nil is {}
	ReturnNew  bool     // as the document is afterwards, not as it was
}

// FindOneAndUpdate asks to change one document and to return it.
type FindOneAndUpdate struct {
	Update Update
	Choice
}

// FindOneAndReplace asks to replace one document and to return it.
type FindOneAndReplace struct {
	Replace Replace
	Choice
}

// FindOneAndDelete asks to delete one document and to return it, as it was.
type FindOneAndDelete struct {
	Delete Delete
	Choice
}

// BulkWrite asks for several writes, all or none as far as rules are concerned.
type BulkWrite struct {
	NS         rules.Namespace
	Operations []BulkOperation
	Unordered  bool // to go on with the others where one cannot be stored
}

// BulkOperation is an InsertOne, an Update, a Replace or a Delete. Its namespace is that of the bulk write.
type BulkOperation interface {
	operation() string // as rules call it
	item(s *session) (*item, error)
}

// InsertOne is the insert of a bulk write.
type InsertOne struct{ Document bson.Raw }

// BulkResult counts documents of the view only.
type BulkResult struct {
	Matched, Modified, Deleted int64
	Inserted, Upserted         []BulkID
}

// BulkID is the _id of what an operation inserted.
type BulkID struct {
	Operation int // its place in the bulk write
	ID        bson.RawValue
}
