package proxy

import (
	"strconv"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/filter"
	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/query"
	"github.com/rolegate/rolegate/internal/update"
	"github.com/rolegate/rolegate/rules"
)

// atStoredPositions rewrites the positions in the paths of an update. A client counts the elements that it sees; where
// a role hides elements of an array, the stored ones are numbered differently.
// See cases/updates/array-positions-of-the-view.txtar.
func (s *session) atStoredPositions(d *rules.Decider, op Update, u *update.Update, named []string, t target) (*update.Update, []string, error) {
	for _, path := range named {
		if !positionsExist(bsonval.FromDocument(t.view), strings.Split(path, ".")) {
			return nil, nil, s.invalid(filter.ErrPosition)
		}
	}
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
				// What the user sees has this position or has no array there, so the array is hidden. That is
				// denied, as any hidden parent is: a mistake would be reported only if the array is stored.
				return nil, nil, s.deny(d.Refused(t.stored, "write", path, err))
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

// positionsExist tells whether every position that the path names in an array of the view is one of its elements. One
// beyond the end is refused: what lies there in the stored array may be hidden.
func positionsExist(v bson.RawValue, path []string) bool {
	for _, name := range path {
		if v.Type != bson.TypeEmbeddedDocument && v.Type != bson.TypeArray {
			return true
		}
		next, found := bsonval.Lookup(bson.Raw(v.Value), name)
		if !found {
			_, err := strconv.ParseUint(name, 10, 64)
			return v.Type != bson.TypeArray || err != nil
		}
		v = next
	}
	return true
}

// mayShift tells whether a path names a position in something that is not always readable as a whole.
func (s *session) mayShift(named []string) bool {
	for _, path := range named {
		first, rest, _ := strings.Cut(path, ".")
		for seg := range strings.SplitSeq(rest, ".") {
			if startsWithDigit(seg) && !s.fieldReadable(first) {
				return true
			}
		}
	}
	return false
}

// fieldReadable tells whether every document of the view shows all of a top-level field.
func (s *session) fieldReadable(name string) bool {
	p, err := query.ParsePath(name)
	return err == nil && s.view().Readable(p)
}
