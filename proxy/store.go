package proxy

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/rules"
)

// Store runs planned operations on the databases behind the app's data sources. It decides nothing.
//
// Every command carries the simple collation where the server has collations, and maxTimeMS from the
// context's deadline where the server takes it. Errors match the sentinels below through errors.Is; the text
// of a driver error may be wrapped for the debug log and is never shown to a client.
type Store interface {
	// Find yields the matching documents. A yielded document is valid until the next one is asked for.
	// After an error nothing more is yielded.
	Find(ctx context.Context, ns rules.Namespace, q Query) iter.Seq2[bson.Raw, error]

	// Count returns how many documents match, of the documents and never of what is kept about a collection.
	Count(ctx context.Context, ns rules.Namespace, filter bson.Raw) (int64, error)

	// Distinct returns the different values that the matching documents have at a path, in no particular order.
	Distinct(ctx context.Context, ns rules.Namespace, key string, filter bson.Raw) ([]bson.RawValue, error)

	// Aggregate yields what a pipeline makes of a collection, like Find. The pipeline must not write. An error that the
	// stages themselves raise, such as a division by zero, is ErrRejected.
	Aggregate(ctx context.Context, ns rules.Namespace, q AggregateQuery) iter.Seq2[bson.Raw, error]

	// Features tells what the server behind a namespace can do.
	Features(ctx context.Context, ns rules.Namespace) (Features, error)

	// Write stores the writes in order and stops at the first one that fails, which a StatementError names where it
	// is known. It never repeats a write whose outcome is unclear. The result tells what was done even when err is
	// not nil.
	Write(ctx context.Context, ns rules.Namespace, ws []GuardedWrite) (WriteResult, error)

	// Direct runs one update or delete whose filter decides which documents may be written. It never repeats it. After an
	// error a write of many documents may have changed some of them; the result does not tell which.
	Direct(ctx context.Context, ns rules.Namespace, w DirectWrite) (DirectResult, error)

	// Modify carries out one guarded write, which is no insert, and returns the document: as it is afterwards if that is
	// asked for and it has not been deleted, else as it was. A guard that does not hold is not an error. The write is
	// never repeated.
	Modify(ctx context.Context, ns rules.Namespace, w GuardedWrite, returnNew bool) (image bson.Raw, matched bool, err error)

	// Ping tells whether every data source can be reached.
	Ping(ctx context.Context) error
}

// Query is a find that is ready to be sent.
type Query struct {
	Filter      bson.Raw // nil is {}
	Sort        bson.Raw // nil is unordered
	Skip        int64
	Limit       int64 // 0 is no limit
	BatchSize   int32 // 0 is the store's choice
	ForDecision bool  // read from the primary, whatever the read preference says
}

// AggregateQuery is a pipeline that is ready to be sent.
type AggregateQuery struct {
	Stages []bson.Raw
	// Documents says that the pipeline brings its own documents: it starts with $documents, and runs on the database of
	// the namespace instead of the collection.
	Documents bool
	BatchSize int32 // 0 is the store's choice
}

// Features is what not every server has. The zero value has nothing.
type Features struct {
	Computed  bool // expressions: $expr, computed fields, $replaceWith, $mergeObjects
	UnionWith bool // $unionWith
	Documents bool // $documents
}

// WriteKind says what a GuardedWrite does.
type WriteKind uint8

// The zero kind is refused by every store.
const (
	InsertDocument WriteKind = iota + 1
	UpdateFields
	ReplaceDocument
	DeleteDocument
)

// GuardedWrite is one checked change of one document. It takes effect only if the stored document still is
// what the decision saw.
type GuardedWrite struct {
	Kind  WriteKind
	ID    bson.RawValue // of the stored document; unused by an insert
	Guard Guard         // unused by an insert

	Document bson.Raw     // the new document of an insert or a replacement
	Set      []FieldValue // dotted paths and exact values of a difference
	Unset    []string     // dotted paths
}

// FieldValue is a dotted path and the exact value to store there.
type FieldValue struct {
	Path  string
	Value bson.RawValue
}

// Guard pins what a decision depended on: the whole document, or top-level fields of it.
type Guard struct {
	Document bson.Raw // when set, the stored document must equal it as a whole
	Fields   []GuardField
}

// GuardField pins one whole top-level field.
type GuardField struct {
	Name  string
	Value bson.RawValue // the zero value pins absence
}

// DirectWrite is an update or a deletion of what the filter finds.
type DirectWrite struct {
	Filter bson.Raw // nil is {}
	Update bson.Raw // operators; nil deletes
	Many   bool
}

// DirectResult counts the documents that were found, or deleted, and changed.
type DirectResult struct{ Matched, Modified int64 }

// WriteResult tells what a Write did.
type WriteResult struct {
	// Matched has one entry for each statement that was answered for: whether its guard held (for an insert:
	// whether it was stored). It is nil when the server reported only totals.
	Matched []bool
	// Done is the number of statements that took effect, Inserted and Deleted how many of them were inserts and
	// deletes.
	Done, Inserted, Deleted int
}

// StatementError is the failure of one statement of a Write. What came before it was answered for, what comes after it
// was not tried.
type StatementError struct {
	Index int
	Err   error // matches one of the sentinels below
}

func (e *StatementError) Error() string { return fmt.Sprintf("statement %d: %v", e.Index, e.Err) }

func (e *StatementError) Unwrap() error { return e.Err }

// What a store's error may be. Anything else is an internal error.
var (
	ErrDuplicateKey     = errors.New("duplicate key")
	ErrDocumentTooLarge = errors.New("document too large")
	ErrRejected         = errors.New("rejected by the database")     // the server refused this request as a bad one
	ErrNotTaken         = errors.New("document not taken")           // a validator or an index of the database refused it
	ErrUnavailable      = errors.New("database unavailable")         // nothing was sent, or nothing was stored
	ErrTimeout          = errors.New("database time limit exceeded") // reads only
	ErrUnclear          = errors.New("outcome of the write unclear") // it may or may not have been stored
)
