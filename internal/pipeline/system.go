package pipeline

import (
	"math"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
)

// system reads the stages that only the system may use. Most of them read other collections of the database, which the
// rules of this one do not cut; $sample and $redact tell how documents lie and how they are nested before they are cut.
func (p *parser) system(name string, v bson.RawValue) error {
	switch name {
	case "$lookup":
		return p.lookup(v)
	case "$graphLookup":
		return p.graphLookup(v)
	case "$unionWith":
		return p.unionWith(v)
	case "$sample":
		doc, err := arguments(name, v, form{required: []string{"size"}})
		if err != nil {
			return err
		}
		_, err = count(name, argument(doc, "size"), 1, math.MaxInt64)
		return err
	case "$redact":
		var vars *scope
		return p.expression(v, vars.bind("KEEP").bind("PRUNE").bind("DESCEND"))
	}
	return unlisted("aggregation stage", name)
}

func (p *parser) lookup(v bson.RawValue) error {
	doc, err := arguments("$lookup", v, form{required: []string{"from", "as"}, optional: []string{"localField", "foreignField", "pipeline"}})
	if err != nil {
		return err
	}
	if err := p.other("$lookup", argument(doc, "from")); err != nil {
		return err
	}
	for _, name := range []string{"as", "localField", "foreignField"} {
		if path := argument(doc, name); !bsonval.IsMissing(path) {
			if err := p.pathValue("$lookup", path); err != nil {
				return err
			}
		}
	}
	return p.within("$lookup", argument(doc, "pipeline"))
}

func (p *parser) graphLookup(v bson.RawValue) error {
	doc, err := arguments("$graphLookup", v, form{
		required: []string{"from", "startWith", "connectFromField", "connectToField", "as"},
		optional: []string{"maxDepth", "depthField", "restrictSearchWithMatch"},
	})
	if err != nil {
		return err
	}
	if err := p.other("$graphLookup", argument(doc, "from")); err != nil {
		return err
	}
	if err := p.expression(argument(doc, "startWith"), nil); err != nil {
		return err
	}
	for _, name := range []string{"connectFromField", "connectToField", "as", "depthField"} {
		if path := argument(doc, name); !bsonval.IsMissing(path) {
			if err := p.pathValue("$graphLookup", path); err != nil {
				return err
			}
		}
	}
	if depth := argument(doc, "maxDepth"); !bsonval.IsMissing(depth) {
		if _, err := count("$graphLookup: maxDepth", depth, 0, math.MaxInt64); err != nil {
			return err
		}
	}
	if restrict := argument(doc, "restrictSearchWithMatch"); !bsonval.IsMissing(restrict) {
		return p.match(&Stage{}, restrict)
	}
	return nil
}

func (p *parser) unionWith(v bson.RawValue) error {
	if v.Type == bson.TypeString {
		return p.other("$unionWith", v)
	}
	doc, err := arguments("$unionWith", v, form{required: []string{"coll"}, optional: []string{"pipeline"}})
	if err != nil {
		return err
	}
	if err := p.other("$unionWith", argument(doc, "coll")); err != nil {
		return err
	}
	return p.within("$unionWith", argument(doc, "pipeline"))
}

// other notes a collection of the same database. The forms that name another database are refused.
func (p *parser) other(stage string, v bson.RawValue) error {
	name, ok := bsonval.String(v)
	if !ok {
		return refuse("%s: a collection must be a string", stage)
	}
	if !slices.Contains(p.others, name) {
		p.others = append(p.others, name)
	}
	return nil
}

// within reads a pipeline in a stage, if there is one.
func (p *parser) within(stage string, v bson.RawValue) error {
	if bsonval.IsMissing(v) {
		return nil
	}
	arr, ok := bsonval.Array(v)
	if !ok {
		return refuse("%s: a pipeline must be an array of stages", stage)
	}
	return p.inner(arr, false)
}
