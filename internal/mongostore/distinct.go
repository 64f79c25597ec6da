package mongostore

import (
	"context"
	"errors"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/rules"
)

var errDistinct = errors.New("the reply to a distinct is not understood")

// Distinct implements proxy.Store. The values alias the reply.
func (s *Store) Distinct(ctx context.Context, ns rules.Namespace, key string, filter bson.Raw) ([]bson.RawValue, error) {
	src, err := s.source(ns)
	if err != nil {
		return nil, err
	}
	caps, err := src.capabilities(ctx)
	if err != nil {
		return nil, err
	}
	if !caps.timedDistinct {
		var cancel context.CancelFunc
		ctx, cancel = withoutDeadline(ctx)
		defer cancel()
	}
	cmd := distinctCommand(ns.Collection, key, filter, src.readConcern, caps)
	db := src.client.Database(ns.Database)
	reply, err := db.RunCommand(ctx, cmd, options.RunCmd().SetReadPreference(src.plainReads)).Raw()
	if repeatableRead(ctx, err) {
		reply, err = db.RunCommand(ctx, cmd, options.RunCmd().SetReadPreference(src.plainReads)).Raw()
	}
	if err != nil {
		return nil, readError(err)
	}
	list, _ := bsonval.Lookup(reply, "values")
	array, ok := bsonval.Array(list)
	if !ok {
		return nil, errDistinct
	}
	values := []bson.RawValue{}
	it := bsonval.NewIter(array)
	for it.Next() {
		values = append(values, it.Value())
	}
	return values, it.Err()
}

func distinctCommand(collection, key string, filter bson.Raw, readConcern bson.D, caps capabilities) bson.D {
	cmd := bson.D{{Key: "distinct", Value: collection}, {Key: "key", Value: key}}
	if filter != nil {
		cmd = append(cmd, bson.E{Key: "query", Value: filter})
	}
	return withOptions(cmd, readConcern, caps)
}

// withoutDeadline returns a context that ends when ctx does. The driver sends a deadline as maxTimeMS.
func withoutDeadline(ctx context.Context) (context.Context, context.CancelFunc) {
	out, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, cancel)
	return out, func() {
		stop()
		cancel()
	}
}
