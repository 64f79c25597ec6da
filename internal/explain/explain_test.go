package explain_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolegate/rolegate/internal/explain"
	"github.com/rolegate/rolegate/rules"
)

const everyone = `{"database": "app", "collection": "c", "roles": [{"name": "all", "apply_when": {}, "read": true}]}`

// What is refused is refused with the words that the client would get.
func TestNewRefuses(t *testing.T) {
	tests := []struct {
		name   string
		change func(*explain.Options)
		want   string
	}{
		{"no rules", func(o *explain.Options) { o.Namespace.Collection = "d" }, "no rule exists for namespace 'app.d'"},
		{"no data source", func(o *explain.Options) { o.Namespace.Service = "x" }, "service not found: 'x'"},
		{"a filter", func(o *explain.Options) { o.Filter = mustDoc(t, `{"$where": "x"}`) }, "$where: the operator is not supported"},
		{"a sort", func(o *explain.Options) { o.Sort = mustDoc(t, `{"a": 7}`) }, "a: the direction of a sort must be 1 or -1"},
		{
			"an operation", func(o *explain.Options) { o.Operation = "insert" },
			`no documents are read for "insert": the operation is one of get, find, count, distinct, aggregate, update, delete`,
		},
	}
	for _, tt := range tests {
		o := options(t, map[string]string{"rules.json": everyone, "user.json": `{"id": "ua"}`})
		tt.change(&o)
		r, err := explain.New(o)
		if r != nil || err == nil {
			t.Errorf("%s is explained", tt.name)
			continue
		}
		if err.Error() != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, err, tt.want)
		}
	}
}

// The user that was given is not changed by what is filled in.
func TestNewLeavesTheUser(t *testing.T) {
	o := options(t, map[string]string{"rules.json": everyone, "user.json": `{"id": "ua"}`})
	if _, err := explain.New(o); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(rules.Request{}, o.User.Request); diff != "" {
		t.Errorf("(-given +after):\n%s", diff)
	}
}
