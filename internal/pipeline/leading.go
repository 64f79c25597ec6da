package pipeline

import (
	"github.com/rolegate/rolegate/filter"
	"github.com/rolegate/rolegate/internal/query"
)

// Leading is the longest beginning of a pipeline that is nothing but a find: it comes to the same whether it is run as
// stages or as one find with these options, followed by a count of what was found.
type Leading struct {
	Match      []Stage            // $match stages: a document has to match all of them
	Sort       *query.Sort        // nil: none
	Skip       int64              // 0: none
	Limit      int64              // 0: none
	Projection *filter.Projection // nil: none
	CountField string             // of a $count; "": none
	// Rest is what follows. The first of them is the stage that is not part of a find, or not in the order of one.
	Rest []Stage
}

// The parts of a find, in the order in which they take effect.
const (
	partNone = iota
	partMatch
	partSort
	partSkip
	partLimit
	partProjection
	partCount
)

// Leading splits the pipeline into a find and the rest.
func (p *Pipeline) Leading() Leading {
	l := Leading{}
	last := partNone
	stages := p.Stages()
	for i := range stages {
		st := &stages[i]
		part := st.part()
		if part < last || part == last && part != partMatch {
			l.Rest = stages[i:]
			return l
		}
		last = part
		switch part {
		case partMatch:
			l.Match = append(l.Match, *st)
		case partSort:
			l.Sort = st.Sort
		case partSkip:
			l.Skip = st.N
		case partLimit:
			l.Limit = st.N
		case partProjection:
			l.Projection = st.Projection
		case partCount:
			l.CountField = st.CountField
		}
	}
	return l
}

// part tells which part of a find the stage can be.
func (st *Stage) part() int {
	switch {
	case st.Filter != nil:
		return partMatch
	case st.Sort != nil:
		return partSort
	case st.Name == "$skip":
		return partSkip
	case st.Name == "$limit":
		return partLimit
	case st.Projection != nil:
		return partProjection
	case st.Name == "$count":
		return partCount
	}
	return partNone
}
