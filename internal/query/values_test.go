package query_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/query"
)

func TestValues(t *testing.T) {
	t.Parallel()
	tests := []struct{ path, doc, want string }{
		{"a", `{"a":1}`, `[1]`},
		{"a", `{"a":null}`, `[null]`},
		{"a", `{"b":1}`, `[]`},
		{"a", `{"a":[1,[2],{"a":3},null]}`, `[1,[2],{"a":3},null]`},
		{"a", `{"a":[]}`, `[]`},
		{"a.b", `{"a":{"b":[1,2]}}`, `[1,2]`},
		{"a.b", `{"a":1}`, `[]`},
		{"a.b", `{"a":[{"b":1},{"c":2},{"b":[3,4]},5]}`, `[1,3,4]`},
		{"a.b", `{"a":[[{"b":1}]]}`, `[]`},
		{"a.0", `{"a":[[1,2],3]}`, `[1,2]`},
		{"a.1", `{"a":[[1,2],3]}`, `[3]`},
		{"a.00", `{"a":[1]}`, `[]`},
		{"a.0", `{"a":{"0":1}}`, `[1]`},
		{"a.0", `{"a":[{"0":1}]}`, `[{"0":1}]`},
		{"a.0.b", `{"a":[[{"b":1},{"b":2}],{"b":3}]}`, `[1,2]`},
		{"a.0x", `{"a":[{"0x":1}]}`, `[1]`},
		{"a.b", `{"a.b":1}`, `[]`},
		{"a.b.c.d", `{"a":[{"b":[{"c":{"d":1}},{"c":[{"d":2}]}]}]}`, `[1,2]`},
	}
	for _, tt := range tests {
		path, err := query.ParsePath(tt.path)
		if err != nil {
			t.Fatal(err)
		}
		want, err := mustValue(t, tt.want).Array().Values()
		if err != nil {
			t.Fatal(err)
		}
		got := []bson.RawValue{}
		all := path.Values(mustDoc(t, tt.doc), func(v bson.RawValue) bool {
			got = append(got, v)
			return true
		})
		if diff := cmp.Diff(text(want), text(got)); diff != "" || !all {
			t.Errorf("%s of %s (-want +got):\n%s", tt.path, tt.doc, diff)
		}
		// The caller ends the walk wherever it likes.
		for most := 1; most <= len(want); most++ {
			n := 0
			all := path.Values(mustDoc(t, tt.doc), func(bson.RawValue) bool { n++; return n < most })
			if all || n != most {
				t.Errorf("%s of %s went on to %d values, want %d", tt.path, tt.doc, n, most)
			}
		}
	}
	if !(query.Path{}).Values(mustDoc(t, `{"":1}`), func(bson.RawValue) bool { return false }) {
		t.Error("the zero path has a value")
	}
}

func text(vs []bson.RawValue) []string {
	out := make([]string, len(vs))
	for i, v := range vs {
		out[i] = v.String()
	}
	return out
}
