package mongostore

import (
	"context"
	"iter"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"

	"github.com/rolegate/rolegate/proxy"
	"github.com/rolegate/rolegate/rules"
)

// defaultBatch keeps a batch of ordinary documents at about a megabyte: larger ones are hardly faster and cost
// memory for every open cursor.
const defaultBatch = 1000

// closeTimeout is what giving an unfinished cursor back may take; the server drops it by itself later.
const closeTimeout = 2 * time.Second

// simpleCollation compares strings byte by byte, whatever default a collection has. Nobody writes to it.
var simpleCollation = bson.D{{Key: "locale", Value: "simple"}}

// Find implements proxy.Store. A yielded document aliases the reply and is valid until the next one is asked for.
func (s *Store) Find(ctx context.Context, ns rules.Namespace, q proxy.Query) iter.Seq2[bson.Raw, error] {
	return func(yield func(bson.Raw, error) bool) {
		cur, err := s.openCursor(ctx, ns, q)
		if err != nil {
			yield(nil, err)
			return
		}
		defer closeCursor(ctx, cur)
		for cur.Next(ctx) {
			if !yield(cur.Current, nil) {
				return
			}
		}
		if err := cur.Err(); err != nil {
			yield(nil, readError(err))
		}
	}
}

func (s *Store) openCursor(ctx context.Context, ns rules.Namespace, q proxy.Query) (*mongo.Cursor, error) {
	src, err := s.source(ns)
	if err != nil {
		return nil, err
	}
	caps, err := src.capabilities(ctx)
	if err != nil {
		return nil, err
	}
	if q.BatchSize <= 0 {
		q.BatchSize = defaultBatch
	}
	pref := src.plainReads
	if q.ForDecision {
		pref = readpref.Primary()
	}
	cmd := findCommand(ns.Collection, q, src.readConcern, caps)
	// The plain command and not Collection.Find, which leaves out maxTimeMS.
	db := src.client.Database(ns.Database)
	cur, err := db.RunCommandCursor(ctx, cmd, options.RunCmd().SetReadPreference(pref))
	if repeatableRead(ctx, err) {
		cur, err = db.RunCommandCursor(ctx, cmd, options.RunCmd().SetReadPreference(pref))
	}
	if err != nil {
		return nil, readError(err)
	}
	cur.SetBatchSize(q.BatchSize)
	return cur, nil
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
	if caps.collation {
		cmd = append(cmd, bson.E{Key: "collation", Value: simpleCollation})
	}
	// What decides is read from the primary as it is now; the connection string's wish is for plain reads.
	if readConcern != nil && !q.ForDecision {
		cmd = append(cmd, bson.E{Key: "readConcern", Value: readConcern})
	}
	return cmd
}

// closeCursor works also when the request has already run out of time: the server should not keep the cursor.
func closeCursor(ctx context.Context, cur *mongo.Cursor) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	_ = cur.Close(ctx) // the answer is complete or abandoned either way
}
