package proxy_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"
	"pgregory.net/rapid"

	"github.com/rolegate/rolegate/proxy"
)

// stringed is distinct values as Extended JSON.
func stringed(vs []bson.RawValue) []string {
	out := []string{}
	for _, v := range vs {
		out = append(out, v.String())
	}
	return out
}

// present hides some documents and no field.
const present = `{"name": "present", "apply_when": {"gone": {"$ne": true}}, "read": true}`

func TestDistinct(t *testing.T) {
	const (
		tags    = `{"name": "tags", "apply_when": {}, "fields": {"tags": {"read": true}}}`
		authors = `{"name": "authors", "apply_when": {}, "fields": {"notes": {"fields": {"by": {"read": true}}}}}`
	)
	stored := docs(t,
		`{"_id":3,"owner":"ua","n":2,"tags":["b","a"],"notes":[{"by":"x"},{"text":"t"}]}`,
		`{"_id":1,"owner":"ub","n":3,"tags":["hidden"],"notes":[{"text":"t"},{"by":"y","text":"u"}]}`,
		`{"_id":2,"owner":"ua","n":{"$numberDouble":"2.0"},"tags":["a",["c"],null]}`,
		`{"_id":4,"owner":"ua","n":"2"}`,
	)
	tests := []struct {
		name, roles, key, filter string
		want                     []string
	}{
		{"in BSON order, equal numbers once", present, "n", ``, []string{`{"$numberDouble":"2.0"}`, `{"$numberInt":"3"}`, `"2"`}},
		{"of the documents that match", present, "n", `{"n":{"$gt":2}}`, []string{`{"$numberInt":"3"}`}},
		{"of the documents that the user sees", owner, "tags", ``, []string{`null`, `"a"`, `"b"`, `["c"]`}},
		{"a filter on a hidden field", tags, "tags", `{"owner":"ub"}`, []string{}},
		{"a hidden field has no values", tags, "n", ``, []string{}},
		{"... beside another either", tags, "tags", ``, []string{`null`, `"a"`, `"b"`, `"hidden"`, `["c"]`}},
		{"what is left of an array", authors, "notes.by", ``, []string{`"x"`, `"y"`}},
		{"positions in what is left of it", authors, "notes.0.by", ``, []string{`"x"`, `"y"`}},
		{"a hidden field inside of it", authors, "notes.text", ``, []string{}},
		{"whole elements of it", authors, "notes", ``, []string{`{"by": "x"}`, `{"by": "y"}`}},
		{"nobody's", `{"name": "server", "apply_when": {"%%user.type": "server"}, "read": true}`, "n", ``, []string{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, _ := newProxy(t, returning(stored...), tt.roles, ``)
			got, err := p.Distinct(t.Context(), ann, proxy.Distinct{NS: ns, Key: tt.key, Filter: doc(t, tt.filter)})
			if diff := cmp.Diff(tt.want, stringed(got)); diff != "" || err != nil {
				t.Errorf("values: %v (-want +got):\n%s", err, diff)
			}
		})
	}
}

// The order in which documents are stored may be hidden. Which of two equal values is shown must not tell of it.
func TestDistinctDoesNotDependOnTheOrder(t *testing.T) {
	values := []string{
		`1`, `{"$numberDouble":"1.0"}`, `{"$numberLong":"1"}`, `{"$numberDecimal":"1"}`, `{"$numberDecimal":"1.0"}`,
		`0`, `{"$numberDouble":"0.0"}`, `{"$numberDouble":"-0.0"}`, `{"a":1}`, `{"a":{"$numberLong":"1"}}`, `[1]`, `"x"`, `null`,
	}
	rapid.Check(t, func(rt *rapid.T) {
		var stored []bson.Raw
		for _, v := range rapid.SliceOf(rapid.SampledFrom(values)).Draw(rt, "values") {
			stored = append(stored, doc(t, `{"v":`+v+`}`))
		}
		ask := func(stored []bson.Raw) []string {
			p, _ := newProxy(t, returning(stored...), present, ``)
			got, err := p.Distinct(t.Context(), ann, proxy.Distinct{NS: ns, Key: "v"})
			if err != nil {
				rt.Fatal(err)
			}
			return stringed(got)
		}
		if diff := cmp.Diff(ask(stored), ask(rapid.Permutation(stored).Draw(rt, "order"))); diff != "" {
			rt.Errorf("another order, other values: %s", diff)
		}
	})
}

func TestDistinctRefusals(t *testing.T) {
	long := docs(t, `{"_id":1,"a":"0123456789"}`, `{"_id":2,"a":"1123456789"}`, `{"_id":3,"a":"2123456789"}`)
	tests := []struct {
		name, key, filter string
		s                 *store
		want              proxy.Kind
	}{
		{"no key", "", ``, returning(), proxy.Invalid},
		{"an empty segment", "a..b", ``, returning(), proxy.Invalid},
		{"a variable", "$a", ``, returning(), proxy.Invalid},
		{"a variable further down", "a.$b", ``, returning(), proxy.Invalid},
		{"a NUL", "a\x00", ``, returning(), proxy.Invalid},
		{"an operator that is not allowed", "a", `{"$where":"1"}`, returning(), proxy.Invalid},
		{"too many values", "a", ``, returning(long...), proxy.TooLarge},
		{"unreachable", "a", ``, &store{find: func(proxy.Query) ([]bson.Raw, error) { return nil, proxy.ErrUnavailable }}, proxy.Unavailable},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, _ := newProxy(t, tt.s, everyone, ``, func(c *proxy.Config) { c.Limits.Memory = 2 * 80 })
			got, err := p.Distinct(t.Context(), ann, proxy.Distinct{NS: ns, Key: tt.key, Filter: doc(t, tt.filter)})
			var e *proxy.Error
			if !errors.As(err, &e) || e.Kind != tt.want || got != nil {
				t.Errorf("Distinct = %v, %v, want kind %v", got, err, tt.want)
			}
		})
	}
	elsewhere := ns
	elsewhere.Collection = "other"
	p, _ := newProxy(t, returning(long[:2]...), everyone, ``, func(c *proxy.Config) { c.Limits.Memory = 2 * 80 })
	var e *proxy.Error
	if _, err := p.Distinct(t.Context(), ann, proxy.Distinct{NS: elsewhere, Key: "a"}); !errors.As(err, &e) || e.Kind != proxy.NoRule {
		t.Errorf("without a rule: %v", err)
	}
	if got, err := p.Distinct(t.Context(), ann, proxy.Distinct{NS: ns, Key: "a"}); len(got) != 2 || err != nil {
		t.Errorf("two values just within the limit: %v, %v", got, err)
	}
}
