package mongostore

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/proxy"
	"github.com/rolegate/rolegate/rules"
)

var ns = rules.Namespace{Service: "mongodb-atlas", Database: "db", Collection: "c"}

func TestCommands(t *testing.T) {
	one, two := bsonval.FromInt32(1), bsonval.FromInt32(2)
	set := proxy.GuardedWrite{
		Kind: proxy.UpdateFields, ID: one,
		Set:   []proxy.FieldValue{{Path: "a.b", Value: two}, {Path: "c", Value: mustValue(t, `{"$x": 1}`)}},
		Unset: []string{"d"},
	}
	replace := proxy.GuardedWrite{
		Kind: proxy.ReplaceDocument, ID: two, Document: mustDoc(t, `{"_id": 2, "n": 5}`),
		Guard: proxy.Guard{Document: mustDoc(t, `{"_id": 2, "n": "four", "o": 1}`)},
	}
	remove := proxy.GuardedWrite{Kind: proxy.DeleteDocument, ID: one}
	insert := func(doc string) proxy.GuardedWrite {
		return proxy.GuardedWrite{Kind: proxy.InsertDocument, Document: mustDoc(t, doc)}
	}
	const (
		q1       = `{"_id":{"$eq":1,"$type":"int"}}`
		q2       = `{"_id":{"$eq":2,"$type":"int"},"$expr":{"$and":[{"$eq":["$$ROOT",{"$literal":{"_id":2,"n":"four","o":1}}]},{"$eq":[{"$type":"$_id"},"int"]},{"$eq":[{"$type":"$n"},"string"]},{"$eq":[{"$type":"$o"},"int"]}]}}`
		u1       = `{"$set":{"a.b":2,"c":{"$x":1}},"$unset":{"d":""}}`
		simple   = `"collation":{"locale":"simple"}`
		ordered  = `"ordered":true}`
		q2approx = `{"_id":{"$eq":2,"$type":"int"},"n":{"$eq":"four","$type":"string","$not":{"$type":"array"}},"o":{"$eq":1,"$type":"int","$not":{"$type":"array"}}}`
	)
	tests := map[string]struct {
		caps capabilities
		ws   []proxy.GuardedWrite
		want []string
	}{
		"inserts": {
			mongoDB8,
			[]proxy.GuardedWrite{insert(`{"_id": 1}`), insert(`{"_id": 2, "$odd": 1}`)},
			[]string{`{"insert":"c","documents":[{"_id":1},{"_id":2,"$odd":1}],` + ordered},
		},
		"one difference": {
			mongoDB8,
			[]proxy.GuardedWrite{set},
			[]string{`{"update":"c","updates":[{"q":` + q1 + `,"u":` + u1 + `,"multi":false,` + simple + `}],` + ordered},
		},
		"one replacement": {
			mongoDB8,
			[]proxy.GuardedWrite{replace},
			[]string{`{"update":"c","updates":[{"q":` + q2 + `,"u":{"_id":2,"n":5},"multi":false,` + simple + `}],` + ordered},
		},
		"one delete": {
			mongoDB8,
			[]proxy.GuardedWrite{remove},
			[]string{`{"delete":"c","deletes":[{"q":` + q1 + `,"limit":1,` + simple + `}],` + ordered},
		},
		"several on MongoDB 8": {
			mongoDB8,
			[]proxy.GuardedWrite{set, replace, remove},
			[]string{`{"bulkWrite":1,"ops":[` +
				`{"update":0,"filter":` + q1 + `,"updateMods":` + u1 + `,"multi":false,` + simple + `},` +
				`{"update":0,"filter":` + q2 + `,"updateMods":{"_id":2,"n":5},"multi":false,` + simple + `},` +
				`{"delete":0,"filter":` + q1 + `,"multi":false,` + simple + `}],` +
				`"nsInfo":[{"ns":"db.c"}],"errorsOnly":false,` + ordered},
		},
		"several on MongoDB 7": {
			mongoDB7,
			[]proxy.GuardedWrite{set, replace, remove},
			[]string{
				`{"update":"c","updates":[{"q":` + q1 + `,"u":` + u1 + `,"multi":false,` + simple + `},` +
					`{"q":` + q2 + `,"u":{"_id":2,"n":5},"multi":false,` + simple + `}],` + ordered,
				`{"delete":"c","deletes":[{"q":` + q1 + `,"limit":1,` + simple + `}],` + ordered,
			},
		},
		"with inserts among them on MongoDB 8": {
			mongoDB8,
			[]proxy.GuardedWrite{insert(`{"_id": 3}`), set, insert(`{"_id": 4, "$odd": 1}`)},
			[]string{`{"bulkWrite":1,"ops":[` +
				`{"insert":0,"document":{"_id":3}},` +
				`{"update":0,"filter":` + q1 + `,"updateMods":` + u1 + `,"multi":false,` + simple + `},` +
				`{"insert":0,"document":{"_id":4,"$odd":1}}],` +
				`"nsInfo":[{"ns":"db.c"}],"errorsOnly":false,` + ordered},
		},
		"with inserts among them on MongoDB 7": {
			mongoDB7,
			[]proxy.GuardedWrite{insert(`{"_id": 3}`), insert(`{"_id": 4}`), set, insert(`{"_id": 5}`)},
			[]string{
				`{"insert":"c","documents":[{"_id":3},{"_id":4}],` + ordered,
				`{"update":"c","updates":[{"q":` + q1 + `,"u":` + u1 + `,"multi":false,` + simple + `}],` + ordered,
				`{"insert":"c","documents":[{"_id":5}],` + ordered,
			},
		},
		"several on the embedded server, one by one": {
			embedded,
			[]proxy.GuardedWrite{set, replace},
			[]string{
				`{"update":"c","updates":[{"q":` + q1 + `,"u":` + u1 + `,"multi":false}],` + ordered,
				`{"update":"c","updates":[{"q":` + q2approx + `,"u":{"$set":{"n":5},"$unset":{"o":""}},"multi":false}],` + ordered,
			},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			batches, err := plan(ns, tt.ws, tt.caps)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, b := range batches {
				got = append(got, ejson(t, b.command()))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("plan (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPlanRefuses(t *testing.T) {
	one := bsonval.FromInt32(1)
	insert := proxy.GuardedWrite{Kind: proxy.InsertDocument, Document: mustDoc(t, `{"_id": 1}`)}
	remove := proxy.GuardedWrite{Kind: proxy.DeleteDocument, ID: one}
	update := func(path string) proxy.GuardedWrite {
		return proxy.GuardedWrite{Kind: proxy.UpdateFields, ID: one, Set: []proxy.FieldValue{{Path: path, Value: one}}}
	}
	big := proxy.GuardedWrite{Kind: proxy.InsertDocument, Document: document(t, 17<<20)}
	tests := map[string]struct {
		ws   []proxy.GuardedWrite
		want error
	}{
		"no kind":                    {[]proxy.GuardedWrite{{ID: one}}, proxy.ErrRejected},
		"no kind among others":       {[]proxy.GuardedWrite{insert, {ID: one}, remove}, proxy.ErrRejected},
		"insert of nothing":          {[]proxy.GuardedWrite{{Kind: proxy.InsertDocument}}, proxy.ErrRejected},
		"empty difference":           {[]proxy.GuardedWrite{{Kind: proxy.UpdateFields, ID: one}}, proxy.ErrRejected},
		"all positional":             {[]proxy.GuardedWrite{update("a.$[].b")}, proxy.ErrRejected},
		"positional":                 {[]proxy.GuardedWrite{update("a.$")}, proxy.ErrRejected},
		"empty path":                 {[]proxy.GuardedWrite{update("")}, proxy.ErrRejected},
		"empty segment":              {[]proxy.GuardedWrite{update("a..b")}, proxy.ErrRejected},
		"unset of a positional":      {[]proxy.GuardedWrite{{Kind: proxy.UpdateFields, ID: one, Unset: []string{"a.$"}}}, proxy.ErrRejected},
		"replacement by nothing":     {[]proxy.GuardedWrite{{Kind: proxy.ReplaceDocument, ID: one}}, proxy.ErrRejected},
		"replacement by an operator": {[]proxy.GuardedWrite{{Kind: proxy.ReplaceDocument, ID: one, Document: mustDoc(t, `{"a": 1, "$set": {"b": 1}}`)}}, proxy.ErrRejected},
		"too large":                  {[]proxy.GuardedWrite{insert, big}, proxy.ErrDocumentTooLarge},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			for _, caps := range []capabilities{mongoDB8, mongoDB7, embedded} {
				if got, err := plan(ns, tt.ws, caps); !errors.Is(err, tt.want) || got != nil {
					t.Errorf("plan = %d commands, %v, want %v", len(got), err, tt.want)
				}
			}
		})
	}
}

func TestModifyCommands(t *testing.T) {
	one, two := bsonval.FromInt32(1), bsonval.FromInt32(2)
	seen := proxy.Guard{Fields: []proxy.GuardField{{Name: "n", Value: one}, {Name: "m"}}}
	set := proxy.GuardedWrite{
		Kind: proxy.UpdateFields, ID: one, Guard: seen, Set: []proxy.FieldValue{{Path: "n", Value: two}}, Unset: []string{"d"},
	}
	replace := proxy.GuardedWrite{
		Kind: proxy.ReplaceDocument, ID: two, Document: mustDoc(t, `{"_id": 2, "n": 5}`),
		Guard: proxy.Guard{Document: mustDoc(t, `{"_id": 2, "n": 4}`)},
	}
	remove := proxy.GuardedWrite{Kind: proxy.DeleteDocument, ID: one}
	const (
		q1     = `{"_id":{"$eq":1,"$type":"int"},"$expr":{"$and":[{"$eq":["$n",{"$literal":1}]},{"$eq":[{"$type":"$n"},"int"]},{"$eq":[{"$type":"$m"},"missing"]}]}}`
		q2     = `{"_id":{"$eq":2,"$type":"int"},"n":{"$eq":4,"$type":"int","$not":{"$type":"array"}}}`
		simple = `,"collation":{"locale":"simple"}}`
	)
	tests := map[string]struct {
		caps      capabilities
		w         proxy.GuardedWrite
		returnNew bool
		want      string
	}{
		"difference":            {mongoDB8, set, true, `{"findAndModify":"c","query":` + q1 + `,"update":{"$set":{"n":2},"$unset":{"d":""}},"new":true` + simple},
		"difference, as it was": {mongoDB7, set, false, `{"findAndModify":"c","query":` + q1 + `,"update":{"$set":{"n":2},"$unset":{"d":""}},"new":false` + simple},
		"delete":                {mongoDB8, remove, true, `{"findAndModify":"c","query":{"_id":{"$eq":1,"$type":"int"}},"remove":true` + simple},
		"replacement on the embedded server": {
			embedded, replace, true, `{"findAndModify":"c","query":` + q2 + `,"update":{"$set":{"n":5}},"new":true}`,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := modifyCommand("c", tt.w, tt.returnNew, tt.caps)
			if diff := cmp.Diff(tt.want, ejson(t, got)); err != nil || diff != "" {
				t.Errorf("modifyCommand: %v (-want +got):\n%s", err, diff)
			}
		})
	}
	big := document(t, 9<<20)
	for name, tt := range map[string]struct {
		w    proxy.GuardedWrite
		want error
	}{
		"no kind":          {proxy.GuardedWrite{ID: one}, proxy.ErrRejected},
		"insert":           {proxy.GuardedWrite{Kind: proxy.InsertDocument, Document: mustDoc(t, `{"_id": 1}`)}, proxy.ErrRejected},
		"no _id":           {proxy.GuardedWrite{Kind: proxy.DeleteDocument}, proxy.ErrRejected},
		"empty difference": {proxy.GuardedWrite{Kind: proxy.UpdateFields, ID: one}, proxy.ErrRejected},
		"too large": {
			proxy.GuardedWrite{Kind: proxy.ReplaceDocument, ID: one, Document: big, Guard: proxy.Guard{Document: big}},
			proxy.ErrDocumentTooLarge,
		},
	} {
		if cmd, err := modifyCommand("c", tt.w, false, mongoDB8); !errors.Is(err, tt.want) || cmd != nil {
			t.Errorf("%s: modifyCommand = %v, %v, want %v", name, cmd, err, tt.want)
		}
	}
}

func TestPlanSplitsBySizeAndNumber(t *testing.T) {
	writes := func(n, size int) []proxy.GuardedWrite {
		doc := document(t, size)
		ws := make([]proxy.GuardedWrite, n)
		for i := range ws {
			ws[i] = proxy.GuardedWrite{Kind: proxy.InsertDocument, Document: doc}
		}
		return ws
	}
	deletes := make([]proxy.GuardedWrite, 2*bulkStatements+1)
	for i := range deletes {
		deletes[i] = proxy.GuardedWrite{Kind: proxy.DeleteDocument, ID: bsonval.FromInt32(int32(i))}
	}
	small := mongoDB8
	small.maxStatements = 3
	tests := map[string]struct {
		caps capabilities
		ws   []proxy.GuardedWrite
		want []int
	}{
		"one of the largest":     {mongoDB8, writes(1, 16<<20), []int{1}},
		"two of the largest":     {mongoDB8, writes(2, 16<<20), []int{1, 1}},
		"five of five megabytes": {mongoDB8, writes(5, 5<<20), []int{3, 2}},
		"by number":              {small, writes(7, 100), []int{3, 3, 1}},
		"bulk":                   {mongoDB8, deletes, []int{bulkStatements, bulkStatements, 1}},
		"bulk by number":         {small, deletes[:4], []int{3, 1}},
		"bulk of the largest":    {mongoDB8, append(writes(2, 16<<20), deletes[0]), []int{1, 1, 1}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			batches, err := plan(ns, tt.ws, tt.caps)
			if err != nil {
				t.Fatal(err)
			}
			var got []int
			for _, b := range batches {
				got = append(got, len(b.statements))
				const internalLimit = 16<<20 + 16<<10 // what a server accepts for a command
				if raw, err := bson.Marshal(b.command()); err != nil || len(raw) > internalLimit {
					t.Errorf("a command of %d bytes, %v", len(raw), err)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("statements per command (-want +got):\n%s", diff)
			}
		})
	}
}

// document has exactly the given size.
func document(t *testing.T, size int) bson.Raw {
	t.Helper()
	const rest = 4 + 1 + len("pad\x00") + 4 + 1 + 1
	raw, err := bson.Marshal(bson.D{{Key: "pad", Value: strings.Repeat("x", size-rest)}})
	if err != nil || len(raw) != size {
		t.Fatalf("a document of %d bytes, %v, want %d", len(raw), err, size)
	}
	return raw
}
