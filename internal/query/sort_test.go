package query_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/query"
)

func mustSort(t testing.TB, text string) *query.Sort {
	t.Helper()
	s, err := query.ParseSort(mustDoc(t, text))
	if err != nil {
		t.Fatalf("ParseSort(%s): %v", text, err)
	}
	return s
}

func TestSortCompare(t *testing.T) {
	t.Parallel()
	tests := []struct {
		sort, a, b string
		want       int
	}{
		{`{}`, `{"a":1}`, `{"a":2}`, 0},
		{`{"a":1}`, `{"a":1}`, `{"a":2}`, -1},
		{`{"a":-1}`, `{"a":1}`, `{"a":2}`, 1},
		{`{"a":1}`, `{}`, `{"a":null}`, 0},
		{`{"a":1}`, `{}`, `{"a":0}`, -1},
		{`{"a":1}`, `{"a":{"$minKey":1}}`, `{}`, -1},
		{`{"a":1}`, `{"a":[5,1]}`, `{"a":2}`, -1},
		{`{"a":-1}`, `{"a":[5,1]}`, `{"a":2}`, -1},
		{`{"a":1}`, `{"a":[]}`, `{"a":null}`, -1},
		{`{"a":1}`, `{"a":[[2]]}`, `{"a":[3]}`, 1},
		{`{"a":1,"b":-1}`, `{"a":1,"b":2}`, `{"a":1.0,"b":1}`, -1},
		{`{"a.b":1}`, `{"a":[{"b":3},{"b":1}]}`, `{"a":{"b":2}}`, -1},
		{`{"a.b":1}`, `{"a":[1,{"b":3}]}`, `{"a":{"b":null}}`, 0},
		{`{"a.b":1}`, `{"a":5}`, `{}`, 0},
		{`{"a.b":1}`, `{"a":[]}`, `{"a":1}`, 0},
		{`{"a.b":1,"a.c":1}`, `{"a":[{"b":1,"c":9},{"b":2,"c":0}]}`, `{"a":[{"b":1,"c":8}]}`, 1},
		{`{"a.b":1,"a.c":-1}`, `{"a":[{"b":1,"c":1},{"b":1,"c":2}]}`, `{"a":{"b":1,"c":2}}`, 0},
		{`{"a.1":1}`, `{"a":[9,1]}`, `{"a":[0,2]}`, -1},
		{`{"a.0.b":1}`, `{"a":[{"b":[4,2]},{"b":0}]}`, `{"a":[{"b":3}]}`, -1},
		{`{"a.0":1}`, `{"a":[[3,1]]}`, `{"a":[2]}`, 1},
		{`{"a":1,"b":1}`, `{"a":[2,1],"b":[4,3]}`, `{"a":1,"b":3}`, 0},
		{`{"a":1,"b":-1}`, `{"a":[2,1],"b":[4,3]}`, `{"a":1,"b":4}`, 0},
	}
	for _, tc := range tests {
		s := mustSort(t, tc.sort)
		a, b := mustDoc(t, tc.a), mustDoc(t, tc.b)
		if got := s.Compare(a, b); got != tc.want {
			t.Errorf("sort %s: Compare(%s, %s) = %d, want %d", tc.sort, tc.a, tc.b, got, tc.want)
		}
		if got := s.Compare(b, a); got != -tc.want {
			t.Errorf("sort %s: Compare(%s, %s) = %d, want %d", tc.sort, tc.b, tc.a, got, -tc.want)
		}
		keys := s.AppendKey(make([]bson.RawValue, 1), a)
		if got := s.CompareKeys(keys[1:], s.AppendKey(nil, b)); got != tc.want {
			t.Errorf("sort %s: CompareKeys = %d, want %d", tc.sort, got, tc.want)
		}
	}
}

func TestParseSort(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`{"a":0}`, `{"a":2}`, `{"a":"asc"}`, `{"a":true}`, `{"a":1.5}`, `{"a":{"$meta":"textScore"}}`, `{"$natural":1}`, `{"a.$b":1}`, `{"":1}`, `{"a.":1}`,
		`{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1,"h":1,"i":1,"j":1,"k":1,"l":1,"m":1,"n":1,"o":1,"p":1,"q":1,"r":1,"s":1,"t":1,"u":1,"v":1,"w":1,"x":1,"y":1,"z":1,"A":1,"B":1,"C":1,"D":1,"E":1,"F":1,"G":1}`,
	} {
		if _, err := query.ParseSort(mustDoc(t, text)); err == nil {
			t.Errorf("ParseSort(%s) is accepted", text)
		}
	}
	twice, err := bson.Marshal(bson.D{{Key: "a", Value: 1}, {Key: "a", Value: 1}})
	if err != nil {
		t.Fatal(err)
	}
	for _, doc := range []bson.Raw{twice, {1, 2}, nil} {
		if _, err := query.ParseSort(doc); err == nil {
			t.Errorf("ParseSort(% x) is accepted", []byte(doc))
		}
	}
	s := mustSort(t, `{"a.b":1,"c":-1}`)
	if diff := cmp.Diff(mustDoc(t, `{"a.b":1,"c":-1}`), s.Keys()); diff != "" {
		t.Error(diff)
	}
	var got []string
	for _, p := range s.Paths() {
		got = append(got, p.String())
	}
	if diff := cmp.Diff([]string{"a.b", "c"}, got); diff != "" {
		t.Error(diff)
	}
	var none *query.Sort
	if none.Compare(nil, nil) != 0 || none.Keys() != nil || none.Paths() != nil || none.AppendKey(nil, nil) != nil || none.CompareKeys(nil, nil) != 0 {
		t.Error("a nil sort orders documents")
	}
}
