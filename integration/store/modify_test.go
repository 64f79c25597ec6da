package store

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/mongostore"
	"github.com/rolegate/rolegate/proxy"
)

// modify returns the image as relaxed EJSON, "" when there is none.
func (b bench) modify(t *testing.T, w proxy.GuardedWrite, returnNew bool) (string, bool, error) {
	t.Helper()
	image, matched, err := b.store.Modify(t.Context(), b.ns, w, returnNew)
	if image == nil {
		return "", matched, err
	}
	return relaxed(t, []bson.Raw{image})[0], matched, err
}

func TestModifyEachKind(t *testing.T) {
	before := `{"_id":"a","n":1,"deep":{"x":1,"y":2},"gone":true}`
	guard := proxy.Guard{Fields: []proxy.GuardField{
		{Name: "n", Value: value(t, `1`)}, {Name: "deep", Value: value(t, `{"x": 1, "y": 2}`)}, {Name: "new"},
	}}
	tests := map[string]struct {
		write proxy.GuardedWrite
		after string
	}{
		"difference": {
			proxy.GuardedWrite{
				Kind: proxy.UpdateFields, ID: value(t, `"a"`), Guard: guard, Unset: []string{"gone", "deep.y"},
				Set: []proxy.FieldValue{{Path: "deep.x", Value: value(t, `9`)}, {Path: "new", Value: value(t, `"$n"`)}},
			},
			`{"_id":"a","n":1,"deep":{"x":9},"new":"$n"}`,
		},
		"replacement": {
			proxy.GuardedWrite{
				Kind: proxy.ReplaceDocument, ID: value(t, `"a"`), Guard: proxy.Guard{Document: doc(t, before)},
				Document: doc(t, `{"_id": "a", "n": 7}`),
			},
			`{"_id":"a","n":7}`,
		},
		"delete": {proxy.GuardedWrite{Kind: proxy.DeleteDocument, ID: value(t, `"a"`), Guard: guard}, ""},
	}
	for name, tt := range tests {
		for _, returnNew := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				b := open(t, before, `{"_id":"b"}`)
				want, rest := before, []string{`{"_id":"b"}`}
				if tt.after != "" {
					rest = append([]string{tt.after}, rest...)
					if returnNew {
						want = tt.after
					}
				}
				if got, matched, err := b.modify(t, tt.write, returnNew); got != want || !matched || err != nil {
					t.Errorf("Modify = %s, %v, %v, want %s", got, matched, err, want)
				}
				if diff := cmp.Diff(rest, b.stored(t)); diff != "" {
					t.Errorf("stored (-want +got):\n%s", diff)
				}
				// The document is not any longer what the decision saw.
				if got, matched, err := b.modify(t, tt.write, returnNew); got != "" || matched || err != nil {
					t.Errorf("second Modify = %s, %v, %v, want nothing", got, matched, err)
				}
				if diff := cmp.Diff(rest, b.stored(t)); diff != "" {
					t.Errorf("a lost guard changed something (-want +got):\n%s", diff)
				}
			})
		}
	}
}

func TestModifyRefusals(t *testing.T) {
	b := open(t, `{"_id":"a"}`)
	insert := proxy.GuardedWrite{Kind: proxy.InsertDocument, Document: doc(t, `{"_id": "b"}`)}
	if got, matched, err := b.modify(t, insert, true); !errors.Is(err, proxy.ErrRejected) || matched {
		t.Errorf("Modify by an insert = %s, %v, %v, want ErrRejected", got, matched, err)
	}
	elsewhere, own := b, b
	elsewhere.ns.Service = "other"
	own.ns.Database = mongostore.DefaultStoreDatabase
	for _, b := range []bench{elsewhere, own} {
		if got, matched, err := b.modify(t, set(t, `"a"`, "x", "1"), true); err == nil || matched {
			t.Errorf("Modify in %s of %s = %s, %v", b.ns, b.ns.Service, got, matched)
		}
	}
}

func TestModifyFailures(t *testing.T) {
	half := strings.Repeat("x", 9<<20)
	b := open(t, `{"_id": 1}`, `{"_id": 2, "k": 7}`)
	b.NeedReal(t, "document limit, and no collations")
	c := b.Client(t).Database(b.ns.Database).Collection(b.ns.Collection)
	index := mongo.IndexModel{Keys: bson.D{{Key: "k", Value: 1}}, Options: options.Index().SetUnique(true).SetSparse(true)}
	if _, err := c.Indexes().CreateOne(t.Context(), index); err != nil {
		t.Fatal(err)
	}
	if got, matched, err := b.modify(t, set(t, "1", "k", "7"), true); !errors.Is(err, proxy.ErrDuplicateKey) || matched {
		t.Errorf("Modify = %s, %v, %v, want ErrDuplicateKey", got, matched, err)
	}
	grow := func(field string) proxy.GuardedWrite {
		return proxy.GuardedWrite{
			Kind: proxy.UpdateFields, ID: value(t, "1"), Set: []proxy.FieldValue{{Path: field, Value: bsonval.FromString(half)}},
		}
	}
	if _, matched, err := b.modify(t, grow("a"), false); err != nil || !matched {
		t.Errorf("first half: %v, %v", matched, err)
	}
	if _, matched, err := b.modify(t, grow("b"), false); !errors.Is(err, proxy.ErrDocumentTooLarge) || matched {
		t.Errorf("second half: %v, %v, want ErrDocumentTooLarge", matched, err)
	}
	// Under a case-insensitive default collation a guard on "bob" would also hold for BOB.
	b.ns.Collection = "loose"
	create := bson.D{{Key: "create", Value: "loose"}, {Key: "collation", Value: bson.D{{Key: "locale", Value: "en"}, {Key: "strength", Value: 2}}}}
	if err := b.Client(t).Database(b.ns.Database).RunCommand(t.Context(), create).Err(); err != nil {
		t.Fatal(err)
	}
	b.seed(t, `{"_id": 1, "owner": "BOB"}`)
	w := set(t, "1", "x", "1", proxy.GuardField{Name: "owner", Value: value(t, `"bob"`)})
	if got, matched, err := b.modify(t, w, true); err != nil || matched {
		t.Errorf("a write guarded by bob changed the document of BOB: %s, %v", got, err)
	}
}

// Each writer gets the document as it was just before its own change.
func TestModifySerialisesWriters(t *testing.T) {
	b := open(t, `{"_id": "counter", "n": 0}`)
	writers, each := 8, 25
	if !b.Real {
		writers, each = 3, 3
	}
	var mu sync.Mutex
	seen := map[int32]int{}
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for done := 0; done < each; {
				n := b.counter(t)
				image, matched, err := b.store.Modify(context.Background(), b.ns, proxy.GuardedWrite{
					Kind: proxy.UpdateFields, ID: bsonval.FromString("counter"),
					Set:   []proxy.FieldValue{{Path: "n", Value: bsonval.FromInt32(n + 1)}},
					Guard: proxy.Guard{Fields: []proxy.GuardField{{Name: "n", Value: bsonval.FromInt32(n)}}},
				}, false)
				if err != nil {
					t.Errorf("Modify = %v", err)
					return
				}
				if matched {
					done++
					mu.Lock()
					seen[image.Lookup("n").Int32()]++
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	if n := b.counter(t); int(n) != writers*each || len(seen) != writers*each {
		t.Errorf("counter = %d after %d images, want %d", n, len(seen), writers*each)
	}
}

func TestSlowModify(t *testing.T) {
	b, r := slowBench(t)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	w := set(t, `"a"`, "marker", "1")
	if _, matched, err := b.store.Modify(ctx, b.ns, w, true); !errors.Is(err, proxy.ErrUnclear) || matched {
		t.Errorf("Modify = %v, %v, want ErrUnclear", matched, err)
	}
	if r.sent("maxTimeMS") == 0 || r.sent("writeConcern") == 0 {
		t.Error("the write carries no maxTimeMS or no write concern")
	}
	<-ctx.Done()
	if _, _, err := b.store.Modify(ctx, b.ns, w, true); !errors.Is(err, proxy.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Modify after the deadline = %v, want ErrUnavailable because of the deadline", err)
	}
	if n := r.sent("marker"); n != 1 {
		t.Errorf("the write was sent %d times, want once", n)
	}
}

func TestConnectionCutDuringModify(t *testing.T) {
	b := open(t, `{"_id": "a"}`)
	r := startRelay(t, b.URI)
	b.store = openStore(t, r.uri)
	if _, err := findAll(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	r.set(false, "marker")
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if _, matched, err := b.store.Modify(ctx, b.ns, set(t, `"a"`, "marker", "1"), true); !errors.Is(err, proxy.ErrUnclear) || matched {
		t.Errorf("Modify = %v, %v, want ErrUnclear", matched, err)
	}
	if n := r.sent("marker"); n != 1 {
		t.Errorf("the write was sent %d times, want once", n)
	}
}
