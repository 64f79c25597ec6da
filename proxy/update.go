package proxy

import (
	"bytes"
	"context"
	"errors"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/filter"
	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/query"
	"github.com/rolegate/rolegate/internal/update"
	"github.com/rolegate/rolegate/rules"
)

// Update changes the first document of the view that matches, or all of them.
func (p *Proxy) Update(ctx context.Context, c Caller, op Update) (UpdateResult, error) {
	s, err := p.begin(ctx, c, op.NS, "update", true)
	if err != nil {
		return UpdateResult{}, err
	}
	it, err := s.change(op, nil)
	if err != nil {
		return UpdateResult{}, err
	}
	if done, err := it.directly(ctx); done || err != nil {
		return UpdateResult{Matched: it.matched, Modified: it.changed}, err
	}
	return s.update(ctx, it)
}

// update carries out an update or a replacement.
func (s *session) update(ctx context.Context, it *item) (UpdateResult, error) {
	if err := s.execution(it).run(ctx); err != nil {
		if it.changed > 0 {
			err = withDone(err, Done{Matched: it.matched, Modified: it.changed})
		}
		return UpdateResult{}, err
	}
	return UpdateResult{Matched: it.matched, Modified: it.changed, Upserted: it.inserted}, nil
}

// change is the item of an update. The sort says which document is the first.
func (s *session) change(op Update, sort bson.Raw) (*item, error) {
	if !op.Many && isReplacement(op.Update) {
		if len(op.ArrayFilters) > 0 {
			return nil, s.invalid(errors.New("arrayFilters are for updates with operators"))
		}
		return s.replacement(Replace{Filter: op.Filter, Replacement: op.Update, Upsert: op.Upsert}, sort)
	}
	v, err := s.parseRead(op.Filter, sort)
	if err != nil {
		return nil, err
	}
	u, err := s.parseUpdate(op.Update, op.ArrayFilters)
	if err != nil {
		return nil, err
	}
	named := namedPaths(u)
	for _, path := range named {
		if first, _, _ := strings.Cut(path, "."); first == filter.Reserved {
			return nil, s.invalid(errors.New("the field name " + filter.Reserved + " is reserved"))
		}
	}
	v.named = named
	it := &item{s: s, v: v, many: op.Many}
	it.decide = func(d *rules.Decider, t target) (*GuardedWrite, error) {
		u, named, err := s.atStoredPositions(d, op, u, named, t)
		if err != nil {
			return nil, err
		}
		post, err := s.postImage(d, u, v.filter, t, named)
		if err != nil {
			return nil, err
		}
		post, err = s.allowed(d.CheckUpdate(rules.Change{Pre: t.stored, Post: post, Named: named, Computed: computedPaths(u)}))
		if err != nil {
			return nil, err
		}
		if bytes.Equal(t.stored, post) {
			return nil, nil
		}
		if err := s.conform(d, t.stored, post); err != nil {
			return nil, err
		}
		set, unset, bad := difference(t.stored, post)
		if bad {
			return nil, s.invalid(errors.New("a field with a dot or a leading $ in its name cannot be changed"))
		}
		return &GuardedWrite{Kind: UpdateFields, ID: t.id, Set: set, Unset: unset}, nil
	}
	it.direct = func() (directWrite, string) { return s.directUpdate(v, op, u) }
	if op.Upsert {
		it.insert = func() (bson.Raw, error) { return s.upsertByOperators(v.filter, u) }
	}
	return it, nil
}

func (s *session) parseUpdate(u bson.Raw, arrayFilters []bson.Raw) (*update.Update, error) {
	parsed, err := update.Parse(u, arrayFilters, update.Options{Query: query.Options{NoRegex: s.p.NoRegex}})
	if err != nil {
		return nil, s.invalid(err)
	}
	return parsed, nil
}

// postImage applies the update. An operator that fails on a value the user may not read is a denial: the failure would
// tell something about the value.
func (s *session) postImage(d *rules.Decider, u *update.Update, f *query.Filter, t target, named []string) (bson.Raw, error) {
	in := update.Input{Now: s.p.Now(), Positional: -1}
	if i, ok := f.Positional(t.view); ok {
		in.Positional = i
	}
	post, err := u.Apply(nil, t.stored, in)
	if err == nil {
		return post, nil
	}
	var failed *update.Error
	if errors.As(err, &failed) && failed.Code == update.CodeDocumentTooLarge {
		named = []string{""} // how large the document is depends on all of it
	}
	if !d.Nameable(t.stored, named) {
		return nil, s.deny(d.Refused(t.stored, "write", "", err))
	}
	return nil, s.invalid(err)
}

// upsertByOperators builds the document that an upsert creates: what the filter says is equal, then the update.
func (s *session) upsertByOperators(f *query.Filter, u *update.Update) (bson.Raw, error) {
	base, err := update.Base(f)
	if err != nil {
		return nil, s.invalid(err)
	}
	doc, err := u.Apply(nil, base, update.Input{Insert: true, Now: s.p.Now(), Positional: -1})
	if err != nil {
		return nil, s.invalid(err)
	}
	return doc, nil
}

// namedPaths are the paths that the update names, cut before the first positional segment: what stands there is an
// element of the array, and the array is what has to be permitted.
func namedPaths(u *update.Update) []string {
	var named []string
	for _, n := range u.Named() {
		if n.OnInsertOnly {
			continue
		}
		named = append(named, beforePositional(n.Path))
	}
	return named
}

// computedPaths are those of the named paths whose new value depends on the old one, as that of an array does in which
// elements change.
func computedPaths(u *update.Update) []string {
	var computed []string
	for _, n := range u.Named() {
		replaces := n.Op == "$set" || n.Op == "$unset" || n.Op == "$currentDate"
		if !n.OnInsertOnly && (n.Positional || !replaces) {
			computed = append(computed, beforePositional(n.Path))
		}
	}
	return computed
}

func beforePositional(path string) string {
	segments := strings.Split(path, ".")
	for i, seg := range segments {
		if strings.HasPrefix(seg, "$") {
			return strings.Join(segments[:i], ".")
		}
	}
	return path
}

// isReplacement tells whether an update is a plain document. An empty one is refused as an update: whoever sends it has
// lost the operators on the way, and did not mean to empty the document.
func isReplacement(u bson.Raw) bool {
	it := bsonval.NewIter(u)
	return it.Next() && !bytes.HasPrefix(it.Key(), []byte("$"))
}
