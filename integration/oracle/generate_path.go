package oracle

import (
	"slices"
	"strconv"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// freePath avoids most conflicts with the paths that were made before.
func (u *updateMaker) freePath(op string) string {
	filters := len(u.out.ArrayFilters)
	path, target := u.path(op)
	for range 30 {
		free := u.IntN(30) == 0 || !slices.ContainsFunc(u.used, func(other string) bool { return conflict(path, other) })
		if free && (u.IntN(8) == 0 || suits(op, target)) {
			break
		}
		u.out.ArrayFilters = u.out.ArrayFilters[:filters]
		if len(u.used) > 0 && op != "$rename" && u.IntN(4) == 0 {
			path, target = u.sibling(), nil
		} else {
			path, target = u.path(op)
		}
	}
	u.used = append(u.used, path)
	return path
}

// sibling is a path that shares its beginning with one that is used already.
func (u *updateMaker) sibling() string {
	segments := strings.Split(Pick(u.Generator, u.used...), ".")
	segments = segments[:1+u.IntN(len(segments))]
	segments[len(segments)-1] = Pick(u.Generator, "a", "b", "0", "1", "2", "9", "10", "11", "$", "$[]", "$[f0]")
	if u.IntN(3) == 0 {
		segments = append(segments, Pick(u.Generator, "a", "b", "0", "1"))
	}
	return strings.Join(segments, ".")
}

// suits tells whether an operator can do something with a value.
func suits(op string, v any) bool {
	if v == nil {
		return true
	}
	switch op {
	case "$inc", "$mul":
		switch v.(type) {
		case int32, int64, float64, bson.Decimal128:
			return true
		}
		return false
	case "$bit":
		switch v.(type) {
		case int32, int64:
			return true
		}
		return false
	case "$push", "$addToSet", "$pull", "$pullAll", "$pop":
		_, ok := v.(bson.A)
		return ok
	}
	return true
}

// conflict tells whether two paths cannot be in one update.
func conflict(a, b string) bool {
	for {
		x, restA, moreA := strings.Cut(a, ".")
		y, restB, moreB := strings.Cut(b, ".")
		if x != y {
			return strings.HasPrefix(x, "$[") != strings.HasPrefix(y, "$[")
		}
		if !moreA || !moreB {
			return true
		}
		a, b = restA, restB
	}
}

// path follows the document for a while, then adds segments of its own. It returns what stands at the path, nil for
// nothing.
func (u *updateMaker) path(op string) (string, any) {
	var segments []string
	var v any = u.doc
	for len(segments) < 5 {
		name, next, ok := u.segment(v, op)
		if !ok || u.IntN(5) == 0 {
			break
		}
		segments, v = append(segments, name), next
	}
	for len(segments) == 0 || u.IntN(6) == 0 {
		segments = append(segments, Pick(u.Generator, "a", "b", "c", "d", "0", "1", "2", "5", "10", "9", "z", "A", "aa", "-1", "é", "100", "a1"))
		switch v.(type) {
		case bson.D, bson.A:
			v = nil
		}
	}
	if u.IntN(150) == 0 {
		segments = append(segments, Pick(u.Generator, "", "$", "$[]", "$x", "$[zz]", "$[", "$[]]", "4294967296"))
	}
	if u.IntN(150) == 0 {
		segments[0] = Pick(u.Generator, "_id", "_id", "$", "$[]", "")
	}
	return strings.Join(segments, "."), v
}

// segment picks a way down from v.
func (u *updateMaker) segment(v any, op string) (name string, next any, ok bool) {
	switch c := v.(type) {
	case bson.D:
		if len(c) > 0 {
			e := Pick(u.Generator, c...)
			return e.Key, e.Value, true
		}
	case bson.A:
		i := 0
		if len(c) > 0 {
			i = u.IntN(len(c))
			next = c[i]
		}
		positional := op != "$rename" || u.IntN(50) == 0
		switch n := u.IntN(12); {
		case n < 2 && positional:
			return "$[]", next, true
		case n < 5 && positional:
			return u.identifier(next), next, true
		case n < 8 && u.matched && positional:
			return "$", next, true
		}
		return strconv.Itoa(i + Pick(u.Generator, 0, 0, 0, 0, 0, 0, 1, 3)), next, true
	}
	return "", nil, false
}
