package mongostore

import (
	"context"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/proxy"
	"github.com/rolegate/rolegate/rules"
)

// modifyReply is what findAndModify answers, as far as it is needed.
type modifyReply struct {
	Value             bson.RawValue      `bson:"value"` // a document, or null when none matched
	WriteConcernError *writeConcernError `bson:"writeConcernError"`
}

// Modify implements proxy.Store, with findAndModify.
func (s *Store) Modify(
	ctx context.Context, ns rules.Namespace, w proxy.GuardedWrite, returnNew bool,
) (image bson.Raw, matched bool, err error) {
	src, err := s.source(ns)
	if err != nil {
		return nil, false, err
	}
	caps, err := src.capabilities(ctx)
	if err != nil {
		return nil, false, notSent(err)
	}
	cmd, err := modifyCommand(ns.Collection, w, returnNew, caps)
	if err != nil {
		return nil, false, err
	}
	defer src.takeTurns(caps)()
	raw, err := src.runWrite(ctx, ns.Database, cmd)
	if err != nil {
		return nil, false, err
	}
	var reply modifyReply
	if err := bson.Unmarshal(raw, &reply); err != nil {
		return nil, false, notUnderstood(err)
	}
	image, matched = bsonval.Document(reply.Value)
	return image, matched, reply.WriteConcernError.error()
}

// modifyCommand is the statement that Write would send, as a findAndModify.
func modifyCommand(collection string, w proxy.GuardedWrite, returnNew bool, caps capabilities) (bson.D, error) {
	if w.Kind == proxy.InsertDocument {
		return nil, fmt.Errorf("%w: an insert modifies no document", proxy.ErrRejected)
	}
	filter, err := guardFilter(w, caps)
	if err != nil {
		return nil, err
	}
	cmd := bson.D{{Key: "findAndModify", Value: collection}, {Key: "query", Value: filter}}
	if w.Kind == proxy.DeleteDocument {
		cmd = append(cmd, bson.E{Key: "remove", Value: true})
	} else {
		change, err := modification(w, caps)
		if err != nil {
			return nil, err
		}
		cmd = append(cmd, bson.E{Key: "update", Value: change}, bson.E{Key: "new", Value: returnNew})
	}
	if caps.collation {
		cmd = append(cmd, bson.E{Key: "collation", Value: simpleCollation})
	}
	raw, err := bson.Marshal(cmd)
	if err != nil {
		return nil, err
	}
	if len(raw) > caps.maxDocument {
		return nil, proxy.ErrDocumentTooLarge
	}
	return cmd, nil
}
