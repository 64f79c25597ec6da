package pipeline

import (
	"math"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/filter"
	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/query"
)

// Pipeline is a pipeline that has been checked. It is immutable. The zero Pipeline and a nil one have no stages.
type Pipeline struct {
	stages []Stage
	others []string
}

// Stage is one stage of a pipeline: as it was written, and what was read of those that a find has too.
type Stage struct {
	Name string   // "$match"
	Raw  bson.Raw // the stage as the client wrote it: {"$match": {…}}

	Filter     *query.Filter      // $match
	FilterDoc  bson.Raw           // $match: its body
	Sort       *query.Sort        // $sort
	Projection *filter.Projection // $unset, and a $project of nothing but zeros and ones
	N          int64              // $limit and $skip
	CountField string             // $count
}

// Parse reads a pipeline. What it does not know or does not allow is refused with an *Error, at any depth.
func Parse(stages []bson.Raw, o Options) (*Pipeline, error) {
	p := parser{o: o.withDefaults()}
	if len(stages) > p.o.MaxStages {
		return nil, p.tooManyStages()
	}
	out := &Pipeline{stages: make([]Stage, 0, len(stages))}
	for _, raw := range stages {
		// Bounds every recursion below, and lets the walks below do without checks for corrupt bytes.
		if err := bsonval.Validate(raw, p.o.MaxDepth); err != nil {
			return nil, refuse("a stage of the pipeline is not a valid document or nested too deeply")
		}
		st, err := p.stage(raw, false)
		if err != nil {
			return nil, err
		}
		out.stages = append(out.stages, st)
	}
	out.others = p.others
	return out, nil
}

// Stages returns the stages in order. The caller must not change the result.
func (p *Pipeline) Stages() []Stage {
	if p == nil {
		return nil
	}
	return p.stages
}

// Others returns the other collections of the database that a pipeline of the system reads, each once.
func (p *Pipeline) Others() []string {
	if p == nil {
		return nil
	}
	return p.others
}

// parser carries the limits and what has been used of them.
type parser struct {
	o      Options
	stages int
	nodes  int
	others []string
}

func (p *parser) tooManyStages() error {
	return refuse("the pipeline has more than %d stages", p.o.MaxStages)
}

// node counts an expression, a constant or a path.
func (p *parser) node() error {
	p.nodes++
	if p.nodes > p.o.MaxNodes {
		return refuse("the expressions of the pipeline have more than %d parts", p.o.MaxNodes)
	}
	return nil
}

// stage reads one stage. Inside a $facet there is no other one.
func (p *parser) stage(raw bson.Raw, inFacet bool) (Stage, error) {
	if p.stages++; p.stages > p.o.MaxStages {
		return Stage{}, p.tooManyStages()
	}
	name, v, ok := single(bsonval.FromDocument(raw))
	if !ok {
		return Stage{}, refuse("a stage of the pipeline must be an object with exactly one field")
	}
	st := Stage{Name: name, Raw: raw}
	var err error
	switch name {
	case "$match":
		err = p.match(&st, v)
	case "$project":
		err = p.project(&st, v)
	case "$unset":
		err = p.unset(&st, v)
	case "$addFields", "$set":
		err = p.addFields(name, v)
	case "$sort":
		st.Sort, err = parseSort(name, v)
	case "$limit":
		st.N, err = count(name, v, 1, math.MaxInt64)
	case "$skip":
		st.N, err = count(name, v, 0, math.MaxInt64)
	case "$count":
		st.CountField, err = countField(v)
	case "$unwind":
		err = p.unwind(v)
	case "$replaceRoot":
		err = p.named(name, v, nil, form{required: []string{"newRoot"}})
	case "$replaceWith", "$sortByCount":
		err = p.expression(v, nil)
	case "$group":
		err = p.group(v)
	case "$bucket":
		err = p.bucket(v)
	case "$bucketAuto":
		err = p.bucketAuto(v)
	case "$densify":
		err = p.densify(v)
	case "$fill":
		err = p.fill(v)
	case "$setWindowFields":
		err = p.setWindowFields(v)
	case "$facet":
		if inFacet {
			return Stage{}, refuse(`aggregation stage "$facet" is not supported inside $facet`)
		}
		err = p.facet(v)
	default:
		if err = unlisted("aggregation stage", name); p.o.System {
			err = p.system(name, v)
		}
	}
	if err != nil {
		return Stage{}, err
	}
	return st, nil
}

// facet checks {"name": [stages]}. The results of the branches are fields, hence the names.
func (p *parser) facet(v bson.RawValue) error {
	doc, err := object("$facet", v)
	if err != nil {
		return err
	}
	branches := 0
	for it := bsonval.NewIter(doc); it.Next(); branches++ {
		if branches == p.o.MaxBranches {
			return refuse("$facet has more than %d branches", p.o.MaxBranches)
		}
		if err := fieldName("$facet", string(it.Key())); err != nil {
			return err
		}
		arr, ok := bsonval.Array(it.Value())
		if !ok {
			return refuse("each branch of $facet must be an array of stages")
		}
		if err := p.inner(arr, true); err != nil {
			return err
		}
	}
	return nil
}

// inner checks the stages of a pipeline inside a stage.
func (p *parser) inner(stages bson.Raw, inFacet bool) error {
	for it := bsonval.NewIter(stages); it.Next(); {
		raw, ok := bsonval.Document(it.Value())
		if !ok {
			return refuse("a stage of the pipeline must be an object with exactly one field")
		}
		if _, err := p.stage(raw, inFacet); err != nil {
			return err
		}
	}
	return nil
}
