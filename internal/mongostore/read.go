package mongostore

import (
	"context"
	"iter"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"

	"github.com/rolegate/rolegate/rules"
)

// defaultBatch keeps a batch of ordinary documents at about a megabyte: larger ones are hardly faster and cost
// memory for every open cursor.
const defaultBatch = 1000

// closeTimeout is what giving an unfinished cursor back may take; the server drops it by itself later.
const closeTimeout = 2 * time.Second

// simpleCollation compares strings byte by byte, whatever default a collection has. Nobody writes to it.
var simpleCollation = bson.D{{Key: "locale", Value: "simple"}}

// withOptions adds to a command what every read has. A nil readConcern is the server's own.
func withOptions(cmd, readConcern bson.D, caps capabilities) bson.D {
	if caps.collation {
		cmd = append(cmd, bson.E{Key: "collation", Value: simpleCollation})
	}
	if readConcern != nil {
		cmd = append(cmd, bson.E{Key: "readConcern", Value: readConcern})
	}
	return cmd
}

// read yields what the cursor of a command returns. A yielded document aliases the reply and is valid until the next
// one is asked for.
func (s *Store) read(
	ctx context.Context, ns rules.Namespace, batch int32, forDecision bool,
	command func(readConcern bson.D, caps capabilities) bson.D,
) iter.Seq2[bson.Raw, error] {
	return func(yield func(bson.Raw, error) bool) {
		cur, err := s.openCursor(ctx, ns, forDecision, command)
		if err != nil {
			yield(nil, err)
			return
		}
		defer closeCursor(ctx, cur)
		cur.SetBatchSize(batch)
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

func (s *Store) openCursor(
	ctx context.Context, ns rules.Namespace, forDecision bool, command func(readConcern bson.D, caps capabilities) bson.D,
) (*mongo.Cursor, error) {
	src, err := s.source(ns)
	if err != nil {
		return nil, err
	}
	caps, err := src.capabilities(ctx)
	if err != nil {
		return nil, err
	}
	// What decides is read from the primary as it is now; the connection string's wishes are for plain reads.
	pref, readConcern := src.plainReads, src.readConcern
	if forDecision {
		pref, readConcern = readpref.Primary(), nil
	}
	// The plain command and not the methods of Collection, which leave out maxTimeMS.
	cmd := command(readConcern, caps)
	db := src.client.Database(ns.Database)
	cur, err := db.RunCommandCursor(ctx, cmd, options.RunCmd().SetReadPreference(pref))
	if repeatableRead(ctx, err) {
		cur, err = db.RunCommandCursor(ctx, cmd, options.RunCmd().SetReadPreference(pref))
	}
	if err != nil {
		return nil, readError(err)
	}
	return cur, nil
}

// closeCursor works also when the request has already run out of time: the server should not keep the cursor.
func closeCursor(ctx context.Context, cur *mongo.Cursor) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	_ = cur.Close(ctx) // the answer is complete or abandoned either way
}
