package rules_test

import (
	"fmt"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/ejson"
	"github.com/rolegate/rolegate/rules"
)

// kilobyte is a document of about 1 KB with 20 fields, nested documents and arrays.
func kilobyte(t testing.TB) bson.Raw {
	t.Helper()
	var b strings.Builder
	b.WriteString(`{"_id": {"$oid": "5f0000000000000000000001"}, "owner": "ub", "team": "red", "members": ["u1", "u2", "u3"],
		"address": {"street": "1 Long Road", "city": "Rome", "geo": {"lat": 41.9, "lon": 12.5}},
		"items": [{"sku": "a", "qty": 1, "cost": 2.5}, {"sku": "b", "qty": 2, "cost": 3.5}]`)
	for i := range 14 {
		fmt.Fprintf(&b, `, "field%02d": "some text of the usual length %d"`, i, i)
	}
	b.WriteString(`}`)
	return mustDoc(t, b.String())
}

// manyRoles has n roles of which only the last applies, and which hides five fields.
func manyRoles(n int) string {
	var rs []string
	for i := range n - 1 {
		rs = append(rs, role(fmt.Sprintf(`"apply_when": {"owner": "nobody%d", "members": "%%%%user.id"}, "read": true`, i)))
	}
	rs = append(rs, role(`"apply_when": {"team": "red"}, "additional_fields": {"read": true}, "fields": {
		"field00": {}, "field01": {}, "field02": {}, "address": {"fields": {"city": {"read": true}, "street": {"read": true}}},
		"items": {"fields": {"sku": {"read": true}, "qty": {"read": {"%%this": {"$gt": 0}}}}}}`))
	return rulesFile(strings.Join(rs, ","), ``)
}

func TestViewDoesNotAllocate(t *testing.T) {
	doc := kilobyte(t)
	for _, n := range []int{1, 3, 10} {
		d := bind(t, compile(t, manyRoles(n), rules.Options{})).Decider()
		buf := make([]byte, 0, 4096)
		if got := testing.AllocsPerRun(100, func() {
			out, visible, err := d.View(buf[:0], doc)
			if err != nil || !visible || len(out) >= len(doc) {
				t.Fatalf("View = %d bytes, %v, %v", len(out), visible, err)
			}
		}); got != 0 {
			t.Errorf("%d roles: %v allocations per document, want 0", n, got)
		}
	}
}

func BenchmarkBind(b *testing.B) {
	for _, n := range []int{1, 3, 10} {
		b.Run(fmt.Sprintf("roles=%d", n), func(b *testing.B) {
			p := compile(b, manyRoles(n), rules.Options{})
			rs, _ := p.Collection(ns)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := rs.Bind(ann, rules.CustomData{}, &rules.Request{Operation: "find"}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkView decides and cuts one document, and BenchmarkViewEncode also writes it as JSON.
func BenchmarkView(b *testing.B)       { benchmarkView(b, false) }
func BenchmarkViewEncode(b *testing.B) { benchmarkView(b, true) }

func benchmarkView(b *testing.B, encode bool) {
	b.Helper()
	doc := kilobyte(b)
	for _, n := range []int{1, 3, 10} {
		b.Run(fmt.Sprintf("roles=%d", n), func(b *testing.B) {
			d := bind(b, compile(b, manyRoles(n), rules.Options{})).Decider()
			buf, out := make([]byte, 0, 4096), make([]byte, 0, 8192)
			b.SetBytes(int64(len(doc)))
			b.ReportAllocs()
			for b.Loop() {
				view, visible, err := d.View(buf[:0], doc)
				if err != nil || !visible {
					b.Fatal(visible, err)
				}
				if encode {
					if out, err = ejson.AppendJSON(out[:0], view); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}

// BenchmarkPlan is what a find pays once for stating the view and the client's filter.
func BenchmarkPlan(b *testing.B) {
	for _, roles := range []int{1, 3, 10} {
		b.Run(fmt.Sprintf("roles=%d", roles), func(b *testing.B) {
			bound := bind(b, compile(b, manyRoles(roles), rules.Options{}))
			raw := mustDoc(b, `{"title":"x","n":{"$gt":5}}`)
			f := mustFilter(b, `{"title":"x","n":{"$gt":5}}`)
			b.ReportAllocs()
			for b.Loop() {
				if n := bound.Plan().Narrow(raw, f); n.None {
					b.Fatal("nothing to ask")
				}
			}
		})
	}
}
