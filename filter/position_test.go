package filter_test

import (
	"errors"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/filter"
	"github.com/rolegate/rolegate/internal/ejson"
)

func TestStoredPath(t *testing.T) {
	doc, err := ejson.Parse([]byte(`{"a": [5, {"c": 1}, {"b": 1}, {"b": 2, "d": [{"c": 1}, {"e": 1}]}], "w": [1, 2], "s": "x", "o": {"b": [{"c": 1}, {"e": 1}]}}`), ejson.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	inner := &filter.Node{Fields: map[string]*filter.Node{"e": {Whole: filter.Always}}}
	root := &filter.Node{Rest: filter.Always, Fields: map[string]*filter.Node{
		"a": {Fields: map[string]*filter.Node{"b": {Whole: filter.Always}, "d": inner}},
		"o": {Fields: map[string]*filter.Node{"b": inner}},
		"s": {Fields: map[string]*filter.Node{"b": {Whole: filter.Always}}},
	}}
	tests := []struct{ path, want string }{
		{"a.0.b", "a.2.b"},
		{"a.1.b", "a.3.b"},
		{"a.1.d.0.e", "a.3.d.1.e"},
		{"a.2.b", "error"},
		{"a.b", "a.b"},
		{"a.x.b", "a.x.b"},
		{"w.1", "w.1"},
		{"s.0", "s.0"},
		{"o.b.0.e", "o.b.1.e"},
		{"o.b.1.e", "error"},
		{"missing.0", "missing.0"},
		{"a", "a"},
	}
	for _, tt := range tests {
		got, err := filter.StoredPath(doc, filter.Tree(root, nil), tt.path)
		if errors.Is(err, filter.ErrPosition) {
			got = "error"
		}
		if got != tt.want {
			t.Errorf("StoredPath(%s) = %q, %v, want %q", tt.path, got, err, tt.want)
		}
	}
	for name, m := range map[string]filter.Mask{"all": filter.All(), "none": {}} {
		if got, err := filter.StoredPath(doc, m, "a.0.b"); got != "a.0.b" || err != nil {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	boom := errors.New("boom")
	asking := &filter.Node{Fields: map[string]*filter.Node{"a": {Fields: map[string]*filter.Node{"b": {Whole: filter.Ask(0)}}}}}
	j := judge(func(int, bson.RawValue) (bool, error) { return false, boom })
	if _, err := filter.StoredPath(doc, filter.Tree(asking, j), "a.0.b"); !errors.Is(err, boom) {
		t.Errorf("a judge that fails: %v", err)
	}
}
