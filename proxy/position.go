package proxy

import (
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/filter"
	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/update"
	"github.com/rolegate/rolegate/rules"
)

// atStoredPositions rewrites the positions in the paths of an update. A client counts the elements that it sees; where
// a role hides elements of an array, the stored ones are numbered differently.
// See cases/updates/array-positions-of-the-view.txtar.
func (s *session) atStoredPositions(d *rules.Decider, op Update, u *update.Update, named []string, t target) (*update.Update, []string, error) {
	if !s.mayShift(named) {
		return u, named, nil
	}
	mask := d.Decide(t.stored).Read
	moved := false
	rename := func(path string) (string, error) {
		stored, err := filter.StoredPath(t.stored, mask, path)
		moved = moved || stored != path
		return stored, err
	}
	out, start := bsonval.BeginDocument(nil)
	for ops := bsonval.NewIter(op.Update); ops.Next(); {
		var list int
		out, list = bsonval.BeginElement(out, bson.TypeEmbeddedDocument, string(ops.Key()))
		for paths := bsonval.NewIter(ops.Value().Value); paths.Next(); {
			path, err := rename(string(paths.Key()))
			if err != nil {
				return nil, nil, s.invalid(err)
			}
			out = bsonval.AppendElement(out, path, paths.Value())
		}
		out = bsonval.EndDocument(out, list)
	}
	if !moved {
		return u, named, nil
	}
	u, err := s.parseUpdate(bsonval.EndDocument(out, start), op.ArrayFilters)
	if err != nil {
		return nil, nil, err
	}
	return u, namedPaths(u), nil
}

// mayShift tells whether a path names a position in something that is not always readable as a whole.
func (s *session) mayShift(named []string) bool {
	for _, path := range named {
		first, rest, _ := strings.Cut(path, ".")
		for seg := range strings.SplitSeq(rest, ".") {
			if seg != "" && seg[0] >= '0' && seg[0] <= '9' && !s.bound.Readable(first) {
				return true
			}
		}
	}
	return false
}
