package pipeline

import (
	"math"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/echo"
)

// accumulators are those that $group, $bucket and $bucketAuto may use. The value tells whether $setWindowFields may use
// it over a window; operators that only exist there are not supported.
var accumulators = map[string]bool{
	"$sum": true, "$avg": true, "$min": true, "$max": true, "$first": true, "$last": true, "$push": true, "$addToSet": true,
	"$mergeObjects": false, "$count": true, "$stdDevPop": true, "$stdDevSamp": true,
}

// granularities are the series of preferred numbers that $bucketAuto knows.
var granularities = map[string]bool{
	"R5": true, "R10": true, "R20": true, "R40": true, "R80": true, "1-2-5": true, "E6": true, "E12": true, "E24": true, "E48": true,
	"E96": true, "E192": true, "POWERSOF2": true,
}

func (p *parser) group(v bson.RawValue) error {
	doc, err := object("$group", v)
	if err != nil {
		return err
	}
	hasID := false
	for it := bsonval.NewIter(doc); it.Next(); {
		if string(it.Key()) == "_id" {
			hasID = true
			err = p.expression(it.Value(), nil)
		} else {
			err = p.accumulated("$group", string(it.Key()), it.Value())
		}
		if err != nil {
			return err
		}
	}
	if !hasID {
		return refuse(`$group needs a field "_id"`)
	}
	return nil
}

// accumulated checks a field of a group: "name": {"$accumulator": expression}.
func (p *parser) accumulated(stage, name string, v bson.RawValue) error {
	if err := fieldName(stage, name); err != nil {
		return err
	}
	op, argument, ok := single(v)
	if !ok {
		return refuse(`%s: the field "%s" needs an object with exactly one accumulator`, stage, echo.Name(name))
	}
	if _, listed := accumulators[op]; !listed {
		return unlisted("accumulator", op)
	}
	return p.accumulate(op, argument)
}

// accumulate checks the argument of a listed accumulator.
func (p *parser) accumulate(op string, v bson.RawValue) error {
	if op != "$count" {
		return p.expression(v, nil)
	}
	if v.Type != bson.TypeEmbeddedDocument || !bsonval.IsEmpty(v) {
		return refuse("$count needs an empty object")
	}
	return p.node()
}

// output checks the fields of $bucket and $bucketAuto, which make the _id themselves.
func (p *parser) output(stage string, v bson.RawValue) error {
	if bsonval.IsMissing(v) {
		return nil
	}
	doc, err := object(`"output" of `+stage, v)
	if err != nil {
		return err
	}
	for it := bsonval.NewIter(doc); it.Next(); {
		name := string(it.Key())
		if name == "_id" {
			return refuse(`%s: "output" cannot have a field "_id"`, stage)
		}
		if err := p.accumulated(stage, name, it.Value()); err != nil {
			return err
		}
	}
	return nil
}

func (p *parser) bucket(v bson.RawValue) error {
	doc, err := arguments("$bucket", v, form{required: []string{"groupBy", "boundaries"}, optional: []string{"default", "output"}})
	if err != nil {
		return err
	}
	if err := p.expression(argument(doc, "groupBy"), nil); err != nil {
		return err
	}
	boundaries := argument(doc, "boundaries")
	if boundaries.Type != bson.TypeArray {
		return refuse(`$bucket: "boundaries" must be an array`)
	}
	if err := p.constant(`"boundaries" of $bucket`, boundaries); err != nil {
		return err
	}
	if fallback := argument(doc, "default"); !bsonval.IsMissing(fallback) {
		if err := p.constant(`"default" of $bucket`, fallback); err != nil {
			return err
		}
	}
	return p.output("$bucket", argument(doc, "output"))
}

func (p *parser) bucketAuto(v bson.RawValue) error {
	doc, err := arguments("$bucketAuto", v, form{required: []string{"groupBy", "buckets"}, optional: []string{"output", "granularity"}})
	if err != nil {
		return err
	}
	if err := p.expression(argument(doc, "groupBy"), nil); err != nil {
		return err
	}
	if _, err := count(`"buckets" of $bucketAuto`, argument(doc, "buckets"), 1, math.MaxInt32); err != nil {
		return err
	}
	if series := argument(doc, "granularity"); !bsonval.IsMissing(series) && !oneOf(granularities, series) {
		return refuse(`$bucketAuto: "granularity" must name a known series`)
	}
	return p.output("$bucketAuto", argument(doc, "output"))
}

// oneOf tells whether a value is one of some words.
func oneOf(words map[string]bool, v bson.RawValue) bool {
	word, ok := bsonval.String(v)
	return ok && words[word]
}
