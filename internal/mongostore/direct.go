package mongostore

import (
	"context"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/proxy"
	"github.com/rolegate/rolegate/rules"
)

// Direct implements proxy.Store.
func (s *Store) Direct(ctx context.Context, ns rules.Namespace, w proxy.DirectWrite) (proxy.DirectResult, error) {
	src, err := s.source(ns)
	if err != nil {
		return proxy.DirectResult{}, err
	}
	caps, err := src.capabilities(ctx)
	if err != nil {
		return proxy.DirectResult{}, notSent(err)
	}
	cmd, err := directCommand(ns.Collection, w, caps)
	if err != nil {
		return proxy.DirectResult{}, err
	}
	raw, err := src.runWrite(ctx, ns.Database, cmd)
	if err != nil {
		return proxy.DirectResult{}, err
	}
	var reply writeReply
	if err := bson.Unmarshal(raw, &reply); err != nil {
		return proxy.DirectResult{}, notUnderstood(err)
	}
	res := proxy.DirectResult{Matched: int64(reply.N), Modified: int64(reply.Modified)}
	if len(reply.WriteErrors) > 0 {
		return res, statementError(reply.WriteErrors[0].Code)
	}
	return res, reply.WriteConcernError.error()
}

func directCommand(collection string, w proxy.DirectWrite, caps capabilities) (bson.D, error) {
	filter := w.Filter
	if filter == nil {
		filter = bsonval.Empty()
	}
	statement := bson.D{{Key: "q", Value: filter}}
	cmd := bson.D{{Key: "delete", Value: collection}}
	list := "deletes"
	if w.Update != nil {
		if !onlyOperators(w.Update) {
			return nil, fmt.Errorf("%w: not an update by operators", proxy.ErrRejected)
		}
		cmd, list = bson.D{{Key: "update", Value: collection}}, "updates"
		statement = append(statement, bson.E{Key: "u", Value: w.Update}, bson.E{Key: "multi", Value: w.Many})
	} else {
		limit := 1
		if w.Many {
			limit = 0
		}
		statement = append(statement, bson.E{Key: "limit", Value: limit})
	}
	if caps.collation {
		statement = append(statement, bson.E{Key: "collation", Value: simpleCollation})
	}
	return append(cmd, bson.E{Key: list, Value: bson.A{statement}}), nil
}

// onlyOperators tells whether an update changes documents and replaces none.
func onlyOperators(update bson.Raw) bool {
	n := 0
	for it := bsonval.NewIter(update); it.Next(); n++ {
		if key := it.Key(); len(key) == 0 || key[0] != '$' {
			return false
		}
	}
	return n > 0
}
