package proxy

import (
	"bytes"
	"context"
	"math"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/query"
	"github.com/rolegate/rolegate/rules"
)

// torn tells whether the edge of a page, between two neighbours in the order of the database, may depend on more than what
// the user sees. It does not between two that compare differently, or within a run of documents that are all the same. That
// the two are the same says nothing of their run: others of it may lie anywhere, so the database is asked for one.
func (s *session) torn(ctx context.Context, by *query.Sort, segments []rules.Segment, a, b bson.Raw) (bool, error) {
	switch {
	case !alike(by, a, b):
		return false, nil
	case !bytes.Equal(a, b):
		return true, nil
	}
	same, ok := sameForm(nil, "$$ROOT", bsonval.FromDocument(a), 0)
	switch {
	case !ok || len(a) > maxFormSize:
		return true, nil
	case len(same) == 0:
		return false, nil
	}
	equal := bson.D{{Key: "$eq", Value: bson.A{"$$ROOT", bson.D{{Key: "$literal", Value: a}}}}}
	other := bson.D{{Key: "$not", Value: bson.A{bson.D{{Key: "$and", Value: same}}}}}
	stages := append(cutStages(s.ns.Collection, segments),
		stage("$match", bson.D{{Key: "$expr", Value: equal}}),
		limitStage(math.MaxInt64), // what follows is not tried on documents of another shape
		stage("$match", bson.D{{Key: "$expr", Value: other}}),
		limitStage(1),
		stage("$count", "n"))
	for _, err := range s.p.Store.Aggregate(ctx, s.ns, AggregateQuery{Stages: stages}) {
		return true, s.storeError(err)
	}
	return false, nil
}

// What a database surely takes in an expression about one document. Runs of larger ones are put in order here.
const (
	maxFormSize  = 4 << 10
	maxFormDepth = 10
)

// formNames are the types of which there is one value, at most, that compares equal to another one.
var formNames = map[bson.Type]string{
	bson.TypeDouble: "double", bson.TypeString: "string", bson.TypeSymbol: "symbol", bson.TypeInt32: "int", bson.TypeInt64: "long",
}

// sameForm appends expressions that hold, for the value at a path if it compares equal to v, when it is v byte for byte.
// It reports false where no expression tells.
func sameForm(conds bson.A, at string, v bson.RawValue, depth int) (bson.A, bool) {
	if depth > maxFormDepth {
		return nil, false
	}
	switch v.Type {
	case bson.TypeDouble, bson.TypeString, bson.TypeSymbol, bson.TypeInt32, bson.TypeInt64:
		if f, isDouble := v.DoubleOK(); isDouble && (f == 0 || math.IsNaN(f)) {
			return nil, false // 0 and -0, and any NaN
		}
		is := bson.D{{Key: "$eq", Value: bson.A{bson.D{{Key: "$type", Value: at}}, formNames[v.Type]}}}
		return append(conds, is), true
	case bson.TypeDecimal128, bson.TypeCodeWithScope:
		return nil, false // 1.0 and 1.00
	case bson.TypeEmbeddedDocument:
		return sameFields(conds, at, bson.Raw(v.Value), depth+1)
	case bson.TypeArray:
		return sameElements(conds, at, bson.Raw(v.Value), depth+1)
	}
	return conds, true
}

func sameFields(conds bson.A, at string, doc bson.Raw, depth int) (bson.A, bool) {
	seen, ok := map[string]bool{}, true
	for it := bsonval.NewIter(doc); ok && it.Next(); {
		name := string(it.Key())
		before := len(conds)
		if conds, ok = sameForm(conds, at+"."+name, it.Value(), depth); !ok {
			break
		}
		if len(conds) > before {
			ok = !seen[name] && name != "" && name[0] != '$' && !strings.Contains(name, ".")
		}
		seen[name] = true
	}
	return conds, ok
}

func sameElements(conds bson.A, at string, arr bson.Raw, depth int) (bson.A, bool) {
	i := 0
	for it := bsonval.NewIter(arr); it.Next(); i++ {
		inside, ok := sameForm(nil, "$$e", it.Value(), depth)
		if !ok {
			return nil, false
		}
		if len(inside) > 0 {
			conds = append(conds, bson.D{{Key: "$let", Value: bson.D{
				{Key: "vars", Value: bson.D{{Key: "e", Value: bson.D{{Key: "$arrayElemAt", Value: bson.A{at, i}}}}}},
				{Key: "in", Value: bson.D{{Key: "$and", Value: inside}}},
			}}})
		}
	}
	return conds, true
}
