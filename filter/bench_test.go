package filter_test

import (
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/filter"
)

// order is a document of about 1 KB with 20 fields at the top, three levels and three arrays.
const order = `{
	"_id": {"$oid": "65f1f77bcf86cd7994390111"}, "owner_id": "user-000000000017", "team": "north",
	"status": "shipped", "created": {"$date": "2024-03-01T10:20:30.123Z"}, "updated": {"$date": "2024-03-04T08:00:00Z"},
	"total": 129.95, "currency": "EUR", "items_count": 3, "version": {"$numberLong": "7"}, "paid": true, "coupon": null,
	"shared": ["user-000000000003", "user-000000000021", "user-000000000044"],
	"tags": ["gift", "express", "fragile"],
	"items": [
		{"sku": "A-1001", "name": "Walnut desk organizer", "qty": 1, "price": 49.95, "cost": 21.1},
		{"sku": "B-2040", "name": "Notebook, dotted, A5", "qty": 4, "price": 12.5, "cost": 3.75},
		{"sku": "C-0007", "name": "Fountain pen", "qty": 1, "price": 30, "cost": 11.2}],
	"customer": {"name": "Ann Example", "email": "ann@example.org", "tax": {"id": "DE123456789", "rate": 0.19}},
	"shipping": {"street": "Long Road 12", "city": "Rome", "zip": "00100", "country": "IT", "geo": {"lat": 41.9, "lng": 12.5}},
	"notes": "Leave it with the neighbours on the second floor if nobody answers; they know. Ring twice, the bell sticks a little. No deliveries before nine, thank you.",
	"margin": 0.41, "risk": {"score": 12, "flags": ["none"]}
}`

// masks are the shapes of permissions that matter for speed.
func masks() map[string]filter.Mask {
	some := func(hidden ...string) *filter.Node {
		n := &filter.Node{Fields: map[string]*filter.Node{}}
		for _, name := range hidden {
			n.Fields[name] = &filter.Node{Whole: filter.Always}
		}
		return n
	}
	deny := &filter.Node{Rest: filter.Always, Fields: map[string]*filter.Node{
		"margin": {}, "risk": {},
		"customer": some("name", "tax"),
		"items":    some("sku", "name", "qty", "price"),
		"shipping": some("street", "city", "zip", "country"),
	}}
	allow := some("_id", "owner_id", "status", "created", "total", "currency", "paid", "tags", "items", "notes")
	asked := &filter.Node{Rest: filter.Always, Fields: map[string]*filter.Node{"margin": {Whole: filter.Ask(0)}, "risk": {Whole: filter.Ask(1)}}}
	return map[string]filter.Mask{
		"all":         filter.All(),
		"hide 5":      filter.Tree(deny, nil),
		"allow 10":    filter.Tree(allow, nil),
		"ask 2":       filter.Tree(asked, judge(parity)),
		"see nothing": {},
	}
}

func TestCutAndProjectDoNotAllocate(t *testing.T) {
	doc := mustDoc(t, order)
	buf := make([]byte, 0, 2*len(doc))
	for name, mask := range masks() {
		allocs := testing.AllocsPerRun(100, func() {
			if _, _, err := filter.Cut(buf, doc, mask); err != nil {
				t.Fatal(err)
			}
		})
		if allocs != 0 {
			t.Errorf("Cut, %s: %v allocations, want 0", name, allocs)
		}
		// The mask of one document is made anew for each.
		root, each := &filter.Node{Rest: filter.Ask(0)}, judge(parity)
		if allocs := testing.AllocsPerRun(100, func() {
			if _, _, err := filter.Cut(buf, doc, filter.Tree(root, each)); err != nil {
				t.Fatal(err)
			}
		}); allocs != 0 {
			t.Errorf("Tree and Cut: %v allocations, want 0", allocs)
		}
	}
	for _, text := range []string{`{}`, `{"items.sku":1,"customer.tax.id":1}`, `{"items.cost":0,"risk":0}`} {
		p := mustProjection(t, text)
		if allocs := testing.AllocsPerRun(100, func() {
			if _, err := filter.Project(buf, doc, p); err != nil {
				t.Fatal(err)
			}
		}); allocs != 0 {
			t.Errorf("Project, %s: %v allocations, want 0", text, allocs)
		}
	}
}

func BenchmarkCut(b *testing.B) {
	doc := mustDoc(b, order)
	buf := make([]byte, 0, 2*len(doc))
	for name, mask := range masks() {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(doc)))
			for b.Loop() {
				if _, _, err := filter.Cut(buf, doc, mask); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkProject(b *testing.B) {
	doc := mustDoc(b, order)
	buf := make([]byte, 0, 2*len(doc))
	for name, text := range map[string]string{"include 3": `{"status":1,"items.sku":1,"customer.name":1}`, "exclude 2": `{"items.cost":0,"risk":0}`} {
		p := mustProjection(b, text)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(doc)))
			for b.Loop() {
				if _, err := filter.Project(buf, doc, p); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkDiff(b *testing.B) {
	pre := mustDoc(b, order)
	var decoded bson.D
	if err := bson.Unmarshal(pre, &decoded); err != nil {
		b.Fatal(err)
	}
	decoded[3].Value = "returned"
	post := mustMarshal(b, decoded)
	b.ReportAllocs()
	for b.Loop() {
		if len(filter.Diff(pre, post)) != 1 {
			b.Fatal("one field differs")
		}
	}
}
