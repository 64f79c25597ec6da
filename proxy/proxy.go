package proxy

import (
	"context"
	"errors"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// Proxy enforces one app's policy in front of a Store.
type Proxy struct{}

var errNotBuilt = errors.New("no policy")

// Find calls emit for each document of the answer, in order. The document is valid during the call.
func (p *Proxy) Find(ctx context.Context, c Caller, op Find, emit func(bson.Raw) error) error {
	return errNotBuilt
}

// FindOne returns the first document of the view, or nil.
func (p *Proxy) FindOne(ctx context.Context, c Caller, op Find) (bson.Raw, error) {
	return nil, errNotBuilt
}

// Insert stores new documents and returns their ids.
func (p *Proxy) Insert(ctx context.Context, c Caller, op Insert) (IDs, error) {
	return nil, errNotBuilt
}

// Update changes documents.
func (p *Proxy) Update(ctx context.Context, c Caller, op Update) (UpdateResult, error) {
	return UpdateResult{}, errNotBuilt
}

// Replace replaces one document.
func (p *Proxy) Replace(ctx context.Context, c Caller, op Replace) (UpdateResult, error) {
	return UpdateResult{}, errNotBuilt
}

// Delete deletes documents and returns how many.
func (p *Proxy) Delete(ctx context.Context, c Caller, op Delete) (int64, error) {
	return 0, errNotBuilt
}
