package update_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/filter"
	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/update"
)

// FuzzApply applies any update to any document: nothing panics, what comes out is BSON, the _id is what it was, and what
// changed lies at paths that the update names.
func FuzzApply(f *testing.F) {
	for _, s := range [][3]string{
		{`{"_id":1,"a":{"b":[1,2,{"c":3}]}}`, `{"$set":{"a.b.2.c":4,"a.d":{"x":1}},"$unset":{"a.b.0":1}}`, ``},
		{`{"_id":1,"a":[{"k":1},{"k":2}]}`, `{"$inc":{"a.$[x].k":1.5,"a.$.k":1},"$mul":{"b":3}}`, `{"x.k":2}`},
		{`{"_id":1,"a":[3,1,2],"b":"x"}`, `{"$push":{"a":{"$each":[5],"$position":1,"$slice":-3,"$sort":1}},"$rename":{"b":"c.d"}}`, ``},
		{`{"_id":1,"a":[3,1,2],"d":{"$numberDecimal":"1.5"}}`, `{"$pull":{"a":{"$gt":1}},"$min":{"d":1},"$bit":{"e":{"or":7}}}`, ``},
		{`{"_id":1,"a":[3,1,2]}`, `{"$addToSet":{"a":{"$each":[1,9]}},"$pop":{"b":1},"$pullAll":{"c":[1]},"$currentDate":{"t":{"$type":"timestamp"}}}`, ``},
		{`{"a":1}`, `{"$setOnInsert":{"_id":5},"$max":{"a":{"$numberDecimal":"1E+6000"}},"$mul":{"z":{"$numberDecimal":"NaN"}}}`, ``},
	} {
		var arrayFilter []byte
		if s[2] != "" {
			arrayFilter = raw(f, s[2])
		}
		f.Add([]byte(raw(f, s[0])), []byte(raw(f, s[1])), arrayFilter, int8(-1), false)
		f.Add([]byte(raw(f, s[0])), []byte(raw(f, s[1])), arrayFilter, int8(1), true)
	}
	f.Fuzz(func(t *testing.T, pre, doc, arrayFilter []byte, positional int8, insert bool) {
		var filters []bson.Raw
		if len(arrayFilter) > 0 {
			filters = []bson.Raw{arrayFilter}
		}
		u, err := update.Parse(doc, filters, update.Options{})
		if err != nil {
			requireError(t, err)
			return
		}
		before := bytes.Clone(pre)
		in := update.Input{Now: now, Positional: int(positional), Insert: insert}
		post, err := u.Apply(nil, pre, in)
		if !bytes.Equal(before, pre) {
			t.Fatal("the before-image was changed")
		}
		if err != nil {
			requireError(t, err)
			return
		}
		again, err := u.Apply([]byte("x"), pre, in)
		if err != nil || !bytes.Equal(again, post) {
			t.Fatalf("the second time: %v", err)
		}
		if bsonval.Validate(pre, 150) != nil {
			return
		}
		if err := bsonval.Validate(post, 150); err != nil {
			t.Fatalf("%x: %v", post, err)
		}
		id, had := bsonval.Lookup(pre, "_id")
		if now, has := bsonval.Lookup(post, "_id"); !insert && (had != has || !bsonval.Identical(id, now)) {
			t.Fatal("the _id changed")
		}
		for _, changed := range filter.Diff(pre, post) {
			if !insert && !isNamed(string(changed), u.Named()) {
				t.Fatalf("%q changed and is not named", changed)
			}
		}
	})
}

func requireError(t *testing.T, err error) {
	t.Helper()
	var e *update.Error
	if !errors.As(err, &e) || e.Code == 0 {
		t.Fatalf("%T without a code: %v", err, err)
	}
}

// isNamed tells whether a change is at, above or below a path that was named, up to its first positional segment.
func isNamed(changed string, named []update.NamedPath) bool {
	for _, n := range named {
		path := n.Path
		if i := strings.Index(path, ".$"); i >= 0 {
			path = path[:i]
		}
		if strings.HasPrefix(changed+".", path+".") || strings.HasPrefix(path+".", changed+".") || changed == "" {
			return true
		}
	}
	return false
}
