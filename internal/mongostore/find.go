package mongostore

import (
	"context"
	"iter"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/proxy"
	"github.com/rolegate/rolegate/rules"
)

// Find implements proxy.Store. A yielded document aliases the reply and is valid until the next one is asked for.
func (s *Store) Find(ctx context.Context, ns rules.Namespace, q proxy.Query) iter.Seq2[bson.Raw, error] {
	if q.BatchSize <= 0 {
		q.BatchSize = defaultBatch
	}
	return s.read(ctx, ns, q.BatchSize, q.ForDecision, func(readConcern bson.D, caps capabilities) bson.D {
		return findCommand(ns.Collection, q, readConcern, caps)
	})
}

func findCommand(collection string, q proxy.Query, readConcern bson.D, caps capabilities) bson.D {
	cmd := bson.D{{Key: "find", Value: collection}}
	if q.Filter != nil {
		cmd = append(cmd, bson.E{Key: "filter", Value: q.Filter})
	}
	if q.Sort != nil {
		cmd = append(cmd, bson.E{Key: "sort", Value: q.Sort})
	}
	if q.Skip > 0 {
		cmd = append(cmd, bson.E{Key: "skip", Value: q.Skip})
	}
	if q.Limit > 0 {
		cmd = append(cmd, bson.E{Key: "limit", Value: q.Limit})
	}
	cmd = append(cmd, bson.E{Key: "batchSize", Value: q.BatchSize})
	return withOptions(cmd, readConcern, caps)
}
