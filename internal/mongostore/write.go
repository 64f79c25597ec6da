package mongostore

import (
	"context"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/proxy"
	"github.com/rolegate/rolegate/rules"
)

// Write implements proxy.Store. A guard that does not hold is not an error and does not stop what comes after it.
// Everything is checked before anything is sent, so ErrRejected and ErrDocumentTooLarge with Done 0 mean that nothing
// reached the database. Matched is nil when one of the commands reported only a total that does not tell.
func (s *Store) Write(ctx context.Context, ns rules.Namespace, ws []proxy.GuardedWrite) (proxy.WriteResult, error) {
	src, err := s.source(ns)
	if err != nil || len(ws) == 0 {
		return proxy.WriteResult{}, err
	}
	caps, err := src.capabilities(ctx)
	if err != nil {
		return proxy.WriteResult{}, notSent(err)
	}
	batches, err := plan(ns, ws, caps)
	if err != nil {
		return proxy.WriteResult{}, err
	}
	if !caps.expr {
		// This server looks for the document and changes it in two steps: two guards can hold at once. One writer at
		// a time makes up for it as long as nobody else writes.
		src.oneWriter.Lock()
		defer src.oneWriter.Unlock()
	}
	return src.write(ctx, ns.Database, batches)
}

func (s *source) write(ctx context.Context, database string, batches []batch) (proxy.WriteResult, error) {
	var res proxy.WriteResult
	told := true
	for _, b := range batches {
		matched, done, err := s.send(ctx, database, b)
		res.Done += done
		if told = told && (matched != nil || done == 0 && err != nil); told {
			res.Matched = append(res.Matched, matched...)
		} else {
			res.Matched = nil
		}
		if err != nil {
			return res, err
		}
	}
	return res, nil
}

// send runs one command, once. It returns for each statement that was answered for whether it took effect, or nil
// when only the total is known.
func (s *source) send(ctx context.Context, database string, b batch) (matched []bool, done int, err error) {
	if err := ctx.Err(); err != nil {
		return nil, 0, notSent(err)
	}
	if b.form == bulkForm {
		database = "admin"
	}
	cmd := append(b.command(), bson.E{Key: "writeConcern", Value: s.writeConcern})
	reply, err := s.runOnce(ctx, database, cmd)
	if err != nil {
		return nil, 0, err
	}
	return reply.outcome(b)
}

// runOnce runs a write command. The driver repeats what goes through its collection methods after a network error;
// RunCommand it does not.
func (s *source) runOnce(ctx context.Context, database string, cmd bson.D) (writeReply, error) {
	raw, err := s.client.Database(database).RunCommand(ctx, cmd).Raw()
	var reply writeReply
	if len(raw) > 0 {
		if err := bson.Unmarshal(raw, &reply); err != nil {
			return writeReply{}, fmt.Errorf("%w: reply not understood: %w", proxy.ErrUnclear, err)
		}
	}
	if !reply.accepted() {
		if err == nil {
			return writeReply{}, fmt.Errorf("%w: empty reply", proxy.ErrUnclear)
		}
		return writeReply{}, writeError(err)
	}
	return reply, nil
}
