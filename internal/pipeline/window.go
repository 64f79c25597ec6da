package pipeline

import (
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
)

var (
	units = map[string]bool{
		"year": true, "quarter": true, "month": true, "week": true, "day": true, "hour": true, "minute": true, "second": true, "millisecond": true,
	}
	fillMethods   = map[string]bool{"linear": true, "locf": true}
	densifyBounds = map[string]bool{"full": true, "partition": true}
	windowBounds  = map[string]bool{"current": true, "unbounded": true}
)

// densify checks a stage that has no expressions: paths, numbers, dates and words.
func (p *parser) densify(v bson.RawValue) error {
	doc, err := arguments("$densify", v, form{required: []string{"field", "range"}, optional: []string{"partitionByFields"}})
	if err != nil {
		return err
	}
	if err := p.pathValue("$densify", argument(doc, "field")); err != nil {
		return err
	}
	if err := p.partition("$densify", doc); err != nil {
		return err
	}
	steps, err := arguments(`"range" of $densify`, argument(doc, "range"), form{required: []string{"step", "bounds"}, optional: []string{"unit"}})
	if err != nil {
		return err
	}
	if !bsonval.IsNumber(argument(steps, "step")) {
		return refuse(`$densify: "step" must be a number`)
	}
	if err := unit("$densify", steps); err != nil {
		return err
	}
	bounds := argument(steps, "bounds")
	if oneOf(densifyBounds, bounds) {
		return nil
	}
	return p.bounds(`"bounds" of $densify`, bounds, func(v bson.RawValue) bool { return bsonval.IsNumber(v) || v.Type == bson.TypeDateTime })
}

// fill checks {"output": {path: {"value": expression} or {"method": word}}}.
func (p *parser) fill(v bson.RawValue) error {
	doc, err := arguments("$fill", v, form{required: []string{"output"}, optional: []string{"partitionBy", "partitionByFields", "sortBy"}})
	if err != nil {
		return err
	}
	if err := p.partition("$fill", doc); err != nil {
		return err
	}
	output, err := object(`"output" of $fill`, argument(doc, "output"))
	if err != nil {
		return err
	}
	for it := bsonval.NewIter(output); it.Next(); {
		if _, err := p.path("$fill", string(it.Key())); err != nil {
			return err
		}
		how, v, ok := single(it.Value())
		switch {
		case ok && how == "value":
			err = p.expression(v, nil)
		case !ok || how != "method" || !oneOf(fillMethods, v):
			err = refuse(`$fill: each field of "output" needs a "value" or a known "method"`)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// setWindowFields checks {"output": {path: {"$accumulator": expression, "window": {…}}}}.
func (p *parser) setWindowFields(v bson.RawValue) error {
	doc, err := arguments("$setWindowFields", v, form{required: []string{"output"}, optional: []string{"partitionBy", "sortBy"}})
	if err != nil {
		return err
	}
	if err := p.partition("$setWindowFields", doc); err != nil {
		return err
	}
	output, err := object(`"output" of $setWindowFields`, argument(doc, "output"))
	if err != nil {
		return err
	}
	for it := bsonval.NewIter(output); it.Next(); {
		if _, err := p.path("$setWindowFields", string(it.Key())); err != nil {
			return err
		}
		if err := p.windowed(it.Value()); err != nil {
			return err
		}
	}
	return nil
}

// windowed checks {"$accumulator": expression, "window": {…}}.
func (p *parser) windowed(v bson.RawValue) error {
	doc, _ := bsonval.Document(v)
	used := 0
	for it := bsonval.NewIter(doc); it.Next(); {
		name := string(it.Key())
		var err error
		switch {
		case name == "window":
			err = p.window(it.Value())
		case !accumulators[name]:
			err = unlisted("window operator", name)
		default:
			used++
			err = p.accumulate(name, it.Value())
		}
		if err != nil {
			return err
		}
	}
	if used != 1 {
		return refuse(`$setWindowFields: each field of "output" needs exactly one operator`)
	}
	return nil
}

// window checks {"documents" or "range": [lower, upper], "unit": word}. The server takes expressions as bounds.
func (p *parser) window(v bson.RawValue) error {
	doc, err := arguments(`"window" of $setWindowFields`, v, form{optional: []string{"documents", "range", "unit"}})
	if err != nil {
		return err
	}
	for _, name := range []string{"documents", "range"} {
		if bounds := argument(doc, name); !bsonval.IsMissing(bounds) {
			isBound := func(v bson.RawValue) bool { return bsonval.IsNumber(v) || oneOf(windowBounds, v) }
			if err := p.bounds(`"`+name+`" of $setWindowFields`, bounds, isBound); err != nil {
				return err
			}
		}
	}
	return unit("$setWindowFields", doc)
}

// bounds checks an array of two constants.
func (p *parser) bounds(what string, v bson.RawValue, isBound func(bson.RawValue) bool) error {
	arr, _ := bsonval.Array(v)
	n := 0
	for it := bsonval.NewIter(arr); it.Next(); n++ {
		if !isBound(it.Value()) {
			return refuse("%s must be two constants or a known word", what)
		}
	}
	if n != 2 {
		return refuse("%s must be two constants or a known word", what)
	}
	return p.node()
}

// partition checks what the stages of this file say about groups and order.
func (p *parser) partition(stage string, doc bson.Raw) error {
	if by := argument(doc, "partitionBy"); !bsonval.IsMissing(by) {
		if err := p.expression(by, nil); err != nil {
			return err
		}
	}
	if fields := argument(doc, "partitionByFields"); !bsonval.IsMissing(fields) {
		arr, ok := bsonval.Array(fields)
		if !ok {
			return refuse(`%s: "partitionByFields" must be an array`, stage)
		}
		for it := bsonval.NewIter(arr); it.Next(); {
			if err := p.pathValue(stage, it.Value()); err != nil {
				return err
			}
		}
	}
	if sortBy := argument(doc, "sortBy"); !bsonval.IsMissing(sortBy) {
		_, err := parseSort(`"sortBy" of `+stage, sortBy)
		return err
	}
	return nil
}

func unit(stage string, doc bson.Raw) error {
	if v := argument(doc, "unit"); !bsonval.IsMissing(v) && !oneOf(units, v) {
		return refuse(`%s: "unit" must name a unit of time`, stage)
	}
	return nil
}
