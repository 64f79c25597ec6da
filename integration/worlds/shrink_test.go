package worlds_test

import (
	"iter"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// maxTrials bounds how often a world is tried while it is made smaller.
const maxTrials = 1500

// shrink makes a world smaller for as long as it fails. It takes away documents, roles, conditions, fields, parts of
// the request, one at a time, and keeps what still fails.
func shrink(w *World, fails func(*World) bool) *World {
	trials, from := 0, 0 // what comes before from was in vain the last time
	for {
		progress := false
		i := 0
		for smaller := range w.smaller() {
			if i++; i <= from {
				continue
			}
			if trials++; trials > maxTrials {
				return w
			}
			if fails(smaller) {
				w, progress, from = smaller, true, i-1
				break
			}
		}
		switch {
		case progress:
		case from == 0:
			return w
		default:
			from = 0
		}
	}
}

// smaller yields worlds that lack a part.
func (w *World) smaller() iter.Seq[*World] {
	return func(yield func(*World) bool) {
		try := func(change func(*World)) bool {
			smaller := *w
			change(&smaller)
			return yield(&smaller)
		}
		for docs := range fewer(w.Docs) {
			if !try(func(s *World) { s.Docs = docs }) {
				return
			}
		}
		for docs := range fewer(w.Twin) {
			if !try(func(s *World) { s.Twin = docs }) {
				return
			}
		}
		for rules := range reductions(w.Rules) {
			if !try(func(s *World) { s.Rules = rules.(bson.D) }) {
				return
			}
		}
		if !w.smallerRequest(try) || !w.smallerUser(try) {
			return
		}
		for i := range w.Docs {
			for doc := range reductions(w.Docs[i]) {
				if !try(func(s *World) { s.Docs = replaced(w.Docs, i, doc.(bson.D)) }) {
					return
				}
			}
		}
		for i := range w.Twin {
			for doc := range reductions(w.Twin[i]) {
				if !try(func(s *World) { s.Twin = replaced(w.Twin, i, doc.(bson.D)) }) {
					return
				}
			}
		}
		for indexes := range fewer(w.Indexes) {
			if !try(func(s *World) { s.Indexes = indexes }) {
				return
			}
		}
		for indexes := range fewer(w.TwinIndexes) {
			if !try(func(s *World) { s.TwinIndexes = indexes }) {
				return
			}
		}
	}
}

func (w *World) smallerRequest(try func(func(*World)) bool) bool {
	r := w.Requests[0]
	change := func(f func(*Request)) bool {
		smaller := r
		f(&smaller)
		return try(func(s *World) { s.Requests = []Request{smaller} })
	}
	for _, part := range []struct {
		d   bson.D
		set func(*Request, bson.D)
	}{
		{r.Filter, func(r *Request, d bson.D) { r.Filter = d }},
		{r.Sort, func(r *Request, d bson.D) { r.Sort = d }},
		{r.Projection, func(r *Request, d bson.D) { r.Projection = d }},
	} {
		if part.d != nil && !change(func(r *Request) { part.set(r, nil) }) {
			return false
		}
		for d := range reductions(part.d) {
			if !change(func(r *Request) { part.set(r, d.(bson.D)) }) {
				return false
			}
		}
	}
	for pipeline := range reductions(r.Pipeline) {
		if !change(func(r *Request) { r.Pipeline = pipeline.(bson.A) }) {
			return false
		}
	}
	return (r.Skip == 0 || change(func(r *Request) { r.Skip = 0 })) && (r.Limit == 0 || change(func(r *Request) { r.Limit = 0 }))
}

func (w *World) smallerUser(try func(func(*World)) bool) bool {
	for data := range reductions(w.User.Data) {
		if !try(func(s *World) { s.User.Data = data.(bson.D) }) {
			return false
		}
	}
	if w.User.Custom != nil && !try(func(s *World) { s.User.Custom = nil }) {
		return false
	}
	for data := range reductions(w.User.Custom) {
		if !try(func(s *World) { s.User.Custom = data.(bson.D) }) {
			return false
		}
	}
	return true
}

// fewer yields a list without some of its elements: first half of them, in the end one.
func fewer[T any](list []T) iter.Seq[[]T] {
	return func(yield func([]T) bool) {
		for n := (len(list) + 1) / 2; n > 0; n /= 2 {
			for from := 0; from+n <= len(list); from += n {
				if !yield(slices.Delete(slices.Clone(list), from, from+n)) {
					return
				}
			}
		}
	}
}

func replaced[S ~[]T, T any](list S, i int, v T) S {
	list = slices.Clone(list)
	list[i] = v
	return list
}

// reductions yields values of the same type that lack a part of v or have a simpler one. The _id of a document stays.
func reductions(v any) iter.Seq[any] {
	return func(yield func(any) bool) {
		switch c := v.(type) {
		case bson.D:
			for i, e := range c {
				if e.Key != "_id" && !yield(slices.Delete(slices.Clone(c), i, i+1)) {
					return
				}
			}
			for i, e := range c {
				for inner := range simpler(e.Value) {
					if e.Key != "_id" && !yield(replaced(c, i, bson.E{Key: e.Key, Value: inner})) {
						return
					}
				}
			}
		case bson.A:
			for i := range c {
				if !yield(slices.Delete(slices.Clone(c), i, i+1)) {
					return
				}
			}
			for i, e := range c {
				for inner := range simpler(e) {
					if !yield(replaced(c, i, inner)) {
						return
					}
				}
			}
		}
	}
}

// simpler yields what can stand in the place of v: something in it, one of its reductions, or a plain value.
func simpler(v any) iter.Seq[any] {
	return func(yield func(any) bool) {
		for _, inner := range parts(v) {
			switch inner.(type) {
			case bson.D, bson.A:
				if !yield(inner) {
					return
				}
			}
		}
		if d, ok := v.(bson.D); ok && len(d) > 0 && !yield(true) {
			return
		}
		for smaller := range reductions(v) {
			if !yield(smaller) {
				return
			}
		}
	}
}

// parts lists the values in a document or an array, and in its elements.
func parts(v any) []any {
	var list []any
	switch c := v.(type) {
	case bson.D:
		for _, e := range c {
			list = append(list, e.Value)
		}
	case bson.A:
		list = append(list, c...)
	}
	return list
}
