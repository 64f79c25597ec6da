package mongostore

import (
	"context"
	"errors"
	"iter"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/proxy"
	"github.com/rolegate/rolegate/rules"
)

// Aggregate implements proxy.Store. A yielded document aliases the reply and is valid until the next one is asked for.
func (s *Store) Aggregate(ctx context.Context, ns rules.Namespace, q proxy.AggregateQuery) iter.Seq2[bson.Raw, error] {
	if q.BatchSize <= 0 {
		q.BatchSize = defaultBatch
	}
	return s.read(ctx, ns, q.BatchSize, false, func(readConcern bson.D, caps capabilities) bson.D {
		return aggregateCommand(ns.Collection, q, readConcern, caps)
	})
}

func aggregateCommand(collection string, q proxy.AggregateQuery, readConcern bson.D, caps capabilities) bson.D {
	cmd := bson.D{{Key: "aggregate", Value: collection}}
	if q.Documents {
		cmd[0].Value = int32(1)
	}
	stages := q.Stages
	if stages == nil {
		stages = []bson.Raw{} // an array even so
	}
	return withOptions(append(cmd,
		bson.E{Key: "pipeline", Value: stages},
		bson.E{Key: "cursor", Value: bson.D{{Key: "batchSize", Value: q.BatchSize}}},
	), readConcern, caps)
}

var errCount = errors.New("the reply to a count is not understood")

// Count implements proxy.Store. The command called count is not used: without a filter, and on shards, it answers from
// what is kept about the collection, which may be wrong.
func (s *Store) Count(ctx context.Context, ns rules.Namespace, filter bson.Raw) (int64, error) {
	if filter == nil {
		filter = bsonval.Empty()
	}
	q := proxy.AggregateQuery{Stages: []bson.Raw{
		stage("$match", bsonval.FromDocument(filter)),
		stage("$count", bsonval.FromString("n")),
	}}
	for doc, err := range s.Aggregate(ctx, ns, q) {
		if err != nil {
			return 0, err
		}
		v, _ := bsonval.Lookup(doc, "n")
		n, exact := bsonval.Int64(v)
		if !exact {
			return 0, errCount
		}
		return n, nil
	}
	return 0, nil // there is no document where there is nothing to count
}

func stage(name string, v bson.RawValue) bson.Raw {
	doc, start := bsonval.BeginDocument(nil)
	return bsonval.EndDocument(bsonval.AppendElement(doc, name, v), start)
}
