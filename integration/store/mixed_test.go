package store

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolegate/rolegate/internal/mongostore"
	"github.com/rolegate/rolegate/proxy"
)

// Inserts, updates and deletes in one write are stored in order, and an error ends them where it stands.
func TestMixedWrites(t *testing.T) {
	seen := proxy.GuardField{Name: "v", Value: value(t, `1`)}
	insert := func(d string) proxy.GuardedWrite {
		return proxy.GuardedWrite{Kind: proxy.InsertDocument, Document: doc(t, d)}
	}
	remove := func(id string) proxy.GuardedWrite {
		return proxy.GuardedWrite{Kind: proxy.DeleteDocument, ID: value(t, id), Guard: proxy.Guard{Fields: []proxy.GuardField{seen}}}
	}
	tests := map[string]struct {
		ws   []proxy.GuardedWrite
		want proxy.WriteResult
		at   int // of the statement that fails; -1 for none
		left []string
	}{
		"all": {
			[]proxy.GuardedWrite{insert(`{"_id":"n"}`), set(t, `"a"`, "v", "2", seen), remove(`"b"`), insert(`{"_id":"o"}`)},
			proxy.WriteResult{Matched: []bool{true, true, true, true}, Done: 4, Inserted: 2, Deleted: 1},
			-1,
			[]string{`{"_id":"a","v":2}`, `{"_id":"n"}`, `{"_id":"o"}`},
		},
		"a lost guard stops nothing": {
			[]proxy.GuardedWrite{set(t, `"a"`, "v", "2", seen), set(t, `"a"`, "w", "2", seen), insert(`{"_id":"n"}`)},
			proxy.WriteResult{Matched: []bool{true, false, true}, Done: 2, Inserted: 1},
			-1,
			[]string{`{"_id":"a","v":2}`, `{"_id":"b","v":1}`, `{"_id":"n"}`},
		},
		"a duplicate key does": {
			[]proxy.GuardedWrite{remove(`"a"`), insert(`{"_id":"n"}`), insert(`{"_id":"b"}`), set(t, `"b"`, "v", "2", seen)},
			proxy.WriteResult{Matched: []bool{true, true, false}, Done: 2, Inserted: 1, Deleted: 1},
			2,
			[]string{`{"_id":"b","v":1}`, `{"_id":"n"}`},
		},
	}
	for name, tt := range tests {
		for _, noBulkWrite := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				b := open(t, `{"_id": "a", "v": 1}`, `{"_id": "b", "v": 1}`)
				store, err := mongostore.Open(t.Context(), mongostore.Config{
					DataSources: map[string]string{"mongodb-atlas": b.URI}, NoBulkWrite: noBulkWrite,
				})
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = store.Close(context.Background()) })
				b.store = store
				want := tt.want
				if noBulkWrite && b.Real && name == "a lost guard stops nothing" {
					want.Matched = nil // an update command of two has a total
				}
				res, err := b.write(t, tt.ws...)
				if diff := cmp.Diff(want, res); diff != "" {
					t.Errorf("Write (-want +got):\n%s", diff)
				}
				at := -1
				if failed, ok := errors.AsType[*proxy.StatementError](err); ok && errors.Is(err, proxy.ErrDuplicateKey) {
					at = failed.Index
				}
				if at != tt.at || at < 0 && err != nil {
					t.Errorf("Write: %v, want statement %d to fail", err, tt.at)
				}
				if diff := cmp.Diff(tt.left, b.stored(t)); diff != "" {
					t.Errorf("stored (-want +got):\n%s", diff)
				}
			})
		}
	}
}
