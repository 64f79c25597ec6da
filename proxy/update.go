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
	if !op.Many && isReplacement(op.Update) {
		return s.replace(ctx, Replace{NS: op.NS, Filter: op.Filter, Replacement: op.Update, Upsert: op.Upsert})
	}
	v, err := s.parseRead(op.Filter, nil)
	if err != nil {
		return UpdateResult{}, err
	}
	u, err := s.parseUpdate(op.Update, op.ArrayFilters)
	if err != nil {
		return UpdateResult{}, err
	}
	named := namedPaths(u)
	for _, path := range named {
		if strings.Contains(path, filter.Reserved) {
			return UpdateResult{}, s.invalid(errors.New("the field name " + filter.Reserved + " is reserved"))
		}
	}
	v.named = named
	change := func(d *rules.Decider, t target) (*GuardedWrite, error) {
		u, named, err := s.atStoredPositions(d, op, u, named, t)
		if err != nil {
			return nil, err
		}
		post, err := s.postImage(d, u, v.filter, t, named)
		if err != nil {
			return nil, err
		}
		if w := d.CheckUpdate(rules.Change{Pre: t.stored, Post: post, Named: named, Computed: computedPaths(u)}); !w.Allowed {
			return nil, s.deny(w)
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
	if a, err := s.directUpdate(ctx, v, op, u, change); a.done || err != nil {
		return UpdateResult{Matched: a.Matched, Modified: a.Modified}, err
	}
	insert := func() (bson.Raw, error) { return s.upsertByOperators(v.filter, u) }
	return s.update(ctx, v, op.Many, op.Upsert, change, insert)
}

func (s *session) parseUpdate(u bson.Raw, arrayFilters []bson.Raw) (*update.Update, error) {
	parsed, err := update.Parse(u, arrayFilters, update.Options{Query: query.Options{NoRegex: s.p.NoRegex}})
	if err != nil {
		return nil, s.invalid(err)
	}
	return parsed, nil
}

// update runs an update or a replacement: on its targets, or, for an upsert without any, as an insert.
func (s *session) update(ctx context.Context, v viewRead, many, upsert bool, change decide, insert func() (bson.Raw, error)) (UpdateResult, error) {
	for attempt := 1; ; attempt++ {
		ts, err := s.targets(ctx, v, many)
		if err != nil {
			return UpdateResult{}, err
		}
		if len(ts) > 0 || !upsert {
			done, err := s.apply(ctx, v, ts, many, change)
			return UpdateResult{Matched: done.matched, Modified: done.changed}, err
		}
		id, err := s.upsert(ctx, insert)
		var e *Error
		if attempt == 1 && errors.As(err, &e) && e.Kind == DuplicateKey {
			// Somebody may just have inserted what the filter selects.
			if err := s.bind(ctx, "update", true); err != nil {
				return UpdateResult{}, err
			}
			continue
		}
		return UpdateResult{Upserted: id}, err
	}
}

// upsert inserts the document that the request describes. It is judged as an insert.
func (s *session) upsert(ctx context.Context, build func() (bson.Raw, error)) (bson.RawValue, error) {
	if err := s.bind(ctx, "insert", true); err != nil {
		return bson.RawValue{}, err
	}
	doc, err := build()
	if err != nil {
		return bson.RawValue{}, err
	}
	w, err := s.insertion(doc)
	if err != nil {
		return bson.RawValue{}, err
	}
	if _, err := s.p.Store.Write(ctx, s.ns, []GuardedWrite{w}); err != nil {
		return bson.RawValue{}, s.storeError(err)
	}
	id, _ := bsonval.Lookup(w.Document, "_id")
	return id, nil
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
		return nil, s.deny(rules.WriteDecision{Permission: "write", Err: err})
	}
	return nil, s.invalid(err)
}

// upsertByOperators builds the document that an upsert creates: what the filter says is equal, then the update.
func (s *session) upsertByOperators(f *query.Filter, u *update.Update) (bson.Raw, error) {
	base, err := fromEqualities(f)
	if err != nil {
		return nil, s.invalid(err)
	}
	doc, err := u.Apply(nil, base, update.Input{Insert: true, Now: s.p.Now(), Positional: -1})
	if err != nil {
		return nil, s.invalid(err)
	}
	return doc, nil
}

// fromEqualities is the document of what a filter demands to be equal.
func fromEqualities(f *query.Filter) (bson.Raw, error) {
	eqs := f.Equalities()
	if len(eqs) == 0 {
		return document(nil), nil
	}
	doc, start := bsonval.BeginDocument(nil)
	doc, set := bsonval.BeginElement(doc, bson.TypeEmbeddedDocument, "$set")
	base, baseStart := bsonval.BeginDocument(nil)
	hasSet := false
	for _, e := range eqs {
		if e.Path == "_id" {
			base = bsonval.AppendElement(base, "_id", e.Value)
			continue
		}
		hasSet = true
		doc = bsonval.AppendElement(doc, e.Path, e.Value)
	}
	doc = bsonval.EndDocument(bsonval.EndDocument(doc, set), start)
	base = bsonval.EndDocument(base, baseStart)
	if !hasSet {
		return base, nil
	}
	u, err := update.Parse(doc, nil, update.Options{})
	if err != nil {
		return nil, err
	}
	return u.Apply(nil, base, update.Input{Insert: true, Positional: -1})
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

// computedPaths are those of the named paths whose new value depends on the old one.
func computedPaths(u *update.Update) []string {
	var computed []string
	for _, n := range u.Named() {
		switch n.Op {
		case "$set", "$unset", "$currentDate", "$setOnInsert":
		default:
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
