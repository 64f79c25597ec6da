package proxy

import (
	"errors"
	"fmt"
)

// Kind is why a request failed. The zero kind is an internal error, which tells the client nothing.
type Kind uint8

// Kinds of failures. A door maps each to its own status and code, in one table.
const (
	Internal       Kind = iota
	Invalid             // the request is malformed, uses something that is not allowed, or exceeds a limit of its own
	Missing             // a required part of the request is absent
	NoRule              // no rule exists for the namespace
	Denied              // the rules do not permit the write
	UnknownService      // no such data source
	Unsupported         // cannot be guaranteed for this configuration
	DuplicateKey        // a unique index refused the write
	TooLarge            // a document, or the answer, exceeds a limit
	ScanLimit           // more documents would have to be examined than allowed
	SchemaFailed        // the document does not conform to the schema
	Rejected            // the database refused the request
	Conflict            // the document kept changing
	Unavailable         // the database cannot be reached
	Unclear             // a write may or may not have been stored
	TimedOut            // the request ran out of time
	NotCallable         // can_evaluate does not let the user in
	FunctionFailed      // the function threw, or returned what cannot be returned
)

// Error is a failure of a request. Message is for the client: it never holds document values or the names of
// fields the user may not see. Cause is for the log.
type Error struct {
	Kind    Kind
	Message string
	Cause   error
	// Role and Permission say what denied a write, for the log: which role applied, "" if none did, and what it
	// did not permit. Path is the field that may not be written, where that is known.
	Role, Permission, Path string
	// Done says what a write had already stored when it failed; nil when nothing was.
	Done *Done
}

// Done is the part of a write that was stored before it failed.
type Done struct {
	Inserted IDs
	Matched  int64
	Modified int64
	Deleted  int64
	Bulk     *BulkResult // of a bulk write, instead of the others
}

func (e *Error) Error() string {
	if e.Cause != nil {
		return fmt.Sprintf("%s: %v", e.Message, e.Cause)
	}
	return e.Message
}

func (e *Error) Unwrap() error { return e.Cause }

// is tells whether an error is a failure of this kind.
func (k Kind) is(err error) bool {
	e, known := errors.AsType[*Error](err)
	return known && e.Kind == k
}

// withDone adds to an error what had been stored before it.
func withDone(err error, d Done) error {
	var e *Error
	if errors.As(err, &e) {
		e.Done = &d
	}
	return err
}
