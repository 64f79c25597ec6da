package mongostore

import (
	"context"
	"errors"
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
	defer src.takeTurns(caps)()
	return src.write(ctx, ns.Database, batches)
}

// takeTurns lets one writer at a time through to a server that looks for a document and changes it in two steps, where
// two guards can hold at once. That makes up for it as long as nobody else writes.
func (s *source) takeTurns(caps capabilities) (done func()) {
	if caps.expr {
		return func() {}
	}
	s.oneWriter.Lock()
	return s.oneWriter.Unlock
}

func (s *source) write(ctx context.Context, database string, batches []batch) (proxy.WriteResult, error) {
	var res proxy.WriteResult
	told, before := true, 0
	for _, b := range batches {
		matched, done, err := s.send(ctx, database, b)
		res.Done += done
		switch b.form {
		case insertForm:
			res.Inserted += done
		case deleteForm:
			res.Deleted += done
		case bulkForm:
			countKinds(&res, b.kinds, matched)
		}
		if told = told && (matched != nil || done == 0 && err != nil); told {
			res.Matched = append(res.Matched, matched...)
		} else {
			res.Matched = nil
		}
		if err != nil {
			if failed, ok := errors.AsType[*proxy.StatementError](err); ok {
				failed.Index += before
			}
			return res, err
		}
		before += len(b.statements)
	}
	return res, nil
}

func countKinds(res *proxy.WriteResult, kinds []proxy.WriteKind, matched []bool) {
	for i, ok := range matched {
		switch {
		case !ok:
		case kinds[i] == proxy.InsertDocument:
			res.Inserted++
		case kinds[i] == proxy.DeleteDocument:
			res.Deleted++
		}
	}
}

// send runs one command, once. It returns for each statement that was answered for whether it took effect, or nil
// when only the total is known.
func (s *source) send(ctx context.Context, database string, b batch) (matched []bool, done int, err error) {
	if b.form == bulkForm {
		database = "admin"
	}
	raw, err := s.runWrite(ctx, database, b.command())
	if err != nil {
		return nil, 0, err
	}
	var reply writeReply
	if err := bson.Unmarshal(raw, &reply); err != nil {
		return nil, 0, notUnderstood(err)
	}
	return reply.outcome(b)
}

// runWrite runs a command that writes, once, and returns the reply of a server that ran it, even if statements of it
// failed.
func (s *source) runWrite(ctx context.Context, database string, cmd bson.D) (bson.Raw, error) {
	if err := ctx.Err(); err != nil {
		return nil, notSent(err)
	}
	cmd = append(cmd, bson.E{Key: "writeConcern", Value: s.writeConcern})
	// RunCommand, because the driver repeats what goes through its collection methods after a network error.
	raw, err := s.client.Database(database).RunCommand(ctx, cmd).Raw()
	var reply struct {
		OK float64 `bson:"ok"`
	}
	if len(raw) > 0 {
		if err := bson.Unmarshal(raw, &reply); err != nil {
			return nil, notUnderstood(err)
		}
	}
	switch {
	case reply.OK == 1:
		return raw, nil
	case err == nil:
		return nil, fmt.Errorf("%w: empty reply", proxy.ErrUnclear)
	}
	return nil, writeError(err)
}

func notUnderstood(err error) error {
	return fmt.Errorf("%w: reply not understood: %w", proxy.ErrUnclear, err)
}
