package proxy

import (
	"math"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/filter"
	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/query"
	"github.com/rolegate/rolegate/rules"
)

// viewStages make the view of a collection, in its order, and end with a barrier: whatever follows sees cut documents
// only. No optimizer moves a stage in front of a computed $replaceWith, and $limit keeps it off the documents before.
func viewStages(collection string, segments []rules.Segment, keepsID bool) []bson.Raw {
	byID := stage("$sort", bson.D{{Key: "_id", Value: 1}})
	var out []bson.Raw
	switch {
	case keepsID && len(segments) == 1:
		out = cutStages(collection, segments, byID) // before the cut, where an index serves it
	case keepsID:
		out = append(cutStages(collection, segments), byID)
	default:
		out = append(cutStages(collection, segments), byItself(nil)...)
	}
	return append(out,
		stage("$replaceWith", bson.D{{Key: "$mergeObjects", Value: bson.A{"$$ROOT"}}}),
		limitStage(math.MaxInt64))
}

// cutStages select and cut the documents of all segments. between stands between the two in the first one.
func cutStages(collection string, segments []rules.Segment, between ...bson.Raw) []bson.Raw {
	var out []bson.Raw
	for i, seg := range segments {
		var stages []bson.Raw
		if seg.Match != nil {
			stages = append(stages, stage("$match", seg.Match))
		}
		if i == 0 {
			out = append(append(stages, between...), seg.Cut...)
			continue
		}
		stages = append(stages, seg.Cut...)
		out = append(out, stage("$unionWith", bson.D{{Key: "coll", Value: collection}, {Key: "pipeline", Value: stages}}))
	}
	return out
}

// byItself sorts by the client's keys and then by the document as a whole, and applies what follows to that order.
func byItself(by *query.Sort, more ...bson.Raw) []bson.Raw {
	keys := bson.D{}
	if by != nil {
		for it := bsonval.NewIter(by.Keys()); it.Next(); {
			keys = append(keys, bson.E{Key: "d." + string(it.Key()), Value: it.Value()})
		}
	}
	out := []bson.Raw{
		stage("$replaceWith", bson.D{{Key: "d", Value: "$$ROOT"}}),
		stage("$sort", append(keys, bson.E{Key: "d", Value: 1})),
	}
	return append(append(out, more...), stage("$replaceWith", "$d"))
}

// unsetReserved is all there is to cut where nothing is hidden.
var unsetReserved = stage("$unset", filter.Reserved)

func limitStage(n int64) bson.Raw { return stage("$limit", n) }

// stage marshals {name: spec}. A stage that could not be marshalled is one that no server takes.
func stage(name string, spec any) bson.Raw {
	out, err := bson.Marshal(bson.D{{Key: name, Value: spec}})
	if err != nil {
		return bson.Raw{}
	}
	return out
}
